package score

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// LongBench's metrics (Bai et al., arXiv 2308.14508), as its own script computes
// them, oddities included: published numbers have them too.

var (
	qaF1     = Scorer{Metric: "qa_f1", Score: best(englishF1)}
	qaF1zh   = chinese("qa_f1_zh", chineseF1)
	rougeL   = Scorer{Metric: "rouge_l", Score: best(rouge)}
	rougeLzh = chinese("rouge_l_zh", func(pred, answer string, cut func(string) []string) float64 {
		return rouge(strings.Join(cut(pred), " "), strings.Join(cut(answer), " "))
	})
	classes     = Scorer{Metric: "classification", Score: classification, check: hasClasses}
	paragraph   = retrieval("retrieval", regexp.MustCompile(`Paragraph (\p{Nd}+)`))
	paragraphZh = retrieval("retrieval_zh", regexp.MustCompile(`段落(\p{Nd}+)`))
	counting    = Scorer{Metric: "count", Score: best(count)}
	codeSim     = Scorer{Metric: "code_sim", Score: best(codeSimilarity)}
)

// LongBench are its 21 tasks, in the order of its table.
var LongBench = []string{"narrativeqa", "qasper", "multifieldqa_en", "multifieldqa_zh", "hotpotqa", "2wikimqa", "musique", "dureader",
	"gov_report", "qmsum", "multi_news", "vcsum", "trec", "triviaqa", "samsum", "lsht",
	"passage_count", "passage_retrieval_en", "passage_retrieval_zh", "lcc", "repobench-p"}

// LongBench16 are those that LightTransfer's paper reports.
var LongBench16 = []string{"narrativeqa", "qasper", "multifieldqa_en", "hotpotqa", "musique", "dureader",
	"gov_report", "qmsum", "multi_news", "trec", "triviaqa", "samsum", "passage_count", "passage_retrieval_en", "lcc", "repobench-p"}

// longBenchE are those that LongBench-E has too.
var longBenchE = []string{"qasper", "multifieldqa_en", "hotpotqa", "2wikimqa", "gov_report", "multi_news", "trec", "triviaqa", "samsum",
	"passage_count", "passage_retrieval_en", "lcc", "repobench-p"}

// longBench is the table of its scorers.
var longBench = map[string]Scorer{
	"narrativeqa": qaF1, "qasper": qaF1, "multifieldqa_en": qaF1, "multifieldqa_zh": qaF1zh,
	"hotpotqa": qaF1, "2wikimqa": qaF1, "musique": qaF1, "dureader": rougeLzh,
	"gov_report": rougeL, "qmsum": rougeL, "multi_news": rougeL, "vcsum": rougeLzh,
	"trec": firstLine(classes), "triviaqa": firstLine(qaF1), "samsum": firstLine(rougeL), "lsht": firstLine(classes),
	"passage_count": counting, "passage_retrieval_en": paragraph, "passage_retrieval_zh": paragraphZh,
	"lcc": codeSim, "repobench-p": codeSim,
}

// firstLine looks at nothing but the first line of a prediction that has text:
// models go on with the next example of a few-shot prompt.
func firstLine(s Scorer) Scorer {
	score := s.Score
	s.Score = func(pred string, ref Reference) float64 {
		line, _, _ := strings.Cut(strings.TrimLeft(pred, "\n"), "\n")
		return score(line, ref)
	}
	return s
}

// Groups are those of LongBench-E, by the words of a record.
var Groups = []string{"0-4k", "4-8k", "8k+"}

// Grouped reports whether a task is one of LongBench-E's, whose results are given per group.
func Grouped(task string) bool {
	name, ok := strings.CutSuffix(task, "_e")
	return ok && slices.Contains(longBenchE, name)
}

func withLength(s Scorer) Scorer {
	check := s.check
	s.check = func(ref Reference) error {
		if ref.Length <= 0 {
			return errors.New("no length (the words of the record), which says its group")
		}
		if check != nil {
			return check(ref)
		}
		return nil
	}
	return s
}

// Group is LongBench-E's group of a record with so many words.
func Group(words int) string {
	switch {
	case words < 4000:
		return Groups[0]
	case words < 8000:
		return Groups[1]
	}
	return Groups[2]
}

