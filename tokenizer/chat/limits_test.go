package chat

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// hostile are templates that would take for ever, or all memory, or the stack.
var hostile = map[string]string{
	"nested loops":       `{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}{% endfor %}{% endfor %}{% endfor %}`,
	"range":              `{{ range(10**9) | length }}`,
	"nested huge ranges": `{% for a in range(10**9) %}{% for b in range(10**9) %}{% endfor %}{% endfor %}`,
	"doubling":           `{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}`,
	"doubling plus":      `{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`,
	"doubling lists":     `{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`,
	"doubling replace":   `{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = ns.x | replace('a', 'aaaaaaaaaaaaaaaaaaaaaa') %}{% endfor %}`,
	"doubling join":      `{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] | join(ns.x) %}{% endfor %}`,
	"doubling format":    `{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = '{0}{0}'.format(ns.x) %}{% endfor %}`,
	"doubling percent":   `{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = '%s%s' % (ns.x, ns.x) %}{% endfor %}`,
	"doubling block":     `{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}`,
	"doubling data":      `{% set ns = namespace(x=user) %}{% for i in range(100) %}{% set ns.x = ns.x ~ '|' ~ ns.x %}{% endfor %}`,
	"doubling update":    `{% set d = {} %}{% for i in range(100000) %}{% for j in range(1000) %}{% set _ = d.update({i * 1000 + j: 'x'}) %}{% endfor %}{% endfor %}`,
	"repeat":             `{{ 'a' * 10**12 }}`,
	"repeat data":        `{{ user * 10**12 }}`,
	"repeat list":        `{{ ([1, 2] * 10**12) | length }}`,
	"repeat empty":       `{{ '' * 10**18 }}{{ [] * 10**18 }}{% for i in range(99999) %}{% for i in range(99999) %}{% endfor %}{% endfor %}`,
	"center":             `{{ 'a' | center(10**12) }}`,
	"ljust":              `{{ 'a'.ljust(10**12) }}`,
	"zfill":              `{{ 'a'.zfill(10**12) }}`,
	"indent":             `{{ 'a\nb' | indent(10**12) }}`,
	"wide format":        `{{ '%1000000000d' % 1 }}`,
	"wide format 2":      `{{ '{:1000000000}'.format(1) }}`,
	"precision":          `{{ '%.1000000000f' % 1 }}`,
	"json indent":        `{{ [[[[1]]]] | tojson(indent=10**9) }}`,
	"json indent text":   `{% set ns = namespace(x=[1]) %}{% for i in range(150) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson(indent='aaaaaaaaaaaaaaa') }}`,
	"shared lists":       `{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}`,
	"shared equal":       `{% set a = namespace(x=[1]) %}{% set b = namespace(x=[1]) %}{% for i in range(100) %}{% set a.x = [a.x, a.x] %}{% set b.x = [b.x, b.x] %}{% endfor %}{{ a.x == b.x }}`,
	"deep list":          `{% set ns = namespace(x=[1]) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}`,
	"deep list json":     `{% set ns = namespace(x=[1]) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}`,
	"cycle":              `{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}`,
	"cycle of two":       `{% set l = [1] %}{% set m = [l] %}{% set _ = l.append(m) %}{{ l == m }}{{ l | tojson }}`,
	"cycle namespace":    `{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}`,
	"macro recursion":    `{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}`,
	"two macros":         `{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}`,
	"macro default":      `{% macro f(x=f()) %}{% endmacro %}{{ f() }}`,
	"caller recursion":   `{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{{ caller() }}{% endmacro %}{{ f() }}`,
	"macro fan out":      `{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(90) }}`,
	"loop recursion":     `{% set l = [1] %}{% set _ = l.append(l) %}{% for x in l recursive %}{% if x is iterable %}{{ loop(x) }}{% endif %}{% endfor %}`,
	"output":             `{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{{ x }}{% endfor %}`,
	"copies":             `{% set l = range(100000) | list %}{% for i in range(100000) %}{% set m = l | sort %}{% endfor %}`,
	"scans":              `{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{% if 'b' in x %}{% endif %}{% endfor %}`,
	"comparisons":        `{% set x = 'a' * 1000000 %}{% set y = 'a' * 1000000 %}{% for i in range(100000) %}{% if x == y %}{% endif %}{% endfor %}`,
	"splits":             `{% set x = 'a ' * 1000000 %}{% for i in range(100000) %}{% set y = x.split() %}{% endfor %}`,
	"power":              `{{ 10 ** 10 ** 10 }}{% for i in range(99999) %}{% for i in range(99999) %}{{ 1 ** 10**18 }}{% endfor %}{% endfor %}`,
	"deep brackets":      `{{ ` + strings.Repeat("(", 90_000) + `1` + strings.Repeat(")", 90_000) + ` }}`,
	"deep lists":         `{{ ` + strings.Repeat("[", 90_000) + strings.Repeat("]", 90_000) + ` }}`,
	"deep not":           `{{ ` + strings.Repeat("not ", 90_000) + `1 }}`,
	"deep minus":         `{{ ` + strings.Repeat("- ", 90_000) + `1 }}`,
	"deep if":            strings.Repeat(`{% if 1 %}`, 50_000),
	"deep elif":          `{% if 0 %}` + strings.Repeat(`{% elif 0 %}`, 50_000) + `{% endif %}`,
	"long sum":           `{{ 1` + strings.Repeat(" + 1", 90_000) + ` }}`,
	"long path":          `{{ x` + strings.Repeat(".y", 90_000) + ` }}`,
	"long filters":       `{{ x` + strings.Repeat("|d", 90_000) + ` }}`,
	"long tests":         `{{ x` + strings.Repeat(" is defined", 50_000) + ` }}`,
	"long else":          `{{ 1` + strings.Repeat(" if 0 else 1", 50_000) + ` }}`,
	"deep target":        `{% for ` + strings.Repeat("(", 90_000) + `x` + strings.Repeat(")", 90_000) + ` in y %}`,
	"nested long sums":   `{{ ` + strings.Repeat("(", 60) + "1" + strings.Repeat(strings.Repeat(" or 0 + 1", 900)+")", 60) + ` }}`,
	"huge source":        strings.Repeat("{{ 1 }}", 1_000_000),
}

func TestHostileTemplates(t *testing.T) {
	for name, src := range hostile {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			tmpl, err := Parse("evil", src)
			if err == nil {
				_, err = tmpl.Render(map[string]any{"user": "text of the user"})
			}
			runtime.ReadMemStats(&after)
			if name == "nested long sums" && err == nil {
				return // long, but it ends
			}
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), `"evil"`) {
				t.Errorf("the error does not name the template: %v", err)
			}
			switch name {
			case "power", "json indent": // refused for their values already
			default:
				if !errors.Is(err, ErrLimit) {
					t.Errorf("not a limit: %v", err)
				}
			}
			// All that was allocated, not the heap at its largest: that one
			// depends on when the collector ran.
			if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 2<<10 {
				t.Errorf("%d MiB were allocated", grown)
			}
			t.Logf("%d MiB allocated: %.120v", (after.TotalAlloc-before.TotalAlloc)>>20, err)
		})
	}
}
