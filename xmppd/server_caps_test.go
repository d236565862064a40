package xmppd

import (
	"strings"
	"testing"

	"foyer/internal/stanza"
)

// XEP-0115 §6.2, §6.3 (S-48): the features carry the hash of what the server
// answers to disco#info, and it answers for that hash too.
func TestServerCaps(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.connect(vouched("alice"))
	c.Read()
	c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`)
	c.Expect(saslOK)
	c.Restart()
	features := c.Read()
	own, ok := features.Find(stanza.NSCaps, "c")
	if !ok {
		t.Fatalf("no capabilities: %s", features.Raw)
	}
	hash, _ := own.Attr("hash")
	node, _ := own.Attr("node")
	ver, _ := own.Attr("ver")
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	c.Read()
	info := func(node string) string {
		return `<iq xmlns="jabber:client" type="get" id="1" to="h"><query xmlns="http://jabber.org/protocol/disco#info"` + node + `/></iq>`
	}
	for _, asked := range []string{"", ` node="` + node + "#" + ver + `"`} {
		c.Send(info(asked))
		answer := c.Read()
		query, ok := answer.Find(stanza.NSDiscoInfo, "query")
		if !ok || !strings.Contains(string(query.Raw()), `disco#info"`+asked+`>`) {
			t.Fatalf("%q: %s", asked, answer.Raw)
		}
		var d stanza.Capabilities
		if err := query.Decode(&d); err != nil {
			t.Fatal(err)
		}
		if err := d.Verify(hash, ver); err != nil {
			t.Errorf("%q: %v", asked, err)
		}
	}
	c.refused(info(` node="`+node+`#other"`), "cancel", "item-not-found")
}
