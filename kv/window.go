package kv

import "fmt"

// A Window says which keys a query sees. It is the single truth about
// visibility: the prefill mask, what a cache keeps, the lazy ratio and the
// output error all derive from it.
//
// The query at position t sees key j <= t when one of these holds:
//
//   - the window is Full;
//   - j < Sink (the attention sinks);
//   - j > t-Recent (the recent window: exactly Recent positions, the query's own included);
//   - Stride > 0 and j = Sink + Stride/2 + k*Stride for some k >= 0 (a sample: it
//     stands for Stride dropped neighbours, so ln Stride is added to its logit;
//     a sample that is still inside the recent window counts as recent, without the ln).
//
// A key that matches twice counts once. The zero Window is full attention.
type Window struct {
	Sink   int `json:"sink"`   // first positions that stay visible
	Recent int `json:"recent"` // last positions that stay visible, the query's own included; 0 with Sink 0: everything
	Stride int `json:"stride"` // keep every Stride-th older token as a sample; 0: none
}

// Full reports whether the window hides nothing at any length.
func (w Window) Full() bool { return w.Recent == 0 }

// Validate reports a window that cannot be served.
func (w Window) Validate() error {
	switch {
	case w.Sink < 0 || w.Recent < 0 || w.Stride < 0:
		return fmt.Errorf("window %s: sink, recent and stride must not be negative", w)
	case w.Recent == 0 && (w.Sink != 0 || w.Stride != 0):
		return fmt.Errorf("window %s: recent must be at least 1 (a query sees at least itself)", w)
	case w.Stride == 1:
		return fmt.Errorf("window %s: stride 1 keeps every token; use full attention, or a stride of 2 or more", w)
	}
	return nil
}

// String is "full", "4/1020" or "4/252+8" (sink/recent+stride).
func (w Window) String() string {
	switch {
	case w == Window{}:
		return "full"
	case w.Stride > 0:
		return fmt.Sprintf("%d/%d+%d", w.Sink, w.Recent, w.Stride)
	}
	return fmt.Sprintf("%d/%d", w.Sink, w.Recent)
}

// samplePos is the position of sample k.
func (w Window) samplePos(k int) int { return w.Sink + w.Stride/2 + k*w.Stride }

// samplesBefore is the number of samples at positions < end.
func (w Window) samplesBefore(end int) int {
	first := w.Sink + w.Stride/2
	if w.Stride == 0 || end <= first {
		return 0
	}
	return (end-first-1)/w.Stride + 1
}

// firstPage is the first page of recent tokens that a query at position n sees.
func (w Window) firstPage(n int) int { return max(0, n-w.Recent) / PageTokens }

// Tokens is how many of n positions a head with this window keeps.
func (w Window) Tokens(n int) int {
	if w.Full() || n <= w.Sink+w.Recent {
		return n
	}
	return w.Sink + w.Recent + w.samplesBefore(n-w.Recent)
}

// Visible reports whether the query at position t sees key j, by definition
// (caches and masks are tested against it). sample says that ln Stride is added
// to the logit.
func (w Window) Visible(t, j int) (visible, sample bool) {
	switch {
	case j < 0 || j > t:
		return false, false
	case w.Full() || j < w.Sink || j > t-w.Recent:
		return true, false
	case w.Stride > 0 && j >= w.Sink+w.Stride/2 && (j-w.Sink-w.Stride/2)%w.Stride == 0:
		return true, true
	}
	return false, false
}
