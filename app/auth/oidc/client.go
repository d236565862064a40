package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"foyer/internal/netaddr"
)

// Bounds of a request to a provider.
const (
	timeout     = 8 * time.Second // for all of it, when Config.Timeout says nothing
	maxAnswer   = 1 << 20         // bytes of an answer
	maxHeader   = 64 << 10
	connections = 16 // at once, to each host; others wait
)

// newClient returns the client for a provider's own addresses. It follows no redirect: a
// code, a secret or a token goes where the settings and the metadata say, or nowhere.
func newClient(roots *x509.CertPool, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout}
	local := &net.Dialer{Timeout: timeout, Control: loopbackOnly}
	secure := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    timeout,
		MaxConnsPerHost:        connections,
		MaxResponseHeaderBytes: maxHeader,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true, // a small answer is not to become a large one
	}
	clear := secure.Clone()
	clear.Proxy, clear.DialContext = nil, local.DialContext
	return &http.Client{
		Timeout:       timeout,
		Transport:     boundedTransport{secure: secure, clear: clear},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// boundedTransport carries https anywhere and http within this machine, and cuts off
// answers that are too long.
type boundedTransport struct {
	secure, clear http.RoundTripper
	redirects     bool // are answers like others, and still not followed
}

// withRedirects is for looking where a provider would send a browser.
func (t boundedTransport) withRedirects() boundedTransport {
	t.redirects = true
	return t
}

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkURL(r.URL); err != nil {
		return nil, err
	}
	carrier := t.secure
	if r.URL.Scheme == "http" {
		carrier = t.clear
	}
	answer, err := carrier.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if to := answer.Header.Get("Location"); answer.StatusCode/100 == 3 && !t.redirects {
		answer.Body.Close()
		return nil, fmt.Errorf("%s sends on to %.200q: redirects are not followed; the issuer has to be the final address", r.URL.Redacted(), to)
	}
	answer.Body = &boundedBody{body: answer.Body, left: maxAnswer}
	return answer, nil
}

// errTooLong is the error of an answer that has no end in sight.
var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)

// boundedBody is the body of an answer. Unlike io.LimitReader it tells a long answer
// from one that ends there.
type boundedBody struct {
	body io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.body.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Close implements io.Closer.
func (b *boundedBody) Close() error { return b.body.Close() }

// checkIssuer refuses what is no issuer: an https address without query or fragment
// (OpenID Connect Discovery 1.0 §3).
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil {
		return fmt.Errorf("the issuer %q is no address: %w", issuer, err)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return fmt.Errorf("the issuer %q must have neither ? nor #", issuer)
	}
	return checkURL(u)
}

// checkURL refuses what is no https address; plain http is for loopback alone.
func checkURL(u *url.URL) error {
	switch {
	case u.Host == "" || u.Opaque != "" || u.User != nil:
		return fmt.Errorf("%q is no address such as https://login.example.org", u.Redacted())
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && netaddr.IsLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q must begin with https:// (plain http is for this machine alone, as http://localhost:PORT)", u.Redacted())
}

// loopbackOnly sees to it that localhost is this machine, whatever the DNS says.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && !at.Addr().Unmap().IsLoopback() {
		err = errors.New("plain http is for this machine alone, and this is elsewhere: " + address)
	}
	return err
}

// get reads what is at an address of the provider's.
func get(ctx context.Context, client *http.Client, address string, header http.Header) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, header)
	r.Header.Set("Accept", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", r.URL.Redacted(), answer.Status)
	}
	return io.ReadAll(answer.Body)
}
