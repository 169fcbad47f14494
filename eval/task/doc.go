// Package task makes the questions of an evaluation: LongBench, needles, RULER,
// maths and this project's own retrieval tasks, as lists of [Record] values.
//
// A [Task] is one small file with an entry in one table. Tasks of published data
// read it in its official layout from a folder; generated tasks make it from a
// seed, at any length. Every record says what the model is given and what is
// right; how it is answered, by which model and under which policy, is not known here.
package task
