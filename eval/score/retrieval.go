package score

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Retrieval from generated texts: needles, passkeys and RULER (Hsieh et al.,
// arXiv 2404.06654), whose metrics look for the references in the prediction,
// whatever their case.

var (
	// MatchAll is the share of the references that are in the prediction.
	MatchAll = Scorer{Metric: "string_match_all", Score: mean(stringMatch)}
	// MatchPart is whether any of them is.
	MatchPart = Scorer{Metric: "string_match_part", Score: best(stringMatch)}
	// Numbers is the share of the references that the prediction names, each as a
	// number or word of its own: 12345 does not name 1234.
	Numbers = Scorer{Metric: "number_found", Score: mean(named)}
)

// ruler is the table of its 13 tasks.
var ruler = map[string]Scorer{
	"niah_single_1": MatchAll, "niah_single_2": MatchAll, "niah_single_3": MatchAll,
	"niah_multikey_1": MatchAll, "niah_multikey_2": MatchAll, "niah_multikey_3": MatchAll,
	"niah_multivalue": MatchAll, "niah_multiquery": MatchAll,
	"vt": MatchAll, "cwe": MatchAll, "fwe": MatchAll,
	"qa_1": MatchPart, "qa_2": MatchPart,
}

// stringMatch is 1 if the reference is somewhere in the prediction, in which RULER
// takes control characters for line ends.
func stringMatch(pred, answer string) float64 {
	pred = strings.Map(func(r rune) rune {
		if r < ' ' {
			return '\n'
		}
		return r
	}, pred)
	if strings.Contains(strings.ToLower(strings.TrimFunc(pred, isSpace)), strings.ToLower(answer)) {
		return 1
	}
	return 0
}

// mean scores a prediction against every answer.
func mean(one func(pred, answer string) float64) func(string, Reference) float64 {
	return func(pred string, ref Reference) float64 {
		sum := 0.0
		for _, answer := range ref.Answers {
			sum += one(pred, answer)
		}
		return sum / max(float64(len(ref.Answers)), 1)
	}
}

// named is 1 if the prediction names the answer as a number or word of its own.
func named(pred, answer string) float64 {
	pred, answer = strings.ToLower(pred), strings.ToLower(answer)
	for at := 0; answer != ""; {
		n := strings.Index(pred[at:], answer)
		if n < 0 {
			break
		}
		from, to := at+n, at+n+len(answer)
		before, _ := utf8.DecodeLastRuneInString(pred[:from])
		after, _ := utf8.DecodeRuneInString(pred[to:])
		if !sticks(before) && !sticks(after) {
			return 1
		}
		_, size := utf8.DecodeRuneInString(pred[from:])
		at = from + size
	}
	return 0
}

func sticks(r rune) bool { return unicode.IsDigit(r) || unicode.IsLetter(r) && r < unicode.MaxASCII }
