package pep

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
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

// XEP-0490 §5.1: what was displayed only moves forward, whichever client says it last; who says less hears
// what the others said. What is not of an archive here cannot be compared, and is as it was published last.
func TestDisplayed_OnlyForward(t *testing.T) {
	w := newWorld(t, "alice")
	phone := w.asking("alice", "phone")
	laptop := w.asking("alice", "laptop", NodeDisplayed, "l")
	at := func(minutes int) string {
		var id uuid.UUID
		binary.BigEndian.PutUint64(id[:8], uint64(time.Now().Add(time.Duration(minutes)*time.Minute).UnixMilli())<<16|0x7000)
		id[8] = 0x80
		return id.String()
	}
	by := func(giver, id string) string {
		return `<displayed xmlns="urn:xmpp:mds:displayed:0"><stanza-id xmlns="urn:xmpp:sid:0" by="` + giver + `" id="` + id + `"/></displayed>`
	}
	five, ten, eleven, tomorrow := at(-15), at(-10), at(-9), at(24*60)
	random := uuid.New()
	random[0] = 0
	for _, step := range []struct{ conversation, said, want string }{
		{"bob@h", by("alice@h", ten), ""},
		{"bob@h", by("alice@h", five), by("alice@h", ten)},
		{"bob@h", by("alice@h", ten), ""}, // the same again
		{"bob@h", by("alice@h", eleven), ""},
		{"carol@h", by("alice@h", five), ""}, // another conversation
		{"den@rooms.h", by("den@rooms.h", ten), ""},
		{"den@rooms.h", by("den@rooms.h", five), by("den@rooms.h", ten)},
		{"den@rooms.h", by("alice@h", five), ""}, // another archive
		{"dave@h", by("else.where", ten), ""},
		{"dave@h", by("else.where", five), ""}, // another server
		{"eve@h", by("alice@h", "m10"), ""},
		{"eve@h", by("alice@h", five), ""},
		{"eve@h", by("alice@h", random.String()), ""}, // no id of an archive
		{"eve@h", by("alice@h", tomorrow), ""},
		{"eve@h", by("alice@h", ten), ""},
	} {
		want := cmp.Or(step.want, step.said)
		phone.publishes(NodeDisplayed, step.conversation, step.said)
		laptop.told("alice@h", `<items node="`+NodeDisplayed+`"><item id="`+step.conversation+`">`+want+`</item></items>`)
		page, err := w.store.Items(t.Context(), ItemQuery{User: "alice", Node: NodeDisplayed, IDs: []string{step.conversation}, Max: 10})
		if err != nil || len(page.Items) != 1 || string(page.Items[0].Payload) != want {
			t.Errorf("%s says %s: %+v, %v", step.conversation, step.said, page.Items, err)
		}
	}

	// So does a message that brings it, and who published hears of it as well.
	phone.Send(`<message xmlns="jabber:client" to="bob@h"><no-store xmlns="urn:xmpp:hints"/>` + by("alice@h", five) + `</message>`)
	laptop.Until(event("alice@h", `<items node="`+NodeDisplayed+`"><item id="bob@h">`+by("alice@h", eleven)+`</item></items>`))
	laptop.Send(inPubsub("set", "", `<publish node="`+NodeDisplayed+`"><item id="bob@h">`+by("alice@h", five)+`</item></publish>`))
	laptop.told("alice@h", `<items node="`+NodeDisplayed+`"><item id="bob@h">`+by("alice@h", eleven)+`</item></items>`)
}
