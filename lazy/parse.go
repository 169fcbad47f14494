package lazy

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Info describes a policy in help texts.
type Info struct {
	Name    string
	Usage   string // how it is written, as in "threshold:RATIO"
	Summary string // one sentence
	Paper   string // where it comes from; empty when it needs no source
}

// policies is every policy that can be asked for, in the order of help texts.
var policies = []struct {
	Info
	parse func(args string, st Settings) (Policy, error)
}{
	{fullInfo, parseFull},
	{lightTransferInfo, parseLightTransfer},
	{planInfo, parsePlan},
	{thresholdInfo, parseThreshold},
	{streamingInfo, parseStreaming},
	{randomInfo, parseRandom},
	{pyramidInfo, parsePyramid},
	{longGenInfo, parseLongGen},
	{squeezeInfo, parseSqueeze},
	{snapKVInfo, parseSnapKV},
	{miniCacheInfo, parseMiniCache},
}

// ErrAuto is what Parse answers to "auto": which plan a model has been calibrated
// to is known to the caller, who asks a [Store].
var ErrAuto = errors.New(`policy "auto" stands for the model's calibrated plan or full attention and must be resolved before it is parsed`)

// Policies lists the policies for help texts.
func Policies() []Info {
	list := make([]Info, len(policies))
	for i, p := range policies {
		list[i] = p.Info
	}
	return list
}

func usages() []string {
	var list []string
	for _, p := range policies {
		list = append(list, p.Usage)
	}
	return list
}

// Parse reads a policy written NAME[:ARGS]. A name, an argument or a value it does
// not know is an error that says what it does know; "auto" is [ErrAuto]. A plan's
// file is read here, but only Begin can tell whether it fits the model.
func Parse(spec string, st Settings) (Policy, error) {
	name, args, colon := strings.Cut(spec, ":")
	if name == "auto" {
		return nil, ErrAuto
	}
	for _, p := range policies {
		if p.Name != name {
			continue
		}
		if colon && args == "" {
			return nil, fmt.Errorf("policy %q: nothing after the colon; write %s", spec, p.Usage)
		}
		policy, err := p.parse(args, st)
		if err != nil {
			return nil, fmt.Errorf("policy %q: %w; write %s", spec, err, p.Usage)
		}
		return policy, nil
	}
	return nil, fmt.Errorf("unknown policy %q: choose one of %s", spec, strings.Join(usages(), ", "))
}

// An argument is one key=value that a policy takes.
type argument struct {
	key string
	set func(value string) error
}

// parseArgs reads "key=value,key=value"; each key at most once, only those given.
func parseArgs(args string, known ...argument) error {
	if args == "" {
		return nil
	}
	seen := map[string]bool{}
next:
	for item := range strings.SplitSeq(args, ",") {
		key, value, ok := strings.Cut(item, "=")
		for _, a := range known {
			if a.key != key {
				continue
			}
			if !ok {
				return fmt.Errorf("%s has no value", key)
			}
			if seen[key] {
				return fmt.Errorf("%s is given twice", key)
			}
			seen[key] = true
			if err := a.set(value); err != nil {
				return fmt.Errorf("%s=%s: %w", key, value, err)
			}
			continue next
		}
		if len(known) == 0 {
			return fmt.Errorf("unknown argument %q: it takes none", item)
		}
		var keys []string
		for _, a := range known {
			keys = append(keys, a.key)
		}
		return fmt.Errorf("unknown argument %q: it takes %s", item, strings.Join(keys, ", "))
	}
	return nil
}

// parseShare reads a number from 0 to 1.
func parseShare(value string) (float64, error) {
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || math.Signbit(x) || !(x >= 0 && x <= 1) {
		return 0, errors.New("must be a number from 0 to 1")
	}
	return x, nil
}

func shareArg(key string, p *float64) argument {
	return argument{key, func(value string) (err error) { *p, err = parseShare(value); return err }}
}

// choiceArg is one of a few words; *p becomes its index.
func choiceArg[T ~int](key string, p *T, words ...string) argument {
	return argument{key, func(value string) error {
		for i, w := range words {
			if w == value {
				*p = T(i)
				return nil
			}
		}
		return fmt.Errorf("must be %s", strings.Join(words, " or "))
	}}
}

// oddArg is an odd number.
func oddArg(key string, p *int) argument {
	return argument{key, func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 999 || n%2 == 0 {
			return errors.New("must be an odd number, 1 to 999")
		}
		*p = n
		return nil
	}}
}

func seedArg(key string, p *uint64) argument {
	return argument{key, func(value string) error {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return errors.New("must be a whole number, 0 or more")
		}
		*p = n
		return nil
	}}
}

func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
