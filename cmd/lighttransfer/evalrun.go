package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/eval"
	"github.com/lighttransfer/lighttransfer/eval/runs"
	"github.com/lighttransfer/lighttransfer/eval/score"
	"github.com/lighttransfer/lighttransfer/eval/task"
	"github.com/lighttransfer/lighttransfer/internal/kernel"
	"github.com/lighttransfer/lighttransfer/internal/mem"
	"github.com/lighttransfer/lighttransfer/tokenizer"
)

// evalFlags are what the user wants evaluated.
type evalFlags struct {
	loading
	windowing
	model     string
	endpoints []string
	tasks     task.Options
	limit     int
	shard     shardFlag
	out       string
	policies  []string
	kv        string
	budget    int64
	context   int
	jieba     string
	rate      float64
	parallel  int
}

// evalRunning makes the parent of eval's verbs a command that runs tasks.
func evalRunning(a *app, c *cobra.Command) {
	o := &evalFlags{kv: "bf16", shard: shardFlag{Count: 1}}
	c.Use = "eval TASK... --model MODEL [--endpoint URL]"
	c.Long = `Eval answers the records of tasks, scores the answers and keeps them in a folder, one
line of JSON per record and policy. A TASK is one of lighttransfer help tasks, a group
of them, or a .jsonl file of records of your own. Of a group, tasks whose published data
is not in --data are left out, and said. Stop it whenever you like: the same command goes
on where it was, and asks again what failed.

Several policies share the reading of each prompt where they can: those that decide
while they read. Behind an @ a policy may have a window and a precision of its own:

  --policy lighttransfer:lazy=0.5@4/252     sinks/recent
  --policy streaming@4/252+8,kv=int8        and every 8th older token; int8 cache

Prompts longer than --context, or than the model allows, lose their middle, as in
LongBench.

With --endpoint the model is asked over the network; the key is taken from OPENAI_API_KEY.
What may pass is tried again with growing pauses, or as the server asks.

On several machines give each a --shard, 0/N to N-1/N, and one --out, or one each;
eval report merges them.

With --json, when all is done:
  {"out": "...", "model": "...", "answered": 40, "failed": 0, "before": 0, "missing": 0,
   "rows": [{"task": "...", "policy": "...", "count": 20, "failed": 0, "score": 0..100,
             "nll": 1, "kl": 0.1, "kept": 0.9, "mean_kv_bytes": 1, "kv_share": 0.5,
             "mean_seconds": 1, "mean_prompt_tokens": 1}, ...],
   "skipped": [{"task": "...", "why": "..."}, ...]}
answered and failed count this start's, before those of earlier ones; missing what all
shards together still lack; skipped is what was left out of groups.`
	c.Example = `  lighttransfer eval questions.jsonl --model SmolLM2.gguf --policy full --policy lighttransfer:lazy=0.5
  lighttransfer eval kv_lines number_later --model SmolLM2.gguf --length 1536 --count 8 --policy full --policy auto
  lighttransfer eval questions.jsonl --model SmolLM2.gguf --shard 0/4 --out /shared/run
  lighttransfer eval questions.jsonl --endpoint http://localhost:8000/v1 --model qwen3-32b`
	c.Args = cobra.ArbitraryArgs
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, g := range task.Groups() {
			names = append(names, g.Name)
		}
		for _, t := range task.All() {
			names = append(names, t.Name)
		}
		return names, cobra.ShellCompDirectiveDefault // and files
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 && c.Flags().NFlag() == 0 {
			return c.Help()
		}
		return a.evalRun(c, args, o)
	}
	o.flags(c)
}

func (o *evalFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.model, "model", "", "the `MODEL` that answers; with --endpoint its name there")
	f.StringVar(&o.tasks.Data, "data", "", "folder `DIR` with published data, for tasks that need some")
	f.IntVar(&o.limit, "limit", 0, "at most `N` records of each task (0: all)")
	f.IntSliceVar(&o.tasks.Lengths, "length", nil, "generate prompts of `N,...` tokens (default: the task's own)")
	f.IntVar(&o.tasks.Count, "count", 0, "generate `N` records per length (0: the task's own)")
	f.Uint64Var(&o.tasks.Seed, "seed", 1, "seed `N` of generated tasks")
	f.Var(&o.shard, "shard", "answer only part `I/N` of the records, I from 0")
	f.StringVar(&o.out, "out", "", "the run's `DIR` (default: one in eval-runs named after the run)")
	f.StringArrayVar(&o.policies, "policy", []string{"full"}, "a policy to compare, a `SPEC`; may be given several times (lighttransfer help policies)")
	o.windowing.flags(c, lighttransfer.DefaultWindow)
	f.Var(&choice{&o.kv, []string{"bf16", "int8"}}, "kv", "precision of the KV cache")
	f.Var((*byteSize)(&o.budget), "kv-budget", "most that a policy's KV cache may hold, like 2GiB, and where possible those of all policies (default: what is free, half of it for all)")
	f.IntVar(&o.context, "context", 0, "cut prompts to `N` tokens in the middle (0: to what the model was made for)")
	jiebaFlag(c, &o.jieba)
	o.loading.flags(c)
	f.StringArrayVar(&o.endpoints, "endpoint", nil, "ask a model at this OpenAI-compatible `URL` instead, like https://host/v1; several take turns")
	f.Float64Var(&o.rate, "rate", 0, "at most `N` requests per minute to all endpoints together (0: no limit)")
	f.IntVar(&o.parallel, "parallel", 4, "`N` requests at a time per endpoint")
	c.RegisterFlagCompletionFunc("policy", completePolicy)
	c.RegisterFlagCompletionFunc("model", func(c *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return modelArgument(c, nil, prefix)
	})
}

