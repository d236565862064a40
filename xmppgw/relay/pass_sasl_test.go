package relay

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"foyer/internal/netaddr"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

const featureStrong = `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>SCRAM-SHA-1</mechanism>` +
	`<mechanism>PLAIN</mechanism><mechanism>EXTERNAL</mechanism><mechanism>DIGEST-MD5</mechanism></mechanisms>`

// strangers' features after featureStrong.
const offeredStrong = `<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` +
	`<mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms></stream:features>`

func sasled(name, mechanism, message string) string {
	if mechanism != "" {
		name, mechanism = name+` mechanism='`+mechanism+`'`, name
	} else {
		mechanism = name
	}
	return `<` + name + ` xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` + base64.StdEncoding.EncodeToString([]byte(message)) + `</` + mechanism + `>`
}

func passSASL(cfg *Config) { cfg.Authority, cfg.PassSASL = nil, true }

// stranger opens a stream of nobody's.
func stranger(t testing.TB, r *Relay, transport stream.Transport) *client {
	t.Helper()
	return servePeer(t, r, &stream.Peer{Conn: "1", Transport: transport, Domain: domain, Addr: "192.0.2.1", Password: true})
}

// The client's SASL goes through to the upstream, and so does everything after it; the
// stream after it is a new one on the same connection (B-46). What cannot pass is not
// offered: channel bindings, other ways to negotiate, and on BOSH stream management.
func TestPassSASL(t *testing.T) {
	for _, transport := range []stream.Transport{stream.WebSocket, stream.BOSH} {
		t.Run(string(transport), func(t *testing.T) {
			u := newUpstream(t)
			r := newRelay(t, nil, passSASL, u)
			c := stranger(t, r, transport)
			e := u.next()
			e.open(featureStrong + `<authentication xmlns='urn:xmpp:sasl:2'/><sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'/>` +
				`<auth xmlns='http://jabber.org/features/iq-auth'/><register xmlns='http://jabber.org/features/iq-register'/>` + featureSM)
			c.Expect(offeredStrong)
			c.Send(sasled("auth", "SCRAM-SHA-1", "n,,n=alice,r=abc"))
			e.expect(sasled("auth", "SCRAM-SHA-1", "n,,n=alice,r=abc"))
			e.send(sasled("challenge", "", "r=abcdef,s=c2FsdA==,i=4096"))
			c.Expect(sasled("challenge", "", "r=abcdef,s=c2FsdA==,i=4096"))
			c.Send(sasled("response", "", "c=biws,r=abcdef,p=cHJvb2Y="))
			e.expect(sasled("response", "", "c=biws,r=abcdef,p=cHJvb2Y="))
			e.send(sasled("success", "", "v=c2VydmVy"))
			c.Expect(sasled("success", "", "v=c2VydmVy"))
			c.Restart()
			e.open(featureBind + featureSM)
			want := featureBind
			if transport == stream.WebSocket {
				want += featureSM
			}
			c.Expect(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'>` + want + `</stream:features>`)
			c.Send(bindRequest)
			e.expect(bindRequest)
			e.send(bindResult)
			c.Expect(bindResult)
			c.Close()
			e.expectEnd()
			if st := r.Stats(); st.SignedIn != 1 {
				t.Errorf("stats are %+v", st)
			}
		})
	}
}

// An authzid that is somebody else's never reaches the upstream, in the first message or
// later (ejabberd before 26.07 would obey it); one's own is left out (RFC 6120 §6.3.8).
func TestPassSASL_Authzid(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, passSASL, u)
	c := stranger(t, r, stream.WebSocket)
	e := u.next()
	e.open(featureStrong)
	c.Expect(offeredStrong)
	refused := `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><invalid-authzid/></failure>`
	c.Send(plainAuth("bob@example.test", "alice", "pw"))
	c.Expect(refused)
	c.Send(sasled("auth", "SCRAM-SHA-1", "n,a=bob@example.test,n=alice,r=abc"))
	c.Expect(refused)
	c.Send(plainAuth("alice@example.test", "alice", "pw"))
	e.expect(plainAuth("", "alice", "pw"))
	e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	c.begun()
	e.open(featureBind)
	c.Read()
	c.Close()
	e.expectEnd()

	c = stranger(t, r, stream.WebSocket)
	e = u.next()
	e.open(featureStrong)
	c.Read()
	c.Send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>`)
	e.expect(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>`)
	e.send(`<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	c.Read()
	c.Send(sasled("response", "", "bob@example.test\x00alice\x00pw"))
	c.Expect(refused)
	e.expectDrop()
	wantCondition(t, c.ended(t), stream.NotAuthorized)
}

// RFC 6120 §6.4.2 (S-18): who starts again in the middle of an exchange has the old one discarded,
// and the new one done.
func TestPassSASL_StartsAgain(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, passSASL, u)
	begun := func() (*client, *serverEnd) {
		c := stranger(t, r, stream.WebSocket)
		e := u.next()
		e.open(featureStrong)
		c.Expect(offeredStrong)
		c.Send(sasled("auth", "SCRAM-SHA-1", "n,,n=alice,r=abc"))
		e.expect(sasled("auth", "SCRAM-SHA-1", "n,,n=alice,r=abc"))
		e.send(sasled("challenge", "", "r=abcdef,s=c2FsdA==,i=4096"))
		c.Read()
		return c, e
	}
	const aborted = `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>`
	c, e := begun()
	c.Send(plainAuth("", "alice", "pw"))
	e.expect(`<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	e.send(aborted)
	e.expect(plainAuth("", "alice", "pw"))
	e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	c.begun()
	e.open(featureBind)
	c.Read()
	c.Close()
	e.expectEnd()

	c, e = begun()
	c.Send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X'/>`) // also if the new one is none
	e.expect(`<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	e.send(aborted)
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><invalid-mechanism/></failure>`)
	c.Close()
	c.ended(t)
	e.conn.Close()

	c, e = begun()
	c.Send(plainAuth("", "alice", "pw"))
	e.expect(`<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	e.send(sasled("challenge", "", "r=abcdef,s=c2FsdA==,i=4096")) // which is no answer
	e.expectDrop()
	wantCondition(t, c.ended(t), stream.SystemShutdown)
}

// XEP-0206 §7 (B-53): also without a site, what came for a BOSH client that did not come back
// goes back, and the session ends.
func TestPassSASL_Undelivered(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, passSASL, u)
	st, pipe := streamtest.Pipe(t)
	c := &client{pipe, st, make(chan error, 1)}
	lost := &losing{Server: st}
	c.serve(r, lost, &stream.Peer{Conn: "1", Transport: stream.BOSH, Domain: domain, Addr: "192.0.2.1", Password: true})
	e := u.next()
	e.open(featureStrong)
	c.Expect(offeredStrong)
	c.Send(plainAuth("", "alice", "pw"))
	e.expect(plainAuth("", "alice", "pw"))
	e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	c.begun()
	e.open(featureBind)
	c.Read()
	lost.left = [][]byte{
		[]byte(`<message xmlns="jabber:client" from="bob@example.test/x" id="m" type="chat"><body>hello</body></message>`),
		[]byte(`<presence xmlns="jabber:client" from="bob@example.test/x"/>`),
		[]byte(`<iq xmlns="jabber:client" from="bob@example.test/x" id="i" type="get"><q xmlns="urn:x"/></iq>`),
	}
	c.Drop()
	e.expect(`<message xmlns='jabber:client' type='error' id='m' to='bob@example.test/x'><error type='wait'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`)
	e.expect(`<iq xmlns='jabber:client' type='error' id='i' to='bob@example.test/x'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`)
	e.expectEnd()
	c.ended(t)
}

func TestOwnMessage(t *testing.T) {
	for _, tt := range []struct{ mechanism, message, passed, err string }{
		{"PLAIN", "\x00alice\x00pw", "\x00alice\x00pw", ""},
		{"PLAIN", "Alice@example.test\x00alice\x00pw", "\x00alice\x00pw", ""},
		{"PLAIN", "alice@example.test\x00alice@example.test\x00pw", "\x00alice@example.test\x00pw", ""},
		{"PLAIN", "victim\x00alice\x00pw", "", "invalid-authzid"},
		{"PLAIN", "alice@other.test\x00alice\x00pw", "", "invalid-authzid"},
		{"PLAIN", "alice@example.test/r\x00alice\x00pw", "", "invalid-authzid"},
		{"PLAIN", "@\x00@\x00pw", "", "invalid-authzid"},
		{"PLAIN", "alice\x00pw", "", "malformed-request"},
		{"PLAIN", "\x00alice\x00pw\x00more", "", "malformed-request"},
		{"X-OAUTH2", "bob@example.test\x00alice\x00token", "", "invalid-authzid"},
		{"SCRAM-SHA-1", "y,a=alice@example.test,n=alice,r=x", "y,a=alice@example.test,n=alice,r=x", ""},
		{"SCRAM-SHA-1", "n,,n=a=2Cb,r=x", "n,,n=a=2Cb,r=x", ""},
		{"SCRAM-SHA-1", "n,a=bob@example.test,n=alice,r=x", "", "invalid-authzid"},
		{"SCRAM-SHA-1", "p=tls-exporter,,n=alice,r=x", "", "malformed-request"},
		{"SCRAM-SHA-1", "n,,m=future,n=alice,r=x", "", "malformed-request"},
		{"OAUTHBEARER", "n,a=alice@example.test,\x01auth=Bearer x\x01\x01", "n,a=alice@example.test,\x01auth=Bearer x\x01\x01", ""}, // RFC 7628 §3.1
		{"OAUTHBEARER", "n,a=alice,\x01auth=Bearer x\x01\x01", "n,a=alice,\x01auth=Bearer x\x01\x01", ""},
		{"OAUTHBEARER", "y,,\x01auth=Bearer x\x01\x01", "y,,\x01auth=Bearer x\x01\x01", ""},
		{"OAUTHBEARER", "\x01", "\x01", ""}, // §3.2.3
		{"OAUTHBEARER", "n,a=alice@other.test,\x01auth=Bearer x\x01\x01", "", "invalid-authzid"},
		{"OAUTHBEARER", "n,a=other.test,\x01auth=Bearer x\x01\x01", "n,a=other.test,\x01auth=Bearer x\x01\x01", ""}, // a name
		{"OAUTHBEARER", "n,a=alice@example.test/admin,\x01auth=Bearer x\x01\x01", "", "invalid-authzid"},
		{"OAUTHBEARER", "p=tls-exporter,a=alice@example.test,\x01auth=Bearer x\x01\x01", "", "malformed-request"},
		{"OAUTHBEARER", "n,x=1,\x01auth=Bearer x\x01\x01", "", "malformed-request"},
		{"OAUTHBEARER", "n,a=alice@example.test,auth=Bearer x\x01\x01", "", "malformed-request"},
		{"OAUTHBEARER", "auth=Bearer x\x01\x01", "", "malformed-request"},
		{"X-OAUTH", "token", "token", ""},
		{"ANONYMOUS", "trace", "trace", ""},
		{"SRP", "bob@example.test\x00alice\x00x", "", "invalid-mechanism"},
	} {
		passed, _, err := ownMessage(tt.mechanism, base64.StdEncoding.EncodeToString([]byte(tt.message)), domain)
		raw, _ := base64.StdEncoding.DecodeString(passed)
		if tt.err == "" && (err != nil || string(raw) != tt.passed) {
			t.Errorf("%s %q passes as %q, %v", tt.mechanism, tt.message, raw, err)
		}
		if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s %q: %v; want %s", tt.mechanism, tt.message, err, tt.err)
		}
	}
}

// RFC 4422 §5: whether and where a mechanism carries an authzid its own specification says. What is not known here is not offered.
func TestPassedMechanisms(t *testing.T) {
	const offered = "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN X-OAUTH2 OAUTHBEARER OAUTH10A ANONYMOUS CRAM-MD5 LOGIN X-OAUTH"
	const kept = "SCRAM-SHA-1-PLUS EXTERNAL DIGEST-MD5 GSSAPI GS2-KRB5 OTP SAML20 NTLM X-FUTURE X-FUTURE-PLUS SCRAMBLED plain PLAIN2"
	xml := `<features><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl">`
	for name := range strings.FieldsSeq(kept + " " + offered + " " + kept) {
		xml += "<mechanism>" + name + "</mechanism>"
	}
	features, err := stream.Parse([]byte(xml+"</mechanisms></features>"), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(passedMechanisms(features), " "); got != offered {
		t.Errorf("offered: %s", got)
	}
}

// A stranger says nothing but SASL, of mechanisms that were offered, in order and of a
// bounded size (RFC 6120 §4.3.5); over a private channel only.
func TestPassSASL_Strangers(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, passSASL, u)
	for sent, want := range map[string]stream.Condition{
		message("bob@example.test", "hello"): stream.NotAuthorized,
		bindRequest:                          stream.NotAuthorized,
		`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`:                 stream.NotAuthorized,
		`<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>`:           stream.NotAuthorized,
		sasled("auth", "PLAIN", "\x00alice\x00"+strings.Repeat("x", maxSASL)): stream.PolicyViolation,
	} {
		c := stranger(t, r, stream.WebSocket)
		e := u.next()
		e.open(featureStrong)
		c.Read()
		c.Send(sent)
		e.expectDrop()
		wantCondition(t, c.ended(t), want)
	}
	c := stranger(t, r, stream.WebSocket)
	e := u.next()
	e.open(featureStrong)
	c.Read()
	for sent, want := range map[string]string{
		sasled("auth", "SCRAM-SHA-1-PLUS", "p=tls-exporter,,n=alice,r=x"): "invalid-mechanism",
		sasled("auth", "EXTERNAL", ""):                                    "invalid-mechanism",
		sasled("response", "", "x"):                                       "malformed-request",
	} {
		c.Send(sent)
		c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><` + want + `/></failure>`)
	}
	wantCondition(t, c.ExpectEnd(), stream.PolicyViolation)
	e.expectDrop()

	c = servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Domain: domain})
	wantCondition(t, c.ExpectEnd(), stream.PolicyViolation)
}

// An address that the upstream has refused too often does not reach it any more; another
// one does, and success does not count.
func TestPassSASL_Guesses(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, func(cfg *Config) { passSASL(cfg); cfg.FailuresPerAddress = 2 }, u)
	c := stranger(t, r, stream.WebSocket)
	e := u.next()
	e.open(featureStrong)
	c.Read()
	wrong := `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`
	for i := range 2 {
		guess := plainAuth("", "alice", fmt.Sprint("guess", i))
		c.Send(guess)
		e.expect(guess)
		e.send(wrong)
		c.Expect(wrong)
	}
	c.Send(plainAuth("", "alice", "right"))
	c.Expect(`<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>`)
	c.ExpectEnd()
	e.expectDrop()

	c = servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Domain: domain, Addr: "192.0.2.2", Password: true})
	e = u.next()
	e.open(featureStrong)
	c.Read()
	c.Send(plainAuth("", "alice", "right"))
	e.expect(plainAuth("", "alice", "right"))
	c.Close()
}

// Streams of one domain, and those of one address that have not signed in, are bounded.
func TestPassSASL_Bounds(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, func(cfg *Config) { passSASL(cfg); cfg.Streams, cfg.SigningInPerAddress = 2, 1 }, u)
	first := stranger(t, r, stream.WebSocket)
	e := u.next()
	e.open(featureStrong)
	first.Read()
	second := stranger(t, r, stream.WebSocket)
	eventually(t, "there", func() bool { return r.Stats().Streams == 2 })
	third := stranger(t, r, stream.WebSocket)
	wantCondition(t, third.ExpectEnd(), stream.ResourceConstraint)
	first.Close() // the second waited for it
	e.expectDrop()
	u.next().open(featureStrong)
	second.Expect(offeredStrong)
	second.Close()
}

// Who waits in vain for others of its address is told so; the upstream is not taken for
// being away.
func TestPassSASL_WaitsInVain(t *testing.T) {
	r := newRelay(t, nil, func(cfg *Config) { passSASL(cfg); cfg.SigningInPerAddress, cfg.SignInTimeout = 1, time.Millisecond }, newUpstream(t))
	leave, err := r.signingIn.Acquire(t.Context(), "192.0.2.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	wantCondition(t, stranger(t, r, stream.BOSH).ended(t), stream.ResourceConstraint)
	if st := r.Stats(); st.Failed != 0 {
		t.Errorf("stats are %+v", st)
	}
}

// While the upstream is away, before and during the sign-in, the client is told to come
// back; a lost link drops it, on BOSH too, where the relay cannot resume for it (B-50, B-61).
func TestPassSASL_Away(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, nil, passSASL, u)
	c := stranger(t, r, stream.BOSH)
	u.next().conn.Close()
	wantCondition(t, c.ended(t), stream.SystemShutdown)

	c = stranger(t, r, stream.BOSH)
	e := u.next()
	e.open(featureStrong)
	c.Read()
	c.Send(plainAuth("", "alice", "pw"))
	e.expect(plainAuth("", "alice", "pw"))
	e.conn.Close()
	wantCondition(t, c.ended(t), stream.SystemShutdown)

	c = stranger(t, r, stream.BOSH)
	e = u.next()
	e.open(featureStrong)
	c.Read()
	c.Send(plainAuth("", "alice", "pw"))
	e.expect(plainAuth("", "alice", "pw"))
	e.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
	c.begun()
	e.open(featureBind)
	c.Read()
	_ = e.conn.(*net.TCPConn).SetLinger(0)
	e.conn.Close()
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}
	if st := r.Stats(); st.Failed != 2 || st.Lost != 1 {
		t.Errorf("stats are %+v", st)
	}
}

// see-other-host leads nowhere but to the configured addresses, during SASL and after it.
func TestPassSASL_SeeOtherHost(t *testing.T) {
	u, inner := newUpstream(t), newUpstream(t)
	r := newRelay(t, nil, passSASL, u)
	elsewhere := `<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>` + inner.target.address() + `</see-other-host></stream:error>`
	c := stranger(t, r, stream.WebSocket)
	e := u.next()
	if _, err := e.reader.Header(); err != nil {
		t.Fatal(err)
	}
	e.send(`<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='x' version='1.0'>` + elsewhere)
	wantCondition(t, c.ended(t), stream.SystemShutdown)

	c = stranger(t, r, stream.WebSocket)
	e = u.next()
	e.open(featureStrong)
	c.Read()
	c.Send(plainAuth("", "alice", "pw"))
	e.expect(plainAuth("", "alice", "pw"))
	e.send(elsewhere)
	if err := c.ended(t); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("Serve returns %v", err)
	}
	select {
	case <-inner.conns:
		t.Error("the address that was not configured was dialled")
	default:
	}
}

// Names lead to public addresses only, whatever the DNS or its SRV records say; addresses
// that the configuration names itself, and localhost, are as they stand there.
func TestPublic(t *testing.T) {
	inner := newUpstream(t)
	records := dns{"xmpp-client": {{Target: inner.target.host + ".", Port: 1}}}
	for _, rec := range records["xmpp-client"] {
		_, port, _ := net.SplitHostPort(inner.target.address())
		_, _ = fmt.Sscan(port, &rec.Port)
	}
	r := newRelay(t, nil, func(cfg *Config) {
		passSASL(cfg)
		cfg.Public, cfg.Resolver = true, records
		cfg.Upstream, _ = ParseUpstream("xmpp+srv://example.test")
	})
	contains(t, r.Check(context.Background()), "GATEWAY_PRIVATE_UPSTREAMS")
	select {
	case <-inner.conns:
		t.Error("an address inside the network was dialled")
	default:
	}
	for address, want := range map[string]bool{
		"127.0.0.1": false, "10.1.2.3": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "224.0.0.1": false,
		"::1": false, "::ffff:10.0.0.1": false, "fe80::1": false, "fd00::1": false, "64:ff9b::a00:1": false, "2002:a00:1::1": false,
		"::": false, "8.8.8.8": true, "2606:4700::1": true,
	} {
		if got := netaddr.IsPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s counts as public: %v", address, got)
		}
	}
	for written, may := range map[string]bool{"xmpp://localhost": true, "xmpp://127.0.0.1": true, "xmpp://chat.example": false} {
		up, err := ParseUpstream(written)
		if err != nil {
			t.Fatal(err)
		}
		r.cfg.Public = true
		if err := r.control(up.targets[0])("unix", "127.0.0.1:5222", nil); (err == nil) != may {
			t.Errorf("%s at 127.0.0.1: %v", written, err)
		}
	}
}
