package referee

func roomScripts() []script {
	return []script{
		{"a room is made, unlocked and entered", roomEnter},
		{"what is said in a room reaches everybody in it", roomTalk},
		{"a nickname is one person's, and may change", roomNick},
		{"a room removes, bans and moderates", roomModerate},
		{"a room for members only, with a password", roomDoors},
		{"people are invited to a room", roomInvite},
		{"a room is destroyed", roomDestroy},
	}
}

const (
	muc  = `<x xmlns="http://jabber.org/protocol/muc"/>`
	user = `xmlns="http://jabber.org/protocol/muc#user"`
)

// self is the pattern of one's own presence in a room, with these codes besides
// 110.
func self(codes ...string) string {
	s := `<x ` + user + `><item/><status code="110"/>`
	for _, code := range codes {
		s += `<status code="` + code + `"/>`
	}
	return s + `</x>`
}

// settings is the owner's form, filled in.
func settings(fields string) string {
	return `<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">` + fields + `</x></query>`
}

func field(name, value string) string {
	return `<field var="` + name + `"><value>` + value + `</value></field>`
}

// room is made by alice, who is in it, with these settings.
func (s *scene) room(fields string) *client {
	s.t.Helper()
	s.people("room") // a name of its own
	s.names["den"] = s.names["room"]
	alice := s.online("alice", "a")
	alice.send(`<presence to="` + s.den("/Al") + `">` + muc + `</presence>`)
	alice.expect(`<presence from="` + s.den("/Al") + `">` + self("201") + `</presence>`)
	if fields != "" {
		fields = field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig") + fields
	}
	alice.ask(`<iq type="set" id="make" to="`+s.den("")+`">`+settings(fields)+`</iq>`, `<iq type="result" id="make"/>`)
	return alice
}

// den is the room's address with something behind it.
func (s *scene) den(rest string) string { return s.names["den"] + "@conference." + domain + rest }

// enters joins the room.
func (c *client) enters(nick string) found {
	c.scene.t.Helper()
	c.send(`<presence to="` + c.scene.den("/"+nick) + `">` + muc + `</presence>`)
	return c.expect(`<presence from="` + c.scene.den("/"+nick) + `">` + self() + `</presence>`)
}

// XEP-0045 §7.1, §7.2, §10.1 (S-77, S-78, S-79, S-89).
func roomEnter(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.room(""), s.online("bob", "b")
	alice.expect(`<message from="` + s.den("") + `" type="groupchat"><subject/></message>`)
	bob.send(`<presence to="` + s.den("/Bo") + `">` + muc + `</presence>`)
	other := bob.expect(`<presence from="` + s.den("/Al") + `"><x ` + user + `><item affiliation="owner" role="moderator"/></x></presence>`)
	mine := bob.expect(`<presence from="` + s.den("/Bo") + `"><x ` + user + `><item affiliation="none" role="participant"/><status code="110"/></x></presence>`)
	subject := bob.expect(`<message from="` + s.den("") + `" type="groupchat"><subject/></message>`)
	if other.at > mine.at || mine.at > subject.at {
		s.t.Errorf("others came at %d, oneself at %d, the subject at %d", other.at, mine.at, subject.at)
	}
	alice.expect(`<presence from="` + s.den("/Bo") + `"><x ` + user + `><item affiliation="none" role="participant" jid="$bob/b"/></x></presence>`)
	bob.send(`<presence to="` + s.den("/Bo") + `" type="unavailable"/>`)
	bob.expect(`<presence from="` + s.den("/Bo") + `" type="unavailable"><x ` + user + `><item role="none"/><status code="110"/></x></presence>`)
	alice.expect(`<presence from="` + s.den("/Bo") + `" type="unavailable"><x ` + user + `><item role="none"/></x></presence>`)
	bob.send(`<presence to="` + s.den("") + `">` + muc + `</presence>`)
	refusal := s.either("no nickname", stanzaError("modify", "jid-malformed"), stanzaError("cancel", "service-unavailable"))
	bob.expect(`<presence type="error" from="` + s.den("") + `">` + refusal + `</presence>`)
}

