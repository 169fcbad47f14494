package maths

import (
	"regexp"
	"strings"
)

var (
	number   = regexp.MustCompile(`-?\$?(?:\d[\d,]*\d|\d)?(?:\.\d+|\d)(?:/\d+)?`)
	sentence = regexp.MustCompile(`(?:(?:^|\s)[A-Za-z]{2,}\b.*){4}`) // four words
	answerIs = regexp.MustCompile(`(?i)\banswer(?: is|:)[:\s]*`)
)

// Final is the final answer of a solution: what the last \boxed{} holds, else what
// follows the last ####, or the last "answer is"; else the solution itself if it is
// one short line and no sentence, and otherwise its last number. Without any of
// them it is empty.
func Final(solution string) string {
	if s, ok := boxed(solution); ok {
		return s
	}
	if i := strings.LastIndex(solution, "####"); i >= 0 {
		return firstLine(solution[i+len("####"):])
	}
	if at := answerIs.FindAllStringIndex(solution, -1); at != nil {
		s := firstLine(solution[at[len(at)-1][1]:])
		if i := strings.Index(s, ". "); i >= 0 {
			s = s[:i]
		}
		return strings.TrimSuffix(s, ".")
	}
	if s := strings.TrimSpace(solution); len(s) <= 80 && !strings.Contains(s, "\n") && !sentence.MatchString(s) {
		return s
	}
	all := number.FindAllString(solution, -1)
	if all == nil {
		return ""
	}
	return all[len(all)-1]
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(s)
}

// boxed is what the last complete \boxed{} (or \fbox{}) of a text holds.
func boxed(text string) (string, bool) {
	for end := len(text); ; {
		i := max(strings.LastIndex(text[:end], `\boxed`), strings.LastIndex(text[:end], `\fbox`))
		if i < 0 {
			return "", false
		}
		rest := strings.TrimPrefix(strings.TrimPrefix(text[i:], `\boxed`), `\fbox`)
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "{") {
			if n := group(rest); n > 0 {
				return rest[1 : n-1], true
			}
		} else if n := strings.IndexAny(rest, " $\n"); n > 0 { // \boxed 5
			return rest[:n], true
		} else if n < 0 && rest != "" {
			return rest, true
		}
		end = i
	}
}

// group is the length of the group {...} that a text begins with, or 0.
func group(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// Right reports whether a solution comes to the right answer, which may itself be a
// solution: then its final answer counts.
func Right(solution, answer string) bool {
	if strings.Contains(answer, "####") || strings.Contains(answer, `\boxed`) {
		answer = Final(answer)
	}
	got := Final(solution)
	if Equal(got, answer) {
		return true
	}
	// "The answer is 18 because ..."
	if _, isBoxed := boxed(solution); isBoxed || number.FindString(answer) != strings.TrimSpace(answer) {
		return false
	}
	return answerIs.MatchString(solution) && Equal(number.FindString(got), answer)
}

// Majority is the index of a solution whose final answer most solutions agree with,
// the first of them; -1 if none has an answer.
func Majority(solutions []string) int {
	type group struct {
		first, votes int
		answer       string
	}
	var groups []group
	best := -1
next:
	for i, s := range solutions {
		answer := Final(s)
		if answer == "" {
			continue
		}
		for g := range groups {
			if Equal(groups[g].answer, answer) {
				groups[g].votes++
				continue next
			}
		}
		groups = append(groups, group{i, 1, answer})
	}
	votes := 0
	for _, g := range groups {
		if g.votes > votes {
			best, votes = g.first, g.votes
		}
	}
	return best
}
