package runs

// A Config says what a run is: enough to go on with it, and to repeat it.
type Config struct {
	Model     string   `json:"model"`                // name, as given
	ModelHash string   `json:"model_hash,omitempty"` // of local models
	Endpoints []string `json:"endpoints,omitempty"`  // of remote ones
	Tasks     []string `json:"tasks"`
	Policies  []Policy `json:"policies"`
	Records   int      `json:"records"`           // of all tasks and shards together, per policy
	Lengths   []int    `json:"lengths,omitempty"` // tokens of generated prompts
	Count     int      `json:"count,omitempty"`   // records per length of generated tasks
	Limit     int      `json:"limit,omitempty"`   // most records per task; 0: all
	Seed      uint64   `json:"seed"`
	Context   int      `json:"context"` // tokens that prompts are cut to, in the middle
	CPU       string   `json:"cpu"`
	Kernels   string   `json:"kernels"`
	Version   string   `json:"version"`
	Command   string   `json:"command"`

	Skipped []Skipped `json:"skipped,omitempty"` // what is not among Tasks of the groups that were asked for
}

// A Skipped task was asked for by its group only, and left out.
type Skipped struct {
	Task string `json:"task"`
	Why  string `json:"why"`
}

// A Policy is one way of computing that a run compares.
type Policy struct {
	Name   string `json:"name"` // unique in the run: the spec, with window and precision where those differ
	Spec   string `json:"spec"` // as in --policy
	Sink   int    `json:"sink"`
	Recent int    `json:"recent"`
	Stride int    `json:"stride"`
	KV     string `json:"kv"` // precision of the cache

	PlanHash string `json:"plan_hash,omitempty"` // of a plan's contents
}

// A Result is one record answered under one policy: a line of a results file.
type Result struct {
	Task   string `json:"task"`
	ID     string `json:"id"`
	Policy string `json:"policy"` // Policy.Name

	PromptHash   string `json:"prompt_hash"`   // SHA-256 of the prompt's text, 16 hexadecimal digits
	PromptTokens int    `json:"prompt_tokens"` // after cutting
	CutTokens    int    `json:"cut_tokens,omitempty"`

	Prediction string   `json:"pred"`
	Answers    []string `json:"answers"`
	Classes    []string `json:"all_classes"`
	Length     int      `json:"length"`          // words of the record (LongBench)
	Score      *float64 `json:"score,omitempty"` // 0..1; null: nothing was generated

	// Of records with a target, mean over its tokens.
	NLL       *float64 `json:"nll,omitempty"`        // negative log-likelihood, nats
	KL        *float64 `json:"kl,omitempty"`         // from full attention in the same run, nats
	Kept      *float64 `json:"kept,omitempty"`       // of the target tokens that full attention puts first, the share that this policy puts first too
	FullRight *int     `json:"full_right,omitempty"` // how many those are
	Tokens    int      `json:"target_tokens,omitempty"`

	Seconds     float64  `json:"seconds"` // reading (shared reading counts for each) and answering
	CPUSeconds  float64  `json:"cpu_seconds,omitempty"`
	KVBytes     int64    `json:"kv_bytes"` // at the end of the prompt
	KVPeakBytes int64    `json:"kv_peak_bytes"`
	KVFullBytes int64    `json:"kv_full_bytes"`
	LazyLayers  []int    `json:"lazy_layers,omitempty"`
	LazyHeads   [][2]int `json:"lazy_heads,omitempty"`

	Facts map[string]float64 `json:"facts,omitempty"`
	Error string             `json:"error,omitempty"` // why there is no answer; such a record is asked again when the run goes on
}
