package report

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/lighttransfer/lighttransfer/eval/runs"
)

// synthetic policies: how many bytes they keep, how much they lose, how many of 30
// layers (or of 3 heads in each) are lazy.
var synthetic = []struct {
	spec   string
	stride int
	kv     string
	share  float64
	loss   float64
	lazy   int
	heads  bool
}{
	{"full", 0, "bf16", 1, 0, 0, false},
	{"full", 0, "int8", 0.52, 0.002, 0, false},
	{"lighttransfer:0.25", 0, "bf16", 0.77, 0.30, 7, false},
	{"lighttransfer:0.5", 0, "bf16", 0.54, 0.62, 15, false},
	{"lighttransfer:0.5,by=error", 0, "bf16", 0.54, 0.02, 15, false},
	{"lighttransfer:0.75,by=error,unit=head", 0, "bf16", 0.31, 0.06, 22, true},
	{"lighttransfer:0.9,by=error,unit=head", 0, "bf16", 0.17, 0.22, 27, true},
	{"plan:error-2.json", 8, "bf16", 0.36, 0.012, 23, true},
	{"plan:error-5.json", 16, "bf16", 0.17, 0.05, 27, true},
	{"plan:error-5.json", 16, "int8", 0.09, 0.055, 27, true},
	{"plan:error-10.json", 0, "bf16", 0.13, 0.4, 28, true},
	{"streaming", 0, "bf16", 0.08, 0.85, 30, false},
	{"random:0.5", 0, "bf16", 0.54, 0.5, 15, false},
	{"pyramid", 0, "bf16", 0.45, 0.45, 20, false},
	{"snapkv:0.25", 0, "bf16", 0.25, 0.09, 0, false},
	{"minicache", 0, "bf16", 0.6, 0.7, 0, false},
}

var syntheticTasks = []string{"niah_single", "niah_multikey", "hotpotqa", "qasper", "gov_report", "trec", "lcc", "text_novel", "text_code", "kv_lines_later", "copy_later"}

// syntheticRun is a run as a model of 30 layers might give it, the same every time.
func syntheticRun(policies, perTask int) runs.Run {
	cfg := runs.Config{Model: "SmolLM2-135M-Instruct", ModelHash: "5af3c1d2e4b6a798", Tasks: syntheticTasks, Seed: 7, Context: 8192,
		CPU: "AMD EPYC 9R14, 2 cores", Kernels: "avx512", Version: "v0.2.0", Command: "lighttransfer eval longbench niah --model SmolLM2.gguf --policy full,..."}
	var results []runs.Result
	for i, s := range synthetic[:policies] {
		p := runs.Policy{Name: s.spec, Spec: s.spec, Sink: 4, Recent: 252, Stride: s.stride, KV: s.kv}
		if s.stride > 0 {
			p.Name += fmt.Sprintf(" +1/%d", s.stride)
		}
		if s.kv != "bf16" {
			p.Name += " " + s.kv
		}
		cfg.Policies = append(cfg.Policies, p)
		for _, task := range syntheticTasks {
			for n := range perTask {
				results = append(results, syntheticResult(i, p.Name, task, n))
			}
		}
	}
	cfg.Records = len(syntheticTasks) * perTask
	return runs.Run{Dirs: []string{"runs/smollm2"}, Config: cfg, Results: results}
}

func seeded(parts ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, parts...)
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

func syntheticResult(policy int, name, task string, n int) runs.Result {
	s := synthetic[policy]
	about := seeded(task, n) // the record's own difficulty, the same for all policies
	mine := seeded(task, n, s.spec, s.stride, s.kv)
	length, depth := float64(1024*(1+n%8)), float64(n/8%11)/10
	tokens := int(length)
	res := runs.Result{Task: task, ID: fmt.Sprintf("%s-%d", task, n), Policy: name, PromptHash: fmt.Sprintf("%016x", about.Uint64()), PromptTokens: tokens,
		Answers: []string{fmt.Sprint(about.IntN(9000000) + 1000000)}, Length: tokens * 3 / 4,
		KVFullBytes: int64(tokens) * 23040, KVBytes: int64(s.share * float64(tokens) * 23040), KVPeakBytes: int64((s.share + 0.05) * float64(tokens) * 23040),
		Seconds: float64(tokens) / (900 + 500*(1-s.share)) * (1 + 0.1*mine.Float64()), LazyLayers: nil}
	res.CPUSeconds = 1.9 * res.Seconds
	hard := about.Float64()
	lost := s.loss * (0.5 + depth*0.2 + length/16384) * (0.6 + 0.8*mine.Float64())
	switch task {
	case "niah_single", "niah_multikey":
		res.Facts = map[string]float64{"length": length, "depth": depth}
		base := 0.97
		if task == "niah_multikey" {
			base = 0.86
		}
		right := hard < base && mine.Float64() > lost
		res.Prediction = res.Answers[0]
		if !right {
			res.Prediction = fmt.Sprint(mine.IntN(9000000))
		}
		res.Score = new(map[bool]float64{true: 1}[right])
	case "text_novel", "text_code", "kv_lines_later", "copy_later":
		res.Tokens, res.FullRight = 12, new(8+about.IntN(4))
		res.NLL = new(1.2 + hard + lost*1.5*mine.Float64() - 0.01*mine.Float64())
		if policy > 0 {
			res.KL, res.Kept = new(lost*(0.05+mine.Float64())/3+0.0004), new(math.Max(0, math.Round((1-lost*mine.Float64())*8)/8))
		} else {
			res.NLL = new(1.2 + hard)
		}
	default:
		res.Score = new(math.Min(1, math.Max(0, 0.2+0.5*hard-0.35*lost+0.3*(mine.Float64()-0.5))))
		res.Prediction = fmt.Sprintf("An answer of %d words.", mine.IntN(30))
		if policy == 0 {
			res.Score = new(0.2 + 0.5*hard)
		}
	}
	for k := range s.lazy {
		layer := (k*7 + 3) % 30
		if mine.Float64() < 0.15 && s.spec[0] == 'l' { // decided per prompt; some come twice, as damaged results might
			layer = mine.IntN(30)
		}
		if !s.heads {
			res.LazyLayers = append(res.LazyLayers, layer)
			continue
		}
		for h := range 3 {
			if (k+h)%4 > 0 || s.loss > 0.2 {
				res.LazyHeads = append(res.LazyHeads, [2]int{layer, h})
			}
		}
	}
	return res
}
