package relay

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// said collects what a relay logs.
type said struct {
	mu  sync.Mutex
	all strings.Builder
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// telling returns a relay, and what it says.
func telling(t *testing.T, s *site, u *upstream) (*Relay, *said) {
	out := &said{}
	return newRelay(t, s, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(out, nil)) }, u), out
}

// An operator reads what stands in the way, each in its own words, and what mends it: not
// that the server is away, whatever it is (B-61).
func TestOutage_Words(t *testing.T) {
	refuse := func(u *upstream) {
		for range 2 { // one more credential is tried
			e := u.next()
			e.open(featurePlain)
			e.expect(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>*</auth>`)
			e.send(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>unknown key</text></failure>`)
			e.expectDrop()
		}
	}
	for name, c := range map[string]struct {
		err  error // of the site
		play func(u *upstream)
		says []string
	}{
		"nobody":              {play: func(u *upstream) { u.listen.Close() }, says: []string{"the XMPP server cannot be reached", "refused"}},
		"a refusal":           {play: refuse, says: []string{"the XMPP server refuses people's sign-ins", "not-authorized: unknown key"}},
		"another certificate": {play: func(u *upstream) { handshake(u) }, says: []string{"no certificate that can be trusted", "carries the domain " + domain}},
		"another domain": {play: func(u *upstream) {
			u.next().send(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`)
		}, says: []string{"ends streams before anybody is signed in", "host-unknown: XMPP_DOMAIN has to be"}},
		"no credential": {err: errors.New("the key cannot be read"), play: func(u *upstream) {
			e := u.next()
			e.open(featurePlain)
			e.expectDrop()
		}, says: []string{"the site has nothing to sign somebody in to the XMPP server with", "the key cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			if name == "another certificate" {
				u.secure("another.test")
			}
			r, out := telling(t, &site{err: c.err}, u)
			client := serve(t, r, stream.WebSocket)
			if name == "nobody" {
				c.play(u)
				client.authenticate()
			} else {
				client.authenticate()
				c.play(u)
			}
			if err := client.ended(t); !errors.Is(err, stream.ErrDisconnected) {
				t.Errorf("Serve returns %v", err)
			}
			for _, words := range c.says {
				if !strings.Contains(out.String(), words) {
					t.Errorf("%q is not in %s", words, out)
				}
			}
			if got := strings.Contains(out.String(), "cannot be reached"); got != (name == "nobody") {
				t.Errorf("that it cannot be reached: %v", got)
			}
		})
	}
}

// Somebody whom the server cannot have is no outage: the client is told for good, and when
// another one gets in, nothing is over.
func TestOutage_OneName(t *testing.T) {
	u := newUpstream(t)
	s := &site{err: fmt.Errorf("%w: straße", sasl.AccountDisabled)}
	r, out := telling(t, s, u)
	c := serve(t, r, stream.WebSocket)
	c.authenticate()
	e := u.next()
	e.open(featurePlain)
	e.expectDrop()
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><account-disabled/></failure>`)
	wantCondition(t, c.ended(t), stream.NotAuthorized)

	s.mu.Lock()
	s.err = nil
	s.mu.Unlock()
	c = serve(t, r, stream.WebSocket)
	c.authenticate()
	e = u.next()
	e.signIn(featureBind)
	c.begun()
	c.Read()
	c.Close()
	e.expectEnd()
	got := out.String()
	if strings.Count(got, "level=ERROR") != 1 || !strings.Contains(got, "straße") || !strings.Contains(got, "nothing to sign somebody in") || strings.Contains(got, "again") {
		t.Errorf("said: %s", got)
	}
}
