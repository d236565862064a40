package referee

import "strings"

func messageScripts() []script {
	return []script{
		{"a message to the bare address", chatBare},
		{"a message without a type, to oneself, with unknown payload", chatOdd},
		{"what nobody can have", chatNobody},
		{"a message to a full address that is gone", chatGone},
		{"messages wait for somebody who is away", chatOffline},
		{"who sent a message is not the client's to say", chatForged},
		{"carbons", carbons},
		{"carbons: what is private stays so", carbonsPrivate},
	}
}

// RFC 6121 §8.5.2.1.1 (S-24, S-26).
func chatBare(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.send(`<message to="$bob" type="chat" id="m1"><body>hello</body></message>`)
	bob.expect(`<message from="$alice/a" to="$bob" type="chat" id="m1"><body>hello</body></message>`)
	bob.send(`<presence><priority>-1</priority></presence>`)
	bob.sync()
	alice.send(`<message to="$bob" type="chat" id="m2"><body>negative</body></message>`)
	bob.never(`<message id="m2"/>`)
	alice.send(`<message to="$bob/b" type="chat" id="m3"><body>to you</body></message>`)
	bob.expect(`<message to="$bob/b" id="m3"><body>to you</body></message>`)
	bob.send(`<presence><priority>3</priority></presence>`) // RFC 6121 §8.5.2.2.1: what waited
	bob.sync()
	if s.meets("priority raised") {
		bob.never(`<message id="m2"/>`)
	} else {
		bob.expect(`<message id="m2"><body>negative</body><delay xmlns="urn:xmpp:delay" stamp="*"/></message>`)
	}
	alice.send(`<message to="$bob" type="headline" id="m4"><body>news</body></message>`)
	bob.expect(`<message type="headline" id="m4"/>`)
}

// RFC 6120 §8.4, §10.3, RFC 6121 §5.2.2 (S-05, S-11, S-30).
func chatOdd(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.send(`<message to="$bob" id="plain" xml:lang="de"><body>Hallo</body><x xmlns="urn:example:odd" xmlns:y="urn:example:y" y:a="1"><y:z>ü &lt; &amp; ]]&gt;</y:z></x></message>`)
	bob.expect(`<message from="$alice/a" id="plain" xml:lang="de"><body>Hallo</body><x xmlns="urn:example:odd" xmlns:y="urn:example:y" y:a="1"><y:z>ü &lt; &amp; ]]&gt;</y:z></x></message>`)
	alice.send(`<message id="self"><body>a note</body></message>`)
	alice.expect(`<message from="$alice/a" id="self"><body>a note</body></message>`)
	alice.send(`<message to="$bob" id="error" type="error"><body>no</body></message>`)
	bob.never(`<message id="error"/>`)
}

