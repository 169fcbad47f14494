// Package ui is what the command line shows: sizes, tables, progress bars, pictures
// of lazy layers and heads in the terminal, and the same as SVG and PNG.
//
// A [Term] knows whether its output is a terminal, how wide it is and which colours
// it takes. What is written to anything else, or with NO_COLOR set, carries no
// colours; into a pipe or a file no control sequences at all, and no progress bars.
package ui
