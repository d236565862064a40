package archive

import (
	"testing"
	"time"

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
