package xmppd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/xmppd/archive"
)

func stanzaErrorOf(typ, condition string) string {
	return `<error type="` + typ + `"><` + condition + ` xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><any xmlns="test"/></error>`
}

// A message is in both archives under one id before it is delivered; the
// recipient gets it with that id, the sender's forged ones removed (S-01, S-53,
// S-54, S-63).
func TestMessage_StoredThenDelivered(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m1" from="eve@h/x"><body>hi</body>` +
		`<stanza-id xmlns="urn:xmpp:sid:0" by="bob@h" id="forged"/><stanza-id xmlns="urn:xmpp:sid:0" by="room@elsewhere" id="theirs"/>` +
		`<origin-id xmlns="urn:xmpp:sid:0" id="o1"/><delay xmlns="urn:xmpp:delay" from="h" stamp="2001-01-01T00:00:00Z"/></message>`)
	got := bob.Until(`<message xmlns="jabber:client" from="alice@h/a" to="bob@h" type="chat" id="m1"><body>hi</body>` +
		`<stanza-id xmlns="urn:xmpp:sid:0" by="room@elsewhere" id="theirs"/><origin-id xmlns="urn:xmpp:sid:0" id="o1"/>` +
		`<stanza-id xmlns="urn:xmpp:sid:0" by="bob@h" id="{id}"/></message>`)
	entries := w.store.archived()
	if len(entries) != 2 || entries[0].ID != entries[1].ID || entries[0].ID.String() != got["id"] || entries[0].ID.Version() != 7 {
		t.Fatalf("archive: %+v, delivered as %s", entries, got["id"])
	}
	if e := entries[0]; e.Owner != "bob@h" || e.With != "alice@h" || e.Resource != "a" || e.Outgoing || e.Body != "hi" {
		t.Errorf("bob's: %+v", e)
	}
	if e := entries[1]; e.Owner != "alice@h" || e.With != "bob@h" || !e.Outgoing {
		t.Errorf("alice's: %+v", e)
	}
}

// A message that is sent again after a lost stream is stored and delivered once.
func TestMessage_SentAgain(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	message := `<message xmlns="jabber:client" to="bob@h" type="chat" id="%s"><body>x</body>%s</message>`
	again := `<delay xmlns="urn:xmpp:delay" from="alice@h" stamp="2026-01-01T00:00:00Z"/>`
	alice.Send(fmt.Sprintf(message, "stored", ""))
	alice.Send(fmt.Sprintf(message, "stored", again))
	alice.Send(fmt.Sprintf(message, "lost", again))
	alice.Sync()
	for _, id := range []string{"stored", "lost"} {
		bob.Until(`<message xmlns="jabber:client" id="` + id + `"><body>x</body><any xmlns="test"/></message>`)
	}
	bob.none()
	if n := len(w.store.archived()); n != 4 {
		t.Errorf("%d entries", n)
	}
}

// What is sent again may come while the first is under way still, on the stream that was lost: to the archive, or,
// where none keeps it, to where it waits for later.
func TestMessage_SentAgainMeanwhile(t *testing.T) {
	for what, c := range map[string]struct {
		store, hint    string
		isThere        bool // bob
		archived, kept int
	}{
		"delivered":      {"Append", "", true, 2, 0},
		"kept for later": {"AddOffline", `<no-permanent-store xmlns="urn:xmpp:hints"/>`, false, 0, 1},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "alice", "bob")
				first, second := w.online("alice", "a"), w.online("alice", "b")
				var bob *client
				if c.isThere {
					bob = w.online("bob", "b")
				}
				entered, release := w.store.hold(c.store)
				message := `<message xmlns="jabber:client" to="bob@h" type="chat" id="once"><body>x</body>` + c.hint + `%s</message>`
				first.Send(fmt.Sprintf(message, ""))
				entered()
				second.Send(fmt.Sprintf(message, `<delay xmlns="urn:xmpp:delay" from="alice@h" stamp="2026-01-01T00:00:00Z"/>`))
				synctest.Wait() // the second waits for the first
				release()
				first.Sync()
				second.Sync()
				if c.isThere {
					bob.Until(`<message xmlns="jabber:client" id="once"><body>x</body><any xmlns="test"/></message>`)
					bob.none()
				}
				if archived, kept := len(w.store.archived()), len(w.store.offline["bob"]); archived != c.archived || kept != c.kept {
					t.Errorf("%d entries of archives, %d are kept for later", archived, kept)
				}
			})
		})
	}
}

