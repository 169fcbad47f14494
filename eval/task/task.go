package task

import "github.com/lighttransfer/lighttransfer/eval/score"

// A Task is one kind of question.
type Task struct {
	Name    string // as on the command line: "hotpotqa", "ruler_vt", "gsm8k"
	Group   string // what it is averaged with: "longbench", "ruler", "maths", "niah", "own"
	Summary string // one sentence for help texts
	Scorer  score.Scorer

	// Optional tasks are left out where their published data is missing. [Find] says
	// so of those that it was asked for by their group.
	Optional bool

	// Records makes or reads the task's records, the same ones in the same order
	// for equal options.
	Records func(o Options) ([]Record, error)
}

// Options say where records come from and how long they are.
type Options struct {
	Data    string // folder with published data; "" where a task needs none
	Lengths []int  // tokens of generated prompts with their answers; nil: the task's own default
	Count   int    // records per length of generated tasks; 0: the task's own default
	Seed    uint64 // of generated tasks

	// Tokens counts the tokens of a text, for generated tasks that fill a length.
	// nil: four bytes are one token.
	Tokens func(text string) int
}

// A Record is one question.
type Record struct {
	Task string `json:"task"`
	ID   string `json:"id"` // unique within the task, the same in every run

	// What the model is given. Prompt is the user's turn, or with Raw plain text
	// without a chat template.
	Prompt string `json:"prompt"`
	Raw    bool   `json:"raw,omitempty"`

	// Later, if not empty, is a second turn of the user: Prompt is read first, and
	// answered with Reply, before the policy knows what will be asked.
	Reply string `json:"reply,omitempty"`
	Later string `json:"later,omitempty"`

	// Target, if not empty, is a text that is given to the model token by token
	// after the prompt and Prefix (teacher forcing) and whose likelihood is measured.
	// With MaxTokens 0 that is all; otherwise an answer is generated as well.
	Target string `json:"target,omitempty"`

	MaxTokens int      `json:"max_tokens,omitempty"` // of the answer
	Stop      []string `json:"stop,omitempty"`       // texts that end it
	Prefix    string   `json:"prefix,omitempty"`     // the beginning of the answer, put into the model's mouth

	Reference score.Reference `json:"reference"`

	// Facts are what reports group by: "length" and "depth" of needles, the
	// LongBench-E group, the level of a maths problem.
	Facts map[string]float64 `json:"facts,omitempty"`
}
