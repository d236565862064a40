package relay

import (
	"encoding/base64"
	"strings"
	"testing"

	"foyer/e2e/peers"

	"mellium.im/sasl"
)

// TestProsody_Alone: a gateway without a site, in front of a Prosody that keeps hashes of
// passwords: people sign in by SCRAM, from end to end, or by PLAIN, and with their own
// password only.
func TestProsody_Alone(t *testing.T) {
	t.Parallel()
	p := startProsody(t, peers.Prosody(t), "internal_hashed", "alice", "bob")
	g := newGatewayAlone(t, "xmpp://"+peers.Addr(p.Port))
	if err := g.relay.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for user, mechanism := range map[string]sasl.Mechanism{"alice": sasl.ScramSha1, "bob": sasl.Plain} {
		b := g.connect("")
		b.send(wsOpen)
		if offer := string(b.until("features").Raw); !strings.Contains(offer, ">"+mechanism.Name+"<") || strings.Contains(offer, "-PLUS<") {
			t.Errorf("offered is %s", offer)
		}
		if end := b.signIn(mechanism, user, "another password"); end != "failure" {
			t.Errorf("%s with a wrong password ends with %s", mechanism.Name, end)
		}
		if end := b.signIn(mechanism, user, secret); end != "success" {
			t.Fatalf("%s ends with %s", mechanism.Name, end)
		}
		b.send(wsOpen)
		b.until("features")
		b.bind()
		b.send(message(user, "1"))
		b.until("message", "1")
	}
}

// signIn plays a client's part of SASL, and returns how it ended.
func (b *browser) signIn(mechanism sasl.Mechanism, user, password string) (end string) {
	b.t.Helper()
	client := sasl.NewClient(mechanism, sasl.Credentials(func() (name, pass, identity []byte) {
		return []byte(user), []byte(password), nil
	}))
	name, attrs := "auth", ` mechanism="`+mechanism.Name+`"`
	var challenge []byte
	for {
		_, answer, err := client.Step(challenge)
		if err != nil {
			b.t.Fatalf("%s: %v", mechanism.Name, err)
		}
		b.send("<" + name + ` xmlns="urn:ietf:params:xml:ns:xmpp-sasl"` + attrs + ">" + base64.StdEncoding.EncodeToString(answer) + "</" + name + ">")
		el := b.next()
		if el.Name.Local != "challenge" {
			return el.Name.Local
		}
		if challenge, err = base64.StdEncoding.DecodeString(el.Text()); err != nil {
			b.t.Fatal(err)
		}
		name, attrs = "response", ""
	}
}