// Where the first takes too long, who sends it again is told to try later.
func TestMessage_SentAgainBehindSlow(t *testing.T) {
	w := newWorldWith(t, Config{StoreTimeout: 50 * time.Millisecond}, "alice", "bob")
	s, _ := w.online("alice", "a"), w.online("bob", "b")
	unlock, err := w.srv.dedupLock.Lock(t.Context(), "alice@h bob@h once")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	s.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="once"><body>x</body><delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/></message>`)
	s.Until(`<message xmlns="jabber:client" id="once" type="error"><error type="wait"><resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><any xmlns="test"/></error></message>`)
}

// whoever the delay of a message that is sent again names, and whether or not
// the sender keeps an archive: it is stored and delivered once (XEP-0198 §5, XEP-0203 §4).
func TestMessage_SentAgainByAnyDelay(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.prefs["carol"] = archive.Prefs{Default: archive.Never}
	bob := w.online("bob", "b")
	for user, to := range map[string]string{"alice": "bob@h", "carol": "bob@h", "bob": "bob@h"} {
		c := bob
		if user != "bob" {
			c = w.online(user, "a")
		}
		message := `<message xmlns="jabber:client" to="` + to + `" type="chat" id="once"><body>x</body>%s</message>`
		c.Send(fmt.Sprintf(message, ""))
		c.Sync()
		stored := len(w.store.archived())
		for _, from := range []string{"", ` from="h"`, ` from="` + user + `@h"`} {
			c.Send(fmt.Sprintf(message, `<delay xmlns="urn:xmpp:delay"`+from+` stamp="2026-01-01T00:00:00Z"/>`))
			c.Sync()
			if now := len(w.store.archived()); now != stored {
				t.Errorf("%s, delay%s: %d entries, then %d", user, from, stored, now)
			}
		}
	}
}

// where neither side keeps an archive as well.
func TestMessage_SentAgainUnkept(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	for _, user := range []string{"alice", "bob"} {
		w.store.prefs[user] = archive.Prefs{Default: archive.Never}
	}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	for _, to := range []string{"bob@h", "alice@h"} {
		for _, delay := range []string{"", `<delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/>`} {
			alice.Send(`<message xmlns="jabber:client" to="` + to + `" type="chat" id="once"><body>x</body>` + delay + `</message>`)
			if got := alice.Sync(); to == "alice@h" && len(got) != map[bool]int{true: 1}[delay == ""] {
				t.Errorf("a note to oneself, delay %q: %d", delay, len(got))
			}
		}
	}
	bob.Until(`<message xmlns="jabber:client" id="once"><body>x</body></message>`)
	bob.none()
	if n := len(w.store.archived()); n != 0 {
		t.Errorf("%d entries", n)
	}
}

// RFC 6121 §8.5, Table 1 (S-23, S-24, S-25, S-26, S-27, S-28, S-30).
func TestMessage_Routing(t *testing.T) {
	type expect struct{ low, high, offline int }
	for _, c := range []struct {
		to, typ string
		want    expect
		err     string
	}{
		{"bob@h", "chat", expect{high: 1, low: 1}, ""},
		{"bob@h", "normal", expect{high: 1, low: 1}, ""},
		{"bob@h", "odd", expect{high: 1, low: 1}, ""},
		{"bob@h", "headline", expect{high: 1, low: 1}, ""},
		{"bob@h", "groupchat", expect{}, "service-unavailable"},
		{"bob@h", "error", expect{}, ""},
		{"bob@h/high", "chat", expect{high: 1}, ""},
		{"bob@h/high", "headline", expect{high: 1}, ""},
		{"bob@h/high", "error", expect{high: 1}, ""},
		{"bob@h/gone", "chat", expect{high: 1, low: 1}, ""},
		{"bob@h/gone", "normal", expect{}, "service-unavailable"},
		{"bob@h/gone", "headline", expect{}, "service-unavailable"},
		{"bob@h/gone", "error", expect{}, ""},
		{"zoe@h", "chat", expect{}, "service-unavailable"},
		{"zoe@elsewhere", "chat", expect{}, "remote-server-not-found"},
		{"@h", "chat", expect{}, "jid-malformed"},
		{"carol@h", "chat", expect{offline: 1}, ""},
		{"carol@h", "headline", expect{}, ""},
	} {
		t.Run(c.to+" "+c.typ, func(t *testing.T) {
			w := newWorld(t, "alice", "bob", "carol")
			alice, high, low := w.online("alice", "a"), w.online("bob", "high"), w.online("bob", "low")
			negative := w.bound("bob", "negative")
			negative.Send(`<presence xmlns="jabber:client"><priority>-1</priority></presence>`)
			high.Send(`<presence xmlns="jabber:client"><priority>5</priority></presence>`)
			negative.Sync()
			high.Sync()
			low.Sync()
			alice.Send(`<message xmlns="jabber:client" to="` + c.to + `" type="` + c.typ + `" id="m"><body>x</body></message>`)
			answers := alice.Sync()
			count := func(cl *client) (n int) {
				for _, e := range cl.Sync() {
					if e.Name.Local == "message" {
						if e.To != c.to {
							t.Errorf("to was rewritten: %s", e.Raw)
						}
						n++
					}
				}
				return n
			}
			got := expect{high: count(high), low: count(low), offline: len(w.store.offline["carol"])}
			if got != c.want || count(negative) != 0 {
				t.Errorf("delivered %+v, want %+v", got, c.want)
			}
			if c.err == "" && len(answers) > 0 {
				t.Errorf("answer %s", answers[0].Raw)
			}
			if c.err != "" {
				if len(answers) != 1 {
					t.Fatalf("%d answers", len(answers))
				}
				if _, err := streamtest.Match(`<message xmlns="jabber:client" type="error" id="m" from="`+c.to+`">`+stanzaErrorOf("*", c.err)+`</message>`, answers[0].Raw); err != nil {
					t.Errorf("%v: %s", err, answers[0].Raw)
				}
			}
		})
	}
}

// XEP-0160 §3, XEP-0203 §2 (S-31).
func TestMessage_Offline(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	for i := range 3 {
		alice.Send(fmt.Sprintf(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m%d"><body>%d</body></message>`, i, i))
	}
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat"><active xmlns="http://jabber.org/protocol/chatstates"/></message>`)
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat"><body>x</body><no-store xmlns="urn:xmpp:hints"/></message>`)
	alice.Sync()
	bob := w.bound("bob", "b")
	bob.Send(`<presence xmlns="jabber:client"><priority>-1</priority></presence>`)
	for _, e := range bob.Sync() {
		if e.Name.Local == "message" {
			t.Errorf("with a negative priority: %s", e.Raw)
		}
	}
	bob.Send(`<presence xmlns="jabber:client"/>`)
	for i := range 3 {
		bob.Until(fmt.Sprintf(`<message xmlns="jabber:client" id="m%d"><body>%d</body><stanza-id xmlns="urn:xmpp:sid:0" by="bob@h"/><delay xmlns="urn:xmpp:delay" from="h" stamp="*"/></message>`, i, i))
	}
	bob.none()
	if n := len(w.store.offline["bob"]); n != 0 {
		t.Errorf("%d messages wait still", n)
	}
}