// shardFlag is a flag like 0/4.
type shardFlag runs.Shard

func (s *shardFlag) Type() string   { return "I/N" }
func (s *shardFlag) String() string { return runs.Shard(*s).String() }

func (s *shardFlag) Set(text string) error {
	var i, n int
	if _, err := fmt.Sscanf(text, "%d/%d", &i, &n); err != nil || n < 1 || i < 0 || i >= n || text != fmt.Sprintf("%d/%d", i, n) {
		return errors.New("write it like 0/4, the first of four, to 3/4, the last")
	}
	*s = shardFlag{i, n}
	return nil
}

// check refuses what can be seen to be wrong without a model.
func (o *evalFlags) check(c *cobra.Command) error {
	switch {
	case o.model == "":
		return usagef("--model missing: which model is to answer?")
	case len(o.endpoints) > 0 && (c.Flags().Changed("policy") || c.Flags().Changed("kv")):
		return usagef("--policy and --kv are for local models: what an endpoint computes is its own")
	case !(o.rate >= 0) || o.parallel < 1:
		return usagef("--rate must be 0 (no limit) or more, --parallel at least 1")
	case o.limit < 0 || o.context < 0 || o.tasks.Count < 0:
		return usagef("--limit, --count and --context must be 0 or more")
	case slices.ContainsFunc(o.tasks.Lengths, func(n int) bool { return n < 1 }):
		return usagef("--length: lengths of at least 1, parted by commas")
	}
	if err := o.windowing.check(c); err != nil {
		return err
	}
	return o.loading.check()
}

// evalResult is the JSON document.
type evalResult struct {
	Out      string     `json:"out"`
	Model    string     `json:"model"`
	Answered int        `json:"answered"`
	Failed   int        `json:"failed"`
	Before   int        `json:"before"`
	Missing  int        `json:"missing"`
	Rows     []eval.Row `json:"rows"`

	Skipped []runs.Skipped `json:"skipped,omitempty"`
}

func (a *app) evalRun(c *cobra.Command, names []string, o *evalFlags) error {
	tasks, err := evalTasks(names)
	if err != nil {
		return usageError{err}
	}
	if err := o.check(c); err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop()
	if len(o.endpoints) > 0 {
		return a.evalRemote(ctx, tasks, o)
	}
	return a.evalLocal(ctx, tasks, o)
}

func (a *app) evalLocal(ctx context.Context, tasks []task.Task, o *evalFlags) error {
	policies, err := eval.ParsePolicies(o.policies, eval.Settings{Window: o.window, Last: o.last, KV: o.kv})
	if err != nil {
		return policyError(err)
	}
	m, _, err := a.open(o.model, &o.loading)
	if err != nil {
		return err
	}
	defer m.Close()
	together := o.budget
	if free, ok := mem.Available(); ok && together == 0 {
		together = free / 2
	}
	o.tasks.Tokens = func(text string) int { return len(m.Tokenizer().Encode(text, tokenizer.EncodeOptions{})) }
	local := &eval.Local{Model: m, Last: o.last, Context: o.context, Budget: o.budget, Together: together, CPU: cpuTime}
	r, config, err := a.evalSetUp(o, tasks, policies)
	if err != nil {
		return err
	}
	if err := local.Prepare(&config); err != nil {
		return err
	}
	r.Answerer = local
	return a.evalFolder(ctx, r, config, o.out)
}

func (a *app) evalRemote(ctx context.Context, tasks []task.Task, o *evalFlags) error {
	remote, err := eval.NewRemote(o.endpoints, o.model)
	if err != nil {
		return usageError{err}
	}
	remote.Key, remote.Context = os.Getenv("OPENAI_API_KEY"), o.context
	var once sync.Once // a server that is overloaded would fill the screen
	remote.Again = func(err error) {
		once.Do(func() { a.say("note: %v; this is tried again, with growing pauses", err) })
	}
	if o.rate > 0 {
		remote.SetRate(o.rate)
	}
	r, config, err := a.evalSetUp(o, tasks, []runs.Policy{eval.RemotePolicy})
	if err != nil {
		return err
	}
	r.Answerer, r.Workers = remote, o.parallel*len(o.endpoints)
	return a.evalFolder(ctx, r, config, o.out)
}

