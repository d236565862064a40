package extauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// How long a Client asks again while the site does not answer, as when it is restarted:
// shorter than ejabberd waits for an answer (60 s), and as long as somebody waits for a
// sign-in.
const (
	clientTimeout = 20 * time.Second
	clientPause   = 250 * time.Millisecond
)

// Client asks a site's HTTP endpoint. It implements LoginChecker, and is safe for concurrent use.
type Client struct {
	http   *http.Client
	base   string
	secret string
	log    *slog.Logger
}

// NewClient returns a Client of the listener at an address as of Listen.
func NewClient(addr, secret string, log *slog.Logger) *Client {
	network, to := "tcp", addr
	if path, ok := strings.CutPrefix(addr, unixPrefix); ok {
		network, to = "unix", path
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, to)
		},
		MaxConnsPerHost: questionsAhead, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
	}
	return &Client{http: &http.Client{Transport: transport}, base: "http://site", secret: secret, log: log}
}

// Close gives up the connections that wait to be used again.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Check implements LoginChecker.
func (c *Client) Check(ctx context.Context, user, server, password string) bool {
	return c.ask(ctx, "/check_password", url.Values{"user": {user}, "server": {server}, "pass": {password}})
}

// Exists implements LoginChecker.
func (c *Client) Exists(ctx context.Context, user, server string) bool {
	return c.ask(ctx, "/user_exists", url.Values{"user": {user}, "server": {server}})
}

// ask asks until there is an answer, or for clientTimeout. Without one it is no: what
// the site does not know it cannot vouch for.
func (c *Client) ask(ctx context.Context, path string, form url.Values) bool {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	for {
		yes, err := c.askOnce(ctx, path, form)
		if err == nil {
			return yes
		}
		select {
		case <-time.After(clientPause):
		case <-ctx.Done():
			c.log.Error("the site does not answer; the login is refused", "question", path, "err", err)
			return false
		}
	}
}

// askOnce asks. An error means that it may be asked again.
func (c *Client) askOnce(ctx context.Context, path string, form url.Values) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.secret != "" {
		req.Header.Set("Authorization", "Bearer "+c.secret)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return false, withoutURL(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1024))
	switch {
	case err != nil:
		return false, err
	case res.StatusCode == http.StatusOK:
		return string(body) == "true", nil
	case res.StatusCode >= http.StatusInternalServerError:
		return false, fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	c.log.Error("the site refuses the question", "status", res.StatusCode, "says", strings.TrimSpace(string(body)))
	return false, nil
}

// withoutURL takes the request off an error of net/http.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
