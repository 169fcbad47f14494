package score

import "strings"

// rouge is ROUGE-L (Lin 2004) of a summary as the Python package rouge 1.0
// computes it: sentences end at full stops; every sentence of the answer is
// compared with every one of the prediction by their longest common subsequence;
// and what counts are different words, those of the prediction, of the answer, and of
// all the subsequences together.
//
// Where Python's stack is too short for the package, on sentences of about a
// thousand words, the script of LongBench gives 0; this gives the score.
func rouge(pred, answer string) float64 {
	ids := map[string]int{}
	p, pWords := sentences(pred, ids)
	a, aWords := sentences(answer, ids)
	if len(p) == 0 || len(a) == 0 {
		return 0
	}
	common := make([]bool, len(ids))
	for _, x := range a {
		for _, y := range p {
			lcs(x, y, common)
		}
	}
	n := 0
	for _, is := range common {
		if is {
			n++
		}
	}
	precision, recall := float64(n)/float64(pWords), float64(n)/float64(aWords)
	return 2 * (precision * recall / (precision + recall + 1e-8))
}

// sentences returns the sentences of a text as numbers of words, and how many
// different words it has. A sentence of spaces is one empty word.
func sentences(text string, ids map[string]int) (list [][]int, different int) {
	seen := map[int]bool{}
	for s := range strings.SplitSeq(text, ".") {
		if s == "" {
			continue
		}
		words := fields(s)
		if len(words) == 0 {
			words = []string{""}
		}
		numbers := make([]int, len(words))
		for i, w := range words {
			id, ok := ids[w]
			if !ok {
				id = len(ids)
				ids[w] = id
			}
			numbers[i] = id
			seen[id] = true
		}
		list = append(list, numbers)
	}
	return list, len(seen)
}

// lcs marks the words of the longest common subsequence of x and y. There may be
// several; going backwards, it is the one that leaves out words of x only where
// leaving out one of y would make it shorter.
func lcs(x, y []int, marks []bool) {
	n := len(y)
	up := make([]bool, len(x)*n) // [x][y] leaving out the word of x is longer
	row := make([]int32, n+1)    // [y] length, for the words of x so far
	for i, w := range x {
		diagonal := int32(0)
		for j, v := range y {
			above := row[j+1]
			switch left := row[j]; {
			case w == v:
				row[j+1] = diagonal + 1
			case above > left:
				up[i*n+j] = true
			default:
				row[j+1] = left
			}
			diagonal = above
		}
	}
	for i, j := len(x)-1, n-1; i >= 0 && j >= 0; {
		switch {
		case x[i] == y[j]:
			marks[x[i]] = true
			i--
			j--
		case up[i*n+j]:
			i--
		default:
			j--
		}
	}
}
