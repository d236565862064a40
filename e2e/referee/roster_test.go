package referee

func rosterScripts() []script {
	return []script{
		{"a roster starts empty, and changes are pushed to all who asked", rosterPush},
		{"a roster set must make sense", rosterErrors},
		{"removing a contact ends both subscriptions", rosterRemove},
		{"somebody else's roster is out of reach", rosterForeign},
	}
}

// RFC 6121 §2.1.3–2.1.6, §2.2, §2.3.2 (S-32, S-33).
func rosterPush(s *scene) {
	s.people("alice")
	desk, phone, deaf := s.bound("alice", "desk"), s.bound("alice", "phone"), s.bound("alice", "deaf")
	for _, c := range []*client{desk, phone} {
		c.ask(`<iq type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	}
	desk.send(`<iq type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="$bob" name="Bob" subscription="both" ask="subscribe"><group>Friends</group></item></query></iq>`)
	desk.expect(`<iq type="result" id="s"/>`)
	for _, c := range []*client{desk, phone} {
		c.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$bob" name="Bob" subscription="none" ask="!"><group>Friends</group></item></query></iq>`)
	}
	deaf.never(`<iq type="set"/>`)
	deaf.ask(`<iq type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`,
		`<iq type="result" id="r"><query xmlns="jabber:iq:roster"><item jid="$bob" name="Bob" subscription="none"><group>Friends</group></item></query></iq>`)
	phone.send(`<iq type="set" id="d"><query xmlns="jabber:iq:roster"><item jid="$bob" subscription="remove"/></query></iq>`)
	for _, c := range []*client{desk, phone, deaf} {
		c.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$bob" subscription="remove"/></query></iq>`)
	}
}

// RFC 6121 §2.3.3, §2.5.3 (S-33).
func rosterErrors(s *scene) {
	s.people("alice")
	alice := s.online("alice", "a")
	alice.ask(`<iq type="set" id="two"><query xmlns="jabber:iq:roster"><item jid="$bob"/><item jid="$carol"/></query></iq>`,
		`<iq type="error" id="two">`+stanzaError("modify", "bad-request")+`</iq>`)
	remove := `<iq type="set" id="none"><query xmlns="jabber:iq:roster"><item jid="$nobody" subscription="remove"/></query></iq>`
	alice.ask(remove, `<iq type="error" id="none">`+stanzaError(s.either("remove unknown", "cancel", "modify"), "item-not-found")+`</iq>`)
	answer := s.either("roster groups", "error", "result")
	for id, item := range map[string]string{
		"twice": `<item jid="$bob"><group>A</group><group>A</group></item>`,
		"empty": `<item jid="$bob"><group/></item>`,
	} {
		alice.ask(`<iq type="set" id="`+id+`"><query xmlns="jabber:iq:roster">`+item+`</query></iq>`, `<iq type="`+answer+`" id="`+id+`"/>`)
	}
}

// RFC 6121 §2.5.2 (S-34).
func rosterRemove(s *scene) {
	s.people("alice", "bob")
	s.befriend("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	bob.expect(`<presence from="$alice/a" type="!"/>`)
	alice.expect(`<presence from="$bob/b" type="!"/>`)
	alice.send(`<iq type="set" id="d"><query xmlns="jabber:iq:roster"><item jid="$bob" subscription="remove"/></query></iq>`)
	alice.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$bob" subscription="remove"/></query></iq>`)
	bob.expect(`<presence from="$alice" type="unsubscribe"/>`)
	bob.expect(`<presence from="$alice" type="unsubscribed"/>`)
	bob.expect(`<presence from="$alice/a" type="unavailable"/>`)
	alice.expect(`<presence from="$bob` + s.either("unavailable after removal", "/b", "") + `" type="unavailable"/>`)
	bob.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$alice" subscription="none"/></query></iq>`)
}

// RFC 6121 §2.1.5, §2.3.3 (S-33).
func rosterForeign(s *scene) {
	s.people("alice", "bob")
	alice := s.online("alice", "a")
	alice.ask(`<iq type="get" id="g" to="$bob"><query xmlns="jabber:iq:roster"/></iq>`, `<iq type="error" id="g"/>`)
	alice.ask(`<iq type="set" id="s" to="$bob"><query xmlns="jabber:iq:roster"><item jid="$alice"/></query></iq>`, `<iq type="error" id="s"/>`)
	bob := s.bound("bob", "b")
	bob.ask(`<iq type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq type="result" id="r"/>`)
	bob.never(`<iq type="set"/>`)
}
