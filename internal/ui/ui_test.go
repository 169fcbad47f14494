package ui

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/vbauerster/mpb/v8"
)

// sample is a model's heads: errors over three powers of ten, small ones lazy, one
// unknown.
func sample(layers, heads int) *Heatmap {
	h := &Heatmap{Title: "Errors & <lazy> heads", XLabel: "layer", YLabel: "KV head",
		ValueLabel: "output error", MarkLabel: "lazy", Log: true, Percent: true}
	seed := uint32(1)
	for range layers {
		var values []float64
		var marks []bool
		for range heads {
			seed = seed*1664525 + 1013904223
			v := 0.0004 * math.Pow(600, float64(seed>>8)/(1<<24))
			values, marks = append(values, v), append(marks, v < 0.02)
		}
		h.Values, h.Marked = append(h.Values, values), append(h.Marked, marks)
	}
	if layers > 2 {
		h.Values[2][0], h.Marked[2][0] = math.NaN(), false
	}
	return h
}

// plain is what goes into a file.
func plain(t *testing.T, draw func(*Term)) string {
	t.Helper()
	var b bytes.Buffer
	draw(NewTerm(&b, []string{"TERM=xterm-256color", "COLORTERM=truecolor"}))
	if strings.Contains(b.String(), "\x1b") {
		t.Errorf("control sequences in a file:\n%q", b.String())
	}
	return b.String()
}

// coloured is what goes to a terminal of a width and a number of colours.
func coloured(width int, profile colorprofile.Profile, draw func(*Term)) string {
	var b bytes.Buffer
	term := NewTerm(&b, nil)
	term.out.Profile, term.width, term.file = profile, width, os.Stderr
	draw(term)
	return b.String()
}

