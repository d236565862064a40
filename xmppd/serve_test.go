package xmppd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

func streamCondition(err error) stream.Condition {
	var e *stream.Error
	if errors.As(err, &e) {
		return e.Condition
	}
	return ""
}

func plain(authzid, user, password string) string {
	return `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">` +
		base64.StdEncoding.EncodeToString([]byte(authzid+"\x00"+user+"\x00"+password)) + `</auth>`
}

func failure(condition string) string {
	return `<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><` + condition + `/></failure>`
}

// RFC 6120 §6.4, §6.5 (S-16, S-17).
func TestSASL(t *testing.T) {
	password := stream.Peer{Transport: stream.TCP, Password: true}
	for name, c := range map[string]struct {
		peer         stream.Peer
		send, answer string
	}{
		"EXTERNAL":                      {vouched("alice"), `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">YWxpY2VAaA==</auth>`, saslOK},
		"EXTERNAL as another":           {vouched("alice"), `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">Ym9iQGg=</auth>`, failure("invalid-authzid")},
		"EXTERNAL by nobody":            {stream.Peer{External: true}, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`, failure("invalid-mechanism")},
		"PLAIN":                         {password, plain("", "alice", "secret"), saslOK},
		"PLAIN with own authzid":        {password, plain("alice@h", "alice", "secret"), saslOK},
		"PLAIN as another":              {password, plain("bob@h", "alice", "secret"), failure("invalid-authzid")},
		"wrong password":                {password, plain("", "alice", "wrong"), failure("not-authorized")},
		"unknown user":                  {password, plain("", "zoe", "secret"), failure("not-authorized")},
		"PLAIN where it is not offered": {vouched("alice"), plain("", "alice", "secret"), failure("mechanism-too-weak")},
		"no base64":                     {password, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">???</auth>`, failure("incorrect-encoding")},
		"no NUL":                        {password, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">YQ==</auth>`, failure("malformed-request")},
		"unknown mechanism":             {password, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="X"/>`, failure("invalid-mechanism")},
		"abort":                         {password, `<abort xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`, failure("aborted")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			cl := w.connect(c.peer)
			cl.Read()
			cl.Send(c.send)
			cl.Expect(c.answer)
		})
	}
}

// Without anything to offer, Converse must see an empty list and stop.
func TestSASL_NothingToOffer(t *testing.T) {
	c := newWorld(t, "alice").connect(stream.Peer{Transport: stream.WebSocket})
	c.Expect(`<stream:features xmlns:stream="http://etherx.jabber.org/streams"><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></stream:features>`)
}

// RFC 6120 §6.4.2 (S-15), §6.4.5 (S-18).
func TestSASL_ChallengeAndRetries(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.connect(stream.Peer{Password: true})
	c.Read()
	c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN"/>`)
	c.Expect(`<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	c.Send(`<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">AGFsaWNlAHdyb25n</response>`)
	c.Expect(failure("not-authorized"))
	for range saslAttempts - 1 {
		c.Send(plain("", "alice", "wrong"))
		c.Expect(failure("not-authorized"))
	}
	if got := streamCondition(c.ExpectEnd()); got != stream.PolicyViolation {
		t.Errorf("ended with %s", got)
	}
}

// RFC 6120 §6.4.2 (S-18): a new <auth/> discards the exchange under way; who
// begins for ever is not waited for.
func TestSASL_NewAuthDiscards(t *testing.T) {
	const begin = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN"/>`
	const challenge = `<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`
	w := newWorld(t, "alice")
	c := w.connect(stream.Peer{Password: true})
	c.Read()
	c.Send(begin)
	c.Expect(challenge)
	c.Send(plain("", "alice", "secret"))
	c.Expect(saslOK)

	c = w.connect(stream.Peer{Password: true})
	c.Read()
	c.Send(`<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	c.Expect(failure("malformed-request"))
	for range saslAttempts {
		c.Send(begin)
		c.Expect(challenge)
	}
	for range saslRefusals - 1 {
		c.Send(begin)
		c.Expect(failure("malformed-request"))
	}
	if got := streamCondition(c.ExpectEnd()); got != stream.PolicyViolation {
		t.Errorf("ended with %s", got)
	}
}

// RFC 6120 §6.4.5 (S-18): what never came to a password is no attempt at one, so
// that a client gets down its list of mechanisms.
func TestSASL_RefusalsAreNoAttempts(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.connect(stream.Peer{Password: true})
	c.Read()
	for _, name := range []string{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "DIGEST-MD5"} {
		c.Send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="` + name + `">cD10bHMtdW5pcXVlLCxuPWFsaWNlLHI9MQ==</auth>`)
		c.Expect(`<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><any xmlns="test"/></failure>`)
	}
	c.Send(plain("", "alice", "secret"))
	c.Expect(saslOK)
}

// S-16: what cannot be checked is temporary.
func TestSASL_DatabaseAway(t *testing.T) {
	w := newWorld(t, "alice")
	w.store.setFail(errAway)
	c := w.connect(stream.Peer{Password: true})
	c.Read()
	c.Send(plain("", "alice", "secret"))
	c.Expect(failure("temporary-auth-failure"))
}

// RFC 6120 §4.3.5, §7.1 (S-02).
func TestServe_StanzasBeforeTheirTime(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.connect(vouched("alice"))
	c.Read()
	c.Send(`<message xmlns="jabber:client" to="alice@h"><body>x</body></message>`)
	if got := streamCondition(c.ExpectEnd()); got != stream.NotAuthorized {
		t.Errorf("before signing in: %s", got)
	}
	c = w.signIn("alice")
	c.Send(`<presence xmlns="jabber:client"/>`)
	if got := streamCondition(c.ExpectEnd()); got != stream.NotAuthorized {
		t.Errorf("before binding: %s", got)
	}
}

// RFC 6120 §7.6, §7.7 (S-19, S-20); RFC 6121 App. E (S-21).
func TestBind(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.signIn("alice")
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	if jid := c.Expect(`<iq xmlns="jabber:client" type="result" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>{jid}</jid></bind></iq>`)["jid"]; len(jid) < len("alice@h/")+20 {
		t.Errorf("a made-up resource: %s", jid)
	}
	c.ask(`<iq xmlns="jabber:client" type="set" id="s"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>`, `<iq xmlns="jabber:client" type="result" id="s"/>`)

	first := w.bound("alice", "phone")
	second := w.bound("alice", "phone")
	if got := streamCondition(first.ExpectEnd()); got != stream.Conflict {
		t.Errorf("the old stream ended with %s", got)
	}
	second.none()
}

func TestBind_Quota(t *testing.T) {
	w := newWorldWith(t, Config{Resources: 1}, "alice")
	w.bound("alice", "a")
	c := w.signIn("alice")
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	c.Expect(`<iq xmlns="jabber:client" type="error" id="b"><error type="wait"><resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`)
}

// RFC 6120 §7.6.2 (S-19): not for ever.
func TestBind_Attempts(t *testing.T) {
	c := newWorld(t, "alice").signIn("alice")
	for range bindAttempts {
		c.Send(`<resume xmlns="urn:xmpp:sm:3" previd="x" h="0"/>`)
		c.Expect(smNotFound)
	}
	if got := streamCondition(c.ExpectEnd()); got != stream.PolicyViolation {
		t.Errorf("ended with %s", got)
	}
}

// Whose standing cannot be asked is told to come back, not that it ended.
func TestBind_DatabaseAway(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.signIn("alice")
	w.store.setFail(errAway)
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	if err := c.ended(); !errors.Is(err, stream.ErrDisconnected) || w.srv.Stats().Sessions != 0 {
		t.Errorf("ended with %v; %d sessions", err, w.srv.Stats().Sessions)
	}
}

// A session that ended while its stream was being opened does not get in.
func TestBind_SignedOutMeanwhile(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.signIn("alice")
	w.store.revoked["s-alice"] = true
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	if got := streamCondition(c.ExpectEnd()); got != stream.NotAuthorized {
		t.Errorf("ended with %s", got)
	}
}

// Signing out ends every stream of the session: open, signing in, or waiting for
// resumption; and nothing else.
func TestEnd(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	bound, half, other := w.bound("alice", "a"), w.signIn("alice"), w.bound("bob", "b")
	w.srv.End(stream.Scope{User: "alice", Session: "s-alice"}, &stream.Error{Condition: stream.NotAuthorized})
	for _, c := range []*client{bound, half} {
		if got := streamCondition(c.ExpectEnd()); got != stream.NotAuthorized {
			t.Errorf("ended with %s", got)
		}
	}
	other.none()
	if len(w.srv.Identities()) != 1 {
		t.Errorf("identities: %v", w.srv.Identities())
	}
}

func TestShutdown(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.bound("alice", "a")
	w.srv.Shutdown(t.Context())
	if got := streamCondition(c.ExpectEnd()); got != stream.SystemShutdown {
		t.Errorf("ended with %s", got)
	}
	if got := streamCondition(w.connect(vouched("alice")).ExpectEnd()); got != stream.SystemShutdown {
		t.Errorf("a late one ended with %s", got)
	}
}

// A server that stops keeps what nobody acknowledged, asks no store to tell the
// others of each other's going, and lets nobody in.
func TestShutdown_KeepsMessages(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.enableSM()
	bob.Send(`<message xmlns="jabber:client" to="alice@h" type="chat" id="m"><body>x</body></message>`)
	bob.Sync()
	late := w.signIn("bob")
	w.srv.Shutdown(t.Context())
	if got := w.store.waiting("alice"); len(got) != 1 {
		t.Errorf("%d messages wait", len(got))
	}
	if got := streamCondition(late.ended()); got != stream.SystemShutdown {
		t.Errorf("a stream that was signing in ended with %s", got)
	}
	for {
		raw, err := bob.Next(t.Context())
		if err != nil {
			break
		}
		if _, err := streamtest.Match(`<presence xmlns="jabber:client" type="unavailable"/>`, raw); err == nil {
			t.Errorf("told of %s", raw)
		}
	}
}

// RFC 6121 §4.5.2: the last session of an account goes with what is known of the
// account: hundreds of people may have to be told.
func TestEnd_AsksNoStore(t *testing.T) {
	users := []string{"alice"}
	for i := range 20 {
		users = append(users, fmt.Sprint("u", i))
	}
	w := newWorld(t, users...)
	w.store.everyone = true
	var others []*client
	for _, u := range users[1:] {
		others = append(others, w.online(u, "r"))
	}
	alice := w.online("alice", "a")
	w.store.mu.Lock()
	before := w.store.reads
	w.store.mu.Unlock()
	alice.Close()
	alice.ended()
	for _, o := range others {
		o.Until(`<presence xmlns="jabber:client" from="alice@h/a" type="unavailable"/>`)
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if w.store.reads != before {
		t.Errorf("%d questions", w.store.reads-before)
	}
	if w.srv.Online("alice") || !w.srv.Online("u1") {
		t.Error("the wrong people are online")
	}
}

// RFC 6120 §10.1 (S-08), §8.3.1 (S-09), §10.3 (S-11), §8.1.5 (S-05).
func TestServe_OrderErrorsAndDefaults(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	peer := vouched("alice")
	peer.Lang = "de"
	alice, bob := w.boundAs(peer, "a"), w.online("bob", "b")
	alice.Send(`<presence xmlns="jabber:client"/>`)
	alice.Sync()
	for i := range 50 {
		alice.Send(fmt.Sprintf(`<message xmlns="jabber:client" to="bob@h" id="%d"><body>x</body></message>`, i))
	}
	for i := range 50 {
		bob.Until(fmt.Sprintf(`<message xmlns="jabber:client" id="%d" xml:lang="de"><body>x</body><any xmlns="test"/></message>`, i))
	}
	alice.Send(`<iq xmlns="jabber:client" type="get" id="v" to="bob@h/b"><query xmlns="jabber:iq:version"/></iq>`)
	bob.Until(`<iq xmlns="jabber:client" type="get" id="v" from="alice@h/a" xml:lang="de"><query xmlns="jabber:iq:version"/></iq>`)
	alice.Send(`<presence xmlns="jabber:client" to="bob@h" type="unsubscribe" xml:lang="fr"/>`)
	bob.Until(`<presence xmlns="jabber:client" type="unsubscribe" from="alice@h" xml:lang="fr"/>`)
	alice.Send(`<presence xmlns="jabber:client" to="bob@h" type="subscribe"/>`)
	bob.Until(`<presence xmlns="jabber:client" type="subscribe" from="alice@h" xml:lang="de"/>`)
	alice.Sync()
	alice.Send(`<message xmlns="jabber:client" to="bob@elsewhere" id="e"><body>x</body></message>`)
	alice.Until(`<message xmlns="jabber:client" type="error" id="e" from="bob@elsewhere" to="alice@h/a">` + stanzaErrorOf("cancel", "remote-server-not-found") + `</message>`)
	for _, raw := range []string{
		`<message xmlns="jabber:client" to="bob@elsewhere" type="error"/>`, `<presence xmlns="jabber:client" to="bob@elsewhere" type="error"/>`,
		`<iq xmlns="jabber:client" to="bob@elsewhere" type="result" id="r"/>`, `<iq xmlns="jabber:client" to="bob@elsewhere" type="error" id="r"/>`,
		`<iq xmlns="jabber:client" type="result" id="r"/>`, `<iq xmlns="jabber:client" to="bob@h/gone" type="result" id="r"/>`,
	} {
		alice.Send(raw)
	}
	alice.none()
	// Without an address: a message to oneself, an IQ to one's account.
	alice.Send(`<message xmlns="jabber:client" type="chat" id="self"><body>x</body></message>`)
	alice.Until(`<message xmlns="jabber:client" type="chat" id="self" from="alice@h/a"><body>x</body><any xmlns="test"/></message>`)
	alice.ask(`<iq xmlns="jabber:client" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>`, `<iq xmlns="jabber:client" type="result" id="p" to="alice@h/a"/>`)
}

// RFC 6120 §4.8.4 (S-04), §8.2.3 (S-10), §8.4.
func TestServe_OddElements(t *testing.T) {
	for raw, want := range map[string]stream.Condition{
		`<foo xmlns="urn:bar"/>`:                            stream.UnsupportedStanzaType,
		`<foo xmlns="jabber:client"/>`:                      stream.UnsupportedStanzaType,
		`<a:message xmlns:a="jabber:client" to="alice@h"/>`: stream.BadNamespacePrefix,
	} {
		c := newWorld(t, "alice").bound("alice", "a")
		c.Send(raw)
		if got := streamCondition(c.ExpectEnd()); got != want {
			t.Errorf("%s: ended with %s, want %s", raw, got, want)
		}
	}
	c := newWorld(t, "alice").bound("alice", "a")
	for raw, condition := range map[string]string{
		`<iq xmlns="jabber:client" type="get"><x xmlns="u"/></iq>`:                         "bad-request",
		`<iq xmlns="jabber:client" type="get" id="1"/>`:                                    "bad-request",
		`<iq xmlns="jabber:client" type="get" id="1"><x xmlns="u"/><y xmlns="u"/></iq>`:    "bad-request",
		`<iq xmlns="jabber:client" type="x" id="1"><x xmlns="u"/></iq>`:                    "bad-request",
		`<iq xmlns="jabber:client" type="get" id="1"><x xmlns="u"/></iq>`:                  "service-unavailable",
		`<iq xmlns="jabber:client" type="get" id="1" to="x@elsewhere"><x xmlns="u"/></iq>`: "remote-server-not-found",
	} {
		c.Send(raw)
		c.Expect(`<iq xmlns="jabber:client" type="error"><error type="*"><` + condition + ` xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`)
	}
	c.refused(`<iq xmlns="jabber:client" type="get" id="1" to="@"><x xmlns="u"/></iq>`, "modify", "jid-malformed")
}

// RFC 6120 §6.5 (S-16): what the site knows of credentials that prove the account
// and are of no use all the same; and that somebody has to wait (§6.5.12; X-15).
func TestSASL_NoUse(t *testing.T) {
	for err, want := range map[error]string{sasl.CredentialsExpired: "credentials-expired", sasl.AccountDisabled: "account-disabled", sasl.TemporaryAuthFailure: "temporary-auth-failure"} {
		w := newWorld(t, "alice")
		w.store.setFail(err)
		c := w.connect(stream.Peer{Password: true})
		c.Read()
		c.Send(plain("", "alice", "secret"))
		c.Expect(failure(want))
	}
}
