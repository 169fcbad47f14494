// Package score says how good an answer is: the metrics of LongBench, of the
// retrieval tasks (NIAH, RULER, passkey) and of the maths tasks, each from its
// definition, with the numbers the official scripts give.
//
// LongBench's are equal, to the last digit the official results give, over two
// models' published predictions of all 21 tasks.
//
// A [Scorer] turns one prediction and what is right into 0..1; [For] finds that
// of a task. Nothing here knows models, files of records or runs.
package score
