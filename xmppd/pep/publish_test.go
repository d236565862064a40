package pep

import (
	"fmt"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/xmppd"
)

// asking signs somebody in whose client asks to be told of nodes; what comes of
// that is read.
func (w *world) asking(user, resource string, nodes ...string) *client {
	w.t.Helper()
	c := w.bound(user, resource)
	c.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"><any xmlns="test"/></query></iq>`)
	c.wantsTold(nodes...)
	c.Sync()
	return c
}

// wantsTold sends presence with capabilities and answers the server's question.
func (c *client) wantsTold(nodes ...string) {
	c.w.t.Helper()
	ver := "v-" + strings.Join(nodes, "-")
	c.Send(`<presence xmlns="jabber:client"><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:c" ver="` + ver + `"/></presence>`)
	c.answerCaps("urn:c#"+ver, nodes...)
}

// answerCaps waits for the server to ask for features, and tells them.
func (c *client) answerCaps(node string, nodes ...string) {
	c.w.t.Helper()
	q := c.Until(`<iq xmlns="jabber:client" type="get" from="h" to="` + c.full + `" id="{id}"><query xmlns="http://jabber.org/protocol/disco#info" node="` + node + `"/></iq>`)
	features := `<feature var="http://jabber.org/protocol/caps"/>`
	for _, n := range nodes {
		features += `<feature var="` + n + `+notify"/>`
	}
	c.Send(`<iq xmlns="jabber:client" type="result" to="h" id="` + q["id"] + `"><query xmlns="http://jabber.org/protocol/disco#info" node="` + node + `"><identity category="client" type="web"/>` + features + `</query></iq>`)
}

const (
	psResult = `<iq xmlns="jabber:client" type="result" id="p"/>`
	tune     = `<tune xmlns="http://jabber.org/protocol/tune"><title>%s</title></tune>`
)

// psUnsupported is the error that names a feature which is missing.
func psUnsupported(feature string) string {
	return `<iq xmlns="jabber:client" type="error" id="p"><error type="cancel"><feature-not-implemented xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>` +
		`<unsupported xmlns="http://jabber.org/protocol/pubsub#errors" feature="` + feature + `"/></error></iq>`
}

func inPubsub(typ, to, content string) string {
	if to != "" {
		to = ` to="` + to + `"`
	}
	return `<iq xmlns="jabber:client" type="` + typ + `" id="p"` + to + `><pubsub xmlns="http://jabber.org/protocol/pubsub">` + content + `</pubsub></iq>`
}

func inOwner(typ, content string) string {
	return `<iq xmlns="jabber:client" type="` + typ + `" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner">` + content + `</pubsub></iq>`
}

func form(formType string, pairs ...string) string {
	s := `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/pubsub#` + formType + `</value></field>`
	for i := 0; i < len(pairs); i += 2 {
		s += `<field var="pubsub#` + pairs[i] + `"><value>` + pairs[i+1] + `</value></field>`
	}
	return s + `</x>`
}

func options(pairs ...string) string {
	return `<publish-options>` + form("publish-options", pairs...) + `</publish-options>`
}

// publishes publishes and expects success.
func (c *client) publishes(node, id, payload string, rest ...string) {
	c.w.t.Helper()
	c.ask(inPubsub("set", "", `<publish node="`+node+`"><item id="`+id+`">`+payload+`</item></publish>`+strings.Join(rest, "")),
		`<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="`+node+`"><item id="`+id+`"/></publish></pubsub></iq>`)
}

func event(from, content string) string {
	return `<message xmlns="jabber:client" type="headline" from="` + from + `"><event xmlns="http://jabber.org/protocol/pubsub#event">` + content + `</event></message>`
}

// told expects the next message to be that event.
func (c *client) told(from, content string) {
	c.w.t.Helper()
	c.next(event(from, content))
}

// next reads up to the next message, which must match.
func (c *client) next(pattern string) {
	c.w.t.Helper()
	for {
		e := c.Read()
		if e.Name.Local != "message" {
			continue
		}
		if _, err := streamtest.Match(pattern, e.Raw); err != nil {
			c.w.t.Fatalf("%v: %s", err, e.Raw)
		}
		if e.To != c.full {
			c.w.t.Fatalf("to %q, want %q", e.To, c.full)
		}
		return
	}
}

// items returns what a retrieval answers, as it came.
func (c *client) items(to, request string) []string {
	c.w.t.Helper()
	c.Send(inPubsub("get", to, request))
	for {
		e := c.Read()
		if e.Name.Local != "iq" || e.ID != "p" {
			continue
		}
		ps, ok := e.Find(stanza.NSPubsub, "pubsub")
		if e.Type != "result" || !ok {
			c.w.t.Fatalf("not items: %s", e.Raw)
		}
		ids := []string{}
		items, _ := ps.Find(stanza.NSPubsub, "items")
		for it := range items.Children() {
			id, _ := it.Attr("id")
			ids = append(ids, id)
		}
		return ids
	}
}

func (c *client) has(to, request string, want ...string) {
	c.w.t.Helper()
	if got := c.items(to, request); fmt.Sprint(got) != fmt.Sprint(want) {
		c.w.t.Errorf("%s: items %v, want %v", request, got, want)
	}
}

