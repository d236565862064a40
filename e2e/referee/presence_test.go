package referee

func presenceScripts() []script {
	return []script{
		{"presence reaches contacts and one's own clients, and nobody else", presenceBroadcast},
		{"a lost session is told once", presenceLost},
		{"directed presence ends with its session", presenceDirected},
		{"a probe tells contacts only", presenceProbe},
		{"a priority has bounds", presencePriority},
	}
}

// RFC 6121 §4.2.2, §4.3, §4.4 (S-40).
func presenceBroadcast(s *scene) {
	s.people("alice", "bob", "carol")
	s.befriend("alice", "bob")
	bob, carol := s.online("bob", "b"), s.online("carol", "c")
	alice := s.online("alice", "a")
	bob.expect(`<presence from="$alice/a" type="!"/>`)
	alice.expect(`<presence from="$bob/b" type="!"/>`)
	second := s.online("alice", "a2")
	second.expect(`<presence from="$alice/a" type="!"/>`)
	second.expect(`<presence from="$bob/b" type="!"/>`)
	alice.expect(`<presence from="$alice/a2" type="!"/>`)
	alice.send(`<presence><show>away</show><status>tea</status></presence>`)
	bob.expect(`<presence from="$alice/a"><show>away</show><status>tea</status></presence>`)
	second.expect(`<presence from="$alice/a"><show>away</show><status>tea</status></presence>`)
	carol.never(`<presence from="$alice/a"/>`)
}

// RFC 6121 §4.5.2 (S-42).
func presenceLost(s *scene) {
	s.people("alice", "bob")
	s.befriend("alice", "bob")
	bob, alice := s.online("bob", "b"), s.online("alice", "a")
	bob.expect(`<presence from="$alice/a" type="!"/>`)
	alice.send(`<presence type="unavailable"><status>gone</status></presence>`)
	bob.expect(`<presence from="$alice/a" type="unavailable"><status>gone</status></presence>`)
	alice.leave()
	bob.never(`<presence from="$alice/a" type="unavailable"/>`)
	again := s.online("alice", "again")
	bob.expect(`<presence from="$alice/again" type="!"/>`)
	again.drop() // without stream management there is nothing to wait for
	bob.expect(`<presence from="$alice/again" type="unavailable"/>`)
	bob.never(`<presence from="$alice/again" type="unavailable"/>`)
}

// RFC 6121 §4.6 (S-43).
func presenceDirected(s *scene) {
	s.people("alice", "carol")
	alice, carol := s.online("alice", "a"), s.online("carol", "c")
	alice.send(`<presence to="$carol"/>`)
	carol.expect(`<presence from="$alice/a" to="$carol"/>`)
	alice.send(`<presence><show>dnd</show></presence>`)
	carol.never(`<presence from="$alice/a"><show>dnd</show></presence>`)
	alice.leave()
	carol.expect(`<presence from="$alice/a" type="unavailable"/>`)
}

// RFC 6121 §4.3.2 (S-41).
func presenceProbe(s *scene) {
	s.people("alice", "bob", "carol")
	s.befriend("alice", "bob")
	bob, carol := s.online("bob", "b"), s.online("carol", "c")
	alice := s.online("alice", "a")
	alice.send(`<presence><show>xa</show></presence>`)
	bob.expect(`<presence from="$alice/a"><show>xa</show></presence>`)
	bob.send(`<presence to="$alice" type="probe"/>`)
	bob.expect(`<presence from="$alice/a"><show>xa</show></presence>`)
	carol.send(`<presence to="$alice" type="probe"/>`)
	carol.never(`<presence from="$alice/a"/>`)
}

// RFC 6121 §4.7.2.3, §5.2.2 (S-30, S-44).
func presencePriority(s *scene) {
	s.people("alice")
	alice := s.online("alice", "a")
	alice.send(`<presence id="p"><priority>300</priority></presence>`)
	if s.meets("priority") {
		alice.expect(`<presence id="p" type="!"/>`)
	} else {
		alice.expect(`<presence type="error" id="p">` + stanzaError("modify", "bad-request") + `</presence>`)
	}
	alice.send(`<presence id="q" type="odd"/>`)
	alice.expect(`<presence type="error" id="q">` + stanzaError("modify", "bad-request") + `</presence>`)
}
