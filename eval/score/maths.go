package score

var mathAnswer = Scorer{Metric: "math_answer", Score: best(func(pred, answer string) float64 { return 0 })}