// RFC 6121 §8.5.1, §8.5.2.1.1 (S-23, S-25).
func chatNobody(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.send(`<message to="$bob" type="groupchat" id="g"><body>a room?</body></message>`)
	alice.expect(`<message type="error" id="g" from="$bob">` + stanzaError("cancel", "service-unavailable") + `</message>`)
	bob.never(`<message id="g"/>`)
	alice.send(`<message to="$nobody" type="chat" id="n"><body>anybody?</body></message>`)
	alice.expect(`<message type="error" id="n" from="$nobody">` + stanzaError("cancel", "service-unavailable") + `</message>`)
	alice.ask(`<iq to="$nobody" type="get" id="i"><query xmlns="urn:example:q"/></iq>`, `<iq type="error" id="i">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
	alice.send(`<presence to="$nobody" id="p"/>`)
	alice.never(`<presence type="error"/>`)
}

// RFC 6121 §8.5.3.2 (S-28).
func chatGone(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.send(`<message to="$bob/gone" type="chat" id="c"><body>where are you</body></message>`)
	bob.expect(`<message to="$bob/gone" type="chat" id="c"/>`)
	alice.send(`<message to="$bob/gone" type="groupchat" id="g"><body>x</body></message>`)
	bob.never(`<message id="g"/>`)
	alice.send(`<message to="$bob/gone" type="headline" id="h"><body>x</body></message>`)
	bob.never(`<message id="h"/>`)
	alice.send(`<presence to="$bob/gone" id="p"/>`)
	alice.ask(`<iq to="$bob/gone" type="get" id="i"><query xmlns="urn:example:q"/></iq>`, `<iq type="error" id="i">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
	alice.never(`<presence type="error"/>`)
}

// XEP-0160 §2–4, XEP-0203 §2 (S-31).
func chatOffline(s *scene) {
	s.people("alice", "bob")
	alice := s.online("alice", "a")
	for _, m := range []string{
		`<message to="$bob" type="chat" id="one"><body>one</body></message>`,
		`<message to="$bob" id="two"><body>two</body></message>`,
		`<message to="$bob" type="chat" id="typing"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`,
		`<message to="$bob" type="headline" id="headline"><body>x</body></message>`,
		`<message to="$bob" type="chat" id="nostore"><body>x</body><no-store xmlns="urn:xmpp:hints"/></message>`,
	} {
		alice.send(m)
	}
	alice.sync()
	bob := s.bound("bob", "b")
	bob.send(`<presence/>`)
	first := bob.expect(`<message from="$alice/a" id="one"><body>one</body><delay xmlns="urn:xmpp:delay" stamp="{stamp}" from="$host"/></message>`)
	second := bob.expect(`<message from="$alice/a" id="two"><body>two</body><delay xmlns="urn:xmpp:delay"/></message>`)
	if first.at > second.at {
		s.t.Error("what waited came in another order")
	}
	if !strings.HasSuffix(first.vars["stamp"], "Z") {
		s.t.Errorf("the stamp %s is not in UTC", first.vars["stamp"])
	}
	bob.never(`<message id="headline"/>`)
	for _, id := range []string{"typing", "nostore"} {
		if s.meets("offline " + id) {
			bob.expect(`<message id="` + id + `"/>`)
		} else {
			bob.never(`<message id="` + id + `"/>`)
		}
	}
	bob.leave()
	bob = s.online("bob", "later")
	bob.never(`<message id="one"/>`)
}

// RFC 6120 §8.1.2.1, XEP-0359 §3 (S-01, S-53).
func chatForged(s *scene) {
	s.people("alice", "bob", "carol")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.send(`<message from="$alice" to="$bob" type="chat" id="bare"><body>mine</body></message>`)
	bob.expect(`<message from="$alice/a" id="bare"/>`)
	alice.send(`<message from="$carol" to="$bob" type="chat" id="forged"><body>not mine</body></message>`)
	bob.never(`<message from="$carol"/>`)
	alice.send(`<message to="$bob" type="chat" id="ids"><body>x</body><stanza-id xmlns="urn:xmpp:sid:0" by="$bob" id="forged"/><origin-id xmlns="urn:xmpp:sid:0" id="kept"/></message>`)
	bob.expect(`<message id="ids"><origin-id xmlns="urn:xmpp:sid:0" id="kept"/></message>`)
	bob.never(`<message><stanza-id xmlns="urn:xmpp:sid:0" id="forged"/></message>`)
}

// XEP-0280 §7, §8 (S-55, S-56, S-57).
func carbons(s *scene) {
	s.people("alice", "bob")
	alice, desk := s.online("alice", "a"), s.online("bob", "desk")
	phone := s.online("bob", "phone")
	for _, c := range []*client{desk, phone} {
		for range 2 { // a second time is no error
			c.ask(`<iq type="set" id="on"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq type="result" id="on"/>`)
		}
	}
	alice.send(`<message to="$bob/desk" type="chat" id="in"><body>to the desk</body></message>`)
	desk.expect(`<message from="$alice/a" to="$bob/desk" id="in"/>`)
	phone.expect(`<message from="$bob" to="$bob/phone" type="chat"><received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="$alice/a" to="$bob/desk" id="in"><body>to the desk</body></message></forwarded></received></message>`)
	desk.send(`<message to="$alice/a" type="chat" id="out"><body>from the desk</body></message>`)
	phone.expect(`<message from="$bob" to="$bob/phone"><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="$bob/desk" to="$alice/a" id="out"/></forwarded></sent></message>`)
	desk.never(`<message><sent xmlns="urn:xmpp:carbons:2"/></message>`)
	desk.never(`<message><received xmlns="urn:xmpp:carbons:2"/></message>`)
	alice.send(`<message to="$bob" type="chat" id="both"><body>to both</body></message>`)
	desk.expect(`<message id="both"/>`)
	phone.expect(`<message id="both"/>`)
	phone.never(`<message><received xmlns="urn:xmpp:carbons:2"/></message>`)
	phone.ask(`<iq type="set" id="off"><disable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq type="result" id="off"/>`)
	alice.send(`<message to="$bob/desk" type="chat" id="off"><body>x</body></message>`)
	desk.expect(`<message id="off"/>`)
	phone.never(`<message><received xmlns="urn:xmpp:carbons:2"/></message>`)
}

// XEP-0280 §6.1, §9 (S-57).
func carbonsPrivate(s *scene) {
	s.people("alice", "bob")
	alice, desk := s.online("alice", "a"), s.online("bob", "desk")
	phone := s.online("bob", "phone")
	phone.ask(`<iq type="set" id="on"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq type="result" id="on"/>`)
	alice.send(`<message to="$bob/desk" type="chat" id="p"><body>psst</body><private xmlns="urn:xmpp:carbons:2"/><no-copy xmlns="urn:xmpp:hints"/></message>`)
	desk.expect(`<message id="p"/>`)
	alice.send(`<message to="$bob/desk" type="headline" id="h"><body>x</body></message>`)
	desk.expect(`<message id="h"/>`)
	phone.never(`<message><received xmlns="urn:xmpp:carbons:2"/></message>`)
}
