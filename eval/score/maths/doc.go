// Package maths says whether two final answers to a mathematical problem are the
// same: numbers, formulas, intervals, sets, tuples, matrices, equations, words, as
// LaTeX or as plain text.
//
// [Final] finds the answer in a solution, [Equal] compares two answers. An answer
// is cleaned of what only looks different (latex.go), parsed (parse.go), and then
// compared: formulas by their values at a few points, exactly where that is
// possible (value.go), everything else part by part (equal.go).
//
// Equal is strict where a grader would be: 0.333 is not 1/3, (1,2) is not [1,2],
// 52 in base eight is not 52. Units, degree signs, currency and percent signs
// are ignored, as the official scripts of GSM8K and MATH ignore them.
package maths
