package referee

func resumeScripts() []script {
	return []script{
		{"stream management counts stanzas", smCounts},
		{"a lost stream is resumed, without loss or duplicate", smResume},
		{"what cannot be resumed leaves the stream usable", smUnknown},
	}
}

const nsSM = `xmlns="urn:xmpp:sm:3"`

// XEP-0198 §3–4 (S-93).
func smCounts(s *scene) {
	s.people("alice", "bob")
	alice := s.bound("alice", "a")
	alice.sync() // before it is on, nothing counts
	alice.send(`<enable ` + nsSM + `/>`)
	alice.expect(`<enabled ` + nsSM + `/>`)
	alice.send(`<r ` + nsSM + `/>`)
	alice.expect(`<a ` + nsSM + ` h="0"/>`)
	alice.send(`<presence/>`)
	alice.send(`<message to="$bob" type="chat"><body>x</body></message>`)
	alice.send(`<r ` + nsSM + `/>`)
	alice.expect(`<a ` + nsSM + ` h="2"/>`)
	alice.send(`<enable ` + nsSM + `/>`)
	alice.expect(`<failed ` + nsSM + `><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
}

// XEP-0198 §5 (S-94).
func smResume(s *scene) {
	s.people("alice", "bob")
	s.befriend("alice", "bob")
	bob, alice := s.online("bob", "b"), s.bound("alice", "a")
	alice.send(`<enable ` + nsSM + ` resume="true"/>`)
	id := alice.expect(`<enabled ` + nsSM + ` id="{id}" resume="true"/>`).vars["id"]
	alice.send(`<presence/>`)
	bob.expect(`<presence from="$alice/a" type="!"/>`)
	bob.send(`<message to="$alice/a" type="chat" id="before"><body>before</body></message>`)
	alice.expect(`<message id="before"/>`)
	stanzas := alice.stanzas()
	alice.drop()
	bob.send(`<message to="$alice" type="chat" id="meanwhile"><body>meanwhile</body></message>`)
	bob.never(`<presence from="$alice/a" type="unavailable"/>`)

	back := s.signIn("alice")
	back.send(`<resume ` + nsSM + ` previd="` + id + `" h="` + stanzas + `"/>`)
	back.expect(`<resumed ` + nsSM + ` previd="` + id + `" h="1"/>`)
	back.resumed(alice)
	back.expect(`<message id="meanwhile"><body>meanwhile</body></message>`)
	back.never(`<message id="meanwhile"/>`)
	back.never(`<message id="before"/>`)
	bob.never(`<presence from="$alice/a"/>`)
	back.send(`<message to="$bob" type="chat" id="after"><body>after</body></message>`)
	bob.expect(`<message from="$alice/a" id="after"/>`)
}

// XEP-0198 §5 (S-94).
func smUnknown(s *scene) {
	s.people("alice")
	alice := s.signIn("alice")
	alice.send(`<enable ` + nsSM + `/>`) // S-93: not before bind
	alice.expect(`<failed ` + nsSM + `><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
	alice.send(`<resume ` + nsSM + ` previd="unknown" h="0"/>`)
	alice.expect(`<failed ` + nsSM + `><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
	alice.bind("a")
	alice.sync()
}