// f1 is the harmonic mean of precision and recall over words, each as often as it is there.
func f1(pred, answer []string) float64 {
	left := map[string]int{}
	for _, w := range answer {
		left[w]++
	}
	same := 0
	for _, w := range pred {
		if left[w] > 0 {
			left[w]--
			same++
		}
	}
	if same == 0 {
		return 0
	}
	precision, recall := float64(same)/float64(len(pred)), float64(same)/float64(len(answer))
	return 2 * precision * recall / (precision + recall)
}

func englishF1(pred, answer string) float64 { return f1(plainWords(pred), plainWords(answer)) }

// plainWords are the words of an English text in lower case, without ASCII
// punctuation and then without articles.
func plainWords(text string) []string {
	text = strings.Map(func(r rune) rune {
		if isPunct(r) {
			return -1
		}
		return r
	}, strings.ToLower(text))
	// An article is a whole run of letters, digits and underscores.
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexFunc(text, func(r rune) bool { return !isWordRune(r) })
		if n < 0 {
			n = len(text)
		}
		if run := text[:n]; run == "a" || run == "an" || run == "the" {
			b.WriteByte(' ')
		} else {
			b.WriteString(run)
		}
		text = text[n:]
		n = strings.IndexFunc(text, isWordRune)
		if n < 0 {
			n = len(text)
		}
		b.WriteString(text[:n])
		text = text[n:]
	}
	return fields(b.String())
}

// isPunct is Python's string.punctuation.
func isPunct(r rune) bool {
	return r > ' ' && r < 0x7f && !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
}

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// isSpace is what Python takes for space.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func fields(text string) []string { return strings.FieldsFunc(text, isSpace) }

func chineseF1(pred, answer string, cut func(string) []string) float64 {
	words := func(text string) (list []string) {
		for _, w := range cut(text) {
			if w = bareChinese(w); w != "" {
				list = append(list, w)
			}
		}
		return list
	}
	return f1(words(pred), words(answer))
}

const chinesePunct = "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏."

// bareChinese is a text in lower case without punctuation and space.
func bareChinese(text string) string {
	return strings.Map(func(r rune) rune {
		if isPunct(r) || isSpace(r) || strings.ContainsRune(chinesePunct, r) {
			return -1
		}
		return r
	}, strings.ToLower(text))
}

// classification is 1 over the number of classes named in the prediction, if the
// right one is among them. A class whose name is part of the right one's does not
// count; but like the script, which takes it out of the list it is walking along,
// this looks past the class that follows it.
func classification(pred string, ref Reference) float64 {
	return best(func(pred, answer string) float64 {
		var named []string
		for _, class := range ref.Classes {
			if strings.Contains(pred, class) {
				named = append(named, class)
			}
		}
		for i := 0; i < len(named); i++ {
			if class := named[i]; class != answer && strings.Contains(answer, class) {
				at := slices.Index(named, class)
				named = slices.Delete(named, at, at+1)
			}
		}
		if !slices.Contains(named, answer) {
			return 0
		}
		return 1 / float64(len(named))
	})(pred, ref)
}

func hasClasses(ref Reference) error {
	if len(ref.Classes) == 0 {
		return errors.New("no all_classes, the names of all classes")
	}
	return nil
}

var digits = regexp.MustCompile(`\p{Nd}+`)

// count is the share of the numbers in a prediction that are the right one.
func count(pred, answer string) float64 {
	numbers := digits.FindAllString(pred, -1)
	if len(numbers) == 0 {
		return 0
	}
	right := 0
	for _, n := range numbers {
		if n == answer {
			right++
		}
	}
	return float64(right) / float64(len(numbers))
}

// retrieval is count with the number of the right paragraph.
func retrieval(metric string, pattern *regexp.Regexp) Scorer {
	return Scorer{
		Metric: metric,
		Score: best(func(pred, answer string) float64 {
			if m := pattern.FindStringSubmatch(answer); m != nil {
				return count(pred, m[1])
			}
			return 0
		}),
		check: func(ref Reference) error {
			for _, answer := range ref.Answers {
				if !pattern.MatchString(answer) {
					return fmt.Errorf("the answer %.40q names no paragraph as in %s", answer, pattern)
				}
			}
			return nil
		},
	}
}

// codeSimilarity compares the first line that is neither a comment nor Markdown.
func codeSimilarity(pred, answer string) float64 {
	for line := range strings.SplitSeq(strings.TrimLeft(pred, "\n"), "\n") {
		if !strings.ContainsAny(line, "`#") && !strings.Contains(line, "//") {
			return ratio(line, answer)
		}
	}
	return ratio("", answer)
}