// refusedWith expects a pubsub error (XEP-0060 §14).
func (c *client) refusedWith(request, typ, condition, specific string) {
	c.w.t.Helper()
	c.ask(request, `<iq xmlns="jabber:client" type="error" id="p"><error type="`+typ+`"><`+condition+` xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>`+
		`<any xmlns="test"/></error></iq>`)
	c.Send(request)
	for {
		if e := c.Read(); e.ID == "p" {
			if !strings.Contains(string(e.Raw), `<`+specific+` xmlns="http://jabber.org/protocol/pubsub#errors"`) {
				c.w.t.Errorf("%s lacks %s", e.Raw, specific)
			}
			return
		}
	}
}

// XEP-0163 §3, XEP-0060 §7.1.2–7.1.4 (S-66).
func TestPubsub_Publish(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.asking("alice", "a"), w.asking("bob", "b", "n")
	got := alice.ask(inPubsub("set", "", `<publish node="n"><item><a xmlns="urn:a"/></item></publish>`),
		`<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="n"><item id="{id}"/></publish></pubsub></iq>`)
	if got["id"] == "" {
		t.Error("no id was generated")
	}
	bob.told("alice@h", `<items node="n"><item id="`+got["id"]+`"><a xmlns="urn:a"/></item></items>`)
	for _, title := range []string{"one", "two"} {
		alice.publishes("n", "current", fmt.Sprintf(tune, title))
		bob.told("alice@h", `<items node="n"><item id="current">`+fmt.Sprintf(tune, title)+`</item></items>`)
	}
	bob.has("alice@h", `<items node="n"/>`, "current")

	bob.refused(inPubsub("set", "alice@h", `<publish node="n"><item id="x"><a xmlns="urn:a"/></item></publish>`), "auth", "forbidden")
	bob.refused(inPubsub("set", "zoe@h", `<publish node="n"><item id="x"><a xmlns="urn:a"/></item></publish>`), "cancel", "service-unavailable")
	bob.refusedWith(inPubsub("set", "alice@h", `<subscribe node="n" jid="bob@h"/>`), "cancel", "feature-not-implemented", "unsupported")
	for request, specific := range map[string]string{
		`<publish><item id="x"><a xmlns="urn:a"/></item></publish>`: "nodeid-required",
		`<publish node="n"/>`:                        "item-required",
		`<publish node="n"><item id="x"/></publish>`: "payload-required",
		`<publish node="n"><item id="x"><a xmlns="urn:a"/><a xmlns="urn:a"/></item></publish>`: "invalid-payload",
		`<retract node="n"/>`:                 "item-required",
		`<retract node="n"><item/></retract>`: "item-required",
	} {
		alice.refusedWith(inPubsub("set", "", request), "modify", "bad-request", specific)
	}
	alice.refused(inPubsub("set", "", `<publish node="n"><item id="x"><a xmlns="urn:a"/></item><item id="y"><a xmlns="urn:a"/></item></publish>`), "modify", "bad-request")
	alice.refusedWith(inPubsub("set", "", `<publish node="n"><item id="x"><a xmlns="urn:a">`+strings.Repeat("x", maxItemBytes)+`</a></item></publish>`), "modify", "not-acceptable", "payload-too-big")
	alice.refused(inPubsub("set", "", ``), "modify", "bad-request")
	alice.refused(inPubsub("set", "", `<dance/>`), "modify", "bad-request")
}

// What is stored is told; what is not stored is told to nobody.
func TestPubsub_StoredFirst(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a", "n")
	w.store.setFail(errAway)
	alice.refused(inPubsub("set", "", `<publish node="n"><item id="x"><a xmlns="urn:a"/></item></publish>`), "wait", "internal-server-error")
	w.store.setFail(nil)
	alice.none()
}

