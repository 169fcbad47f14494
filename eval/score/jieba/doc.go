// Package jieba finds the words of Chinese text as the Python package jieba does
// in its exact mode, word for word: scores of Chinese tasks count words, and the
// published ones were counted with it.
//
// Text is cut in two steps. A dictionary of words with frequencies gives the most
// probable way through each stretch of Chinese, Latin letters and digits (cut.go);
// what is left of it as single characters goes through a hidden Markov model that
// knows which characters begin and end words (markov.go).
//
// The dictionary and the model's tables are not part of this program. [Open] reads
// them from the package's own source archive, jieba-0.42.1.tar.gz, as
// tools/fetch-jieba.sh gets it; [DefaultFile] is where that is looked for.
package jieba