// evalSetUp is the work and its description, but for what is said of who does it.
func (a *app) evalSetUp(o *evalFlags, tasks []task.Task, policies []runs.Policy) (*eval.Run, runs.Config, error) {
	config := runs.Config{Model: o.model, Endpoints: o.endpoints, Policies: policies,
		Lengths: o.tasks.Lengths, Count: o.tasks.Count, Limit: o.limit, Seed: o.tasks.Seed, Context: o.context,
		CPU: kernel.CPUName(), Kernels: lighttransfer.Kernels(), Version: version(), Command: strings.Join(os.Args, " ")}
	records, skipped, err := eval.Records(tasks, o.tasks, o.limit)
	if err != nil {
		return nil, config, err
	}
	for _, s := range skipped {
		a.say("note: task %s is left out of its group: %s", s.Task, s.Why)
	}
	config.Records, config.Skipped = len(records), skipped
	r := &eval.Run{Records: records, Policies: policies, Shard: runs.Shard(o.shard), Scorers: map[string]score.Scorer{}}
	for _, t := range tasks {
		if slices.ContainsFunc(skipped, func(s runs.Skipped) bool { return s.Task == t.Name }) {
			continue
		}
		config.Tasks = append(config.Tasks, t.Name)
		if r.Scorers[t.Name], err = t.Scorer.Ready(o.jieba); err != nil {
			return nil, config, fmt.Errorf("task %s: %w", t.Name, err)
		}
	}
	return r, config, nil
}

// evalFolder does a run in its folder and shows what came out.
func (a *app) evalFolder(ctx context.Context, r *eval.Run, config runs.Config, dir string) error {
	if dir == "" {
		dir = filepath.Join("eval-runs", config.Slug())
	}
	folder, err := runs.Open(dir, config, r.Shard)
	if err != nil {
		return err
	}
	defer folder.Close()
	for _, n := range folder.Notices {
		a.say("%s", n)
	}
	a.say("answers go to %s", dir)
	r.Folder = folder
	bar := meter{a: a, name: "answering", unit: "answers"}
	r.Progress = func(done, total int) { bar.set(int64(done), int64(total)) }
	shown := 0
	r.Failed = func(rec *task.Record, policy, message string) {
		if shown++; shown <= 10 {
			a.say("failed: task %s, record %s, policy %s: %s", rec.Task, rec.ID, policy, message)
		}
	}
	tally, err := r.Do(ctx)
	bar.stop()
	if err != nil {
		if ctx.Err() != nil || tally != (eval.Tally{}) { // else the run cannot begin, and the same command cannot go on
			a.say("%d answers are kept; the same command goes on", tally.Before+tally.Answered)
		}
		return err
	}
	all, err := runs.Read(dir)
	if err != nil {
		return err
	}
	out := evalResult{Out: dir, Model: config.Model, Answered: tally.Answered, Failed: tally.Failed, Before: tally.Before,
		Missing: all[0].Missing, Rows: eval.Summarize(&all[0]), Skipped: config.Skipped}
	if a.json {
		err = a.print(out)
	} else {
		out.write(a.table)
	}
	if err == nil && tally.Failed > 0 {
		err = fmt.Errorf("%d of %d answers failed; the same command asks them again", tally.Failed, tally.Failed+tally.Answered)
	}
	return err
}

// evalTasks finds tasks by name, by group or by file, each once.
func evalTasks(names []string) ([]task.Task, error) {
	if len(names) == 0 {
		return nil, errors.New("TASK missing")
	}
	var list []task.Task
	files := map[string]string{} // by the task's name; "" for a task of the program's own
	for _, name := range names {
		file := ""
		var found []task.Task
		var err error
		if strings.HasSuffix(name, ".jsonl") {
			file, found = name, []task.Task{eval.FileTask(name)}
		} else if found, err = task.Find(name); err != nil {
			return nil, err
		}
		for _, t := range found {
			have, again := files[t.Name]
			switch {
			case !again:
				files[t.Name] = file
				list = append(list, t)
			case have != file:
				return nil, fmt.Errorf("two tasks are called %s, and their answers could not be told apart: rename %s", t.Name, cmp.Or(file, have))
			default:
				i := slices.IndexFunc(list, func(u task.Task) bool { return u.Name == t.Name })
				list[i].Optional = list[i].Optional && t.Optional
			}
		}
	}
	return list, nil
}