// XEP-0060 §7.1.5, XEP-0223 §5 (S-67); §8.2 (S-68).
func TestPubsub_PublishOptions(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	item := `<publish node="n"><item id="x"><a xmlns="urn:a"/></item></publish>`
	alice.publishes("n", "x", `<a xmlns="urn:a"/>`, options("access_model", "whitelist", "max_items", "max", "persist_items", "true", "send_last_published_item", "never"))
	alice.publishes("n", "x", `<a xmlns="urn:a"/>`, options("access_model", "whitelist", "max_items", "9999", "persist_items", "1"))
	alice.publishes("n", "x", `<a xmlns="urn:a"/>`, options())
	alice.publishes("n", "x", `<a xmlns="urn:a"/>`)
	alice.refusedWith(inPubsub("set", "", `<publish node="n"><item id="y"><a xmlns="urn:a"/></item></publish>`+options("access_model", "open")), "cancel", "conflict", "precondition-not-met")
	alice.has("", `<items node="n"/>`, "x")
	alice.refused(inPubsub("set", "", item+options("color", "red")), "modify", "not-acceptable")
	alice.refused(inPubsub("set", "", item+options("access_model", "authorize")), "modify", "not-acceptable")
	alice.refused(inPubsub("set", "", item+options("max_items", "0")), "modify", "not-acceptable")
	alice.refused(inPubsub("set", "", item+`<publish-options>`+form("node_config")+`</publish-options>`), "modify", "bad-request")

	// Converse recovers so: it reads the form, changes a field and sends all back,
	// lists empty.
	alice.ask(inOwner("get", `<configure node="n"/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><configure node="n"><x xmlns="jabber:x:data" type="form"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/pubsub#node_config</value></field><any xmlns="test"/></x></configure></pubsub></iq>`)
	alice.ask(inOwner("set", `<configure node="n">`+form("node_config", "title", "T", "access_model", "open", "send_last_published_item", "", "max_items", "max", "notify_config", "true")+`</configure>`), psResult)
	n, err := w.store.Node(t.Context(), "alice", "n")
	if err != nil || n.Config.Access != AccessOpen || n.Config.SendLast != SendNever || n.Config.Title != "T" || !n.Config.NotifyConfig {
		t.Errorf("%+v %v", n, err)
	}
	alice.publishes("n", "y", `<a xmlns="urn:a"/>`, options("access_model", "open"))
	alice.refused(inOwner("set", `<configure node="n">`+form("node_config", "deliver_payloads", "maybe")+`</configure>`), "modify", "not-acceptable")
	alice.refused(inOwner("set", `<configure node="n"/>`), "modify", "bad-request")
	alice.refused(inOwner("set", `<configure node="none">`+form("node_config")+`</configure>`), "cancel", "item-not-found")
	alice.refused(inOwner("get", `<configure node="none"/>`), "cancel", "item-not-found")
	alice.ask(inOwner("set", `<configure node="n"><x xmlns="jabber:x:data" type="cancel"/></configure>`), psResult)
	// XEP-0004 §3.1: in a configuration a field that is not understood is ignored.
	alice.ask(inOwner("set", `<configure node="n">`+form("node_config", "color", "red", "title", "T2")+`</configure>`), psResult)
	alice.ask(inPubsub("set", "", `<create node="n2"/><configure>`+form("node_config", "language", "en")+`</configure>`), psResult)
	if n, err := w.store.Node(t.Context(), "alice", "n"); err != nil || n.Config.Title != "T2" {
		t.Errorf("%+v %v", n, err)
	}
	alice.ask(inOwner("get", `<default/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><default><x xmlns="jabber:x:data" type="form"><any xmlns="test"/></x></default></pubsub></iq>`)
}

// XEP-0163 §5, XEP-0060 §4.5, §6.5.9 (S-69).
func TestPubsub_Access(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	friend := w.store.rosters["alice"]["bob@h"]
	friend.Groups = []string{"Friends"}
	w.store.rosters["alice"]["bob@h"] = friend
	alice, bob, carol := w.asking("alice", "a"), w.asking("bob", "b"), w.asking("carol", "c")
	for _, node := range []string{"open", "presence", "roster", "whitelist"} {
		alice.publishes(node, "x", `<a xmlns="urn:a"/>`, options("access_model", node))
		alice.has("", `<items node="`+node+`"/>`, "x")
		alice.has("alice@h", `<items node="`+node+`"/>`, "x")
	}
	get := func(node string) string { return inPubsub("get", "alice@h", `<items node="`+node+`"/>`) }
	carol.has("alice@h", `<items node="open"/>`, "x")
	carol.refusedWith(get("presence"), "auth", "not-authorized", "presence-subscription-required")
	carol.refusedWith(get("roster"), "auth", "not-authorized", "presence-subscription-required")
	carol.refusedWith(get("whitelist"), "cancel", "not-allowed", "closed-node")
	bob.has("alice@h", `<items node="presence"/>`, "x")
	bob.refusedWith(get("roster"), "auth", "not-authorized", "not-in-roster-group")
	bob.refusedWith(get("whitelist"), "cancel", "not-allowed", "closed-node")
	bob.refused(get("missing"), "cancel", "item-not-found")
	bob.refused(inPubsub("get", "zoe@h", `<items node="x"/>`), "cancel", "service-unavailable")

	alice.ask(inOwner("set", `<configure node="roster">`+form("node_config", "roster_groups_allowed", "Friends")+`</configure>`), psResult)
	bob.has("alice@h", `<items node="roster"/>`, "x")
	// XEP-0060 §8.9: who is a member is on the whitelist.
	alice.ask(inOwner("set", `<affiliations node="whitelist"><affiliation jid="carol@h" affiliation="member"/></affiliations>`), psResult)
	carol.has("alice@h", `<items node="whitelist"/>`, "x")
	alice.ask(inOwner("get", `<affiliations node="whitelist"/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><affiliations node="whitelist"><affiliation jid="alice@h" affiliation="owner"/><affiliation jid="carol@h" affiliation="member"/></affiliations></pubsub></iq>`)
	carol.ask(inPubsub("get", "alice@h", `<affiliations/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><affiliations><affiliation node="whitelist" affiliation="member"/></affiliations></pubsub></iq>`)
	carol.ask(inPubsub("get", "alice@h", `<subscriptions/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><subscriptions/></pubsub></iq>`)
	alice.refused(inOwner("set", `<affiliations node="whitelist"><affiliation jid="carol@h" affiliation="owner"/></affiliations>`), "modify", "not-acceptable")
	for _, other := range []string{"outcast", "publisher", "publish-only"} { // §8.9.2.3
		alice.ask(inOwner("set", `<affiliations node="whitelist"><affiliation jid="carol@h" affiliation="`+other+`"/></affiliations>`), psUnsupported(other+"-affiliation"))
	}
	alice.ask(inOwner("set", `<affiliations node="whitelist"><affiliation jid="carol@h"/></affiliations>`), psResult) // nothing is said of it
	carol.ask(inPubsub("get", "alice@h", `<affiliations/>`), `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><affiliations><affiliation node="whitelist" affiliation="member"/></affiliations></pubsub></iq>`)
	alice.refused(inOwner("set", `<affiliations node="whitelist"><affiliation jid="alice@h" affiliation="none"/></affiliations>`), "modify", "not-acceptable")
	alice.ask(inOwner("set", `<affiliations node="whitelist"><affiliation jid="carol@h" affiliation="none"/></affiliations>`), psResult)
	carol.refusedWith(get("whitelist"), "cancel", "not-allowed", "closed-node")
	// Another's node is not configured.
	bob.refused(`<iq xmlns="jabber:client" type="get" id="p" to="alice@h"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><configure node="open"/></pubsub></iq>`, "auth", "forbidden")
	// XEP-0191 §3.3 (S-52): whom the owner blocks sees nobody there.
	alice.ask(`<iq xmlns="jabber:client" type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="carol@h"/></block></iq>`, `<iq xmlns="jabber:client" type="result" id="b"/>`)
	carol.refused(get("open"), "cancel", "service-unavailable")
}

// XEP-0060 §6.5, §7.1.2.5, §7.2, §8.4, §8.5, §16.3 (S-71).
func TestPubsub_Items(t *testing.T) {
	w := newWorld(t, "alice")
	alice, other := w.asking("alice", "a"), w.asking("alice", "o", "n")
	alice.ask(inPubsub("set", "", `<create node="n"/><configure>`+form("node_config", "max_items", "3")+`</configure>`), psResult)
	alice.refused(inPubsub("set", "", `<create node="n"/>`), "cancel", "conflict")
	alice.refusedWith(inPubsub("set", "", `<create/>`), "modify", "not-acceptable", "nodeid-required")
	alice.has("", `<items node="n"/>`)
	for _, id := range []string{"1", "2", "3", "2", "4"} {
		alice.publishes("n", id, `<a xmlns="urn:a"/>`)
		other.told("alice@h", `<items node="n"><item id="`+id+`"><a xmlns="urn:a"/></item></items>`)
	}
	alice.has("", `<items node="n"/>`, "3", "2", "4")
	alice.has("", `<items node="n" max_items="2"/>`, "2", "4")
	alice.has("", `<items node="n"><item id="4"/><item id="3"/><item id="9"/></items>`, "3", "4")
	alice.has("", `<items node="n"/><set xmlns="http://jabber.org/protocol/rsm"><max>1</max><after>3</after></set>`, "2")
	alice.ask(inPubsub("get", "", `<items node="n"/><set xmlns="http://jabber.org/protocol/rsm"><max>1</max><before/></set>`),
		`<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="n"><item id="4"><a xmlns="urn:a"/></item></items><set xmlns="http://jabber.org/protocol/rsm"><first index="2">4</first><last>4</last><count>3</count></set></pubsub></iq>`)
	alice.refused(inPubsub("get", "", `<items node="n"/><set xmlns="http://jabber.org/protocol/rsm"><after>9</after></set>`), "cancel", "item-not-found")
	alice.refused(inPubsub("get", "", `<items node="n" max_items="many"/>`), "modify", "bad-request")

	alice.ask(inPubsub("set", "", `<retract node="n" notify="true"><item id="2"/></retract>`), psResult)
	other.told("alice@h", `<items node="n"><retract id="2"/></items>`)
	alice.refused(inPubsub("set", "", `<retract node="n"><item id="2"/></retract>`), "cancel", "item-not-found")
	alice.refused(inPubsub("set", "", `<retract node="m"><item id="2"/></retract>`), "cancel", "item-not-found")
	alice.ask(inOwner("set", `<configure node="n">`+form("node_config", "notify_retract", "0", "max_items", "1")+`</configure>`), psResult)
	alice.has("", `<items node="n"/>`, "4")
	alice.ask(inPubsub("set", "", `<retract node="n"><item id="4"/></retract>`), psResult)
	other.none()
	alice.ask(inOwner("set", `<configure node="n">`+form("node_config", "notify_retract", "1", "notify_config", "1")+`</configure>`), psResult)
	other.told("alice@h", `<configuration node="n"/>`)
	alice.publishes("n", "5", `<a xmlns="urn:a"/>`)
	other.told("alice@h", `<items node="n"><item id="5"><a xmlns="urn:a"/></item></items>`)
	alice.ask(inOwner("set", `<purge node="n"/>`), psResult)
	other.told("alice@h", `<purge node="n"/>`)
	alice.has("", `<items node="n"/>`)
	alice.ask(inOwner("set", `<delete node="n"/>`), psResult)
	other.told("alice@h", `<delete node="n"/>`)
	alice.refused(inPubsub("get", "", `<items node="n"/>`), "cancel", "item-not-found")
	alice.refused(inOwner("set", `<delete node="n"/>`), "cancel", "item-not-found")
	alice.refused(inOwner("set", `<purge node="n"/>`), "cancel", "item-not-found")

	// What is not persistent is passed on only.
	alice.publishes("n", "6", `<a xmlns="urn:a"/>`, options("persist_items", "false"))
	other.told("alice@h", `<items node="n"><item id="6"><a xmlns="urn:a"/></item></items>`)
	alice.has("", `<items node="n"/>`)
	alice.ask(inOwner("set", `<purge node="n"/>`), psUnsupported("persistent-items")) // §8.5.3.3
	other.none()
}

// XEP-0060 §4.3, §7.1.3.6: whether there is an item, and a payload in it, is
// for the node's configuration to say: what is neither kept nor delivered is none.
func TestPubsub_WithoutItem(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	alice.wantsTold("n", "m")
	publish := func(node, item string, rest ...string) string {
		return inPubsub("set", "", `<publish node="`+node+`">`+item+`</publish>`+strings.Join(rest, ""))
	}
	const empty, full = `<item id="x"/>`, `<item id="x"><a xmlns="urn:a"/></item>`
	bare := options("persist_items", "0", "deliver_payloads", "0")
	done := func(node, item string) string {
		return `<iq xmlns="jabber:client" type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="` + node + `">` + item + `</publish></pubsub></iq>`
	}
	for range 2 { // the node is made, and is there
		alice.refusedWith(publish("n", full, bare), "modify", "bad-request", "item-forbidden")
		alice.refusedWith(publish("n", empty, bare), "modify", "bad-request", "item-forbidden")
		alice.Send(publish("n", "", bare))
		alice.told("alice@h", `<items node="n"/>`)
		alice.Until(done("n", ""))
	}
	alice.refusedWith(publish("n", full), "modify", "bad-request", "item-forbidden")

	// Kept, but not delivered: an item, which may be empty.
	kept := options("deliver_payloads", "0")
	alice.refusedWith(publish("m", "", kept), "modify", "bad-request", "item-required")
	alice.Send(publish("m", empty, kept))
	alice.told("alice@h", `<items node="m"><item id="x"/></items>`)
	alice.Until(done("m", empty))
	alice.has("", `<items node="m"/>`, "x")

	// Nodes whose items the server reads have them, whatever is asked for.
	alice.refusedWith(publish("urn:xmpp:bookmarks:1", "", bare), "modify", "bad-request", "item-required")
	alice.refusedWith(publish("storage:bookmarks", empty), "modify", "bad-request", "payload-required")
}

// An answer has its bound: what is too much for one can be asked for (XEP-0060
// §6.5.4).
func TestPubsub_LongAnswers(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	big := `<a xmlns="urn:a">` + strings.Repeat("x", 180<<10) + `</a>`
	for i := range 4 {
		alice.publishes("n", fmt.Sprint(i), big, options("max_items", "max"))
	}
	alice.has("", `<items node="n"/>`, "0", "1")
	alice.has("", `<items node="n"/><set xmlns="http://jabber.org/protocol/rsm"><after>1</after></set>`, "2", "3")
	alice.has("", `<items node="n" max_items="4"/>`, "2", "3")
}

// Every bound is a clear error.
func TestPubsub_Bounds(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	for i := range memNodes {
		alice.publishes(fmt.Sprint("n", i), "x", `<a xmlns="urn:a"/>`)
	}
	alice.refusedWith(inPubsub("set", "", `<publish node="more"><item id="x"><a xmlns="urn:a"/></item></publish>`), "cancel", "resource-constraint", "max-nodes-exceeded")
	big := `<a xmlns="urn:a">` + strings.Repeat("x", 180<<10) + `</a>`
	for i := range memBytes / (180 << 10) {
		alice.publishes(fmt.Sprint("n", i), "x", big)
	}
	alice.refused(inPubsub("set", "", `<publish node="n19"><item id="x">`+big+`</item></publish>`), "cancel", "resource-constraint")
	alice.refused(inPubsub("set", "", `<publish node="`+strings.Repeat("n", maxNodeName+1)+`"><item id="x"><a xmlns="urn:a"/></item></publish>`), "modify", "not-acceptable")
	alice.refused(inPubsub("set", "", `<publish node="n1"><item id="`+strings.Repeat("n", maxItemID+1)+`"><a xmlns="urn:a"/></item></publish>`), "modify", "not-acceptable")
	alice.refused(inPubsub("get", "", `<items node="n1">`+strings.Repeat(`<item id="x"/>`, maxItemsAsked+1)+`</items>`), "modify", "not-acceptable")
	many := ""
	for i := range maxNodeMembers + 1 {
		many += fmt.Sprintf(`<affiliation jid="u%d@h" affiliation="member"/>`, i)
	}
	alice.refused(inOwner("set", `<affiliations node="n1">`+many+`</affiliations>`), "wait", "resource-constraint")
}

// A node's configuration has groups that contacts can be in, and altogether no more than so many bytes.
func TestConfig_Bounds(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "a")
	groups := func(group string, n int) string {
		field := `<field var="pubsub#roster_groups_allowed">` + strings.Repeat("<value>"+group+"</value>", n) + `</field>`
		return `<configure node="n">` + strings.Replace(form("node_config"), "</x>", field+"</x>", 1) + `</configure>`
	}
	alice.publishes("n", "x", `<a xmlns="urn:a"/>`)
	alice.ask(inOwner("set", groups(strings.Repeat("й", xmppd.MaxContactName), 10)), psResult)
	alice.refused(inOwner("set", groups(strings.Repeat("й", xmppd.MaxContactName+1), 1)), "modify", "not-acceptable")
	alice.refused(inOwner("set", groups("g", xmppd.MaxContactGroups+1)), "modify", "not-acceptable")
	long := ""
	for i := range 15 {
		long += fmt.Sprintf(`<affiliation jid="%d%s@h" affiliation="member"/>`, i, strings.Repeat("x", 1000))
	}
	alice.refused(inOwner("set", `<affiliations node="n">`+long+`</affiliations>`), "wait", "resource-constraint")
	alice.ask(inOwner("set", groups("g", 1)), psResult)
	alice.ask(inOwner("set", `<affiliations node="n">`+long+`</affiliations>`), psResult)
	alice.refused(inOwner("set", groups(strings.Repeat("й", xmppd.MaxContactName), 10)), "wait", "resource-constraint")
}

// XEP-0163 §4.1–4.3, §7.1, XEP-0060 §9.2 (S-70).
func TestPubsub_Notify(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol", "dave")
	w.store.subscribe("alice", "bob")
	w.store.subscribe("alice", "carol")
	alice, mine, other := w.asking("alice", "a"), w.asking("alice", "mine", "n"), w.asking("alice", "o", "m")
	bob, quiet := w.asking("bob", "b", "n", "closed"), w.asking("bob", "q")
	dave := w.asking("dave", "d", "n")
	alice.publishes("n", "1", `<a xmlns="urn:a"/>`)
	alice.publishes("closed", "1", `<a xmlns="urn:a"/>`, options("access_model", "whitelist"))
	one := `<items node="n"><item id="1"><a xmlns="urn:a"/></item></items>`
	mine.told("alice@h", one)
	bob.told("alice@h", one)
	for _, c := range []*client{alice, mine, other, bob, quiet, dave} {
		c.none()
	}
	// The last item comes with initial presence, and with capabilities that ask
	// for more.
	carol := w.bound("carol", "c")
	carol.wantsTold("n", "closed")
	carol.next(`<message xmlns="jabber:client" type="headline" from="alice@h"><event xmlns="http://jabber.org/protocol/pubsub#event">` + one + `</event><delay xmlns="urn:xmpp:delay" from="alice@h" stamp="*"/></message>`)
	carol.none()
	quiet.wantsTold("n", "x")
	quiet.next(`<message xmlns="jabber:client" type="headline" from="alice@h"><any xmlns="test"/></message>`)
	quiet.wantsTold("n")
	quiet.none()
	// A resource that is not available is told nothing.
	carol.Send(`<presence xmlns="jabber:client" type="unavailable"/>`)
	carol.Sync()
	alice.publishes("n", "2", `<a xmlns="urn:a"/>`)
	carol.none()
	// never: nothing unasked.
	alice.ask(inOwner("set", `<configure node="n">`+form("node_config", "send_last_published_item", "never")+`</configure>`), psResult)
	carol.wantsTold("n")
	carol.none()
}

// XEP-0163 §4.3.1, XEP-0060 §9.2: what changes in the roster changes who is told
// (S-70).
func TestPubsub_RosterChanges(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.asking("alice", "a"), w.asking("bob", "b", "n")
	alice.publishes("n", "1", `<a xmlns="urn:a"/>`)
	bob.Send(`<presence xmlns="jabber:client" type="subscribe" to="alice@h"/>`)
	alice.Until(`<presence xmlns="jabber:client" type="subscribe" from="bob@h"><any xmlns="test"/></presence>`)
	bob.none0("message")
	alice.Send(`<presence xmlns="jabber:client" type="subscribed" to="bob@h"/>`)
	bob.next(`<message xmlns="jabber:client" type="headline" from="alice@h"><any xmlns="test"/></message>`)
	bob.has("alice@h", `<items node="n"/>`, "1")
	alice.publishes("n", "2", `<a xmlns="urn:a"/>`)
	bob.told("alice@h", `<items node="n"><item id="2"><a xmlns="urn:a"/></item></items>`)
	alice.Send(`<presence xmlns="jabber:client" type="unsubscribed" to="bob@h"/>`)
	bob.Until(`<presence xmlns="jabber:client" type="unsubscribed" from="alice@h"><any xmlns="test"/></presence>`)
	alice.publishes("n", "3", `<a xmlns="urn:a"/>`)
	bob.none0("message")
	bob.refusedWith(inPubsub("get", "alice@h", `<items node="n"/>`), "auth", "not-authorized", "presence-subscription-required")
}

// none0 fails the test if such a stanza came.
func (c *client) none0(name string) {
	c.w.t.Helper()
	for _, e := range c.Sync() {
		if e.Name.Local == name {
			c.w.t.Errorf("unexpected: %s", e.Raw)
		}
	}
}

// XEP-0191 §3.3, XEP-0163 §4.3.3 (S-52): blocked on either side is told nothing.
func TestPubsub_Blocked(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	w.store.subscribe("alice", "carol")
	w.store.blocked["alice"], w.store.blocked["carol"] = []string{"bob@h"}, []string{"alice@h"}
	alice, bob, carol := w.asking("alice", "a"), w.asking("bob", "b", "n"), w.asking("carol", "c", "n")
	alice.publishes("n", "1", `<a xmlns="urn:a"/>`, options("access_model", "open"))
	for _, c := range []*client{bob, carol} {
		c.none0("message")
		c.Send(`<presence xmlns="jabber:client" type="unavailable"/>`)
		c.wantsTold("n")
		c.none0("message")
	}
}

// XEP-0384 §5.3, §7.1 (S-72): as Converse 14 publishes and reads.
func TestPubsub_OMEMO(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, other, bob := w.asking("alice", "a", "urn:xmpp:omemo:2:devices"), w.asking("alice", "o"), w.asking("bob", "b")
	for _, id := range []string{"11", "22"} {
		alice.publishes("urn:xmpp:omemo:2:bundles", id, `<bundle xmlns="urn:xmpp:omemo:2"/>`, options("access_model", "open", "max_items", "max"))
		alice.publishes("eu.siacs.conversations.axolotl.bundles:"+id, "current", `<bundle xmlns="eu.siacs.conversations.axolotl"/>`, options("access_model", "open"))
	}
	alice.publishes("urn:xmpp:omemo:2:bundles", "22", `<bundle xmlns="urn:xmpp:omemo:2"/>`, options("access_model", "open", "persist_items", "max"))
	other.publishes("urn:xmpp:omemo:2:devices", "current", `<devices xmlns="urn:xmpp:omemo:2"><device id="11"/></devices>`, options("access_model", "open"))
	alice.told("alice@h", `<items node="urn:xmpp:omemo:2:devices"><item id="current"><devices xmlns="urn:xmpp:omemo:2"><device id="11"/></devices></item></items>`)
	other.publishes("eu.siacs.conversations.axolotl.devicelist", "current", `<list xmlns="eu.siacs.conversations.axolotl"/>`, options("access_model", "open"))
	bob.has("alice@h", `<items node="urn:xmpp:omemo:2:bundles"><item id="22"/></items>`, "22")
	bob.has("alice@h", `<items node="urn:xmpp:omemo:2:bundles"/>`, "11", "22")
	bob.has("alice@h", `<items node="eu.siacs.conversations.axolotl.bundles:11"/>`, "current")
	bob.has("alice@h", `<items node="eu.siacs.conversations.axolotl.devicelist"/>`, "current")
	bob.refused(inPubsub("get", "alice@h", `<items node="eu.siacs.conversations.axolotl.bundles:33"/>`), "cancel", "item-not-found")
}

// XEP-0030 §3, XEP-0163 §6.1, XEP-0060 §5.2–5.4 (S-46).
func TestPubsub_Disco(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	alice, bob, carol := w.asking("alice", "a"), w.asking("bob", "b"), w.asking("carol", "c")
	alice.publishes("open", "x", `<a xmlns="urn:a"/>`, options("access_model", "open", "title", "My node"))
	alice.publishes("presence", "x", `<a xmlns="urn:a"/>`)
	info := func(node string) string {
		return `<iq xmlns="jabber:client" type="get" id="p" to="alice@h"><query xmlns="http://jabber.org/protocol/disco#info"` + node + `/></iq>`
	}
	for _, c := range []*client{alice, bob} {
		c.Send(info(""))
		var got *stream.Element
		for got == nil || got.ID != "p" {
			got = c.Read()
		}
		for _, want := range []string{`<identity category="account" type="registered"/>`, `<identity category="pubsub" type="pep"/>`, `pubsub#publish-options"`, `pubsub#config-node-max"`, `pubsub#pubsub-on-a-jid"`} {
			if !strings.Contains(string(got.Raw), want) {
				t.Errorf("%s lacks %s", got.Raw, want)
			}
		}
		c.ask(info(` node="open"`), `<iq xmlns="jabber:client" type="result" id="p" from="alice@h"><query xmlns="http://jabber.org/protocol/disco#info" node="open"><identity category="pubsub" type="leaf"/><feature var="http://jabber.org/protocol/pubsub"/><x xmlns="jabber:x:data" type="result"><any xmlns="test"/></x></query></iq>`)
		c.refused(info(` node="missing"`), "cancel", "item-not-found")
	}
	carol.refused(info(""), "cancel", "service-unavailable")
	items := `<iq xmlns="jabber:client" type="get" id="p" to="alice@h"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`
	bob.ask(items, `<iq xmlns="jabber:client" type="result" id="p"><query xmlns="http://jabber.org/protocol/disco#items"><item jid="alice@h" node="open" name="My node"/><item jid="alice@h" node="presence"/></query></iq>`)
	carol.ask(items, `<iq xmlns="jabber:client" type="result" id="p"><query xmlns="http://jabber.org/protocol/disco#items"><item jid="alice@h" node="open"/></query></iq>`)
}

// what is published goes to many, and is charged to its account.
func TestFanOut_Publications(t *testing.T) {
	w := newWorldWith(t, xmppd.Config{FanOutSaid: 2 << 10}, "alice")
	alice := w.online("alice", "a")
	publish := inPubsub("set", "", `<publish node="urn:example"><item><x xmlns="urn:example">`+strings.Repeat("x", 7000)+`</x></item></publish>`)
	alice.ask(publish, `<iq xmlns="jabber:client" type="result" id="p"><any xmlns="test"/></iq>`)
	alice.refused(publish, "wait", "policy-violation")
}

// so is every other change of a node that is told to many, and each bookmark of a list.
func TestFanOut_Changes(t *testing.T) {
	var rooms []string
	for i := range 20 {
		rooms = append(rooms, fmt.Sprintf("room-%d@rooms.h", i))
	}
	owner := func(content string) string {
		return `<iq xmlns="jabber:client" type="set" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner">` + content + `</pubsub></iq>`
	}
	for name, request := range map[string]string{
		"configuration": owner(`<configure node="urn:example">` + form("node_config", "notify_config", "1") + `</configure>`),
		"purge":         owner(`<purge node="urn:example"/>`),
		"members":       owner(`<affiliations node="urn:example"><affiliation jid="bob@h" affiliation="member"/></affiliations>`),
		"retraction":    inPubsub("set", "", `<retract node="urn:example" notify="1"><item id="x"/></retract>`),
		"bookmarks":     inPubsub("set", "", `<publish node="storage:bookmarks"><item id="current">`+oldRooms(rooms...)+`</item></publish>`),
		"private XML":   `<iq xmlns="jabber:client" type="set" id="p"><query xmlns="jabber:iq:private">` + oldRooms(rooms...) + `</query></iq>`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, xmppd.Config{FanOut: 50}, "alice") // less than one event
			alice := w.asking("alice", "a", "urn:example", NodeBookmarks)
			kept := publication{node: "urn:example", item: Item{ID: "x", Payload: []byte(`<x xmlns="urn:example"/>`)}, hasItem: true}
			if _, err := w.store.UpdateNode(t.Context(), "alice", kept.node, kept.items(), kept.admit); err != nil {
				t.Fatal(err)
			}
			alice.refused(request, "wait", "policy-violation")
		})
	}
}

// FuzzPubsub: every request about a node gets one answer, and the session goes
// on.
func FuzzPubsub(f *testing.F) {
	for _, content := range []string{
		`<publish node="n"><item id="x"><a xmlns="urn:a"/></item></publish>` + options("access_model", "open", "max_items", "max"),
		`<publish node="storage:bookmarks"><item id="current">` + oldRooms("a@b") + `</item></publish>`,
		`<publish node="urn:xmpp:bookmarks:1"><item id="a@b">` + newRoom + `</item></publish>`,
		`<publish node="urn:xmpp:avatar:metadata"><item id="a"><metadata xmlns="urn:xmpp:avatar:metadata"><info id="a"/></metadata></item></publish>`,
		`<retract node="n" notify="1"><item id="x"/></retract>`,
		`<items node="n" max_items="1"/><set xmlns="http://jabber.org/protocol/rsm"><max>1</max><before/></set>`,
		`<create node="n"/><configure>` + form("node_config", "title", "T") + `</configure>`,
		`<configure node="n">` + form("node_config", "send_last_published_item", "") + `</configure>`,
		`<affiliations node="n"><affiliation jid="bob@h" affiliation="member"/></affiliations>`,
		`<delete node="n"/>`, `<purge node="n"/>`, `<default/>`, `<subscribe node="n" jid="a@b"/>`,
	} {
		for kind := range uint8(8) {
			f.Add(kind, content)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, content string) {
		space, typ, to := "http://jabber.org/protocol/pubsub", "get", ""
		if kind&1 != 0 {
			space += "#owner"
		}
		if kind&2 != 0 {
			typ = "set"
		}
		if kind&4 != 0 {
			to = ` to="bob@h"`
		}
		raw := `<iq xmlns="jabber:client" type="` + typ + `" id="p"` + to + `><pubsub xmlns="` + space + `">` + content + `</pubsub></iq>`
		if _, err := stream.Parse([]byte(raw), stream.DefaultLimits); err != nil {
			return
		}
		w := newWorld(t, "alice", "bob")
		w.store.subscribe("alice", "bob")
		alice := w.online("alice", "a")
		alice.publishes("n", "x", `<a xmlns="urn:a"/>`)
		alice.Send(raw)
		answers := 0
		for _, e := range alice.Sync() {
			if e.Name.Local == "iq" && e.ID == "p" {
				answers++
			}
		}
		if answers != 1 {
			t.Errorf("%d answers to %s", answers, raw)
		}
	})
}
