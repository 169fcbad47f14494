// Package task makes the questions of an evaluation: LongBench, needles, RULER,
// maths and this project's own retrieval tasks, as lists of [Record] values.
//
// A [Task] is one small file with an entry in one table ([All], [Find]). Tasks of
// published data read it in its official layout from a folder; generated tasks make
// it from a seed, at any length. Every record says what the model is given and what is
// right; how it is answered, by which model and under which policy, is not known here.
//
// # Published data
//
// Options.Data is a folder (or LongBench's data.zip itself); the first file of a row
// that is there is read, whole. A damaged line is an error that names it.
//
//	longbench, longbench-e  data/TASK.jsonl, TASK.jsonl, or data.zip with either in it
//	gsm8k                   gsm8k/test.jsonl, gsm8k.jsonl, main/test-*.parquet
//	math_oai                math_oai.jsonl, math/math_oai.jsonl, math_splits/test.jsonl, MATH-500/test.jsonl
//	aime24, aime25          aime24.jsonl, aime/aime24.jsonl, aime_2024/data/*.parquet, ...
//	ruler_qa_1              squad.json or dev-v2.0.json (SQuAD 2.0)
//	ruler_qa_2              hotpotqa.json or hotpot_dev_distractor_v1.json
//	text_encyclopedia       encyclopedia/*.txt or text/wiki*.txt (WikiText)
//	text_code               code/*; otherwise Go source of this project
//	niah, ruler with essays PaulGrahamEssays.json or PaulGrahamEssays/*.txt; otherwise the
//	                        ends of three novels, with which scores are not RULER's own
//
// [ErrNoData] says that nothing of a row is there.
//
// # Generated records
//
// A record depends on the task, the seed, the length and its number, and on nothing
// else: not on how many are made, nor on the machine. A task and its _later variant
// ask the same. Lengths count the prompt, the beginning of the answer and the tokens
// that the answer may take, as RULER does; a chat template's tokens come on top.
package task