// XEP-0160 §3, RFC 6121 §8.5.2.2.1 (S-24, S-31): what is said to somebody who is away waits,
// in whatever words; a chat state alone does not, nor what was for one client.
func TestMessage_OfflineWhatever(t *testing.T) {
	const kept, dropped = true, false
	for _, c := range []struct {
		attrs, payload string
		want           bool
	}{
		{`type="chat"`, `<game xmlns="urn:x"/>`, kept},
		{``, `<game xmlns="urn:x"/>`, kept},
		{`type="odd"`, `<game xmlns="urn:x"/>`, kept},
		{`type="chat"`, `<active xmlns="http://jabber.org/protocol/chatstates"/><game xmlns="urn:x"/>`, kept},
		{``, `<subject>x</subject>`, kept},
		{``, `<x xmlns="http://jabber.org/protocol/muc#user"><decline from="bob@h"/></x>`, kept},
		{`type="chat"`, `<private xmlns="urn:xmpp:carbons:2"/><game xmlns="urn:x"/>`, kept},
		{`type="chat"`, `<gone xmlns="http://jabber.org/protocol/chatstates"/><store xmlns="urn:xmpp:hints"/>`, kept},
		{`type="chat"`, `<gone xmlns="http://jabber.org/protocol/chatstates"/>`, dropped},
		{`type="chat"`, `<gone xmlns="http://jabber.org/protocol/chatstates"/><thread>t</thread><origin-id xmlns="urn:xmpp:sid:0" id="o"/>`, dropped},
		{`type="chat"`, `<gone xmlns="http://jabber.org/protocol/chatstates"/><x xmlns="http://jabber.org/protocol/muc#user"/>`, dropped},
		{`type="chat"`, ``, dropped},
		{`type="chat"`, `<game xmlns="urn:x"/><no-store xmlns="urn:xmpp:hints"/>`, dropped},
		{`type="headline"`, `<game xmlns="urn:x"/>`, dropped},
		{`type="chat"`, `<received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"/></received>`, dropped},
		{``, `<result xmlns="urn:xmpp:mam:2"/>`, dropped},
	} {
		m := `<message xmlns="jabber:client" to="bob@h" ` + c.attrs + `>` + c.payload + `</message>`
		w := newWorld(t, "alice", "bob")
		alice := w.online("alice", "a")
		alice.Send(m)
		alice.none()
		if got := len(w.store.waiting("bob")) > 0; got != c.want {
			t.Errorf("%s waits: %t", m, got)
		}
	}
	w := newWorld(t, "alice", "bob")
	w.store.offlineBytes = 1
	alice := w.online("alice", "a")
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m"><game xmlns="urn:x"/></message>`)
	alice.Until(`<message xmlns="jabber:client" type="error" id="m">` + stanzaErrorOf("cancel", "service-unavailable") + `</message>`)
}

