package xmppd

import (
	"regexp"
	"strings"
	"testing"
)

// Strophe and Converse look for literal names and xmlns attributes (B-12, W-25):
// nothing but features and stream errors has a prefix, and what carries a
// namespace of its own declares it on itself. STARTTLS is no matter of the web
// (W-12).
func TestLiterals(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	c := w.connect(vouched("alice"))
	var sent []string
	read := func(want string) {
		t.Helper()
		raw := string(c.Read().Raw)
		sent = append(sent, raw)
		if !strings.Contains(raw, want) {
			t.Errorf("got %s, want %s", raw, want)
		}
	}
	read(`<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>EXTERNAL</mechanism>`)
	c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL"/>`)
	read(`<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"`)
	c.Send(`<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	read(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"`)
	c.Restart()
	read(`<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>`)
	if last := sent[len(sent)-1]; !strings.Contains(last, `<session xmlns="urn:ietf:params:xml:ns:xmpp-session">`) || !strings.Contains(last, `<sm xmlns="urn:xmpp:sm:3"/>`) {
		t.Errorf("features: %s", last)
	}
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	read(`<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>`)
	c.Send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	read(`<enabled xmlns="urn:xmpp:sm:3"`)
	bob := w.online("bob", "b")
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>hi</body></message>`)
	bob.Sync()
	c.Send(`<presence xmlns="jabber:client"/>`)
	for _, e := range c.Sync() {
		sent = append(sent, string(e.Raw))
	}
	prefixed := regexp.MustCompile(`</?[A-Za-z][\w.-]*:`)
	for _, raw := range sent {
		for _, name := range prefixed.FindAllString(raw, -1) {
			if strings.Trim(name, "</") != "stream:" {
				t.Errorf("a prefixed name: %s", raw)
			}
		}
		if strings.Contains(raw, "starttls") {
			t.Errorf("STARTTLS on the web: %s", raw)
		}
	}
}
