package task

import (
	"fmt"
	"slices"
	"strings"
)

// ruler_vt: five variables, each assigned the one before it, in repeated noise; all
// that have the value are asked for. A short example with its answer comes first.
func rulerVT() Task {
	return generator{
		name: "ruler_vt", group: "ruler", summary: "The variables that have a value, through assignments in repeated noise.", scorer: scorer("ruler_vt"),
		lengths: []int{4096}, count: 50, least: 1, build: buildVT,
	}.task()
}

func buildVT(g *gen, n int) (Record, error) {
	const exampleTokens, exampleStep, answer = 500, 5, 30
	noises := exampleStep
	example, vars := "", []string(nil)
	for { // as many as 500 tokens take, in steps of five
		vars = g.variables(3)
		prompt, prefix := g.chain(vars, noises)
		text := prompt + prefix
		if example != "" && g.tokens(text+" "+strings.Join(vars, " "))+answer > exampleTokens {
			break
		}
		example = text + " " + strings.Join(vars, " ") + "\n\n\n\n"
		noises += exampleStep
	}
	vars = g.variables(5)
	prompt, prefix := g.chain(vars, n)
	r := Record{Prompt: example + prompt, Prefix: prefix, MaxTokens: answer}
	r.Reference.Answers = vars
	return r, nil
}

// variables are five names of k capital letters.
func (g *gen) variables(k int) []string {
	vars := make([]string, 5)
	for i := range vars {
		vars[i] = g.fresh(func() string {
			name := make([]byte, k)
			for j := range name {
				name[j] = byte('A' + g.IntN(26))
			}
			return string(name)
		})
	}
	return vars
}

// chain hides the assignments among n repetitions of the noise.
func (g *gen) chain(vars []string, n int) (prompt, prefix string) {
	value := g.number(5)
	lines := []string{"VAR " + vars[0] + " = " + value}
	for i, v := range vars[1:] {
		lines = append(lines, "VAR "+v+" = VAR "+vars[i]+" ")
	}
	noise := slices.Repeat([]string{rulerNoise + "\n"}, n)
	if n <= len(lines) { // too few: between the sentences of the noise
		noise = nil
		for range n {
			for s := range strings.SplitAfterSeq(rulerNoise, ".") {
				if s == "" {
					s = "\n"
				}
				noise = append(noise, s)
			}
		}
	}
	at := g.sample(len(noise), len(lines))
	slices.Sort(at)
	context := strings.ReplaceAll(strings.Join(insert(noise, lines, at), " "), ". \n", ".\n")
	return "Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n" + context +
			"\nQuestion: Find all variables that are assigned the value " + value + " in the text above.",
		fmt.Sprintf(" Answer: According to the chain(s) of variable assignment in the text above, %d variables are assgined the value %s, they are: ", len(vars), value)
}
