package referee

import "strings"

func pubsubScripts() []script {
	return []script{
		{"what is published is told to those whose capabilities ask", pubsubNotify},
		{"the last item comes with presence", pubsubLast},
		{"publish-options hold, and the node can be configured again", pubsubOptions},
		{"a node is read by those who may", pubsubAccess},
		{"items are kept, retracted, purged", pubsubItems},
		{"device lists and bundles as OMEMO has them", pubsubOMEMO},
		{"bookmarks are the same the old way and the new", pubsubBookmarks},
	}
}

const caps = `<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:c" ver="`

// listening is online, with a client that asks to be told of nodes.
func (s *scene) listening(name, resource string, nodes ...string) *client {
	s.t.Helper()
	c := s.bound(name, resource)
	c.ask(`<iq type="get" id="roster"><query xmlns="jabber:iq:roster"/></iq>`, `<iq type="result" id="roster"/>`)
	c.listen(nodes...)
	return c
}

func (c *client) listen(nodes ...string) {
	c.scene.t.Helper()
	ver := strings.NewReplacer(":", "", "$", "").Replace(c.full + strings.Join(nodes, ""))
	c.send(`<presence>` + caps + ver + `"/></presence>`)
	question := c.scene.element(`<iq type="get" from="{from}" id="{id}"><query xmlns="http://jabber.org/protocol/disco#info" node="urn:c#` + ver + `"/></iq>`)
	c.answer(c.expect(question), ver, nodes)
	for range 2 { // the referee asks in the name of each account
		c.sync()
		for asked, again := c.take(question); again; asked, again = c.take(question) {
			c.answer(asked, ver, nodes)
		}
	}
	c.sync()
}

// answer tells the features behind the capabilities.
func (c *client) answer(asked found, ver string, nodes []string) {
	c.scene.t.Helper()
	answer := `<iq type="result" to="` + asked.vars["from"] + `" id="` + asked.vars["id"] + `"><query xmlns="http://jabber.org/protocol/disco#info" node="urn:c#` + ver + `"><identity category="client" type="pc"/><feature var="http://jabber.org/protocol/caps"/>`
	for _, n := range nodes {
		answer += `<feature var="` + n + `+notify"/>`
	}
	c.send(answer + `</query></iq>`)
}

func pubsub(typ, content string) string {
	return `<iq type="` + typ + `" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub">` + content + `</pubsub></iq>`
}

func owner(typ, content string) string {
	return `<iq type="` + typ + `" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner">` + content + `</pubsub></iq>`
}

func pubsubOf(name, content string) string {
	return `<iq type="get" id="p" to="$` + name + `"><pubsub xmlns="http://jabber.org/protocol/pubsub">` + content + `</pubsub></iq>`
}

func item(id string) string { return `<item id="` + id + `"><a xmlns="urn:a"/></item>` }

func publish(node, items string) string {
	return `<publish node="` + node + `">` + items + `</publish>`
}

func pubsubForm(kind string, pairs ...string) string {
	f := `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/pubsub#` + kind + `</value></field>`
	for i := 0; i < len(pairs); i += 2 {
		f += `<field var="pubsub#` + pairs[i] + `"><value>` + pairs[i+1] + `</value></field>`
	}
	return f + `</x>`
}

func publishOptions(pairs ...string) string {
	return `<publish-options>` + pubsubForm("publish-options", pairs...) + `</publish-options>`
}

func event(from, content string) string {
	return `<message type="headline" from="$` + from + `"><event xmlns="http://jabber.org/protocol/pubsub#event">` + content + `</event></message>`
}

const (
	done = `<iq type="result" id="p"/>`
	some = `<event xmlns="http://jabber.org/protocol/pubsub#event"/>`
)

// items expects a retrieval to answer with these ids, in order.
func (c *client) items(request, node string, ids ...string) {
	c.scene.t.Helper()
	want := `<iq type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="` + node + `">`
	for _, id := range ids {
		want += `<item id="` + id + `"/>`
	}
	c.ask(request, want+`</items></pubsub></iq>`)
}

