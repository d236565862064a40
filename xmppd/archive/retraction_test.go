package archive

import (
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// A room keeps who wrote a message, and tells who moderated it.
func TestRetraction_Tombstone(t *testing.T) {
	r := Retraction{By: "r", At: time.Unix(0, 0), Keep: []stream.Name{{Space: "urn:xmpp:occupant-id:0", Local: "occupant-id"}}, Extra: []byte(`<moderated xmlns="urn:xmpp:message-moderate:1"/>`)}
	got, err := r.Tombstone([]byte(`<message xmlns="jabber:client" from="r@c/n" type="groupchat" id="a&amp;b"><body>x</body><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o"/></message>`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `<message xmlns="jabber:client" from="r@c/n" type="groupchat" id="a&amp;b"><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o"/><retracted xmlns="urn:xmpp:message-retract:1" id="r" stamp="1970-01-01T00:00:00Z"><moderated xmlns="urn:xmpp:message-moderate:1"/></retracted></message>`; string(got) != want {
		t.Errorf("%s", got)
	}
	if _, err := r.Tombstone([]byte("no stanza")); err == nil {
		t.Error("a damaged stanza has a tombstone")
	}
}

// XEP-0424 §3.1: what takes something back is told by the element, in its form of now or of before, and not by letters
// that a text or an attribute may have as well.
func TestIsRetraction(t *testing.T) {
	for inner, want := range map[string]bool{
		`<body>x</body><retract xmlns="urn:xmpp:message-retract:1" id="a"/>`:                                                                          true,
		`<body>x</body><retract xmlns='urn:xmpp:message-retract:1' id='a'/>`:                                                                          true,
		`<body>x</body><apply-to xmlns="urn:xmpp:fasten:0" id="a"><retract xmlns="urn:xmpp:message-retract:0"/></apply-to>`:                           true,
		`<body>x</body><retract xmlns="urn:xmpp:message-retract:1" id="a"/><retract xmlns="urn:xmpp:message-retract:1" id="b"/>`:                      true, // two is one too many
		`<body>x</body><retract xmlns="urn:xmpp:message-retract:1"/>`:                                                                                 false,
		`<body>&lt;retract xmlns="urn:xmpp:message-retract:1" id="a"/&gt;</body>`:                                                                     false,
		`<body>x</body><x xmlns="u" of="urn:xmpp:message-retract:1"/>`:                                                                                false,
		`<body>x</body><x xmlns="u"><retract xmlns="urn:xmpp:message-retract:1" id="a"/></x>`:                                                         false,
		`<body>x</body><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:message-retract:1"/>`:                                                      false,
		`<body>x</body><apply-to xmlns="urn:xmpp:fasten:0" id="a"><external name="urn:xmpp:message-retract:1" xmlns="urn:xmpp:fasten:0"/></apply-to>`: false,
	} {
		m, err := stream.Parse([]byte(`<message xmlns="jabber:client" to="b@h" id="m">`+inner+`</message>`), stream.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if got := Received(m, "b@h", stanza.Address{User: "a", Domain: "h"}).IsRetraction; got != want {
			t.Errorf("%v: %s", got, inner)
		}
	}
}