func TestNewTerm(t *testing.T) {
	var b bytes.Buffer
	for _, c := range []struct {
		env  []string
		want colorprofile.Profile
	}{
		{nil, colorprofile.NoTTY},
		{[]string{"TERM=xterm-256color"}, colorprofile.NoTTY},
		{[]string{"TERM=xterm-256color", "CLICOLOR_FORCE=1"}, colorprofile.ANSI256},
		{[]string{"TERM=xterm-256color", "CLICOLOR_FORCE=1", "NO_COLOR=yes"}, colorprofile.ASCII},
		{[]string{"TERM=xterm-256color", "CLICOLOR_FORCE=1", "NO_COLOR="}, colorprofile.ANSI256},
	} {
		term := NewTerm(&b, c.env)
		if term.out.Profile != c.want || term.IsTerminal() || term.Width() != 80 {
			t.Errorf("%v: profile %v, want %v; terminal %v, width %d", c.env, term.out.Profile, c.want, term.IsTerminal(), term.Width())
		}
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if NewTerm(f, nil).IsTerminal() {
		t.Error("a file is a terminal")
	}
}

func TestTable(t *testing.T) {
	draw := func(t *Term) {
		t.Table([]string{"policy", "found", "KV"}, [][]string{{"full", "20/20", "9.00 MiB"}, {"über", "9/20", "123 KiB"}, {"short"}})
	}
	want := `policy  found        KV
full    20/20  9.00 MiB
über     9/20   123 KiB
short
`
	if got := plain(t, draw); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got := coloured(80, colorprofile.TrueColor, draw)
	if !strings.Contains(got, "\x1b[1m") || !strings.Contains(got, "──") || !strings.Contains(ansi.Strip(got), " full    20/20  9.00 MiB") {
		t.Errorf("on a terminal:\n%s\n%q", got, ansi.Strip(got))
	}
	for _, line := range strings.Split(ansi.Strip(coloured(30, colorprofile.TrueColor, func(t *Term) {
		t.Table([]string{"name", "what it does"}, [][]string{{"full", strings.Repeat("many words ", 12)}})
	})), "\n") {
		if lipgloss.Width(line) > 30 {
			t.Errorf("wider than the terminal: %q", line)
		}
	}
	got = ansi.Strip(coloured(30, colorprofile.TrueColor, func(t *Term) {
		t.Table([]string{"policy", "KV", "s"}, [][]string{{"lighttransfer:lazy=0.5@4/252", "17.6 MiB", "4.45"}, {"full", "23.9 MiB", "4.53"}})
	}))
	for _, line := range strings.Split(got, "\n") {
		if lipgloss.Width(line) > 30 {
			t.Errorf("wider than the terminal: %q", line)
		}
	}
	if !strings.Contains(got, " 17.6 MiB  4.45") || !strings.Contains(got, " 23.9 MiB  4.53") {
		t.Errorf("numbers are broken:\n%s", got)
	}
}

func TestLayers(t *testing.T) {
	nan := math.NaN()
	got := plain(t, func(t *Term) {
		t.Layers([]Layer{{0.5, 0.019, 0, 3}, {1, 0.0031, 3, 3}, {nan, nan, 1, 3}})
	})
	want := `layer  lazy ratio                                 output error
    0  █████████████████                   0.500         1.9 %  full
    1  ██████████████████████████████████  1.000         0.3 %  lazy
    2                                          –             –  1 of 3 heads lazy
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got = plain(t, func(t *Term) { t.Layers([]Layer{{nan, 0.02, 0, 1}, {nan, 0.005, 1, 1}}) })
	want = `layer  output error
    0  ██████████████████████████████████    2.0 %  full
    1  ████████▌                             0.5 %  lazy
`
	if got != want {
		t.Errorf("errors only: got\n%s\nwant\n%s", got, want)
	}
	if got := plain(t, func(t *Term) { t.Layers([]Layer{{nan, nan, 1, 1}}) }); got != "layer\n    0  lazy\n" {
		t.Errorf("nothing measured:\n%s", got)
	}
	for _, width := range []int{20, 60, 200} {
		colour := coloured(width, colorprofile.TrueColor, func(t *Term) { t.Layers([]Layer{{0.5, 0.5, 0, 1}, {1, 0.1, 1, 1}}) })
		if !strings.Contains(colour, "\x1b[38;2;") {
			t.Errorf("no colours: %q", colour)
		}
	}
}

func TestBar(t *testing.T) {
	for share, want := range map[float64]string{0: "    ", 1: "████", 0.5: "██  ", 0.03125: "▏   ", 0.72: "██▉ ", -1: "    ", 7: "████", math.Inf(1): "████"} {
		if got := bar(share, 4); got != want {
			t.Errorf("%v: %q, want %q", share, got, want)
		}
	}
	if got := bar(math.NaN(), 4); got != "    " {
		t.Errorf("NaN: %q", got)
	}
}

func TestGrid(t *testing.T) {
	h := &Heatmap{Title: "Errors", XLabel: "layer", YLabel: "KV head", ValueLabel: "output error", MarkLabel: "lazy", Log: true, Percent: true,
		Values: [][]float64{{0.001, 0.1}, {0.02, math.NaN()}, {0.0035}}, Marked: [][]bool{{true}, {false, false}, {true}}}
	got := plain(t, func(t *Term) { t.Grid(h) })
	want := `Errors
         layer
KV head  0  1  2
      0    ·▓▓ ░░·
      1  ██ ?? ??
output error  blank below 0.25 %,  ░ below 0.63 %,  ▒ below 1.6 %,  ▓ below 4 %,  █ more   · lazy
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got = coloured(80, colorprofile.TrueColor, func(t *Term) { t.Grid(h) })
	for _, colour := range []string{"48;2;68;1;84", "48;2;253;231;37", "48;2;217;217;217"} { // lowest, highest, missing
		if !strings.Contains(got, colour) {
			t.Errorf("no cell of colour %s in %q", colour, got)
		}
	}
	if s := ansi.Strip(got); !strings.Contains(s, "0.1 %                          10 %   · lazy") || strings.Contains(s, "█") {
		t.Errorf("in colour: %q", s)
	}
	// As many layers as fit beside each other, the rest below; all of them, whatever the width.
	for layers, want := range map[int][]int{20: {20 * 3}, 30: {30 * 2}, 64: {30 * 2, 30 * 2, 4 * 2}} {
		for _, profile := range []colorprofile.Profile{colorprofile.TrueColor, colorprofile.NoTTY} {
			wide := coloured(80, profile, func(t *Term) { t.Grid(sample(layers, 2)) })
			var rows []int
			for _, line := range strings.Split(ansi.Strip(wide), "\n") {
				if line, ok := strings.CutPrefix(line, "      0  "); ok {
					rows = append(rows, lipgloss.Width(line))
				}
			}
			if len(rows) != len(want) {
				t.Fatalf("%d layers, profile %v: rows of %d\n%s", layers, profile, rows, wide)
			}
			for i := range rows {
				if rows[i] > want[i] || rows[i] < want[i]-2 {
					t.Errorf("%d layers, profile %v: rows of %d, want %d", layers, profile, rows, want)
				}
			}
		}
	}
}

func TestScale(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		h      Heatmap
		lo, hi float64
	}{
		"linear":    {Heatmap{Values: [][]float64{{1, nan}, {3, math.Inf(1)}}}, 1, 3},
		"log":       {Heatmap{Values: [][]float64{{0, -1, 0.01}, {1}}, Log: true}, 0.01, 1},
		"log, wide": {Heatmap{Values: [][]float64{{1e-9, 1}}, Log: true}, 1e-4, 1},
		"given":     {Heatmap{Values: [][]float64{{5}}, Max: 1}, 0, 1},
		"equal":     {Heatmap{Values: [][]float64{{4, 4}}}, 2, 6},
		"zeros":     {Heatmap{Values: [][]float64{{0, 0}}}, -0.5, 0.5},
		"log equal": {Heatmap{Values: [][]float64{{4}}, Log: true}, 2, 8},
		"empty":     {Heatmap{}, 0.1, 1},
		"all NaN":   {Heatmap{Values: [][]float64{{nan}}, Log: true}, 0.1, 1},
	} {
		s := c.h.scale()
		if s.lo != c.lo || s.hi != c.hi {
			t.Errorf("%s: from %v to %v, want %v to %v", name, s.lo, s.hi, c.lo, c.hi)
		}
		if s.pos(s.lo) != 0 || s.pos(s.hi) != 1 || s.pos(s.lo-9) != 0 || s.pos(s.hi+9) != 1 || !math.IsNaN(s.pos(nan)) {
			t.Errorf("%s: the ends lie at %v and %v", name, s.pos(s.lo), s.pos(s.hi))
		}
		for _, x := range []float64{0.1, 0.5, 0.9} {
			if got := s.pos(s.value(x)); math.Abs(got-x) > 1e-9 {
				t.Errorf("%s: value and pos: %v comes back as %v", name, x, got)
			}
		}
		ticks := s.ticks(0.1)
		if len(ticks) < 2 {
			t.Errorf("%s: ticks %v", name, ticks)
		}
		for i, tick := range ticks {
			if tick.pos < 0 || tick.pos > 1 || i > 0 && tick.pos-ticks[i-1].pos < 0.1 {
				t.Errorf("%s: ticks %v", name, ticks)
			}
		}
	}
	labels := func(s scale, gap float64) (list []string) {
		for _, t := range s.ticks(gap) {
			list = append(list, t.label)
		}
		return list
	}
	for want, got := range map[string][]string{
		"0 0.2 0.4 0.6 0.8 1":        labels(scale{0, 1, false, false}, 0.1),
		"0.1 % 0.2 % 0.5 % 1 % 2 %":  labels(scale{0.001, 0.02, true, true}, 0.1),
		"0.01 % 0.1 % 1 % 10 %":      labels(scale{0.0001, 0.1, true, true}, 0.2),
		"-20 0 20 40 60":             labels(scale{-20, 60, false, false}, 0.1),
		"80 % 85 % 90 % 95 % 100 %":  labels(scale{0.8, 1, false, true}, 0.1),
		"0.1 % 0.3 % 1 % 3 % 10 %":   labels(scale{0.001, 0.1, true, true}, 0.2),
		"0.795 0.796 0.797 0.798":    labels(scale{0.7949, 0.7982, false, false}, 0.1),
		"100 200 500 1000 2000 5000": labels(scale{100, 5000, true, false}, 0.1),
	} {
		if strings.Join(got, " ") != want {
			t.Errorf("ticks %q, want %q", strings.Join(got, " "), want)
		}
	}
}

