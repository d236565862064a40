package relay

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"foyer/internal/stream"
)

// check runs Check beside what the upstream does.
func check(r *Relay) <-chan error {
	done := make(chan error, 1)
	go func() { done <- r.Check(context.Background()) }()
	return done
}

// Off this machine the link uses TLS (XEP-0124 §19.2, B-55; RFC 6120 §5, §13.8), with a
// certificate for the domain (§13.7.2.1).
func TestTLS_STARTTLS(t *testing.T) {
	u := newUpstream(t)
	u.secure(domain)
	r := newRelay(t, &site{}, nil, u)
	done := check(r)
	e := u.next()
	e.starttls(u)
	e.open(featurePlain)
	e.expectEnd()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if o := r.Stats(); o.Streams != 0 || o.SignedIn != 0 {
		t.Errorf("stats are %+v", o)
	}
}

// TLS from the first byte, with the protocol named (XEP-0368 §4).
func TestTLS_Direct(t *testing.T) {
	u := newUpstream(t)
	u.secure(domain)
	u.target.direct = true
	u.tls.NextProtos = []string{"xmpp-client"}
	r := newRelay(t, &site{}, nil, u)
	done := check(r)
	e := u.next()
	e.overTLS(u)
	e.open(featurePlain)
	e.expectEnd()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Somebody in between who takes STARTTLS away, or answers in its place, gets no
// credential.
func TestTLS_Stripped(t *testing.T) {
	u := newUpstream(t)
	u.secure(domain)
	s := &site{}
	r := newRelay(t, s, nil, u)
	c := serve(t, r, stream.WebSocket)
	c.authenticate()
	e := u.next()
	e.open(featurePlain)
	e.expectDrop()
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}

	for name, answer := range map[string]string{
		"refused":  `<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
		"injected": `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><stream:features>` + featurePlain + `</stream:features>`,
	} {
		done := check(r)
		e = u.next()
		e.open(featureTLS)
		e.expect(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
		e.send(answer)
		if err := <-done; err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if s.asked != 0 {
		t.Error("a credential was made")
	}
}

// Errors of Check say what to mend.
func TestCheck(t *testing.T) {
	t.Run("no STARTTLS", func(t *testing.T) {
		u := newUpstream(t)
		u.secure(domain)
		done := check(newRelay(t, &site{}, nil, u))
		u.next().open(featurePlain)
		contains(t, <-done, "offers no STARTTLS: give it a certificate")
	})
	t.Run("another name", func(t *testing.T) {
		u := newUpstream(t)
		u.secure("another.test")
		done := check(newRelay(t, &site{}, nil, u))
		handshake(u)
		contains(t, <-done, "carries the domain "+domain)
	})
	t.Run("unknown authority", func(t *testing.T) {
		u := newUpstream(t)
		u.secure(domain)
		done := check(newRelay(t, &site{}, func(c *Config) { c.Roots = nil }, u))
		handshake(u)
		contains(t, <-done, "XMPP_UPSTREAM_CA")
	})
	t.Run("not XMPP", func(t *testing.T) {
		u := newUpstream(t)
		done := check(newRelay(t, &site{}, nil, u))
		u.next().send("HTTP/1.1 400 Bad Request\r\n\r\n")
		contains(t, <-done, "look at host and port")
	})
	t.Run("another service", func(t *testing.T) {
		u := newUpstream(t)
		done := check(newRelay(t, &site{}, nil, u))
		u.next().send(`<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>`)
		contains(t, <-done, "5222")
	})
	t.Run("host unknown", func(t *testing.T) {
		u := newUpstream(t)
		done := check(newRelay(t, &site{}, nil, u))
		u.next().send(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>not here</text></stream:error>`)
		contains(t, <-done, "host-unknown: not here: XMPP_DOMAIN")
	})
	t.Run("no PLAIN", func(t *testing.T) {
		u := newUpstream(t)
		done := check(newRelay(t, &site{}, nil, u))
		e := u.next()
		e.open(`<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>`)
		e.expectEnd()
		contains(t, <-done, "allow PLAIN")
	})
	t.Run("nobody", func(t *testing.T) {
		u := newUpstream(t)
		u.listen.Close()
		contains(t, newRelay(t, &site{}, nil, u).Check(context.Background()), "refused")
	})
	t.Run("silent", func(t *testing.T) {
		u := newUpstream(t)
		r := newRelay(t, &site{}, func(c *Config) { c.DialTimeout = 10 * time.Millisecond }, u)
		contains(t, r.Check(context.Background()), "i/o timeout")
	})
}

// handshake goes as far as the certificate.
func handshake(u *upstream) {
	e := u.next()
	e.starttls(u)
	_, _ = e.reader.Header()
}

// Within the machine TLS is used when the server insists, and otherwise not (B-55).
func TestTLS_Local(t *testing.T) {
	u := newUpstream(t)
	u.secure(domain)
	u.target.local = true
	r := newRelay(t, &site{}, nil, u)
	done := check(r)
	e := u.next()
	e.starttls(u) // <required/>
	e.open(featurePlain)
	e.expectEnd()
	if err := <-done; err != nil {
		t.Error(err)
	}
	done = check(r)
	e = u.next()
	e.open(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>` + featurePlain)
	e.expectEnd()
	if err := <-done; err != nil {
		t.Error(err)
	}

	// A unix socket.
	path := filepath.Join(t.TempDir(), "c2s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	socket := &upstream{t: t, listen: l, conns: make(chan net.Conn, 1)}
	go socket.accept()
	t.Cleanup(socket.close)
	named, err := ParseUpstream("xmpp+unix://" + path)
	if err != nil {
		t.Fatal(err)
	}
	done = check(newRelay(t, &site{}, func(c *Config) { c.Upstream = named }))
	e = socket.next()
	e.open(featurePlain)
	e.expectEnd()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// RFC 6120 §4.9.3.19: a server may send its clients to another node, but only to one that
// was configured: not to whatever else this machine can reach.
func TestRedirect(t *testing.T) {
	u, foreign := newUpstream(t), newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	for _, to := range []string{foreign.target.address(), "169.254.169.254:80", "localhost:22", "", "[::1]:22"} {
		done := check(r)
		redirect(u, to)
		contains(t, <-done, "see-other-host")
	}
	select {
	case <-foreign.conns:
		t.Error("a foreign host was dialled")
	default:
	}

	// Among the nodes, and not for ever: each redirect leads to the other.
	other := newUpstream(t)
	r = newRelay(t, &site{}, nil, u, other)
	done := check(r)
	for range 2 + maxRedirects {
		select {
		case c := <-u.conns:
			redirectAt(&serverEnd{t: t, conn: c}, other.target.address())
		case c := <-other.conns:
			redirectAt(&serverEnd{t: t, conn: c}, u.target.host+":"+u.target.port)
		}
	}
	contains(t, <-done, "see-other-host")
}

func redirect(from *upstream, to string) { redirectAt(from.next(), to) }

func redirectAt(e *serverEnd, to string) {
	e.send(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>` + to + `</see-other-host></stream:error></stream:stream>`)
	e.conn.Close()
}

// Another node serves while the first is away.
func TestFailover(t *testing.T) {
	u, away := newUpstream(t), newUpstream(t)
	away.listen.Close()
	r := newRelay(t, &site{}, nil, u, away)
	for range 8 { // in random order
		done := check(r)
		e := u.next()
		e.open(featurePlain)
		e.expectEnd()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
