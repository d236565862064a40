package referee

import "fmt"

func archiveScripts() []script {
	return []script{
		{"the archive has what was said, to both", archiveBoth},
		{"an archive is read in pages", archivePages},
		{"an archive is its owner's", archiveForeign},
	}
}

const (
	query = `<query xmlns="urn:xmpp:mam:2" queryid="q">`
	form  = `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>urn:xmpp:mam:2</value></field>`
)

// result is the pattern of one result.
func result(message string) string {
	return `<message><result xmlns="urn:xmpp:mam:2" queryid="q" id="{id}"><forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="*"/>` + message + `</forwarded></result></message>`
}

// XEP-0313 §3.5, §4, §4.2 (S-54, S-59, S-60).
func archiveBoth(s *scene) {
	s.people("alice", "bob", "carol")
	alice, bob, carol := s.online("alice", "a"), s.online("bob", "b"), s.online("carol", "c")
	alice.send(`<message to="$bob" type="chat" id="one"><body>one</body></message>`)
	live := bob.expect(`<message id="one"><stanza-id xmlns="urn:xmpp:sid:0" by="$bob" id="{id}"/></message>`)
	carol.send(`<message to="$bob" type="chat" id="other"><body>other</body></message>`)
	bob.expect(`<message id="other"/>`)
	bob.send(`<message to="$alice" type="chat" id="two"><body>two</body></message>`)
	alice.expect(`<message id="two"/>`)
	bob.send(`<message to="$alice" type="chat" id="typing"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`)
	alice.expect(`<message id="typing"/>`)
	s.settle()

	with := form + `<field var="with"><value>$alice</value></field></x>`
	bob.send(`<iq type="set" id="h">` + query + with + `</query></iq>`)
	one := bob.expect(result(`<message xmlns="jabber:client" from="$alice/a" to="$bob" id="one"><body>one</body></message>`))
	if one.vars["id"] != live.vars["id"] {
		s.t.Errorf("the archive says %s, what came live said %s", one.vars["id"], live.vars["id"])
	}
	two := bob.expect(result(`<message xmlns="jabber:client" from="$bob/b" to="$alice" id="two"><body>two</body></message>`))
	fin := bob.expect(`<iq type="result" id="h"><fin xmlns="urn:xmpp:mam:2" complete="true"><set xmlns="http://jabber.org/protocol/rsm"><first>` + one.vars["id"] + `</first><last>` + two.vars["id"] + `</last></set></fin></iq>`)
	if one.at > two.at || two.at > fin.at {
		s.t.Errorf("the results came at %d and %d, the end at %d", one.at, two.at, fin.at)
	}
	bob.never(result(`<message xmlns="jabber:client"/>`))
}

// XEP-0059 §2.2–2.7, XEP-0313 §4.3 (S-62).
func archivePages(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	for i := range 5 {
		id := fmt.Sprint(i)
		alice.send(`<message to="$bob" type="chat" id="` + id + `"><body>` + id + `</body></message>`)
		bob.expect(`<message id="` + id + `"/>`)
	}
	s.settle()
	page := func(rsm, complete string, want ...int) (first, last string) {
		s.t.Helper()
		bob.send(`<iq type="set" id="h">` + query + form + `</x><set xmlns="http://jabber.org/protocol/rsm">` + rsm + `</set></query></iq>`)
		for at, i := range want {
			got := bob.expect(result(fmt.Sprintf(`<message xmlns="jabber:client" id="%d"/>`, i)))
			if at == 0 {
				first = got.vars["id"]
			}
			last = got.vars["id"]
		}
		if len(want) > 0 {
			rsm = `<set xmlns="http://jabber.org/protocol/rsm"><first>` + first + `</first><last>` + last + `</last></set>`
		} else {
			rsm = ""
		}
		bob.expect(`<iq type="result" id="h"><fin xmlns="urn:xmpp:mam:2" complete="` + complete + `">` + rsm + `</fin></iq>`)
		bob.never(result(`<message xmlns="jabber:client"/>`))
		return first, last
	}
	_, last := page(`<max>2</max>`, "!", 0, 1)
	_, last = page(`<max>2</max><after>`+last+`</after>`, "!", 2, 3)
	_, last = page(`<max>2</max><after>`+last+`</after>`, "true", 4)
	page(`<max>2</max><after>`+last+`</after>`, "true")
	first, _ := page(`<max>2</max><before/>`, "!", 3, 4)
	first, _ = page(`<max>2</max><before>`+first+`</before>`, "!", 1, 2)
	page(`<max>2</max><before>`+first+`</before>`, "true", 0)
	bob.ask(`<iq type="set" id="u">`+query+form+`</x><set xmlns="http://jabber.org/protocol/rsm"><after>00000000-0000-7000-8000-000000000000</after></set></query></iq>`,
		`<iq type="error" id="u">`+stanzaError(s.either("unknown archive id", "cancel", "modify"), "item-not-found")+`</iq>`)
}

// XEP-0313 §8.1 (S-58).
func archiveForeign(s *scene) {
	s.people("alice", "bob")
	alice := s.online("alice", "a")
	alice.ask(`<iq type="set" id="f" to="$bob">`+query+`</query></iq>`, `<iq type="error" id="f"/>`)
	alice.ask(`<iq type="set" id="o" to="$alice">`+query+`</query></iq>`, `<iq type="result" id="o"><fin xmlns="urn:xmpp:mam:2" complete="true"/></iq>`)
}