// XEP-0045 §7.2.14, §7.4, §7.5, §8.1 (S-82, S-83, S-84, S-85).
func roomTalk(s *scene) {
	s.people("alice", "bob", "carol")
	alice, bob, carol := s.room(field("muc#roomconfig_changesubject", "0")), s.online("bob", "b"), s.online("carol", "c")
	bob.enters("Bo")
	alice.send(`<message to="` + s.den("") + `" type="groupchat" id="m1"><body>hello</body></message>`)
	for _, c := range []*client{alice, bob} {
		c.expect(`<message from="` + s.den("/Al") + `" type="groupchat" id="m1"><body>hello</body></message>`)
	}
	carol.send(`<message to="` + s.den("") + `" type="groupchat" id="outside"><body>x</body></message>`)
	carol.expect(`<message type="error" id="outside">` + stanzaError(s.either("speaking from outside", "modify", "cancel"), "not-acceptable") + `</message>`)
	bob.send(`<message to="` + s.den("/Al") + `" type="chat" id="pm"><body>psst</body></message>`)
	alice.expect(`<message from="` + s.den("/Bo") + `" type="chat" id="pm"><body>psst</body></message>`)
	bob.send(`<message to="` + s.den("/Nobody") + `" type="chat" id="pm2"><body>psst</body></message>`)
	bob.expect(`<message type="error" id="pm2">` + stanzaError("cancel", "item-not-found") + `</message>`)
	alice.send(`<message to="` + s.den("") + `" type="groupchat" id="s"><subject>Tea</subject></message>`)
	bob.expect(`<message from="` + s.den("/Al") + `" type="groupchat"><subject>Tea</subject></message>`)
	bob.send(`<message to="` + s.den("") + `" type="groupchat" id="s2"><subject>Coffee</subject></message>`)
	bob.expect(`<message type="error" id="s2">` + stanzaError("auth", "forbidden") + `</message>`)
	carol.enters("Ca")
	history := carol.expect(`<message from="` + s.den("/Al") + `" type="groupchat" id="m1"><body>hello</body><delay xmlns="urn:xmpp:delay" stamp="*"/></message>`)
	subject := carol.expect(`<message type="groupchat"><subject>Tea</subject></message>`)
	if history.at > subject.at {
		s.t.Errorf("history came at %d, the subject at %d", history.at, subject.at)
	}
}

// XEP-0045 §7.2.8, §7.6 (S-79, S-86).
func roomNick(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.room(""), s.online("bob", "b")
	bob.send(`<presence to="` + s.den("/Al") + `">` + muc + `</presence>`)
	bob.expect(`<presence type="error" from="` + s.den("/Al") + `">` + s.either("what was refused", muc, "") + stanzaError("cancel", "conflict") + `</presence>`)
	bob.enters("Bo")
	bob.send(`<presence to="` + s.den("/Bobby") + `"/>`)
	bob.expect(`<presence from="` + s.den("/Bo") + `" type="unavailable"><x ` + user + `><item nick="Bobby"/><status code="303"/><status code="110"/></x></presence>`)
	bob.expect(`<presence from="` + s.den("/Bobby") + `" type="!">` + self() + `</presence>`)
	alice.expect(`<presence from="` + s.den("/Bo") + `" type="unavailable"><x ` + user + `><item nick="Bobby"/><status code="303"/></x></presence>`)
	alice.expect(`<presence from="` + s.den("/Bobby") + `" type="!"/>`)
}