// XEP-0160 §3 (S-31): what waits is bounded in bytes; who sends more than that is
// told, unless it is in the archive.
func TestMessage_OfflineFull(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.offlineBytes = 4000
	alice := w.online("alice", "a")
	send := func(id string, size int, extra string) {
		alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="` + id + `"><body>` + strings.Repeat("x", size) + `</body>` + extra + `</message>`)
	}
	const unarchived = `<no-permanent-store xmlns="urn:xmpp:hints"/>`
	send("fits", 3000, unarchived)
	send("archived", 3000, "")
	alice.none()
	send("full", 3000, unarchived)
	alice.Until(`<message xmlns="jabber:client" type="error" id="full"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`)
	send("small", 10, unarchived)
	alice.none()
	if n := len(w.store.waiting("bob")); n != 2 {
		t.Errorf("%d wait", n)
	}
}

// XEP-0160 §3, XEP-0280: what its sender is told has failed is nowhere shown as sent or
// received, and the site tells nobody of it. A service's message goes by the same rule.
func TestMessage_OfflineFullIsNotCopied(t *testing.T) {
	var told noticed
	w := newWorldWith(t, Config{Notifier: &told}, "alice", "bob")
	w.store.offlineBytes = 1
	alice, desk, bob := w.online("alice", "a"), w.online("alice", "desk"), w.bound("bob", "b") // bob is not available
	for _, c := range []*client{desk, bob} {
		c.ask(`<iq xmlns="jabber:client" type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="c"/>`)
	}
	const unarchived = `<no-permanent-store xmlns="urn:xmpp:hints"/>`
	message := func(from, id, hint string) string {
		return `<message xmlns="jabber:client" from="` + from + `" to="bob@h" type="chat" id="` + id + `"><body>x</body>` + hint + `</message>`
	}
	alice.Send(message("alice@h/a", "lost", unarchived))
	alice.Until(`<message xmlns="jabber:client" type="error" id="lost">` + stanzaErrorOf("cancel", "service-unavailable") + `</message>`)
	alice.Send(message("alice@h/a", "archived", ""))
	alice.none()
	send := func(id, hint string) error {
		m, err := stream.Parse([]byte(message("room@echo.h", id, hint)), stream.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		return w.srv.Send(t.Context(), m)
	}
	if err := send("lost of a room", unarchived); !errors.Is(err, stanza.ErrServiceUnavailable) {
		t.Errorf("a message that nothing keeps: %v", err)
	}
	if err := send("archived of a room", ""); err != nil {
		t.Errorf("a message that the archive has: %v", err)
	}
	copied := func(c *client, kind string) (ids []string) {
		for _, e := range c.Sync() {
			if copy, ok := e.Find(nsCarbons, kind); ok {
				forwarded, _ := copy.Find(stanza.NSForward, "forwarded")
				m, _ := forwarded.Find(stream.NSClient, "message")
				id, _ := m.Attr("id")
				ids = append(ids, id)
			}
		}
		return ids
	}
	if got := copied(desk, "sent"); !slices.Equal(got, []string{"archived"}) {
		t.Errorf("the sender's other device shows %q", got)
	}
	if got := copied(bob, "received"); !slices.Equal(got, []string{"archived", "archived of a room"}) {
		t.Errorf("the recipient's device shows %q", got)
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	if want := []string{"bob archived", "bob archived of a room"}; !slices.Equal(told.ids, want) {
		t.Errorf("told of %q, want %q", told.ids, want)
	}
}

// XEP-0359 §3, §5 (S-53), XEP-0203 §4: whoever writes it, and however it is written, only the
// server says what it says, also where it adds no id of its own.
func TestMessage_Forged(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, desk, bob := w.online("alice", "a"), w.online("alice", "desk"), w.online("bob", "b")
	desk.ask(`<iq xmlns="jabber:client" type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="c"/>`)
	desk.Sync()
	for _, more := range []string{``, `<no-store xmlns="urn:xmpp:hints"/>`} {
		forged := more
		for _, by := range []string{`by="bob@h"`, `by="BOB@H"`, `by="bob@h/b"`, `by="alice@h"`, `by="@"`, ``} {
			forged += `<stanza-id xmlns="urn:xmpp:sid:0" id="forged" ` + by + `/>`
		}
		for _, from := range []string{`from="h"`, `from="H."`, ``} {
			forged += `<delay xmlns="urn:xmpp:delay" stamp="2000-01-01T00:00:00Z" ` + from + `/>`
		}
		alice.Send(chat("bob@h", "m", forged+`<delay xmlns="urn:xmpp:delay" from="elsewhere" stamp="2000-01-01T00:00:00Z"/>`))
		alice.Sync()
		for _, of := range []*client{bob, desk} {
			for _, e := range of.Sync() {
				raw := string(e.Raw)
				if strings.Contains(raw, "forged") || strings.Count(raw, "<delay") != 1 || strings.Contains(raw, "<stanza-id") == (more != "") {
					t.Errorf("%s gets %s", of.full, raw)
				}
			}
		}
	}
}

// XEP-0280 §6–§9 (S-55, S-56, S-57).
func TestCarbons(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, desk := w.online("alice", "phone"), w.online("alice", "desk")
	bob, laptop := w.online("bob", "b"), w.online("bob", "laptop")
	for _, c := range []*client{desk, laptop} {
		for range 2 { // again is no error
			c.ask(`<iq xmlns="jabber:client" type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="c"/>`)
		}
	}
	alice.Send(`<message xmlns="jabber:client" to="bob@h/b" type="chat" id="m"><body>x</body></message>`)
	bob.Until(`<message xmlns="jabber:client" id="m"><body>x</body><any xmlns="test"/></message>`)
	inner := `<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="alice@h/phone" to="bob@h/b" id="m"><body>x</body><stanza-id xmlns="urn:xmpp:sid:0" by="%s"/></message></forwarded>`
	desk.Until(`<message xmlns="jabber:client" from="alice@h" to="alice@h/desk" type="chat"><sent xmlns="urn:xmpp:carbons:2">` + fmt.Sprintf(inner, "alice@h") + `</sent></message>`)
	laptop.Until(`<message xmlns="jabber:client" from="bob@h" to="bob@h/laptop" type="chat"><received xmlns="urn:xmpp:carbons:2">` + fmt.Sprintf(inner, "bob@h") + `</received></message>`)
	alice.none()
	for _, private := range []string{
		`<message xmlns="jabber:client" to="bob@h/b" type="chat"><body>x</body><private xmlns="urn:xmpp:carbons:2"/></message>`,
		`<message xmlns="jabber:client" to="bob@h/b" type="headline"><body>x</body></message>`,
		`<message xmlns="jabber:client" to="bob@h/b"><x xmlns="u"/></message>`,
	} {
		alice.Send(private)
		bob.Until(`<message xmlns="jabber:client"><any xmlns="test"/></message>`)
		desk.none()
		laptop.none()
	}
	desk.ask(`<iq xmlns="jabber:client" type="set" id="c"><disable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="c"/>`)
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat"><body>x</body></message>`)
	alice.Sync()
	desk.none()
}

