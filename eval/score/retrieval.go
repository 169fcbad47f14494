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
	matchAll  = Scorer{Metric: "string_match_all", Score: stringMatchAll}
	matchPart = Scorer{Metric: "string_match_part", Score: best(stringMatch)}
	numbers   = Scorer{Metric: "number_found", Score: numbersFound}
)

// ruler is the table of its 13 tasks.
var ruler = map[string]Scorer{
	"niah_single_1": matchAll, "niah_single_2": matchAll, "niah_single_3": matchAll,
	"niah_multikey_1": matchAll, "niah_multikey_2": matchAll, "niah_multikey_3": matchAll,
	"niah_multivalue": matchAll, "niah_multiquery": matchAll,
	"vt": matchAll, "cwe": matchAll, "fwe": matchAll,
	"qa_1": matchPart, "qa_2": matchPart,
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

// stringMatchAll is the share of the references that are in the prediction.
func stringMatchAll(pred string, ref Reference) float64 { return share(pred, ref, stringMatch) }

// numbersFound is the share of the references that the prediction names, each as a
// number or word of its own: 12345 does not name 1234.
func numbersFound(pred string, ref Reference) float64 { return share(pred, ref, named) }

func share(pred string, ref Reference, one func(pred, answer string) float64) float64 {
	if len(ref.Answers) == 0 {
		return 0
	}
	sum := 0.0
	for _, answer := range ref.Answers {
		sum += one(pred, answer)
	}
	return sum / float64(len(ref.Answers))
}

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
