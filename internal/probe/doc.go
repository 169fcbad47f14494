// Package probe writes the built-in retrieval probes that calibration runs: texts
// whose end asks for something that was said long before.
//
// Which heads retrieve shows only when they have to: in plain text the retrieving
// heads look lazy. Four kinds make them work:
//
//	copy      text; a passage from its beginning starts again at the end
//	random    text with a run of random tokens in it, which comes again at the end
//	list      text with lines "amber-lantern: 48213"; some come again at the end, in another order
//	question  text with an invented fact; a question about it in the chat template, and the answer
//
// Of each, the queries at the end are those that look back (Probe.Last of them).
package probe
