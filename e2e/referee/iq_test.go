package referee

func iqScripts() []script {
	return []script{
		{"an IQ between clients needs shared presence", iqBetween},
		{"an IQ to a bare address is answered for the account", iqBare},
		{"an IQ must be well made", iqForm},
		{"what the server is and can do", discoServer},
		{"what an account is, to itself and to strangers", discoAccount},
		{"ping, version, time", smallServices},
		{"a vCard is its owner's to change", vcards},
		{"private XML is kept as it is", privateXML},
		{"blocking", blocking},
	}
}

// RFC 6121 §8.5.3.1 (S-27).
func iqBetween(s *scene) {
	s.people("alice", "bob", "carol")
	s.befriend("alice", "bob")
	alice, bob, carol := s.online("alice", "a"), s.online("bob", "b"), s.online("carol", "c")
	bob.expect(`<presence from="$alice/a"/>`)
	alice.send(`<iq type="get" id="q" to="$bob/b"><query xmlns="urn:example:q"/></iq>`)
	bob.expect(`<iq type="get" id="q" from="$alice/a" to="$bob/b"><query xmlns="urn:example:q"/></iq>`)
	bob.send(`<iq type="result" id="q" to="$alice/a"><query xmlns="urn:example:q">yes</query></iq>`)
	alice.expect(`<iq type="result" id="q" from="$bob/b"><query xmlns="urn:example:q">yes</query></iq>`)
	if s.meets("iq of strangers") {
		carol.send(`<iq type="get" id="q" to="$bob/b"><query xmlns="urn:example:q"/></iq>`)
		bob.expect(`<iq from="$carol/c" id="q"/>`)
	} else {
		carol.ask(`<iq type="get" id="q" to="$bob/b"><query xmlns="urn:example:q"/></iq>`, `<iq type="error" id="q">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
		bob.never(`<iq from="$carol/c"/>`)
	}
}

// RFC 6121 §8.5.2.1.3 (S-29).
func iqBare(s *scene) {
	s.people("alice", "bob")
	s.befriend("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.ask(`<iq type="get" id="q" to="$bob"><query xmlns="urn:example:q"/></iq>`, `<iq type="error" id="q" from="$bob">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
	bob.never(`<iq><query xmlns="urn:example:q"/></iq>`)
}

// RFC 6120 §8.2.3, §8.4, §10.3.3 (S-10, S-11).
func iqForm(s *scene) {
	s.people("alice")
	alice := s.online("alice", "a")
	alice.ask(`<iq type="get" id="unknown" to="$host"><query xmlns="urn:example:q"/></iq>`, `<iq type="error" id="unknown" from="$host">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
	alice.ask(`<iq type="get" id="none"><query xmlns="urn:example:q"/></iq>`, `<iq type="error" id="none">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
	alice.ask(`<iq type="get" id="empty" to="$host"/>`, `<iq type="error" id="empty">`+stanzaError("modify", "bad-request")+`</iq>`)
	alice.ask(`<iq type="get" id="two" to="$host"><ping xmlns="urn:xmpp:ping"/><ping xmlns="urn:xmpp:ping"/></iq>`, `<iq type="error" id="two">`+stanzaError("modify", "bad-request")+`</iq>`)
	alice.send(`<iq type="result" id="stray" to="$host"/>`)
	alice.never(`<iq id="stray"/>`)
}

// XEP-0030 §3–4 (S-45).
func discoServer(s *scene) {
	s.people("alice")
	alice := s.online("alice", "a")
	alice.send(`<iq type="get" id="i" to="$host"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`)
	alice.expect(`<iq type="result" id="i" from="$host"><query xmlns="http://jabber.org/protocol/disco#info"><identity category="server" type="im"/></query></iq>`)
	for _, feature := range []string{"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", "urn:xmpp:carbons:2", "urn:xmpp:blocking", "urn:xmpp:ping", "jabber:iq:version", "urn:xmpp:time", "msgoffline"} {
		alice.ask(`<iq type="get" id="i" to="$host"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
			`<iq type="result" id="i"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="`+feature+`"/></query></iq>`)
	}
	alice.ask(`<iq type="get" id="n" to="$host"><query xmlns="http://jabber.org/protocol/disco#info" node="urn:example:none"/></iq>`,
		`<iq type="error" id="n">`+stanzaError("cancel", "item-not-found")+`</iq>`)
	alice.ask(`<iq type="get" id="t" to="$host"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`,
		`<iq type="result" id="t"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`)
}

// XEP-0030 §3, §8, XEP-0313 §7 (S-46, S-47, S-58).
func discoAccount(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.ask(`<iq type="get" id="i" to="$alice"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
		`<iq type="result" id="i" from="$alice"><query xmlns="http://jabber.org/protocol/disco#info"><identity category="account" type="registered"/></query></iq>`)
	alice.ask(`<iq type="get" id="f" to="$alice"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
		`<iq type="result" id="f"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="urn:xmpp:mam:2"/></query></iq>`)
	for _, to := range []string{"$alice", "$nobody"} {
		bob.ask(`<iq type="get" id="`+to+`" to="`+to+`"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
			`<iq type="error" id="`+to+`">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
	}
}

// XEP-0199 §4.2, XEP-0092 §2, XEP-0202 §2 (S-49).
func smallServices(s *scene) {
	s.people("alice")
	alice := s.online("alice", "a")
	for id, to := range map[string]string{"p1": ` to="$host"`, "p2": ` to="$alice"`, "p3": ``} {
		alice.ask(`<iq type="get" id="`+id+`"`+to+`><ping xmlns="urn:xmpp:ping"/></iq>`, `<iq type="result" id="`+id+`"/>`)
	}
	alice.ask(`<iq type="get" id="v" to="$host"><query xmlns="jabber:iq:version"/></iq>`, `<iq type="result" id="v"><query xmlns="jabber:iq:version"><name>*</name><version>*</version></query></iq>`)
	alice.ask(`<iq type="get" id="t" to="$host"><time xmlns="urn:xmpp:time"/></iq>`, `<iq type="result" id="t"><time xmlns="urn:xmpp:time"><tzo>*</tzo><utc>*</utc></time></iq>`)
}

// XEP-0054 §3.1–3.3 (S-50).
func vcards(s *scene) {
	s.people("alice", "bob")
	s.befriend("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.ask(`<iq type="set" id="s"><vCard xmlns="vcard-temp"><FN>Alice Adler</FN><NICKNAME>Al</NICKNAME></vCard></iq>`, `<iq type="result" id="s"/>`)
	bob.ask(`<iq type="get" id="g" to="$alice"><vCard xmlns="vcard-temp"/></iq>`, `<iq type="result" id="g" from="$alice"><vCard xmlns="vcard-temp"><FN>Alice Adler</FN><NICKNAME>Al</NICKNAME></vCard></iq>`)
	bob.ask(`<iq type="set" id="f" to="$alice"><vCard xmlns="vcard-temp"><FN>Mallory</FN></vCard></iq>`, `<iq type="error" id="f"/>`)
	alice.ask(`<iq type="get" id="g"><vCard xmlns="vcard-temp"/></iq>`, `<iq type="result" id="g"><vCard xmlns="vcard-temp"><FN>Alice Adler</FN></vCard></iq>`)
	answer := s.either("vCard of nobody", `<iq type="error" id="n">`+stanzaError("cancel", "service-unavailable")+`</iq>`, `<iq type="result" id="n"><vCard xmlns="vcard-temp"/></iq>`)
	bob.ask(`<iq type="get" id="n" to="$nobody"><vCard xmlns="vcard-temp"/></iq>`, answer)
}

// XEP-0049 §2–3 (S-50).
func privateXML(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	get := `<iq type="get" id="g"><query xmlns="jabber:iq:private"><data xmlns="urn:example:data"/></query></iq>`
	alice.ask(get, `<iq type="result" id="g"><query xmlns="jabber:iq:private"><data xmlns="urn:example:data"/></query></iq>`)
	alice.ask(`<iq type="set" id="s"><query xmlns="jabber:iq:private"><data xmlns="urn:example:data"><a b="c">d</a></data></query></iq>`, `<iq type="result" id="s"/>`)
	alice.ask(get, `<iq type="result" id="g"><query xmlns="jabber:iq:private"><data xmlns="urn:example:data"><a b="c">d</a></data></query></iq>`)
	bob.ask(`<iq type="get" id="f" to="$alice"><query xmlns="jabber:iq:private"><data xmlns="urn:example:data"/></query></iq>`, `<iq type="error" id="f"/>`)
}

// XEP-0191 §3.2–3.5 (S-51, S-52).
func blocking(s *scene) {
	s.people("alice", "bob")
	s.befriend("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	bob.expect(`<presence from="$alice/a" type="!"/>`)
	alice.expect(`<presence from="$bob/b" type="!"/>`)
	alice.ask(`<iq type="get" id="l"><blocklist xmlns="urn:xmpp:blocking"/></iq>`, `<iq type="result" id="l"><blocklist xmlns="urn:xmpp:blocking"/></iq>`)
	alice.ask(`<iq type="set" id="e"><block xmlns="urn:xmpp:blocking"/></iq>`, `<iq type="error" id="e">`+stanzaError("modify", "bad-request")+`</iq>`)
	alice.ask(`<iq type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="$bob"/></block></iq>`, `<iq type="result" id="b"/>`)
	alice.expect(`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="$bob"/></block></iq>`)
	bob.expect(`<presence from="$alice/a" type="unavailable"/>`)
	bob.send(`<message to="$alice" type="chat" id="m"><body>hello?</body></message>`)
	bob.expect(`<message type="error" id="m">` + stanzaError("cancel", "service-unavailable") + `</message>`)
	bob.ask(`<iq to="$alice/a" type="get" id="q"><query xmlns="urn:example:q"/></iq>`, `<iq type="error" id="q">`+stanzaError("cancel", "service-unavailable")+`</iq>`)
	bob.send(`<presence><show>away</show></presence>`)
	alice.never(`<presence from="$bob/b"><show>away</show></presence>`)
	alice.never(`<message id="m"/>`)
	alice.send(`<message to="$bob" type="chat" id="out"><body>x</body></message>`)
	alice.expect(`<message type="error" id="out"><error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><blocked xmlns="urn:xmpp:blocking:errors"/></error></message>`)
	bob.never(`<message id="out"/>`)
	alice.ask(`<iq type="set" id="u"><unblock xmlns="urn:xmpp:blocking"/></iq>`, `<iq type="result" id="u"/>`)
	alice.expect(`<iq type="set"><unblock xmlns="urn:xmpp:blocking"/></iq>`)
	if s.meets("presence after unblocking") {
		bob.never(`<presence from="$alice/a" type="!"/>`)
	} else {
		bob.expect(`<presence from="$alice/a" type="!"/>`)
	}
	bob.send(`<message to="$alice" type="chat" id="again"><body>hello!</body></message>`)
	alice.expect(`<message id="again"/>`)
}
