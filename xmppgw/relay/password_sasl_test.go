package relay

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"strings"
	"testing"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// scramAccounts is what a server knows of alice.
type scramAccounts struct{ password string }

func (scramAccounts) Password(context.Context, string, string) (stream.Identity, error) {
	return stream.Identity{}, sasl.NotAuthorized
}

func (a scramAccounts) SCRAM(_ context.Context, user string, hash sasl.SCRAMHash) (sasl.SCRAMCredentials, error) {
	c := sasl.SCRAMCredentials{Salt: []byte("salt"), Iterations: 4096}
	stored, server, err := sasl.DeriveSCRAM(hash, a.password, c.Salt, c.Iterations)
	c.Keys = []sasl.SCRAMKey{{Identity: stream.Identity{User: user}, StoredKey: stored, ServerKey: server}}
	return c, err
}

func (scramAccounts) CredentialUsed(context.Context, stream.Identity) error { return nil }

func offers(names ...string) string {
	return `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>` + strings.Join(names, "</mechanism><mechanism>") + `</mechanism></mechanisms>`
}

const bindsExporter = `<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/></sasl-channel-binding>`

// scramSignIn plays the server's side with the program's own server, which is no part of the
// client's code. It returns the success, which is still to be sent.
func (e *serverEnd) scramSignIn(mechanism, password string) (success string) {
	e.t.Helper()
	var binding stream.Binding
	if c, ok := e.conn.(*tls.Conn); ok {
		state := c.ConnectionState()
		var err error
		if binding.Exporter, err = state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32); err != nil {
			e.t.Fatal(err)
		}
	}
	x, err := sasl.New(mechanism, sasl.Options{Verifier: scramAccounts{password}, Domain: domain, SCRAM: true, Binding: binding})
	if err != nil {
		e.t.Fatal(err)
	}
	reply := func(pattern string) (sasl.Step, error) {
		message, err := base64.StdEncoding.DecodeString(e.expect(pattern)["message"])
		if err != nil {
			e.t.Fatal(err)
		}
		return x.Next(e.t.Context(), message)
	}
	step, err := reply(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='` + mechanism + `'>{message}</auth>`)
	if err != nil {
		e.t.Fatal(err)
	}
	e.send(`<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` + base64.StdEncoding.EncodeToString(step.Reply) + `</challenge>`)
	if step, err = reply(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{message}</response>`); err != nil || !step.Done {
		e.t.Fatal("the proof:", err)
	}
	return `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` + base64.StdEncoding.EncodeToString(step.Reply) + `</success>`
}

// typed is a client that signed in with a password, which goes on to the upstream.
func typed(t *testing.T, r *Relay) *client {
	c := servePeer(t, r, &stream.Peer{Transport: stream.WebSocket, Password: true})
	c.Read()
	c.Send(plainAuth("", "alice", "token-alice"))
	return c
}

// A password is proved by SCRAM wherever the upstream has that, and never said: the strongest that both
// have, bound to the channel over TLS 1.3.
func TestServe_PassPasswords_SCRAM(t *testing.T) {
	for _, test := range []struct {
		what     string
		tls      bool
		features string
		want     string
	}{
		{"within the machine", false, offers("PLAIN", "SCRAM-SHA-1"), "SCRAM-SHA-1"},
		{"the better hash", false, offers("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"), "SCRAM-SHA-256"},
		{"nothing to bind to", false, offers("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1"), "SCRAM-SHA-1"},
		{"over TLS", true, offers("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "PLAIN"), "SCRAM-SHA-256-PLUS"},
		{"the type is said", true, bindsExporter + offers("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"), "SCRAM-SHA-1-PLUS"},
		{"another type alone", true, strings.ReplaceAll(bindsExporter, "tls-exporter", "tls-server-end-point") + offers("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), "SCRAM-SHA-256"},
	} {
		t.Run(test.what, func(t *testing.T) {
			u := newUpstream(t)
			if test.tls {
				u.secure(domain)
			}
			c := typed(t, newRelay(t, &site{}, func(c *Config) { c.PassPasswords = true }, u))
			e := u.next()
			if test.tls {
				e.starttls(u)
			}
			e.open(test.features)
			e.send(e.scramSignIn(test.want, "token-alice"))
			e.open(featureBind)
			c.begun()
		})
	}
}

// However a keyboard writes it, a password is the one that the upstream's keys were made of (RFC 4013 §3).
func TestPrepared(t *testing.T) {
	for typed, want := range map[string]string{
		"e\u0301t\u00e9":       "\u00e9t\u00e9",
		"a\u00a0space":         "a space",
		"I\u00adX":             "IX",
		"\u00aa \u2168 \ufb01": "a IX fi",
		"USER user":            "USER user",
		"not\u0007allowed":     "not\u0007allowed",
	} {
		if got := prepared(typed); got != want {
			t.Errorf("%+q is %+q; want %+q", typed, got, want)
		}
	}
}

// An upstream that cannot prove that it knows the password is not the person's: nobody is signed in
// there. Nor is anything done that a challenge has no right to ask for.
func TestServe_PassPasswords_Proof(t *testing.T) {
	const anyAuth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>*</auth>`
	encoded := base64.StdEncoding.EncodeToString
	answer := func(name, data string) string {
		return `<` + name + ` xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` + encoded([]byte(data)) + `</` + name + `>`
	}
	for what, say := range map[string]func(e *serverEnd){
		"no proof": func(e *serverEnd) { e.scramSignIn("SCRAM-SHA-256", "token-alice"); e.send(answer("success", "")) },
		"another's proof": func(e *serverEnd) {
			e.scramSignIn("SCRAM-SHA-256", "token-alice")
			e.send(answer("success", "v=b3RoZXI="))
		},
		"at once":             func(e *serverEnd) { e.expect(anyAuth); e.send(answer("success", "")) },
		"a challenge as such": func(e *serverEnd) { e.expect(anyAuth); e.send(answer("success", "r=x,s=c2FsdA==,i=4096")) },
		"no attributes":       func(e *serverEnd) { e.expect(anyAuth); e.send(answer("challenge", "x")) },
		"endless work":        func(e *serverEnd) { e.expect(anyAuth); e.send(answer("challenge", "r=x,s=c2FsdA==,i=2000000000")) },
		"no mechanism":        nil,
	} {
		t.Run(what, func(t *testing.T) {
			u := newUpstream(t)
			c := typed(t, newRelay(t, &site{}, func(c *Config) { c.PassPasswords = true }, u))
			e := u.next()
			if say == nil {
				e.open(offers("EXTERNAL"))
			} else {
				e.open(offers("SCRAM-SHA-256", "PLAIN"))
				say(e)
			}
			e.expectDrop()
			if err := c.ended(t); err == nil {
				t.Error("the client is signed in")
			}
		})
	}
}

// A server that has people's passwords need not offer PLAIN: it is well with SCRAM alone.
func TestCheck_PassPasswords(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, func(c *Config) { c.PassPasswords = true }, u)
	for _, test := range []struct{ features, says string }{{offers("SCRAM-SHA-256"), ""}, {offers("EXTERNAL"), "neither SCRAM-SHA-256"}} {
		done := make(chan error, 1)
		go func() { done <- r.Check(t.Context()) }()
		e := u.next()
		e.open(test.features)
		e.conn.Close()
		if err := <-done; test.says == "" && err != nil {
			t.Error(err)
		} else if test.says != "" {
			contains(t, err, test.says)
		}
	}
}