// XEP-0280 §6 (S-57): what is copied, to both sides or to neither; of a note to oneself each
// client gets one.
func TestCarbons_Rules(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	phone, desk, tablet := w.online("alice", "phone"), w.online("alice", "desk"), w.online("alice", "tablet")
	bob, laptop := w.online("bob", "b"), w.online("bob", "laptop")
	for _, c := range []*client{desk, tablet, laptop} {
		c.ask(`<iq xmlns="jabber:client" type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="c"/>`)
	}
	const toBob = "phone: desk=sent tablet=sent b=itself laptop=received"
	for _, c := range []*client{phone, desk, tablet, bob, laptop} {
		c.Sync() // the others' presence
	}
	for _, c := range []struct{ attrs, payload, want string }{
		{`to="bob@h/b" type="chat"`, `<body>x</body>`, toBob},
		{`to="bob@h/b"`, `<body>x</body>`, toBob},
		{`to="bob@h/b" type="odd"`, `<body>x</body>`, toBob},
		{`to="bob@h/b" type="chat"`, `<composing xmlns="http://jabber.org/protocol/chatstates"/>`, toBob},
		{`to="bob@h/b"`, `<received xmlns="urn:xmpp:receipts" id="r"/>`, toBob},
		{`to="bob@h/b"`, `<request xmlns="urn:xmpp:receipts"/>`, toBob}, // §6.1
		{`to="bob@h/b"`, `<composing xmlns="http://jabber.org/protocol/chatstates"/>`, toBob},
		{`to="bob@h/b"`, `<markable xmlns="urn:xmpp:chat-markers:0"/>`, toBob},
		{`to="bob@h/b"`, `<displayed xmlns="urn:xmpp:chat-markers:0" id="r"/>`, toBob},
		{`to="bob@h/b"`, `<x xmlns="http://jabber.org/protocol/muc#user"><invite from="den@rooms.h"/></x>`, toBob},
		{`to="bob@h/b"`, `<x xmlns="jabber:x:conference" jid="den@rooms.h"/>`, toBob},
		{`to="bob@h/b" type="error"`, `<error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`, toBob},
		{`to="bob@h/b"`, `<any xmlns="u"/>`, "phone: b=itself"},
		{`to="bob@h/b" type="groupchat"`, `<body>x</body>`, "phone: b=itself"},
		{`to="bob@h/b" type="headline"`, `<body>x</body>`, "phone: b=itself"},
		{`to="bob@h/b" type="chat"`, `<body>x</body><no-copy xmlns="urn:xmpp:hints"/>`, "phone: b=itself"},
		{`to="bob@h/b" type="chat"`, `<body>x</body><private xmlns="urn:xmpp:carbons:2"/>`, "phone: b=itself"},
		{`to="bob@h" type="chat"`, `<body>x</body>`, "phone: desk=sent tablet=sent b=itself laptop=itself"},
		{`to="alice@h" type="chat"`, `<body>x</body>`, "phone: phone=itself desk=itself tablet=itself"},
		{`type="chat"`, `<body>x</body>`, "phone: phone=itself desk=itself tablet=itself"},
		{`to="alice@h/desk" type="chat"`, `<body>x</body>`, "phone: desk=itself tablet=received"},
	} {
		phone.Send(`<message xmlns="jabber:client" id="m" ` + c.attrs + `>` + c.payload + `</message>`)
		phone.Send(`<iq xmlns="jabber:client" type="get" id="p" to="h"><ping xmlns="urn:xmpp:ping"/></iq>`)
		got := "phone:"
		for _, of := range []*client{phone, desk, tablet, bob, laptop} {
			if of == phone {
				for e := of.Read(); e.ID != "p"; e = of.Read() {
					got += " phone=" + copied(e)
				}
				continue
			}
			for _, e := range of.Sync() {
				got += " " + of.full[strings.Index(of.full, "/")+1:] + "=" + copied(e)
			}
		}
		if got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.attrs, c.payload, got, c.want)
		}
	}
}

