package pep

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"foyer/internal/stream"
)

const (
	oldRoom = `<conference jid="%s" name="A &amp; B" autojoin="true"><nick>Al</nick><password>pw</password></conference>`
	newRoom = `<conference xmlns="urn:xmpp:bookmarks:1" name="A &amp; B" autojoin="true"><nick>Al</nick><password>pw</password><extensions><x xmlns="urn:x" a="1"/></extensions></conference>`
)

func oldRooms(jids ...string) string {
	s := `<storage xmlns="storage:bookmarks">`
	for _, jid := range jids {
		s += strings.Replace(oldRoom, "%s", jid, 1)
	}
	return s + `</storage>`
}

func oldRoomsItem(jids ...string) string {
	return `<items node="storage:bookmarks"><item id="current">` + oldRooms(jids...) + `</item></items>`
}

// bookmarkOptions are what Converse 14 and XEP-0402 §3.2 ask for.
func bookmarkOptions() string {
	return options("persist_items", "true", "max_items", "max", "send_last_published_item", "never", "access_model", "whitelist")
}

// XEP-0402 §2–5, XEP-0048, XEP-0049 (S-73): whatever way bookmarks are written,
// they are read by every way, and told by every way.
func TestBookmarks_Compatibility(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice := w.asking("alice", "a")
	now, old := w.asking("alice", "now", NodeBookmarks), w.asking("alice", "old", nodeOldBookmarks)
	bob := w.asking("bob", "b", NodeBookmarks, nodeOldBookmarks)
	reads := func(oldWay string, ids ...string) {
		t.Helper()
		alice.has("", `<items node="urn:xmpp:bookmarks:1"/>`, ids...)
		alice.ask(inPubsub("get", "", `<items node="storage:bookmarks"/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="storage:bookmarks"><item id="current">`+oldWay+`</item></items></pubsub></iq>`)
		alice.ask(`<iq xmlns="jabber:client" type="get" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"/></query></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="jabber:iq:private">`+oldWay+`</query></iq>`)
	}

	// The new way. T: Converse 14 asks for the old node and reads the new one.
	alice.publishes(NodeBookmarks, "a@rooms.h", newRoom, bookmarkOptions())
	published := `<items node="urn:xmpp:bookmarks:1"><item id="a@rooms.h">` + newRoom + `</item></items>`
	now.told("alice@h", published)
	old.told("alice@h", published)
	old.told("alice@h", oldRoomsItem("a@rooms.h"))
	reads(oldRooms("a@rooms.h"), "a@rooms.h")

	// The old node: one is added, and the other keeps what the old way does not have.
	alice.publishes(nodeOldBookmarks, "current", oldRooms("a@rooms.h", "b@rooms.h"), options("persist_items", "true", "max_items", "1", "access_model", "whitelist"))
	added := strings.Replace(`<items node="urn:xmpp:bookmarks:1"><item id="b@rooms.h">`+newRoom+`</item></items>`, `<extensions><x xmlns="urn:x" a="1"/></extensions>`, "", 1)
	now.told("alice@h", added)
	old.told("alice@h", added)
	old.told("alice@h", oldRoomsItem("a@rooms.h", "b@rooms.h"))
	reads(oldRooms("a@rooms.h", "b@rooms.h"), "a@rooms.h", "b@rooms.h")
	alice.ask(inPubsub("get", "", `<items node="urn:xmpp:bookmarks:1"><item id="a@rooms.h"/></items>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="urn:xmpp:bookmarks:1"><item id="a@rooms.h">`+newRoom+`</item></items></pubsub></iq>`)

	// Private XML: one goes; links are kept beside.
	alice.ask(`<iq xmlns="jabber:client" type="set" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks">`+strings.Replace(oldRoom, "%s", "b@rooms.h", 1)+`<url name="L" url="http://l"/></storage></query></iq>`, `<iq xmlns="jabber:client" type="result" id="1"/>`)
	for _, c := range []*client{now, old} {
		c.told("alice@h", `<items node="urn:xmpp:bookmarks:1"><retract id="a@rooms.h"/></items>`)
	}
	old.told("alice@h", oldRoomsItem("b@rooms.h"))
	alice.ask(`<iq xmlns="jabber:client" type="get" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"/></query></iq>`, `<iq xmlns="jabber:client" type="result" id="1"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks">`+strings.Replace(oldRoom, "%s", "b@rooms.h", 1)+`<url name="L" url="http://l"/></storage></query></iq>`)

	// What is the same is not told again (§5).
	alice.publishes(nodeOldBookmarks, "current", oldRooms("b@rooms.h"))
	now.none()
	old.none()

	// Removing.
	alice.ask(inPubsub("set", "", `<retract node="urn:xmpp:bookmarks:1" notify="true"><item id="b@rooms.h"/></retract>`), psResult)
	now.told("alice@h", `<items node="urn:xmpp:bookmarks:1"><retract id="b@rooms.h"/></items>`)
	alice.has("", `<items node="storage:bookmarks"/>`, "current")
	alice.has("", `<items node="urn:xmpp:bookmarks:1"/>`)

	// They are nobody else's business, whatever the client forgot to say.
	bob.none()
	bob.refusedWith(inPubsub("get", "alice@h", `<items node="storage:bookmarks"/>`), "cancel", "not-allowed", "closed-node")
	bob.refusedWith(inPubsub("get", "alice@h", `<items node="urn:xmpp:bookmarks:1"/>`), "cancel", "not-allowed", "closed-node")
}

// XEP-0402 §5 (S-73): where there are as many as the node has, one that takes the place of another takes
// that of no third.
func TestBookmarks_ReplacedAtTheBound(t *testing.T) {
	w := newWorld(t, "alice")
	var items []Item
	var jids []string
	for i := range maxNodeItems {
		jid := fmt.Sprintf("r%d@rooms.h", i)
		jids = append(jids, jid)
		items = append(items, Item{ID: jid, Payload: parseRoom(t, jid).append(nil, NodeBookmarks)})
	}
	if _, err := w.store.UpdateNode(t.Context(), "alice", NodeBookmarks, items, func(n *Node, _ bool) (bool, error) {
		n.Config = defaultConfig(NodeBookmarks)
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	jids[len(jids)-1] = "new@rooms.h"
	el, err := stream.Parse([]byte(`<iq xmlns="jabber:client">`+oldRooms(jids...)+`</iq>`), stream.Limits{Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	storage, _ := el.Find(nodeOldBookmarks, "storage")
	if _, err := w.svc.WritePrivate(t.Context(), "alice", storage); err != nil {
		t.Fatal(err)
	}
	got, err := w.svc.bookmarks(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	for _, jid := range jids {
		if !slices.ContainsFunc(got, func(b bookmark) bool { return b.jid == jid }) {
			t.Errorf("%s is gone", jid)
		}
	}
	if len(got) != len(jids) {
		t.Errorf("%d bookmarks", len(got))
	}
}

// parseRoom is the bookmark that oldRoom is.
func parseRoom(t *testing.T, jid string) bookmark {
	t.Helper()
	el, err := stream.Parse([]byte(`<iq xmlns="jabber:client">`+oldRooms(jid)+`</iq>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	storage, _ := el.Find(nodeOldBookmarks, "storage")
	list, _, err := parseOldBookmarks(storage)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// A bookmark that was kept under an address that is not prepared is not doubled by its change.
func TestBookmarks_KeptUnprepared(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	if _, err := w.store.UpdateNode(t.Context(), "alice", NodeBookmarks, []Item{{ID: "Garden@rooms.h", Payload: []byte(newRoom)}, {ID: "b@rooms.h", Payload: []byte(newRoom)}}, func(n *Node, _ bool) (bool, error) {
		n.Config = defaultConfig(NodeBookmarks)
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	alice.ask(inPubsub("set", "", `<publish node="`+NodeBookmarks+`"><item id="Garden@rooms.h">`+newRoom+`</item></publish>`), `<iq xmlns="jabber:client" type="result" id="p"><any xmlns="test"/></iq>`)
	alice.has("", `<items node="urn:xmpp:bookmarks:1"/>`, "b@rooms.h", "garden@rooms.h")
}

// What is no bookmark is refused, since the old ways could not show it (S-73).
func TestBookmarks_Refused(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	alice.refused(inPubsub("get", "", `<items node="storage:bookmarks"/>`), "cancel", "item-not-found")
	publish := func(node, id, payload string) string {
		return inPubsub("set", "", `<publish node="`+node+`"><item id="`+id+`">`+payload+`</item></publish>`)
	}
	alice.refusedWith(publish(NodeBookmarks, "a@rooms.h", `<a xmlns="urn:a"/>`), "modify", "bad-request", "invalid-payload")
	alice.refusedWith(publish(NodeBookmarks, "a@@", newRoom), "modify", "bad-request", "invalid-payload")
	alice.refusedWith(publish(nodeOldBookmarks, "current", `<a xmlns="urn:a"/>`), "modify", "bad-request", "invalid-payload")
	alice.refused(publish(nodeOldBookmarks, "current", oldRooms("a@@")), "modify", "jid-malformed")

	// The id is a room's address, and kept as addresses are compared (XEP-0402 §2, RFC 7622 §3).
	for _, id := range []string{"rooms.h", "a@rooms.h/Al", "@rooms.h"} {
		alice.refusedWith(publish(NodeBookmarks, id, newRoom), "modify", "bad-request", "invalid-payload")
	}
	alice.ask(publish(NodeBookmarks, "Garden-1@ROOMS.h", newRoom), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="urn:xmpp:bookmarks:1"><item id="garden-1@rooms.h"/></publish></pubsub></iq>`)
	alice.publishes(nodeOldBookmarks, "current", oldRooms("GARDEN-1@rooms.h/Al", "B@rooms.h", "rooms.h"))
	alice.has("", `<items node="urn:xmpp:bookmarks:1"/>`, "garden-1@rooms.h", "b@rooms.h")
	alice.has("", `<items node="urn:xmpp:bookmarks:1"><item id="Garden-1@rooms.h"/></items>`, "garden-1@rooms.h")
	alice.ask(inPubsub("set", "", `<retract node="urn:xmpp:bookmarks:1"><item id="Garden-1@rooms.H"/><item id="B@rooms.h"/></retract>`), psResult)

	// Deleting the node by either name deletes all, and is told by both.
	old := w.asking("alice", "old", nodeOldBookmarks)
	alice.publishes(nodeOldBookmarks, "current", oldRooms("a@rooms.h", "a@rooms.h"))
	alice.has("", `<items node="urn:xmpp:bookmarks:1"/>`, "a@rooms.h")
	old.Sync()
	alice.ask(inOwner("set", `<configure node="storage:bookmarks">`+form("node_config", "max_items", "1", "title", "T")+`</configure>`), psResult)
	if n, err := w.store.Node(t.Context(), "alice", NodeBookmarks); err != nil || n.Config.MaxItems != maxNodeItems || n.Config.Title != "T" {
		t.Errorf("%+v %v", n, err)
	}
	alice.ask(inPubsub("set", "", `<retract node="storage:bookmarks"><item id="current"/></retract>`), psResult)
	old.told("alice@h", `<items node="urn:xmpp:bookmarks:1"><retract id="a@rooms.h"/></items>`)
	old.told("alice@h", oldRoomsItem())
	alice.ask(inOwner("set", `<delete node="storage:bookmarks"/>`), psResult)
	old.told("alice@h", `<delete node="urn:xmpp:bookmarks:1"/>`)
	old.told("alice@h", `<delete node="storage:bookmarks"/>`)
	alice.refused(inPubsub("get", "", `<items node="urn:xmpp:bookmarks:1"/>`), "cancel", "item-not-found")
}
