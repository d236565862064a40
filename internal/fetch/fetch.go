// Package fetch fetches over HTTP what is where somebody else says: a picture that a
// provider names, a page to which a member links. Such an address may mean anything, and
// so it leads nowhere but to public addresses, looked at when they are dialled, after the
// name was resolved, at each redirect; and what comes back is bounded in time and bytes.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"foyer/internal/netaddr"
)

// maxHeaders bounds an answer's header, in bytes.
const maxHeaders = 64 << 10

// Rules say where a Fetcher may go and what it takes.
type Rules struct {
	Plain     bool          // http:// as well as https://
	Ports     []string      // of public addresses; nil: any
	Time      time.Duration // for one address, redirects and body included
	Bytes     int64         // of a body
	Cut       bool          // a body that is longer is cut off, and of one that breaks off there is what came; else it is an error
	Redirects int
	Accept    string   // the header
	Types     []string // media types without parameters; nil: any
	Agent     string   // User-Agent; empty: Go's own

	// Known are origins, such as https://login.example.org, that the operator named,
	// and with whose authorities they speak TLS (nil: those of the system): they may be
	// inside the network, at any port, and without TLS if they say so.
	Known map[string]*x509.CertPool

	Resolver *net.Resolver // nil: the system's
}

// Answer is what was found.
type Answer struct {
	URL         *url.URL // after redirects
	ContentType string   // the header
	Body        []byte
}

// Errors that are the address's own, and stay so for a while.
var (
	ErrAddress  = errors.New("fetch: not an address that is fetched")
	ErrTooLong  = errors.New("fetch: more bytes than are taken")
	ErrType     = errors.New("fetch: another media type than is taken")
	ErrRedirect = errors.New("fetch: too many redirects")
)

// Fetcher fetches by its rules. It is safe for concurrent use.
type Fetcher struct {
	rules  Rules
	public *http.Client
	known  map[string]*http.Client // by origin
}

// New returns a Fetcher.
func New(rules Rules) *Fetcher {
	f := &Fetcher{rules: rules, public: client(rules, nil, netaddr.OnlyPublic), known: make(map[string]*http.Client, len(rules.Known))}
	for origin, roots := range rules.Known {
		if u, err := url.Parse(origin); err == nil {
			origin = originOf(u)
		}
		f.known[origin] = client(rules, roots, nil)
	}
	return f
}

// originOf returns where an address is, in one form for all ways to write it (RFC 6454 §4).
func originOf(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host
}

// client makes a client that follows no redirect by itself. It uses no proxy, behind
// which it could not see where an address leads, keeps no cookies, and unpacks nothing.
func client(rules Rules, roots *x509.CertPool, control func(string, string, syscall.RawConn) error) *http.Client {
	dialer := &net.Dialer{Timeout: rules.Time, Control: control, Resolver: rules.Resolver}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: rules.Time, MaxResponseHeaderBytes: maxHeaders, DisableKeepAlives: true, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Fetch returns what is at an address, or where that leads.
func (f *Fetcher) Fetch(ctx context.Context, address string) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, f.rules.Time)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.Join(ErrAddress, err)
	}
	for range f.rules.Redirects + 1 {
		answer, next, err := f.once(ctx, u)
		if err != nil || next == nil {
			return answer, err
		}
		u = next
	}
	return nil, ErrRedirect
}

// clientFor decides whether an address may be fetched at all, and by which client.
func (f *Fetcher) clientFor(u *url.URL) (*http.Client, error) {
	if u.User != nil || u.Host == "" {
		return nil, ErrAddress
	}
	if known, ok := f.known[originOf(u)]; ok {
		return known, nil
	}
	port := u.Port()
	switch {
	case u.Scheme == "https" && port == "":
		port = "443"
	case u.Scheme == "http" && f.rules.Plain && port == "":
		port = "80"
	case u.Scheme != "https" && (u.Scheme != "http" || !f.rules.Plain):
		return nil, ErrAddress
	}
	if f.rules.Ports != nil && !slices.Contains(f.rules.Ports, port) {
		return nil, ErrAddress
	}
	return f.public, nil
}

// once asks one address. next: it is there instead.
func (f *Fetcher) once(ctx context.Context, u *url.URL) (answer *Answer, next *url.URL, err error) {
	client, err := f.clientFor(u)
	if err != nil {
		return nil, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, errors.Join(ErrAddress, err)
	}
	r.Header.Set("Accept", f.rules.Accept)
	if f.rules.Agent != "" {
		r.Header.Set("User-Agent", f.rules.Agent)
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if to, err := response.Location(); err == nil && response.StatusCode/100 == 3 {
		return nil, to, nil
	}
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("fetch: the answer is %s", response.Status)
	}
	answer, err = f.read(response)
	if err != nil {
		return nil, nil, err
	}
	answer.URL = u
	return answer, nil, nil
}

// read takes an answer's body, if it is of a type that is taken.
func (f *Fetcher) read(response *http.Response) (*Answer, error) {
	contentType := response.Header.Get("Content-Type")
	if f.rules.Types != nil {
		is, _, err := mime.ParseMediaType(contentType)
		if (err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter)) || !slices.Contains(f.rules.Types, is) {
			return nil, ErrType
		}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, f.rules.Bytes+1))
	if int64(len(body)) > f.rules.Bytes {
		if !f.rules.Cut {
			return nil, ErrTooLong
		}
		body = body[:f.rules.Bytes]
	}
	if err != nil && (!f.rules.Cut || len(body) == 0) {
		return nil, err
	}
	return &Answer{ContentType: contentType, Body: body}, nil
}