// copied tells whether a stanza is a message itself, or which kind of copy of one.
func copied(e *stream.Element) string {
	if e.Child.Space == nsCarbons && e.Child.Local != "private" {
		return e.Child.Local
	}
	return "itself"
}

// The database is away: the sender sees a wait error, nothing is delivered, and
// all goes on when it is back (done-when 4).
func TestMessage_DatabaseAway(t *testing.T) {
	w := newWorldWith(t, Config{StoreTimeout: 2 * time.Second}, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.Sync()
	w.store.setFail(errAway)
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m1"><body>lost</body></message>`)
	alice.Until(`<message xmlns="jabber:client" type="error" id="m1">` + stanzaErrorOf("wait", "internal-server-error") + `</message>`)
	w.store.setFail(nil)
	alice.Send(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m2"><body>kept</body></message>`)
	bob.Until(`<message xmlns="jabber:client" id="m2"><body>kept</body><any xmlns="test"/></message>`)
	for _, e := range w.store.archived() {
		if e.StanzaID == "m1" {
			t.Error("a message whose sender saw a failure is in the archive")
		}
	}
}

// BenchmarkMessage is the path of an archived message between two people, without
// the database.
func BenchmarkMessage(b *testing.B) {
	w := newWorld(b, "alice", "bob")
	alice := w.online("alice", "a")
	s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
	m, err := stream.Parse([]byte(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m"><body>Hello, how are you?</body><no-store xmlns="urn:xmpp:hints"/></message>`), stream.DefaultLimits)
	if err != nil {
		b.Fatal(err)
	}
	alice.Sync()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.handleMessage(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
}