// XEP-0163 §4.1–4.3, §7.1 (S-70); XEP-0060 §7.1.2 (S-66).
func pubsubNotify(s *scene) {
	s.people("alice", "bob", "carol")
	s.befriend("alice", "bob")
	alice, own := s.online("alice", "a"), s.listening("alice", "own", "n")
	bob, deaf, carol := s.listening("bob", "b", "n"), s.listening("bob", "deaf", "m"), s.listening("carol", "c", "n")
	alice.ask(pubsub("set", publish("n", `<item><a xmlns="urn:a"/></item>`)), `<iq type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="n"><item id="{id}"/></publish></pubsub></iq>`)
	bob.expect(event("alice", `<items node="n"><item id="{id}"><a xmlns="urn:a"/></item></items>`))
	own.expect(event("alice", `<items node="n"><item id="{id}"><a xmlns="urn:a"/></item></items>`))
	alice.ask(pubsub("set", publish("n", item("1"))), done)
	bob.expect(event("alice", `<items node="n">`+item("1")+`</items>`))
	deaf.never(`<message>` + some + `</message>`)
	carol.never(`<message>` + some + `</message>`)
	alice.never(`<message>` + some + `</message>`)
	// Another's node.
	bob.ask(`<iq type="set" id="q" to="$alice"><pubsub xmlns="http://jabber.org/protocol/pubsub">`+publish("n", item("2"))+`</pubsub></iq>`, `<iq type="error" id="q">`+stanzaError("auth", "forbidden")+`</iq>`)
}

// XEP-0163 §4.3 (S-70).
func pubsubLast(s *scene) {
	s.people("alice", "bob")
	s.befriend("alice", "bob")
	alice := s.online("alice", "a")
	for _, id := range []string{"1", "2"} {
		alice.ask(pubsub("set", publish("n", item(id))), done)
	}
	alice.ask(pubsub("set", publish("quiet", item("1"))+publishOptions("send_last_published_item", "never")), done)
	bob := s.listening("bob", "b", "n", "quiet")
	bob.expect(event("alice", `<items node="n">`+item("2")+`</items>`))
	bob.never(event("alice", `<items node="quiet"/>`))
	bob.never(event("alice", `<items node="n">`+item("1")+`</items>`))
}

// XEP-0060 §7.1.5, §8.2 (S-67, S-68).
func pubsubOptions(s *scene) {
	s.people("alice")
	alice := s.online("alice", "a")
	alice.ask(pubsub("set", publish("n", item("1"))+publishOptions("access_model", "whitelist", "max_items", "10", "persist_items", "true")), done)
	alice.ask(pubsub("set", publish("n", item("2"))+publishOptions("access_model", "whitelist")), done)
	alice.ask(pubsub("set", publish("n", item("3"))+publishOptions("access_model", "open")), `<iq type="error" id="p"><error type="cancel"><conflict xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><precondition-not-met xmlns="http://jabber.org/protocol/pubsub#errors"/></error></iq>`)
	alice.items(pubsub("get", `<items node="n"/>`), "n")
	alice.ask(owner("get", `<configure node="n"/>`), `<iq type="result" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><configure node="n"><x xmlns="jabber:x:data" type="form"><field var="pubsub#access_model"><value>whitelist</value></field></x></configure></pubsub></iq>`)
	alice.ask(owner("set", `<configure node="n">`+pubsubForm("node_config", "access_model", "open")+`</configure>`), done)
	alice.ask(pubsub("set", publish("n", item("3"))+publishOptions("access_model", "open", "max_items", "10")), done)
}

// XEP-0163 §5, XEP-0060 §4.5, §6.5.9 (S-69).
func pubsubAccess(s *scene) {
	s.people("alice", "bob", "carol")
	s.befriend("alice", "bob")
	alice, bob, carol := s.online("alice", "a"), s.online("bob", "b"), s.online("carol", "c")
	for _, model := range []string{"open", "presence", "whitelist"} {
		alice.ask(pubsub("set", publish(model, item("1"))+publishOptions("access_model", model)), done)
	}
	bob.items(pubsubOf("alice", `<items node="open"/>`), "open", "1")
	bob.items(pubsubOf("alice", `<items node="presence"/>`), "presence", "1")
	carol.items(pubsubOf("alice", `<items node="open"/>`), "open", "1")
	for _, c := range []*client{bob, carol} {
		c.ask(pubsubOf("alice", `<items node="whitelist"/>`), `<iq type="error" id="p">`+s.either("closed node", stanzaError("cancel", "not-allowed"), stanzaError("auth", "forbidden"))+`</iq>`)
	}
	carol.ask(pubsubOf("alice", `<items node="presence"/>`), `<iq type="error" id="p">`+s.either("node of a stranger", stanzaError("auth", "not-authorized"), stanzaError("auth", "forbidden"))+`</iq>`)
	bob.ask(pubsubOf("alice", `<items node="missing"/>`), `<iq type="error" id="p">`+stanzaError("cancel", "item-not-found")+`</iq>`)
	bob.ask(pubsubOf("zoe", `<items node="open"/>`), `<iq type="error" id="p">`+s.either("node of nobody", stanzaError("cancel", "service-unavailable"), stanzaError("auth", "forbidden"))+`</iq>`)
}

