package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/ui"
)

// open loads a model, with a progress bar when that takes its time.
func (a *app) open(path string, l *loading) (m *lighttransfer.Model, seconds float64, err error) {
	start := time.Now()
	if path == "tiny" { // unpacked in a temporary folder while it loads, which ctrl-C must not leave behind
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		defer func() {
			if ctx.Err() != nil && err == nil {
				err = errors.Join(errInterrupted, m.Close())
			}
		}()
	}
	bar := meter{a: a, name: "loading", unit: "B"}
	notice := func(text string) {
		bar.stop()
		a.say("%s", text)
	}
	m, err = lighttransfer.Options{Threads: l.threads, Quantize: l.quant, Progress: bar.set, CacheWeights: l.cache, Notice: notice}.Open(path)
	bar.stop()
	return m, time.Since(start).Seconds(), err
}

// A meter is a progress bar that may be needed several times.
type meter struct {
	a          *app
	name, unit string
	progress   *ui.Progress
	bar        *ui.Bar
}

func (m *meter) set(done, total int64) {
	if m.progress == nil {
		m.progress = ui.NewProgress(m.a.err)
		m.bar = m.progress.Bar(m.name, total, m.unit)
	}
	m.bar.Set(done)
}

// stop takes the bar away, if there is one.
func (m *meter) stop() {
	if m.progress != nil {
		m.progress.Close()
		m.progress = nil
	}
}

// reading is a meter for prompts.
func (a *app) reading() *meter { return &meter{a: a, name: "reading", unit: "tokens"} }

// prompt takes the progress of a session over a model with so many layers.
func (m *meter) prompt(layers int) func(lighttransfer.Progress) {
	return func(p lighttransfer.Progress) { m.set(int64(p.Done/layers), int64(p.Total/layers)) }
}
