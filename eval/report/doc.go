// Package report turns the results of runs into what people read: a table per
// group of tasks with published numbers beside it, quality against KV bytes,
// heat maps of needles and of lazy layers, as Markdown, HTML (one file, pictures
// inline) and CSV, with confidence intervals from a paired bootstrap against full
// attention. Every figure says how many records it stands on.
package report