// XEP-0060 §6.5, §7.2, §8.4, §8.5 (S-71).
func pubsubItems(s *scene) {
	s.people("alice")
	alice, own := s.online("alice", "a"), s.listening("alice", "own", "n")
	for _, id := range []string{"1", "2", "3", "2"} {
		alice.ask(pubsub("set", publish("n", item(id))+publishOptions("max_items", "10")), done)
		own.expect(event("alice", `<items node="n">`+item(id)+`</items>`))
	}
	alice.items(pubsub("get", `<items node="n" max_items="1"/>`), "n", "2")
	alice.items(pubsub("get", `<items node="n"><item id="3"/></items>`), "n", "3")
	alice.ask(pubsub("set", `<retract node="n" notify="true"><item id="3"/></retract>`), done)
	own.expect(event("alice", `<items node="n"><retract id="3"/></items>`))
	alice.ask(pubsub("set", `<retract node="n" notify="true"><item id="3"/></retract>`), `<iq type="error" id="p"><error><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`)
	alice.ask(owner("set", `<purge node="n"/>`), done)
	own.expect(event("alice", `<purge node="n"/>`))
	alice.ask(owner("set", `<delete node="n"/>`), done)
	own.expect(event("alice", `<delete node="n"/>`))
	alice.ask(pubsub("get", `<items node="n"/>`), `<iq type="error" id="p">`+stanzaError("cancel", "item-not-found")+`</iq>`)
}

// XEP-0384 §5.3 (S-72), as Converse publishes.
func pubsubOMEMO(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	for _, id := range []string{"11", "22"} {
		alice.ask(pubsub("set", publish("urn:xmpp:omemo:2:bundles", item(id))+publishOptions("access_model", "open", "max_items", "max")), done)
	}
	alice.ask(pubsub("set", publish("eu.siacs.conversations.axolotl.devicelist", item("current"))+publishOptions("access_model", "open")), done)
	bob.items(pubsubOf("alice", `<items node="urn:xmpp:omemo:2:bundles"><item id="11"/></items>`), "urn:xmpp:omemo:2:bundles", "11")
	bob.items(pubsubOf("alice", `<items node="eu.siacs.conversations.axolotl.devicelist"/>`), "eu.siacs.conversations.axolotl.devicelist", "current")
}

// XEP-0402 §5, XEP-0049 (S-73).
func pubsubBookmarks(s *scene) {
	s.people("alice")
	alice := s.online("alice", "a")
	options := publishOptions("persist_items", "true", "max_items", "max", "send_last_published_item", "never", "access_model", "whitelist")
	alice.ask(pubsub("set", publish("urn:xmpp:bookmarks:1", `<item id="r@`+"conference.example"+`"><conference xmlns="urn:xmpp:bookmarks:1" name="R" autojoin="true"><nick>Al</nick></conference></item>`)+options), done)
	alice.ask(`<iq type="get" id="x"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"/></query></iq>`, `<iq type="result" id="x"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"><conference jid="r@conference.example" name="R" autojoin="true"><nick>Al</nick></conference></storage></query></iq>`)
	alice.ask(`<iq type="set" id="x"><query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"><conference jid="q@conference.example" name="Q"/></storage></query></iq>`, `<iq type="result" id="x"/>`)
	alice.items(pubsub("get", `<items node="urn:xmpp:bookmarks:1"/>`), "urn:xmpp:bookmarks:1", "q@conference.example")
}
