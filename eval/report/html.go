package report

import (
	_ "embed"
	"html"
	"html/template"
	"io"
	"strings"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style string

// HTML writes the report as one page that needs nothing else: no scripts, no
// fonts, no pictures from elsewhere.
func (r *Report) HTML(w io.Writer) error { return page.Execute(w, r) }

// cellText is a cell as shown.
type cellText struct{ Value, Interval, Mark string }

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":    func() template.CSS { return template.CSS(pictureStyle + style) },
	"method":   func() []string { return method },
	"words":    func() map[string]string { return words },
	"name":     breakable,
	"title":    (*Section).title,
	"about":    (*Section).about,
	"standing": (*Section).standing,
	"complete": (*Section).complete,
	"curve":    (*Section).curve,
	"swatch":   (*Section).swatch,
	"basis":    (*Table).basis,
	"explain":  func(t *Table) string { return t.m.explain },
	"window":   func(p Policy) string { return window(&p.Policy) },
	"cell": func(t *Table, c *Cell) cellText {
		value, interval, mark := t.text(c)
		return cellText{value, interval, mark}
	},
	"point": func(t *Table, p *Point) cellText {
		value, interval, mark := t.text(&p.Cell)
		return cellText{value, interval, mark}
	},
	"choiceNone": (*Table).noChoice,
	"choice": func(t *Table, c Choice) []string {
		loss, what := t.choice(c)
		return []string{loss, what}
	},
	"diff":        func(t *Table, p *Point) string { return t.difference(&p.Cell) },
	"needleTitle": (*Needle).title,
	"needle":      func(n *Needle, m NeedleMap) template.HTML { return n.heat(m) },
	"lazyMap":     (*Lazy).heat,
	"headMap":     func(l *Lazy, m LazyMap) template.HTML { return l.headHeat(m) },
	"lazyRecords": (*Lazy).records,
	"scale":       colourScale,
	"published":   func() *Published { return publishedSpeed },
	"percent":     percent,
	"fixed":       fixed,
	"records":     func(n int) string { return count(n, "record") },
	"thousands":   thousands,
	"shorten":     shorten,
	"join":        func(list []string) string { return strings.Join(list, " | ") },
	"bytes":       func(x float64) string { return mem.FormatBytes(int64(x)) },
	"length":      tokens,
	"columns":     (*Table).columns,
}).Parse(pageText))

// words are the sentences that both forms have.
var words = map[string]string{"choices": choicesLead, "loses": choicesColumn, "speed": speedNote, "lazy": lazyNote, "changed": changedNote, "marks": marksNote}

// breakable is a policy's name that may be broken between its arguments.
func breakable(name string) template.HTML {
	return template.HTML(breaks.Replace(html.EscapeString(name)))
}

var breaks = strings.NewReplacer(",", ",<wbr>", ":", ":<wbr>", "@", "<wbr>@")

// swatch is a policy's marker, as in the curves.
func (s *Section) swatch(policy string, front bool) template.HTML {
	v := newSVG("swatch", 14, 14, "")
	v.marker(s.looks()[policy], front, 7, 7, policy)
	return v.done()
}
