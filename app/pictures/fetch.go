package pictures

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"foyer/internal/netaddr"
)

// Bounds of fetching a picture.
const (
	fetchTime    = 10 * time.Second
	maxFetched   = 8 << 20 // bytes, as of the forms
	maxHops      = 3
	fetchHeaders = 64 << 10
)

// Fetcher fetches pictures from where somebody else says that they are. That may be anywhere,
// and so it leads nowhere but to public addresses, over https: the address is looked at when it is
// dialled, after the name was resolved, at each hop. It is safe for concurrent use.
type Fetcher struct {
	public *http.Client
	known  map[string]*http.Client // by origin
}

// NewFetcher returns a Fetcher. known are origins, such as https://login.example.org, that the operator
// named, and with whose authorities they speak TLS (nil: those of the system): they may be
// inside the network, and without TLS if they say so.
func NewFetcher(known map[string]*x509.CertPool) *Fetcher {
	f := &Fetcher{public: fetchClient(nil, netaddr.OnlyPublic), known: make(map[string]*http.Client, len(known))}
	for origin, roots := range known {
		f.known[origin] = fetchClient(roots, nil)
	}
	return f
}

// fetchClient makes a client that follows no redirect by itself. It uses no proxy, behind
// which it could not see where an address leads.
func fetchClient(roots *x509.CertPool, control func(string, string, syscall.RawConn) error) *http.Client {
	dialer := &net.Dialer{Timeout: fetchTime, Control: control}
	return &http.Client{
		Timeout: fetchTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: fetchTime, MaxResponseHeaderBytes: fetchHeaders, DisableKeepAlives: true, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errTooLong is the error of a picture that has no end in sight.
var errTooLong = fmt.Errorf("pictures: more than %d bytes", maxFetched)

// Fetch returns what is at an address; that it is a picture, Square has to say.
func (f *Fetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	for range maxHops + 1 {
		u, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		client, err := f.clientFor(u)
		if err != nil {
			return nil, err
		}
		raw, next, err := fetchOnce(ctx, client, u)
		if err != nil || next == "" {
			return raw, err
		}
		address = next
	}
	return nil, errors.New("pictures: it is always somewhere else")
}

func (f *Fetcher) clientFor(u *url.URL) (*http.Client, error) {
	if client, ok := f.known[u.Scheme+"://"+u.Host]; ok {
		return client, nil
	}
	if u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("pictures: an address that does not begin with https://")
	}
	return f.public, nil
}

// fetchOnce returns a picture, or where it is instead.
func fetchOnce(ctx context.Context, client *http.Client, u *url.URL) (raw []byte, next string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Accept", "image/png, image/jpeg, image/gif, image/webp")
	answer, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	if to, err := answer.Location(); err == nil && answer.StatusCode/100 == 3 {
		return nil, to.String(), nil
	}
	if answer.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("pictures: the answer is %s", answer.Status)
	}
	raw, err = io.ReadAll(io.LimitReader(answer.Body, maxFetched+1))
	if err == nil && len(raw) > maxFetched {
		err = errTooLong
	}
	return raw, "", err
}
