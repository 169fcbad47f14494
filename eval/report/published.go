package report

// Published are figures of a paper, to be read beside a group's own.
type Published struct {
	Title   string     `json:"title"`
	Source  string     `json:"source"`
	Note    string     `json:"note"` // what to mind in the comparison
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"` // the first cell names the row; "": not published
}

const paper = "arXiv 2410.13846 (LightTransfer)"

// published are the figures by group.
var published = map[string]*Published{
	"longbench": {
		Title: "LongBench, average of 16 tasks", Source: paper,
		Note:    "Half of the layers lazy, window 4/1020; prompts cut to 3500, 31500 and 7500 tokens; the 16 have DuReader and not 2WikiMQA.",
		Columns: []string{"model", "full", "StreamingLLM", "MiniCache", "SqueezeAttention", "LightTransfer"},
		Rows: [][]string{
			{"LLaMA2-7B", "31.8", "28.3", "27.7", "28.7", "29.5"},
			{"Mistral-7B", "47.6", "37.4", "35.3", "42.5", "47.4"},
			{"LLaMA3-8B", "40.8", "36.1", "31.7", "36.5", "38.7"},
			{"LLaMA3-70B", "44.8", "40.0", "40.1", "41.3", "43.6"},
		},
	},
	"niah": {
		Title: "Needles in 32K tokens, Mistral-7B", Source: paper,
		Note:    "A quarter of the layers lazy, window 4/1020.",
		Columns: []string{"task", "full", "LightTransfer"},
		Rows: [][]string{
			{"single key", "96.6", "96.7"},
			{"multi key", "78.9", "78.2"},
		},
	},
	"maths": {
		Title: "Long reasoning, QwQ-32B-STILL and methods on it", Source: paper,
		Note:    "Greedy, up to 32K tokens of answer.",
		Columns: []string{"method", "MATH-OAI", "AIME24", "AIME25", "GSM8K"},
		Rows: [][]string{
			{"o1-preview", "85.5", "44.6", "", ""},
			{"full", "90.2", "46.7", "33.3", "95.6"},
			{"LightTransfer-Train", "90.7", "53.3", "40.0", "95.5"},
			{"LightTransfer-Test", "85.0", "40.0", "", ""},
			{"LongGen", "78.2", "16.7", "", "95.4"},
			{"SqueezeAttention", "82.6", "15.0", "", ""},
			{"DuoAttention", "79.2", "33.3", "", ""},
			{"MiniCache", "20.0", "0.0", "", ""},
		},
	},
}

// publishedSpeed stands beside the table of speeds.
var publishedSpeed = &Published{
	Title: "Throughput against full attention, Mistral-7B", Source: paper,
	Note:    "On a GPU, half of the layers lazy, the largest batch that fits: what smaller caches give to batches is not in the speeds above.",
	Columns: []string{"method", "4K", "8K", "16K", "32K"},
	Rows: [][]string{
		{"LightTransfer", "1.44", "1.78", "2.17", "1.75"},
		{"MiniCache", "1.26", "1.29", "1.52", "1.41"},
		{"SqueezeAttention", "1.03", "1.09", "1.12", "1.04"},
	},
}
