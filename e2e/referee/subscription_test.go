package referee

func subscriptionScripts() []script {
	return []script{
		{"a request is answered, and both rosters follow", subscribeApprove},
		{"a request that is refused leaves nothing", subscribeRefuse},
		{"a request waits for somebody who is away", subscribeAway},
	}
}

// RFC 6121 §3.1 (S-36, S-37, S-39).
func subscribeApprove(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.send(`<presence to="$bob/whatever" type="subscribe"/>`)
	alice.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$bob" subscription="none" ask="subscribe"/></query></iq>`)
	bob.expect(`<presence from="$alice" type="subscribe"/>`)
	bob.never(`<iq type="set"><query xmlns="jabber:iq:roster"/></iq>`)
	bob.send(`<presence to="$alice" type="subscribed"/>`)
	bob.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$alice" subscription="from"/></query></iq>`)
	told := alice.expect(`<presence from="$bob" type="subscribed"/>`)
	push := alice.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$bob" subscription="to" ask="!"/></query></iq>`)
	here := alice.expect(`<presence from="$bob/b" type="!"/>`)
	if told.at > push.at || told.at > here.at {
		s.t.Errorf("subscribed came at %d, the push at %d, presence at %d", told.at, push.at, here.at)
	}
}

// RFC 6121 §3.2, App. A (S-36, S-39).
func subscribeRefuse(s *scene) {
	s.people("alice", "bob")
	alice, bob := s.online("alice", "a"), s.online("bob", "b")
	alice.send(`<presence to="$bob" type="subscribe"/>`)
	bob.expect(`<presence from="$alice" type="subscribe"/>`)
	bob.send(`<presence to="$alice" type="unsubscribed"/>`)
	alice.expect(`<presence from="$bob" type="unsubscribed"/>`)
	alice.expect(`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="$bob" subscription="none" ask="!"/></query></iq>`)
	bob.never(`<iq type="set"><query xmlns="jabber:iq:roster"/></iq>`)
	alice.never(`<presence from="$bob/b"/>`)
}

// RFC 6121 §3.1.3 (S-38).
func subscribeAway(s *scene) {
	s.people("alice", "bob")
	alice := s.online("alice", "a")
	alice.send(`<presence to="$bob" type="subscribe"><status>it is me</status></presence>`)
	alice.sync()
	for _, resource := range []string{"one", "two"} { // again, until it is answered
		bob := s.online("bob", resource)
		bob.expect(`<presence from="$alice" type="subscribe"><status>it is me</status></presence>`)
	}
}