// XEP-0045 §8.2–8.4, §9.1 (S-87, S-88).
func roomModerate(s *scene) {
	s.people("alice", "bob", "carol")
	alice, bob, carol := s.room(field("muc#roomconfig_moderatedroom", "1")), s.online("bob", "b"), s.online("carol", "c")
	admin := func(id, item string) {
		alice.ask(`<iq type="set" id="`+id+`" to="`+s.den("")+`"><query xmlns="http://jabber.org/protocol/muc#admin">`+item+`</query></iq>`, `<iq type="result" id="`+id+`"/>`)
	}
	bob.enters("Bo")
	bob.send(`<message to="` + s.den("") + `" type="groupchat" id="v"><body>may I?</body></message>`)
	bob.expect(`<message type="error" id="v">` + stanzaError("auth", "forbidden") + `</message>`)
	admin("voice", `<item nick="Bo" role="participant"/>`)
	bob.expect(`<presence from="` + s.den("/Bo") + `"><x ` + user + `><item role="participant"/></x></presence>`)
	bob.send(`<message to="` + s.den("") + `" type="groupchat" id="v2"><body>thanks</body></message>`)
	alice.expect(`<message id="v2"/>`)
	admin("kick", `<item nick="Bo" role="none"><reason>out</reason></item>`)
	bob.expect(`<presence from="` + s.den("/Bo") + `" type="unavailable"><x ` + user + `><item role="none"><reason>out</reason></item><status code="307"/></x></presence>`)
	carol.enters("Ca")
	bob.ask(`<iq type="set" id="no" to="`+s.den("")+`"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="Al" role="none"/></query></iq>`, `<iq type="error" id="no"/>`)
	admin("ban", `<item jid="$carol" affiliation="outcast"/>`)
	carol.expect(`<presence from="` + s.den("/Ca") + `" type="unavailable"><x ` + user + `><item affiliation="outcast" role="none"/><status code="301"/></x></presence>`)
	carol.send(`<presence to="` + s.den("/Ca") + `">` + muc + `</presence>`)
	carol.expect(`<presence type="error">` + stanzaError("auth", "forbidden") + `</presence>`)
}

// XEP-0045 §7.2.5, §7.2.6 (S-79).
func roomDoors(s *scene) {
	s.people("alice", "bob", "carol")
	alice := s.room(field("muc#roomconfig_membersonly", "1") + field("muc#roomconfig_passwordprotectedroom", "1") + field("muc#roomconfig_roomsecret", "sesame"))
	bob, carol := s.online("bob", "b"), s.online("carol", "c")
	alice.ask(`<iq type="set" id="m" to="`+s.den("")+`"><query xmlns="http://jabber.org/protocol/muc#admin"><item jid="$bob" affiliation="member"/></query></iq>`, `<iq type="result" id="m"/>`)
	bob.send(`<presence to="` + s.den("/Bo") + `">` + muc + `</presence>`)
	bob.expect(`<presence type="error">` + stanzaError("auth", "not-authorized") + `</presence>`)
	with := `<x xmlns="http://jabber.org/protocol/muc"><password>sesame</password></x>`
	bob.send(`<presence to="` + s.den("/Bo") + `">` + with + `</presence>`)
	bob.expect(`<presence from="` + s.den("/Bo") + `"><x ` + user + `><item affiliation="member"/><status code="110"/></x></presence>`)
	carol.send(`<presence to="` + s.den("/Ca") + `">` + with + `</presence>`)
	carol.expect(`<presence type="error">` + stanzaError("auth", "registration-required") + `</presence>`)
}

// XEP-0045 §7.8 (S-90).
func roomInvite(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.room(""), s.online("bob", "b")
	alice.send(`<message to="` + s.den("") + `"><x ` + user + `><invite to="$bob"><reason>tea</reason></invite></x></message>`)
	bob.expect(`<message from="` + s.den("") + `"><x ` + user + `><invite><reason>tea</reason></invite></x></message>`)
	bob.send(`<message to="` + s.den("") + `"><x ` + user + `><decline to="$alice"><reason>later</reason></decline></x></message>`)
	alice.expect(`<message from="` + s.den("") + `"><x ` + user + `><decline from="$bob` + s.either("who declined", "", "/b") + `"><reason>later</reason></decline></x></message>`)
}

// XEP-0045 §10.9 (S-89).
func roomDestroy(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.room(""), s.online("bob", "b")
	bob.enters("Bo")
	destroy := `<query xmlns="http://jabber.org/protocol/muc#owner"><destroy><reason>over</reason></destroy></query>`
	bob.ask(`<iq type="set" id="no" to="`+s.den("")+`">`+destroy+`</iq>`, `<iq type="error" id="no">`+stanzaError("auth", "forbidden")+`</iq>`)
	alice.ask(`<iq type="set" id="yes" to="`+s.den("")+`">`+destroy+`</iq>`, `<iq type="result" id="yes"/>`)
	bob.expect(`<presence from="` + s.den("/Bo") + `" type="unavailable"><x ` + user + `><item affiliation="none" role="none"/><destroy><reason>over</reason></destroy></x></presence>`)
}
