package report

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// title names a section.
func (s *Section) title() string {
	if s.Model == "" {
		return s.ModelHash
	}
	return strings.TrimSuffix(path.Base(filepath.ToSlash(s.Model)), ".gguf")
}

// about says what the section's runs have in common.
func (s *Section) about() string {
	var parts []string
	if s.ModelHash != "" {
		parts = append(parts, "model hash "+s.ModelHash[:min(len(s.ModelHash), 16)])
	}
	if s.Context > 0 {
		parts = append(parts, "prompts cut to "+count(s.Context, "token"))
	}
	parts = append(parts, count(len(s.Runs), "run"))
	var cpus []string
	for _, r := range s.Runs {
		if r.CPU != "" && !slices.Contains(cpus, r.CPU) {
			cpus = append(cpus, r.CPU)
		}
	}
	return strings.Join(append(parts, cpus...), "; ")
}

// standing says how many records there are and what is missing of them.
func (s *Section) standing() []string {
	list := []string{count(s.Common, "record") + " answered under " + policies(len(s.Policies)) + "."}
	if n := s.Records - s.Common; n > 0 {
		list = append(list, fmt.Sprintf("%s answered under some policies only; figures stand on what all compared policies answered.", count(n, "record")))
	}
	missing, failed := 0, 0
	for _, p := range s.Policies {
		missing, failed = missing+p.Missing, failed+p.Failed
	}
	if missing > 0 {
		list = append(list, fmt.Sprintf("%s missing that the runs were to give: not all of their parts are here, or they have not ended.", count(missing, "answer")))
	}
	if failed > 0 {
		list = append(list, fmt.Sprintf("%s failed; going on with the run asks them again.", count(failed, "answer")))
	}
	if s.Duplicates > 0 {
		list = append(list, fmt.Sprintf("%s given twice; the first one counts.", count(s.Duplicates, "answer")))
	}
	for _, t := range s.Skipped {
		list = append(list, t.Task+" was left out: "+t.Why)
	}
	if s.Full == "" {
		list = append(list, "No run has full attention (--policy full): intervals are of the values themselves, and nothing says what a policy loses.")
	}
	return append(list, s.Notices...)
}

func policies(n int) string {
	switch n {
	case 1:
		return "the one policy"
	case 2:
		return "both policies"
	}
	return fmt.Sprintf("all of the %d policies", n)
}

// complete reports whether every policy answered everything.
func (s *Section) complete() bool {
	for _, p := range s.Policies {
		if p.Failed+p.Missing+p.Others > 0 {
			return false
		}
	}
	return true
}

// basis says what a table's average stands on.
func (t *Table) basis() string {
	switch {
	case t.Average == nil:
		return "No task was answered under all of these policies, so there is no average."
	case len(t.Tasks) == 1:
		return fmt.Sprintf("%s: %s.", t.Averaged[0], count(t.Average.Records, "record"))
	case len(t.Averaged) < len(t.Tasks):
		return fmt.Sprintf("Average of the %d tasks that all these policies answered, each counting the same (%s): %s.",
			len(t.Averaged), count(t.Average.Records, "record"), strings.Join(t.Averaged, ", "))
	}
	return fmt.Sprintf("Average of %d tasks, each counting the same: %s.", len(t.Averaged), count(t.Average.Records, "record"))
}

// choice says what a loss buys.
func (t *Table) choice(c Choice) (loss, what string) {
	digits := 0
	if c.Loss < 1 {
		digits = 2
	}
	loss = fixed(c.Loss, digits) + " " + t.Unit
	if c.Loss == 1 {
		loss = strings.TrimSuffix(loss, "s")
	}
	if c.Policy == "" {
		return loss, "none"
	}
	return loss, c.Policy
}

// noChoice says that no policy is a choice, or is empty.
func (t *Table) noChoice() string {
	for _, c := range t.Choices {
		if c.Policy != "" {
			return ""
		}
	}
	loss, _ := t.choice(t.Choices[len(t.Choices)-1])
	return "Of no policy is it 95 % sure that it loses no more than " + loss + "."
}

// window writes a policy's window.
func window(p *runs.Policy) string {
	if p.Spec == "full" || p.Sink+p.Recent == 0 {
		return "–"
	}
	s := fmt.Sprintf("%d/%d", p.Sink, p.Recent)
	if p.Stride > 0 {
		s += fmt.Sprintf("+%d", p.Stride)
	}
	return s
}

// title names what is looked for.
func (n *Needle) title() string { return groupTitle(n.Name) }

// records says what the maps stand on.
func (l *Lazy) records() string {
	var each []string
	same := true
	for _, m := range l.Maps {
		same = same && m.Records == l.Maps[0].Records
		each = append(each, m.Policy+" "+thousands(m.Records))
	}
	if same {
		return count(l.Maps[0].Records, "record") + " under each policy."
	}
	return "Records: " + strings.Join(each, ", ") + "."
}

// The sentences that both forms of the report have.
const (
	choicesLead   = "Fewest KV bytes that, 95 % sure, lose no more than:"
	choicesColumn = "loses at most"
	speedNote     = "Prompt tokens per second of reading and answering. Where policies share the reading of a prompt, it counts for each of them in full. " +
		"Tokens per CPU second do not depend on what else the machine did; lighttransfer bench compares speeds without this."
	lazyNote    = "How often each layer was lazy; where heads are chosen, the share of a layer's KV heads. Layers after the last one that was ever lazy are not shown."
	changedNote = "Answers that lost most against full attention, of different tasks and policies where there are."
	marksNote   = "Below each value the 95 % interval of the difference to full attention; ▼ below it, ▲ above it: the interval leaves out 0. One mark in twenty is chance."
)

// method says how figures came about.
var method = []string{
	"Intervals hold 95 %: percentiles of a paired bootstrap over records (10,000 resamples, seeded by the task's name, so that they are the same every time). With few records, below some twenty, they are too narrow; below five there are none. " +
		"Each resample draws the same records for every policy and takes the difference to full attention on them; averages draw within each task. " +
		"A policy that lost nothing on n records may still lose 3 in n; where it is said what is sure, that is counted.",
	"A record is a prompt: policies are compared on exactly the same text (task, id and hash of the prompt). Models, and runs that cut prompts to different lengths, are never mixed.",
	"KV bytes are those held at the end of the prompt, as a share of full attention's on the same records.",
	"The front is made of the policies that no other one here beats with as few bytes. Chosen after the fact among many, its points are a little too good.",
	"Tokens kept, NLL and KL are means over the tokens of the targets within a task, and over the tasks of a group.",
}
