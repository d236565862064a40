package muc

import "testing"

// XEP-0045 §11.2 (S-87): everybody is told, of themselves, that the server stops.
func TestShutdown(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	w.svc.Shutdown()
	alice.sees("presence alice unavailable owner/none alice@h/a 332 110")
	bob.sees("presence bob unavailable none/none bob@h/b 332 110")
	alice.say("den", "1", "on its way") // nobody was put out: this arrives
	alice.sees("message alice body=on its way")
	bob.sees("message alice body=on its way")
}
