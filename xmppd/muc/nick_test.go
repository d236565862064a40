package muc

import (
	"slices"
	"strings"
	"testing"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// what the site takes for a name is taken for a nickname, letter for letter.
func TestNick_SiteNames(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	w.open("den", nil)
	alice := w.online("alice", "a")
	alice.join("den", "alice")
	alice.sync()
	for _, typed := range []string{"Anna ❤\uFE0F", "Alex · Design", "می\u200cخواهم", "ശ്രീ ന്\u200d", "ශ්\u200dරී", "👩\u200d🚀"} {
		name, err := names.Prepare(typed)
		if err != nil {
			t.Errorf("%+q: %v", typed, err)
			continue
		}
		alice.join("den", name)
		if got := alice.seen(); len(got) != 4 || got[1] != "presence "+name+" owner/moderator alice@h/a 110" {
			t.Errorf("%+q: %q", name, got)
		}
	}
}

// XEP-0045 §17.3 (S-80): who enters a room that it is in already, under another nickname, has
// that, and sees everything again; the others are told of the change alone, and once.
func TestNick_EntersAgainUnderAnother(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob, carol)
	bob.join("den", "bobby")
	got := bob.seen()
	if len(got) != 6 || got[0] != "presence bob unavailable none/participant bob@h/b 303 110" || got[1] != "presence bobby none/participant bob@h/b 110" ||
		got[4] != "presence bobby none/participant bob@h/b 110 170" || got[5] != "message den@rooms.h subject=" {
		t.Fatalf("bob sees %q", got)
	}
	others := slices.Sorted(slices.Values(got[2:4]))
	if !slices.Equal(others, []string{"presence alice owner/moderator", "presence carol none/participant"}) {
		t.Errorf("bob sees %q", others)
	}
	carol.sees("presence bob unavailable none/participant 303", "presence bobby none/participant")
	bob.join("den", "carol")
	bob.sees("presence carol error cancel conflict")
}

// a name that differs from the one before only in how it is written. A client that
// comes to another one of the person is told under which it is there (XEP-0045 §7.2.3), and
// one that is there already has its new one (§7.6).
func TestNick_WrittenDifferently(t *testing.T) {
	w := newWorld(t, Config{}, "anna", "bob")
	w.open("den", nil)
	phone, page, bob := w.online("anna", "phone"), w.online("anna", "page"), w.online("bob", "b")
	gather("den", bob)
	phone.join("den", "anna")
	phone.sync()
	page.join("den", "Anna")
	if got := page.seen(); !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "presence anna ") && strings.HasSuffix(s, " 210") }) {
		t.Errorf("the page sees %q", got)
	}
	page.join("den", "Anna") // once more, as it wants to be called so
	for _, c := range []*client{page, phone, bob} {
		if got := c.seen(); !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "presence Anna ") }) {
			t.Errorf("%s sees %q", c.user, got)
		}
	}
}

// a room that refuses somebody says why in words (RFC 6120 §8.3.2).
func TestNick_RefusalsHaveText(t *testing.T) {
	w := newWorld(t, Config{RoomsPerUser: 1}, "alice", "bob")
	w.open("den", nil)
	w.open("members", func(s *Settings) { s.MembersOnly = true })
	w.open("secret", func(s *Settings) { s.Password = "xyzzy" })
	w.open("full", func(s *Settings) { s.MaxOccupants = 1 })
	w.open("banned", nil)
	w.store.people["banned"]["bob"] = Affiliated{User: "bob", Affiliation: Outcast}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice)
	gather("full", alice)
	for _, stanza := range []string{
		`<presence to="den@rooms.h/a&#x200b;b"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="den@rooms.h/` + strings.Repeat("n", 65) + `"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="den@rooms.h/alice"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="den@rooms.h"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="members@rooms.h/bob"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="secret@rooms.h/bob"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="full@rooms.h/bob"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="banned@rooms.h/bob"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<message type="groupchat" to="den@rooms.h"><body>not here</body></message>`,
		`<message type="groupchat" to="nowhere@rooms.h"><body>not here</body></message>`,
		`<message type="chat" to="den@rooms.h/alice"><body>not here</body></message>`,
		`<message to="den@rooms.h"><body>not here</body></message>`,
		`<iq type="get" id="i" to="den@rooms.h"><query xmlns="` + nsOwner + `"/></iq>`,
		`<iq type="get" id="i" to="den@rooms.h/alice"><query xmlns="jabber:iq:version"/></iq>`,
		`<iq type="set" id="i" to="den@rooms.h"><query xmlns="` + nsAdmin + `"><item jid="alice@h" affiliation="none"/></query></iq>`,
		`<iq type="get" id="i" to="den@rooms.h"><query xmlns="urn:example"/></iq>`,
	} {
		bob.Send(strings.Replace(stanza, " ", ` xmlns="jabber:client" `, 1))
		got := bob.sync()
		if len(got) != 1 || got[0].Type != "error" {
			t.Errorf("%s is not refused", stanza)
			continue
		}
		e, _ := got[0].Find(stream.NSClient, "error")
		if text, ok := e.Find("urn:ietf:params:xml:ns:xmpp-stanzas", "text"); !ok || text.Text() == "" {
			t.Errorf("refused without a word: %s", got[0].Raw)
		}
	}
}
