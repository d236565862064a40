package relay

import (
	"errors"
	"testing"

	"foyer/internal/sasl"
	"foyer/internal/stream"

	"mellium.im/xmpp"
)

// A service account is signed in over the same link as people are: with TLS and a
// certificate for the domain, and to nobody else.
func TestSignIn_Service(t *testing.T) {
	u := newUpstream(t)
	u.secure(domain)
	r := newRelay(t, &site{}, nil, u)
	type result struct {
		session *xmpp.Session
		err     error
	}
	signIn := func(resource string) <-chan result {
		done := make(chan result, 1)
		go func() {
			session, err := r.SignIn(t.Context(), "alice", resource, "secret-alice")
			done <- result{session, err}
		}()
		return done
	}
	done := signIn("r")
	e := u.next()
	e.starttls(u)
	e.openTo(featurePlain) // and SCRAM, which takes no token
	e.success("alice")
	e.openTo(`<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>` + featureBind)
	id := e.expect(`<iq xmlns='jabber:client' type='set' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>`)["id"]
	e.send(`<iq type='result' id='` + id + `'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.test/r</jid></bind></iq>`)
	// MongooseIM drops everything until a session is open (RFC 3921 §3).
	id = e.expect(`<iq xmlns='jabber:client' type='set' id='{id}'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>`)["id"]
	e.send(`<iq type='result' id='` + id + `'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>`)
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.session.LocalAddr().String() != "alice@example.test/r" {
		t.Errorf("the session is %s", got.session.LocalAddr())
	}
	got.session.Conn().Close()

	done = signIn("")
	u.next().open(featurePlain) // STARTTLS is gone
	if got := <-done; got.err == nil {
		t.Error("it signs in without TLS")
	}

	done = signIn("")
	e = u.next()
	e.starttls(u)
	e.openTo(`<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>`)
	e.expect(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>*</auth>`)
	e.send(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`)
	got = <-done
	contains(t, got.err, "as alice@example.test: the XMPP server refuses the sign-in: not-authorized")
	if refused, ok := errors.AsType[*RefusedError](got.err); !ok || refused.Failure != sasl.NotAuthorized {
		t.Error(got.err)
	}
}

// openTo is open with the header that mellium wants: it names whom the stream is for.
func (e *serverEnd) openTo(features string) {
	e.t.Helper()
	if _, err := e.reader.Header(); err != nil {
		e.t.Fatal(err)
	}
	e.send(`<?xml version='1.0'?><stream:stream xmlns='` + stream.NSClient + `' xmlns:stream='` + stream.NSStream +
		`' from='example.test' to='alice@example.test' id='x' version='1.0'><stream:features>` + features + `</stream:features>`)
}
