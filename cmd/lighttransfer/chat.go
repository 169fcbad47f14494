package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/lighttransfer/lighttransfer"
	"github.com/lighttransfer/lighttransfer/internal/mem"
)

const chatHelp = `  /stats       tokens, KV cache, lazy layers, speeds
  /clear       forget the conversation
  /save FILE   keep the conversation; --session FILE goes on from it
  /bye         end (ctrl-D too)
  ctrl-C stops an answer. Pasted lines stay together until you press Enter.`

// messages is where the user's turns come from.
type messages interface {
	// Next waits for a turn. io.EOF ends the chat, errCancelled gives up the turn.
	Next() (string, error)
}

var errCancelled = errors.New("cancelled")

// chat talks with the user of the terminal.
func (t *talk) chat() error {
	t.greet()
	err := t.turns(newKeyboard(t.in, t.out), stoppable)
	if t.o.session != "" && len(t.s.IDs()) > 0 {
		err = errors.Join(err, t.s.Save(t.o.session))
	}
	return err
}

// stoppable is a context that ctrl-C cancels, for one answer.
func stoppable() (context.Context, func()) {
	return signal.NotifyContext(context.Background(), os.Interrupt)
}

func (t *talk) greet() {
	r := t.s.Report()
	t.say("%s: %s", t.m.Name(), t.policyIntent(&r)+t.hint(&r))
	if t.resumed {
		t.say("going on from %s (%s tokens)", t.o.session, count(len(t.s.IDs())))
	}
	if t.m.Template() == nil && !t.o.raw {
		t.say("this model has no chat template: it goes on with your text instead of answering it")
	}
	t.say("/help lists the commands, ctrl-D ends\n")
}

// policyIntent is what the policy will do, before there is a prompt.
func (t *talk) policyIntent(r *lighttransfer.Report) string {
	if r.Policy == "full" || len(r.LazyHeads) > 0 || len(r.LazyLayers) > 0 {
		return t.policyWords(r)
	}
	return fmt.Sprintf("%s, decides when a prompt is longer than %s tokens", t.policyName(r), count(r.Window.Sink+r.Window.Recent))
}

// turns answers until the user has had enough; begin gives each answer a context
// that the user can cancel.
func (t *talk) turns(from messages, begin func() (context.Context, func())) error {
	for {
		text, err := from.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errCancelled):
			t.say("(ctrl-D or /bye ends)")
			continue
		case err != nil:
			return err
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if name, argument, ok := command(text); ok {
			if name == "/bye" {
				return nil
			}
			if err := t.command(name, argument); err != nil {
				t.say("%v", err)
			}
			continue
		}
		ctx, stop := begin()
		ans, err := t.ask(ctx, lighttransfer.Request{Prompt: text}, t.show)
		stop()
		if ans.begun && !strings.HasSuffix(ans.text.String(), "\n") {
			fmt.Fprintln(t.out)
		}
		switch {
		case errors.Is(err, errInterrupted):
			t.say("(stopped)")
		case err != nil:
			t.say("%v", err)
		case t.full():
			t.say("%s; /clear starts anew", t.contextFull())
		}
		fmt.Fprintln(t.out)
	}
}

// command takes apart a line like "/save FILE". A path such as /etc/hosts at the
// begin of a message is none.
func command(text string) (name, argument string, ok bool) {
	name, argument, _ = strings.Cut(strings.TrimSpace(text), " ")
	if len(name) < 2 || name[0] != '/' || strings.ContainsAny(name[1:], "/.\n") {
		return "", "", false
	}
	return name, strings.TrimSpace(argument), true
}

func (t *talk) command(name, argument string) error {
	switch name {
	case "/help", "/?":
		t.say("%s", chatHelp)
		return nil
	case "/stats":
		t.stats()
		return nil
	case "/clear":
		s, err := t.m.NewSession(t.options)
		if err != nil {
			return err
		}
		t.s.Close()
		t.s = s
		t.say("forgotten")
		return nil
	case "/save":
		if argument == "" {
			return errors.New("/save FILE: a file is missing")
		}
		if err := t.s.Save(argument); err != nil {
			return err
		}
		t.say("kept in %s; go on with: lighttransfer run %s --session %s", argument, t.path, argument)
		return nil
	}
	return fmt.Errorf("%s is no command; /help lists them", name)
}

func (t *talk) stats() {
	r := t.s.Report()
	t.say("  context      %s of %s tokens", count(len(t.s.IDs())), count(t.limit()))
	t.say("  KV cache     %s now, %s at most, %s with full attention", mem.FormatBytes(r.KV.Bytes), mem.FormatBytes(r.KV.PeakBytes), mem.FormatBytes(r.KV.FullBytes))
	if r.PromptTokens > 0 {
		t.say("  policy       %s", t.policyWords(&r))
	} else {
		t.say("  policy       %s", t.policyIntent(&r))
	}
	if len(r.LazyLayers) > 0 {
		t.say("  lazy layers  %s", strings.Trim(fmt.Sprint(r.LazyLayers), "[]"))
	}
	if len(r.LazyHeads) > 0 {
		var heads []string
		for _, h := range r.LazyHeads {
			heads = append(heads, h.String())
		}
		t.say("  lazy heads   %s", strings.TrimSpace(fold(strings.Join(heads, " "), "               ", max(t.err.Width(), 40))))
	}
	if r.PromptTokens > 0 {
		t.say("  last answer  %s", speeds(&r))
	}
}
