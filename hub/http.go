package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxTries     = 5               // in a row without a byte gained
	maxWait      = 5 * time.Minute // a hub that wants a longer pause gets none
	defaultStall = time.Minute
)

// defaultHTTP has limits on everything but the body, which has stall.
var defaultHTTP = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2:     true,
	TLSHandshakeTimeout:   20 * time.Second,
	ResponseHeaderTimeout: time.Minute,
	IdleConnTimeout:       90 * time.Second,
}}

// A passing error is worth another try.
type passing struct {
	error
	progress bool          // something was gained: the count of tries starts again
	after    time.Duration // the least time to wait, as the hub asked
}

func (p *passing) Unwrap() error { return p.error }

// do sends one request. The token goes to the host of the URL and, after a
// redirection, to no other. With stay a redirection to another host is not
// followed but returned. Any status but 2xx (and such a redirection) is an
// error, a *passing one if it may go away.
func (c *Client) do(ctx context.Context, method, address, what string, header http.Header, stay bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; check HF_ENDPOINT", what, err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", "lighttransfer")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := *defaultHTTP
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("more than 10 redirections")
		}
		if next.URL.Host == via[0].URL.Host && next.URL.Scheme == via[0].URL.Scheme {
			return nil
		}
		next.Header.Del("Authorization")
		if stay {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, networkError(what, err)
	}
	if resp.StatusCode/100 == 2 || stay && resp.StatusCode/100 == 3 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.statusError(resp, what)
}

// networkError says what is wrong with the connection, and whether that may pass.
func networkError(what string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address: it may hold a signature
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("%s: %w; check the network connection and HF_ENDPOINT", what, err)
	case errors.As(err, &cert):
		return fmt.Errorf("%s: %w; check the clock, the proxy and HF_ENDPOINT", what, err)
	}
	return &passing{error: fmt.Errorf("%s: %w", what, err)}
}

// statusError turns an answer into advice.
func (c *Client) statusError(resp *http.Response, what string) error {
	code, said := resp.Header.Get("X-Error-Code"), resp.Header.Get("X-Error-Message")
	if said == "" {
		said = resp.Status
	}
	fail := func(advice string, args ...any) error {
		return fmt.Errorf("%s: %s (%d): "+advice, append([]any{what, said, resp.StatusCode}, args...)...)
	}
	token := "set HF_TOKEN to an access token (made at " + c.Endpoint + "/settings/tokens)"
	if c.Token != "" {
		token = "check that the token in HF_TOKEN or the token file is valid and allows reading it (see " + c.Endpoint + "/settings/tokens)"
	}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || s >= 500:
		return &passing{error: fmt.Errorf("%s: %s (%d)", what, said, s), after: retryAfter(resp.Header.Get("Retry-After"))}
	case code == "GatedRepo":
		return fail("the model is gated: accept its conditions at %s/%s, then %s", c.Endpoint, strings.SplitN(what, "@", 2)[0], token)
	case code == "RevisionNotFound":
		return fail("the model has no such revision; look at its branches and tags, or leave it away")
	case code == "EntryNotFound":
		return fail("the model has no such file any more; try again")
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return fail("there is no such model, or it is private or gated: check its name; if it is right, %s", token)
	case s == http.StatusNotFound:
		return fail("there is no such model at %s, or it is private: check its name; if it is right, %s", c.Endpoint, token)
	}
	return fail("the hub refuses the request; check HF_ENDPOINT")
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(s string) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}

// retry calls try until it succeeds, fails for good, or has failed too often;
// note is told of every pause.
func (c *Client) retry(ctx context.Context, note func(string), try func() error) error {
	for failures := 0; ; {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var p *passing
		if !errors.As(err, &p) {
			return err
		}
		if p.progress {
			failures = 0
		}
		failures++
		if failures == maxTries {
			return fmt.Errorf("%w; given up after %d tries, what is here is kept: try again later", p.error, failures)
		}
		if p.after > maxWait {
			return fmt.Errorf("%w; the hub asks to wait for %s, what is here is kept: try again then", p.error, p.after.Round(time.Second))
		}
		wait := time.Second << (failures - 1)
		wait = max(p.after, wait+rand.N(wait/2)) // not all clients at the same moment
		note(fmt.Sprintf("%v; trying again in %s", p.error, wait.Round(100*time.Millisecond)))
		if err := c.pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if c.sleep != nil {
		return c.sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// silent guards a body: a connection that says nothing for so long is given up.
type silent struct {
	body  io.Reader
	limit time.Duration
	timer *time.Timer
}

var errSilent = errors.New("the connection fell silent")

func (s *silent) Read(p []byte) (int, error) {
	s.timer.Reset(s.limit)
	return s.body.Read(p)
}
