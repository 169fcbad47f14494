package score

// A Reference is what is right about one record.
type Reference struct {
	Answers []string // acceptable answers, or for tasks that ask for several things: all of them
	Classes []string // the names of all classes (classification), else empty
	Length  int      // words of the record, for LongBench-E's groups; 0 if unknown
}

// A Scorer is a metric as one task uses it.
type Scorer struct {
	Metric string                                   // its name, as in "qa_f1"
	Score  func(pred string, ref Reference) float64 // 0..1
}
