package remote

import (
	"testing"

	"foyer/internal/stream"
)

// XEP-0357 §4.1, §5, §6: whether the server tells, and from when until when it does.
func TestPush(t *testing.T) {
	s, c := play(t,
		[2]string{"disco#info", `<iq xmlns="jabber:client" type="result" id="ID"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="urn:xmpp:push:0"/></query></iq>`},
		[2]string{"<enable", `<iq xmlns="jabber:client" type="result" id="ID"/>`},
		[2]string{"<disable", `<iq xmlns="jabber:client" type="error" id="ID"><error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`},
	)
	if offered, err := s.OffersPush(t.Context()); err != nil || !offered {
		t.Error(offered, err)
	}
	if err := s.EnablePush(t.Context(), "site@h/push", `n"1`); err != nil || !c.said(`<enable xmlns="urn:xmpp:push:0" jid="site@h/push" node="n&quot;1"/>`) {
		t.Error(err, c.sent)
	}
	if err := s.DisablePush(t.Context(), "site@h/push", "n"); err != nil || !c.said("<disable") { // it is so already
		t.Error(err, c.sent)
	}
}

// Only a server publishes that there is a message: nobody's client (XEP-0357 §3.2).
func TestPushedNode(t *testing.T) {
	const published = `<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="n"><item><notification xmlns="urn:xmpp:push:0"/></item></publish></pubsub>`
	for _, c := range []struct{ iq, node string }{
		{`<iq xmlns="jabber:client" type="set" from="h" id="1">` + published + `</iq>`, "n"},
		{`<iq xmlns="jabber:client" type="set" from="ann@h" id="1">` + published + `</iq>`, "n"},
		{`<iq xmlns="jabber:client" type="set" from="ann@h/phone" id="1">` + published + `</iq>`, ""},
		{`<iq xmlns="jabber:client" type="get" from="h" id="1">` + published + `</iq>`, ""},
		{`<iq xmlns="jabber:client" type="set" from="h" id="1"><ping xmlns="urn:xmpp:ping"/></iq>`, ""},
	} {
		el, err := stream.Parse([]byte(c.iq), stream.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if node, ok := PushedNode(el); node != c.node || ok != (c.node != "") {
			t.Errorf("%s: %q", c.iq, node)
		}
	}
}

// The last messages are those that the account's own archive sends, in its order, and no more
// than were asked for.
func TestLastMessages(t *testing.T) {
	result := func(from, id string) string {
		return `<message xmlns="jabber:client"` + from + `><result xmlns="urn:xmpp:mam:2" id="` + id + `"><forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="2026-11-27T04:00:00Z"/>` +
			`<message xmlns="jabber:client" from="bob@h/x" id="m` + id + `"><body>` + id + `</body></message></forwarded></result></message>` + "\n\n"
	}
	s, c := play(t, [2]string{"<query", result("", "1") + result(` from="eve@h/x"`, "2") + result(` from="ann@h"`, "3") + result("", "4") + `<iq xmlns="jabber:client" type="result" id="ID"><fin xmlns="urn:xmpp:mam:2"/></iq>`})
	list, err := s.LastMessages(t.Context(), 2)
	if err != nil || len(list) != 2 || list[0].ID != "1" || list[1].ID != "3" || list[1].Message.ID != "m3" || list[1].At.Hour() != 4 {
		t.Errorf("%+v, %v", list, err)
	}
	if !c.said("<max>2</max>", "<before/>") {
		t.Error(c.sent)
	}
}
