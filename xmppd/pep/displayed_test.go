package pep

import (
	"fmt"
	"slices"
	"testing"
)

func displayed(id string) string {
	return `<displayed xmlns="urn:xmpp:mds:displayed:0"><stanza-id xmlns="urn:xmpp:sid:0" by="alice@h" id="` + id + `"/></displayed>`
}

// XEP-0490 §4.1: what one client has displayed all others of the account learn, each
// conversation for itself; nobody else does, whatever they ask for.
func TestDisplayed_ToldToOwnClients(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	phone := w.asking("alice", "phone", NodeDisplayed)
	laptop := w.asking("alice", "laptop", NodeDisplayed, "l")
	bob := w.asking("bob", "x", NodeDisplayed, "b")

	private := options("persist_items", "true", "max_items", "max", "send_last_published_item", "never", "access_model", "whitelist")
	phone.publishes(NodeDisplayed, "bob@h", displayed("m1"), private)
	laptop.Until(event("alice@h", `<items node="`+NodeDisplayed+`"><item id="bob@h">`+displayed("m1")+`</item></items>`))
	laptop.publishes(NodeDisplayed, "room@rooms.h", displayed("m2"), private)
	phone.Until(event("alice@h", `<items node="`+NodeDisplayed+`"><item id="room@rooms.h">`+displayed("m2")+`</item></items>`))
	bob.none()
	bob.refused(inPubsub("get", "alice@h", `<items node="`+NodeDisplayed+`"/>`), "cancel", "not-allowed")

	// A client that comes later asks; nothing is sent to it unasked.
	tablet := w.asking("alice", "tablet", NodeDisplayed, "t")
	tablet.none()
	tablet.ask(inPubsub("get", "", `<items node="`+NodeDisplayed+`"/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="`+
		NodeDisplayed+`"><item id="bob@h">`+displayed("m1")+`</item><item id="room@rooms.h">`+displayed("m2")+`</item></items></pubsub></iq>`)
}

// XEP-0490 §4.5: with one message a client tells somebody, and its own others, what it has
// displayed; nobody else sees that of its own.
func TestDisplayed_Assisted(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	phone := w.asking("alice", "phone", NodeDisplayed)
	laptop := w.asking("alice", "laptop", NodeDisplayed, "l")
	bob := w.online("bob", "x")
	if !slices.Contains(w.svc.Discovery().Features, featureAssist) {
		t.Error("clients do not learn that they may do so (§4.5.2)")
	}

	const marker = `<displayed xmlns="urn:xmpp:chat-markers:0" id="m1"/><no-store xmlns="urn:xmpp:hints"/>`
	phone.Send(`<message xmlns="jabber:client" to="bob@h">` + marker + displayed("id-1") + `</message>`)
	bob.Until(`<message xmlns="jabber:client" from="` + phone.full + `" to="bob@h">` + marker + `</message>`)
	laptop.Until(event("alice@h", `<items node="`+NodeDisplayed+`"><item id="bob@h">`+displayed("id-1")+`</item></items>`))
	n, err := w.store.Node(t.Context(), "alice", NodeDisplayed)
	if err != nil || n.Config.Access != AccessWhitelist {
		t.Errorf("the node is for %s, %v", n.Config.Access, err)
	}

	// What says nothing is taken out all the same.
	phone.Send(`<message xmlns="jabber:client" to="bob@h">` + marker + `<displayed xmlns="urn:xmpp:mds:displayed:0"/></message>`)
	bob.Until(`<message xmlns="jabber:client" from="` + phone.full + `" to="bob@h">` + marker + `</message>`)
	laptop.none()
}

// The node is private and keeps every conversation, also for a client that does not say
// so; and says nothing that the server could not read.
func TestDisplayed_Defaults(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "x")
	for i := range 3 {
		alice.publishes(NodeDisplayed, fmt.Sprintf("p%d@h", i), displayed("m"))
	}
	page, err := w.store.Items(t.Context(), ItemQuery{User: "alice", Node: NodeDisplayed, Max: 10})
	if err != nil || len(page.Items) != 3 {
		t.Errorf("%d conversations, %v", len(page.Items), err)
	}
	n, err := w.store.Node(t.Context(), "alice", NodeDisplayed)
	if err != nil || n.Config.Access != AccessWhitelist || n.Config.SendLast != SendNever || n.Config.MaxItems != maxNodeItems {
		t.Errorf("%+v, %v", n.Config, err)
	}
	for _, payload := range []string{`<displayed xmlns="urn:xmpp:mds:displayed:0"/>`, `<other xmlns="x"/>`} {
		alice.refused(inPubsub("set", "", `<publish node="`+NodeDisplayed+`"><item id="bob@h">`+payload+`</item></publish>`), "modify", "bad-request")
	}
}