func TestShade(t *testing.T) {
	luminance := func(c color.RGBA) float64 { return 0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B) }
	for i := range 100 {
		if a, b := luminance(Shade(float64(i)/100)), luminance(Shade(float64(i+1)/100)); a >= b {
			t.Errorf("not lighter from %d to %d per cent: %v, %v", i, i+1, a, b)
		}
	}
	if Shade(0) != ramp[0] || Shade(1) != ramp[len(ramp)-1] || Shade(math.NaN()) != missing {
		t.Error("wrong colours at the ends")
	}
}

// The SVG is well-formed, needs nothing from elsewhere, and says every value.
func TestSVG(t *testing.T) {
	h := sample(30, 3)
	var b bytes.Buffer
	if err := h.SVG(&b); err != nil {
		t.Fatal(err)
	}
	rects, circles, titles, texts := 0, 0, []string{}, []string{}
	d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for inside := ""; ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			inside = tok.Name.Local
			switch inside {
			case "rect":
				rects++
			case "circle":
				circles++
			case "image", "style", "link", "script", "use":
				t.Errorf("element %s", inside)
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(tok)); s != "" && inside == "title" {
				titles = append(titles, s)
			} else if s != "" {
				texts = append(texts, s)
			}
		}
	}
	marks := 0
	for _, column := range h.Marked {
		for _, m := range column {
			if m {
				marks++
			}
		}
	}
	if len(titles) != 1+90 || titles[0] != h.Title || rects < 90 || circles != marks+1 {
		t.Errorf("%d titles, %d rectangles, %d circles for %d marks", len(titles), rects, circles, marks)
	}
	all := strings.Join(titles, "\n")
	for _, want := range []string{"layer 2, KV head 0: not measured", "layer 0, KV head 0: 0.182 %, lazy"} {
		if !strings.Contains(all, want) {
			t.Errorf("no cell says %q, among %s", want, titles[:8])
		}
	}
	for _, want := range []string{"Errors & <lazy> heads", "layer", "KV head", "output error", "lazy", "not measured", "29", "2", "1 %"} {
		if !strings.Contains("\n"+strings.Join(texts, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("the picture does not say %q: %q", want, texts)
		}
	}
	if s := strings.Replace(b.String(), `xmlns="http://www.w3.org/2000/svg"`, "", 1); strings.Contains(s, "http") {
		t.Error("the picture refers to something outside")
	}
}

