package pictures

import (
	"context"
	"crypto/x509"
	"time"

	"foyer/internal/fetch"
)

// Bounds of fetching a picture.
const (
	fetchTime  = 10 * time.Second
	maxFetched = 8 << 20 // bytes, as of the forms
	maxHops    = 3
)

// Fetcher fetches pictures of people from where a source says that they are: over https,
// and nowhere but from public addresses. It is safe for concurrent use.
type Fetcher struct{ fetcher *fetch.Fetcher }

// NewFetcher returns a Fetcher. known are origins, such as https://login.example.org, that the operator
// named, and with whose authorities they speak TLS (nil: those of the system): they may be
// inside the network, and without TLS if they say so.
func NewFetcher(known map[string]*x509.CertPool) *Fetcher {
	return &Fetcher{fetch.New(fetch.Rules{Time: fetchTime, Bytes: maxFetched, Redirects: maxHops, Accept: "image/png, image/jpeg, image/gif, image/webp", Known: known})}
}

// Fetch returns what is at an address; that it is a picture, Square has to say.
func (f *Fetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	answer, err := f.fetcher.Fetch(ctx, address)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}
