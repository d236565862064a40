package referee

func streamScripts() []script {
	return []script{
		{"a wrong password is not authorized, and may be tried again", wrongPassword},
		{"stanzas before signing in end the stream", tooEarly},
		{"a resource is bound, or made up", binding},
	}
}

// RFC 6120 §6.5.10, §6.4.5 (S-17, S-18).
func wrongPassword(s *scene) {
	s.people("alice")
	c := s.connect("alice")
	for _, user := range []string{s.names["alice"], "nobody"} {
		c.auth("\x00" + user + "\x00wrong")
		c.expect(`<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>`)
	}
	password, err := s.target.password(s.t.Context(), s.names["alice"])
	if err != nil {
		s.t.Fatal(err)
	}
	c.auth("\x00" + s.names["alice"] + "\x00" + password)
	c.expect(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
}

// RFC 6120 §4.3.5, §7.1 (S-02).
func tooEarly(s *scene) {
	s.people("alice", "bob")
	bob := s.online("bob", "b")
	c := s.connect("alice")
	c.send(`<message to="$bob" type="chat"><body>too early</body></message>`)
	if s.meets("too early") {
		c.expect(`<message type="error">` + stanzaError("cancel", "service-unavailable") + `</message>`)
	} else {
		c.expect(streamError("not-authorized"))
	}
	bob.never(`<message/>`)
}

// RFC 6120 §7.6, §7.7 (S-19).
func binding(s *scene) {
	s.people("alice")
	named := s.bound("alice", "desk")
	if want := s.fill("$alice/desk"); named.full != want {
		s.t.Errorf("bound %s, want %s", named.full, want)
	}
	other := s.signIn("alice")
	other.ask(`<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`,
		`<iq type="result" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>{jid}</jid></bind></iq>`)
}

// streamError is the pattern of a stream error with this condition.
func streamError(condition string) string {
	return `<stream:error xmlns:stream="http://etherx.jabber.org/streams"><` + condition + ` xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>`
}
