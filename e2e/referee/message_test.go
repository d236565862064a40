package referee

func messageScripts() []script {
	return []script{
		{"a message to the bare address", chatBare},
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
}
