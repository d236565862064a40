package relay

import (
	"testing"

	"foyer/internal/stream"
)

// XEP-0206 §3 (B-20): what a client calls itself (from) goes on in the header of the stream
// that follows its sign-in, where it is the very account that was proved (any other is
// invalid, RFC 6120 §4.9.3.9); never in the clear, nor before TLS (§4.7.1), nor before the
// sign-in, when nobody knows whose it is.
func TestFrom_PassSASL(t *testing.T) {
	for name, tt := range map[string]struct {
		from, want string
		clear      bool
		signIn     func(c *client, e *serverEnd)
	}{
		"own":       {from: "alice@example.test", want: "alice@example.test"},
		"another's": {from: "bob@example.test"},
		"none":      {},
		"in clear":  {from: "alice@example.test", clear: true},
		"after another's attempt": {from: "bob@example.test", signIn: func(c *client, e *serverEnd) {
			c.Send(plainAuth("", "bob", "guess"))
			e.expect(plainAuth("", "bob", "guess"))
			e.send(sasledFailure)
			c.Expect(sasledFailure)
			c.Send(sasled("auth", "ANONYMOUS", "trace")) // names nobody
			e.expect(sasled("auth", "ANONYMOUS", "trace"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			if !tt.clear {
				u.secure(domain)
			}
			r := newRelay(t, nil, passSASL, u)
			c := servePeer(t, r, &stream.Peer{Conn: "1", Transport: stream.BOSH, Domain: domain, Addr: "192.0.2.1", Password: true, From: tt.from, Lang: "de"})
			e := u.next()
			if !tt.clear {
				wantHeader(t, e.starttls(u), "")
			}
			wantHeader(t, e.open(offers("PLAIN", "ANONYMOUS")), "")
			c.Read()
			if tt.signIn == nil {
				c.Send(plainAuth("", "alice", "pw"))
				e.expect(plainAuth("", "alice", "pw"))
			} else {
				tt.signIn(c, e)
			}
			e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
			c.begun()
			wantHeader(t, e.open(featureBind), tt.want)
			c.Read()
			c.Close()
			e.expectEnd()
		})
	}
}

const sasledFailure = `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`

// Behind a site likewise (B-20, RFC 6120 §4.7.1): it is known there who is calling, and what
// they call themselves must be that.
func TestFrom_Site(t *testing.T) {
	for from, want := range map[string]string{"alice@example.test": "alice@example.test", "bob@example.test": "", "": ""} {
		u := newUpstream(t)
		u.secure(domain)
		r := newRelay(t, &site{}, nil, u)
		c := servePeer(t, r, &stream.Peer{Conn: "1", Transport: stream.BOSH, Domain: domain, Identity: identity("alice"), External: true, From: from, Lang: "de"})
		c.authenticate()
		e := u.next()
		wantHeader(t, e.starttls(u), "")
		wantHeader(t, e.open(featurePlain), "")
		e.success("alice")
		wantHeader(t, e.open(featureBind), want)
		c.begun()
		c.Read()
		c.Close()
		e.expectEnd()
	}
}

// wantHeader: the language always goes on, and the version is that of this program (open).
func wantHeader(t *testing.T, h stream.Header, from string) {
	t.Helper()
	if h.From != from || h.Lang != "de" {
		t.Errorf("the header is %+v, want from %q", h, from)
	}
}
