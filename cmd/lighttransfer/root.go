package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// verbs are the constructors of all commands, in the order of the help text.
var verbs = []func(*app) *cobra.Command{
	demoCommand,
	// using a model
	runCommand,
	calibrateCommand,
	benchCommand,
	evalCommand,
	// looking into it
	analyzeCommand,
	showCommand,
	tokenizeCommand,
	templateCommand,
	// getting one
	pullCommand,
	listCommand,
	// the program itself
	manCommand,
	policiesTopic,
	tasksTopic,
}

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// A usageError is a command line that cannot be meant: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, a ...any) error { return usageError{fmt.Errorf(format, a...)} }

// errInterrupted ends a verb that the user has stopped and that has nothing to
// add: exit status 130.
var errInterrupted = errors.New("interrupted")

// app is what all verbs share.
type app struct {
	in      *os.File
	out     *os.File // results, byte for byte
	table   *ui.Term // results for people, on out
	err     *ui.Term // messages
	json    bool     // one JSON document on out and nothing else
	working bool     // the command line has been understood
}

// run executes a command line and returns the exit status.
func run(args []string, stdin, stdout, stderr *os.File) int {
	a := &app{in: stdin, out: stdout, table: ui.NewTerm(stdout, os.Environ()), err: ui.NewTerm(stderr, os.Environ())}
	root := a.root()
	root.SetArgs(args)
	return a.status(root.ExecuteC())
}

// status says how a command ended, and returns its exit status.
func (a *app) status(cmd *cobra.Command, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		fmt.Fprintln(a.err, "interrupted")
		return exitInterrupted
	case !a.working || errors.As(err, &usage):
		fmt.Fprintf(a.err, "%s: %v\nsee: %s --help\n", cmd.CommandPath(), err, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(a.err, "%s: %v\n", cmd.CommandPath(), err)
	return exitFailed
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lighttransfer",
		Short: "Long-context language models with a hybrid KV cache",
		Long: `LightTransfer runs long-context language models with a hybrid KV cache.

Many layers (and KV heads) of a transformer are lazy: they look at little more
than the first and the last tokens. They are found, and keep just those; the
others keep everything. Same model, less memory, faster decoding.

A MODEL is a .gguf file, a Hugging Face folder, a hub id org/name that has been
pulled, or "tiny", a small model inside this program.`,
		Example: `  lighttransfer run SmolLM2.gguf "Why is the sky blue?"
  lighttransfer run SmolLM2.gguf -f report.txt "What does it say about rivers?"
  lighttransfer show SmolLM2.gguf`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.working = true
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	cobra.EnableCommandSorting = false // the order of verbs
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON document on stdout and nothing else")
	for _, verb := range verbs {
		root.AddCommand(verb(a))
	}
	root.SetFlagErrorFunc(flagError)
	libraryVerbs(root)
	return root
}

// libraryVerbs adds completion and help, which are the library's, and has them refuse
// a shell or a topic that there is not: left alone they show a help text, as if all
// were well.
func libraryVerbs(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Example = "  source <(lighttransfer completion bash)\n  lighttransfer completion zsh > ~/.zfunc/_lighttransfer"
			c.Args = func(c *cobra.Command, args []string) error {
				if len(args) > 0 {
					return fmt.Errorf("unknown shell %q: choose one of %s", args[0], names(c.Commands()))
				}
				return nil
			}
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		case "help":
			c.Args = func(c *cobra.Command, args []string) error {
				_, _, err := c.Root().Find(args)
				return err
			}
		}
	}
}

// names lists commands.
func names(list []*cobra.Command) string {
	var all []string
	for _, c := range list {
		all = append(all, c.Name())
	}
	return strings.Join(all, ", ")
}

// flagError says in words what the flags' library says in terms of Go.
func flagError(_ *cobra.Command, err error) error {
	var wrong *pflag.InvalidValueError
	var number *strconv.NumError
	if !errors.As(err, &wrong) || !errors.As(err, &number) {
		return err
	}
	want := "it takes a whole number"
	switch kind := wrong.GetFlag().Value.Type(); {
	case errors.Is(err, strconv.ErrRange):
		want = "too large"
	case kind == "float64":
		want = "it takes a number"
	case kind == "intSlice":
		want = "it takes whole numbers, parted by commas"
	case strings.HasPrefix(kind, "uint"):
		want = "it takes a whole number, 0 or more"
	}
	return fmt.Errorf("--%s %s: %s", wrong.GetFlag().Name, wrong.GetValue(), want)
}

// version is that of the module, and what it runs on.
func version() string {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return fmt.Sprintf("%s %s %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// arguments checks the number of positional arguments.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s missing", what)
		case len(args) > most && most > 1: // MODEL and a text
			return fmt.Errorf("%q is one argument too many; put a text with spaces in quotes", args[most])
		case len(args) > most:
			return fmt.Errorf("%q is one argument too many", args[most])
		}
		return nil
	}
}

// interruptible is a context that ctrl-C cancels; a second one kills the process.
func interruptible(cmd *cobra.Command) (ctx context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// say writes a message for people.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }

// print writes the one JSON document.
func (a *app) print(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// typed reports whether somebody types at the input.
func (a *app) typed() bool { return term.IsTerminal(int(a.in.Fd())) }

// read returns a file's contents, or with "-" those of the standard input.
func (a *app) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(a.in)
	}
	return os.ReadFile(name)
}

// inputName is what messages call a file that [app.read] takes.
func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// modelArgument completes the first argument: .gguf files, folders, models at hand.
func modelArgument(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	names := []string{"tiny"}
	for _, e := range pulled() {
		names = append(names, e.Ref)
	}
	files, _ := filepath.Glob(prefix + "*")
	for _, f := range files {
		if st, err := os.Stat(f); err == nil && st.IsDir() {
			names = append(names, f+string(filepath.Separator))
		} else if strings.HasSuffix(f, ".gguf") {
			names = append(names, f)
		}
	}
	return names, cobra.ShellCompDirectiveNoSpace
}
