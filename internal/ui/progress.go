package ui

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/lighttransfer/lighttransfer/internal/mem"
)

// Progress shows bars on a terminal; elsewhere it and its bars do nothing. Bars
// appear when the work takes longer than half a second and go away when it is done.
// They may be used by several goroutines.
type Progress struct {
	p    *mpb.Progress // nil: nobody is looking
	mu   sync.Mutex
	bars []*mpb.Bar
}

const progressDelay = 500 * time.Millisecond

// NewProgress begins to show progress on a terminal. Close ends it.
func NewProgress(t *Term) *Progress {
	if !t.IsTerminal() {
		return &Progress{}
	}
	return newProgress(mpb.WithOutput(t.file))
}

func newProgress(options ...mpb.ContainerOption) *Progress {
	show := make(chan any)
	time.AfterFunc(progressDelay, func() { close(show) })
	return &Progress{p: mpb.New(append(options, mpb.WithRenderDelay(show), mpb.WithWidth(100))...)}
}

// Close takes the bars away, finished or not.
func (p *Progress) Close() {
	if p.p == nil {
		return
	}
	p.mu.Lock()
	for _, b := range p.bars {
		b.Abort(true)
	}
	p.mu.Unlock()
	p.p.Wait()
}

// Write prints above the bars, so that a message does not get drawn over.
func (p *Progress) Write(b []byte) (int, error) {
	if p.p == nil {
		return len(b), nil
	}
	return p.p.Write(b)
}

var _ io.Writer = (*Progress)(nil)

// A Bar is one piece of work.
type Bar struct{ b *mpb.Bar }

// Bar adds a bar for work of total units, "tokens" or what they are called, or of
// an unknown number when total is 0. "B" are bytes and shown as such. The bar goes
// away when total is reached.
func (p *Progress) Bar(name string, total int64, unit string) *Bar {
	if p.p == nil {
		return &Bar{}
	}
	start := time.Now()
	after := []decor.Decorator{
		decor.Any(func(s decor.Statistics) string { return count(s.Current, s.Total, unit) }),
		decor.Any(func(s decor.Statistics) string { return rate(s.Current, time.Since(start), unit) }),
	}
	filler := mpb.SpinnerStyle().PositionLeft().Build()
	if total > 0 {
		after = append(after, decor.Any(func(s decor.Statistics) string { return left(s.Current, s.Total, time.Since(start)) }))
		filler = mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─").Build()
	}
	b, err := p.p.Add(max(total, 0), filler,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(after...))
	if err != nil { // after Close
		return &Bar{}
	}
	p.mu.Lock()
	p.bars = append(p.bars, b)
	p.mu.Unlock()
	return &Bar{b}
}

// Set says how many units are done.
func (b *Bar) Set(n int64) {
	if b.b != nil {
		b.b.SetCurrent(n)
	}
}

// Add says that n more units are done.
func (b *Bar) Add(n int64) {
	if b.b != nil {
		b.b.IncrInt64(n)
	}
}

// Done takes the bar away.
func (b *Bar) Done() {
	if b.b != nil {
		b.b.SetTotal(-1, true)
	}
}

// count is "1200 / 6009 tokens", or "1200 tokens" of an unknown number.
func count(n, total int64, unit string) string {
	amount := func(n int64) string { return fmt.Sprint(n) }
	suffix := " " + unit
	if unit == "B" {
		amount, suffix = mem.FormatBytes, ""
	}
	if total > 0 {
		return " " + amount(n) + " / " + amount(total) + suffix
	}
	return " " + amount(n) + suffix
}

// rate is the mean so far, "350/s".
func rate(n int64, d time.Duration, unit string) string {
	if n == 0 || d < progressDelay/2 {
		return ""
	}
	perSecond := float64(n) / d.Seconds()
	switch {
	case unit == "B":
		return ", " + mem.FormatBytes(int64(perSecond)) + "/s"
	case perSecond < 10:
		return fmt.Sprintf(", %.1f/s", perSecond)
	}
	return fmt.Sprintf(", %.0f/s", perSecond)
}

// left is the time to go at the mean rate so far, "1m20s left".
func left(n, total int64, d time.Duration) string {
	if n == 0 || n >= total || d < progressDelay {
		return ""
	}
	eta := time.Duration(float64(d) / float64(n) * float64(total-n))
	return fmt.Sprintf(", %s left", max(eta.Round(time.Second), time.Second))
}