// The PNG has the cells where the layout says, in their colours.
func TestPNG(t *testing.T) {
	h := sample(30, 3)
	h.Marked = nil // dots would cover the middle
	var b bytes.Buffer
	if err := h.PNG(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	l, s := h.layout(), h.scale()
	if size := img.Bounds().Size(); size.X != int(2*l.width) || size.Y != int(2*l.height) {
		t.Errorf("the picture is %v, the layout %v by %v", size, l.width, l.height)
	}
	at := func(x, y float64) color.RGBA { return color.RGBAModel.Convert(img.At(int(2*x), int(2*y))).(color.RGBA) }
	for x := range 30 {
		for y := range 3 {
			for _, f := range []float64{0.1, 0.5, 0.9} { // flat, to the edges
				got := at(l.left+(float64(x)+f)*l.cell, l.top+(float64(y)+f)*l.cell)
				if want := Shade(s.pos(h.at(x, y))); got != want {
					t.Fatalf("cell %d, %d is %v at %v, want %v", x, y, got, f, want)
				}
			}
		}
	}
	if got := at(l.barX+barWidth/2, l.top+1.2); got != Shade(1-0.5/60) {
		t.Errorf("the colour bar's upper end is %v", got)
	}
	if at(3, 3) != white {
		t.Error("the background is not white")
	}
}

// Odd ones are drawn too.
func TestOddHeatmaps(t *testing.T) {
	nan := math.NaN()
	for name, h := range map[string]*Heatmap{
		"empty":    {},
		"no cells": {Values: [][]float64{{}, {}}},
		"all NaN":  {Values: [][]float64{{nan}}, Log: true},
		"ragged":   {Values: [][]float64{{1}, {1, 2, 3}}, Marked: [][]bool{{true, true}, nil}, MarkLabel: "m"},
		"infinite": {Values: [][]float64{{math.Inf(1), math.Inf(-1), 0}}, Log: true},
		"large":    sample(200, 3),
	} {
		var a, b bytes.Buffer
		if err := errors.Join(h.SVG(&a), h.PNG(&b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(a.String(), `"NaN`) || strings.Contains(a.String(), `Inf"`) {
			t.Errorf("%s: a number that is none in %s", name, a.String())
		}
		plain(t, func(t *Term) { t.Grid(h) })
	}
}

// Off a terminal nothing is shown and nothing waits.
func TestProgressSilent(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(NewTerm(&out, nil))
	b := p.Bar("reading", 10, "tokens")
	b.Set(5)
	b.Add(1)
	b.Done()
	if n, err := p.Write([]byte("x")); n != 1 || err != nil {
		t.Error(n, err)
	}
	p.Close()
	if out.Len() != 0 {
		t.Errorf("written: %q", out.String())
	}
}

func TestProgress(t *testing.T) {
	// Work that is over at once shows nothing.
	var out bytes.Buffer
	p := newProgress(mpb.WithOutput(&out), mpb.WithAutoRefresh())
	p.Bar("quick", 10, "tokens").Set(10)
	p.Close()
	if strings.Contains(out.String(), "quick") {
		t.Errorf("a bar for quick work: %q", out.String())
	}
	// Longer work shows each bar; what is not finished ends with Close.
	p = newProgress(mpb.WithOutput(&out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(20*time.Millisecond))
	known, unknown := p.Bar("prefill", 400, "tokens"), p.Bar("download", 0, "B")
	known.Set(100)
	unknown.Add(3 << 20)
	time.Sleep(progressDelay + 200*time.Millisecond)
	if _, err := p.Write([]byte("a message\n")); err != nil {
		t.Error(err)
	}
	unknown.Done()
	known.Add(50)
	time.Sleep(100 * time.Millisecond)
	p.Close()
	p.Bar("late", 5, "tokens").Set(1) // does nothing, and does not hang
	s := out.String()
	for _, want := range []string{"prefill", "100 / 400 tokens", "150 / 400 tokens", "/s", "s left", "download", "3.00 MiB", "MiB/s", "a message"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in %q", want, s)
		}
	}
}

func TestProgressWords(t *testing.T) {
	for want, got := range map[string]string{
		" 5 / 10 tokens":         count(5, 10, "tokens"),
		" 5 tokens":              count(5, 0, "tokens"),
		" 1.00 KiB / 2.00 KiB":   count(1024, 2048, "B"),
		", 2.5/s":                rate(5, 2*time.Second, "tokens"),
		", 350/s":                rate(700, 2*time.Second, "tokens"),
		", 1.00 MiB/s":           rate(2<<20, 2*time.Second, "B"),
		", 1m20s left":           left(20, 100, 20*time.Second),
		", 1s left":              left(99, 100, 10*time.Second),
		"" + left(0, 100, 1e12):  "",
		"" + left(100, 100, 1e9): "",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
