package muc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// XEP-0424 §5, XEP-0421 §3 (S-60, S-92): a private message that is taken back is
// gone from both archives, whatever nicknames the two have by now; under somebody's
// old nickname nobody takes back what that person wrote.
func TestPrivate_Retraction(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob, carol)
	write := func(c *client, nick, id, inside string) {
		t.Helper()
		c.Send(`<message xmlns="jabber:client" type="chat" id="` + id + `" to="den@rooms.h/` + nick + `">` + inside + `</message>`)
		if got := c.sync(); slices.ContainsFunc(got, func(e *stream.Element) bool { return e.Type == "error" }) {
			t.Fatalf("%s", got[0].Raw)
		}
	}
	retract := func(id string) string { return `<retract xmlns="` + stanza.NSRetract + `" id="` + id + `"/>` }
	kept := func() string {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		var out []string
		for _, e := range w.store.entries {
			if text := string(e.Stanza); e.With == "den@rooms.h" && strings.Contains(text, "<body>") {
				out = append(out, e.Owner+":"+e.Body+"/"+e.Resource)
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	write(carol, "alice", "p", "<body>carol's</body>")
	write(bob, "alice", "p", "<body>bob's</body>") // clients choose their ids
	if want := "alice@h:bob's/bob alice@h:carol's/carol bob@h:bob's/alice carol@h:carol's/alice"; kept() != want {
		t.Fatalf("kept %s", kept())
	}
	bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/bobby"/>`)
	bob.sync()
	carol.Send(`<presence xmlns="jabber:client" to="den@rooms.h/bob"/>`)
	carol.sync()
	write(carol, "alice", "r1", retract("nothing"))
	write(carol, "alice", "r2", retract("p"))
	if want := "alice@h:bob's/bob bob@h:bob's/alice"; kept() != want {
		t.Errorf("carol under bob's old nickname: %s", kept())
	}
	write(bob, "alice", "r3", retract("p"))
	if kept() != "" {
		t.Errorf("left: %s", kept())
	}
}

// Clients choose their ids: what somebody else says later under the same id, or says it corrects, is not
// taken for what its author takes back, and keeps nobody from that.
func TestPrivate_RetractionSameID(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob, carol)
	say := func(c *client, id, inside string) {
		t.Helper()
		c.Send(`<message xmlns="jabber:client" type="chat" id="` + id + `" to="den@rooms.h/alice">` + inside + `</message>`)
		if got := c.sync(); slices.ContainsFunc(got, func(e *stream.Element) bool { return e.Type == "error" }) {
			t.Fatalf("%s", got[0].Raw)
		}
	}
	say(bob, "p", "<body>bob's</body>")
	say(bob, "p2", `<body>bob's, corrected</body><replace xmlns="`+stanza.NSCorrect+`" id="p"/>`)
	say(carol, "p", "<body>carol's</body>")
	say(carol, "p3", `<body>carol's, corrected</body><replace xmlns="`+stanza.NSCorrect+`" id="p"/>`)
	say(bob, "r", `<retract xmlns="`+stanza.NSRetract+`" id="p"/>`)
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for _, e := range w.store.entries {
		if text := string(e.Stanza); strings.Contains(text, "bob's") {
			t.Errorf("left: %s", text)
		} else if strings.Contains(e.StanzaID, "p") && e.Owner == "alice@h" && strings.Contains(text, "from=\"den@rooms.h/carol\"") && !strings.Contains(text, "carol's") {
			t.Errorf("taken back: %s", text)
		}
	}
}

// What one side does not keep is taken out of the other's archive.
func TestPrivate_RetractionKeptByOne(t *testing.T) {
	for _, silent := range []string{"alice", "bob"} {
		w := newWorld(t, Config{}, "alice", "bob")
		w.store.keepsNothing = silent
		w.open("den", nil)
		alice, bob := w.online("alice", "a"), w.online("bob", "b")
		gather("den", alice, bob)
		bob.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/alice"><body>secret</body></message>`)
		bob.Send(`<message xmlns="jabber:client" type="chat" id="r" to="den@rooms.h/alice"><retract xmlns="` + stanza.NSRetract + `" id="p"/></message>`)
		bob.sync()
		if n := len(w.store.entries); n != 3 { // the message once, the retraction in both
			t.Errorf("%s keeps nothing: %d entries", silent, n)
		}
		for _, e := range w.store.entries {
			if strings.Contains(string(e.Stanza), "secret") {
				t.Errorf("%s keeps nothing: %s", silent, e.Stanza)
			}
		}
	}
}

// X-64, XEP-0198 §5: what is sent again is neither stored nor heard twice, whoever keeps it.
func TestPrivate_SentAgain(t *testing.T) {
	for silent, kept := range map[string]int{"": 2, "alice": 1, "bob": 1, "alice bob": 0} {
		w := newWorld(t, Config{}, "alice", "bob")
		w.store.keepsNothing = silent
		w.open("den", nil)
		alice, bob := w.online("alice", "a"), w.online("bob", "b")
		gather("den", alice, bob)
		alice.sync()
		for _, delay := range []string{"", `<delay xmlns="urn:xmpp:delay" stamp="2026-11-28T10:00:00Z"/>`} {
			bob.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/alice"><body>hello</body>` + delay + `</message>`)
			bob.sync()
		}
		if got := len(w.store.entries); got != kept {
			t.Errorf("%q keeps nothing: %d entries, want %d", silent, got, kept)
		}
		if got := alice.sync(); len(got) != 1 {
			t.Errorf("%q keeps nothing: alice hears %d", silent, len(got))
		}
	}
}

// X-64, XEP-0198 §5: nor is what is said in a room heard twice, whether or not it has an archive.
func TestRoom_SentAgain(t *testing.T) {
	for _, kept := range []bool{true, false} {
		w := newWorld(t, Config{}, "alice", "bob")
		w.open("den", func(s *Settings) { s.Archive = kept })
		alice, bob := w.online("alice", "a"), w.online("bob", "b")
		gather("den", alice, bob)
		for _, sent := range []struct {
			c  *client
			id string
		}{{bob, "m"}, {alice, "m"}, {bob, "n"}} { // an id is its sender's
			for _, delay := range []string{"", `<delay xmlns="urn:xmpp:delay" stamp="2026-11-28T10:00:00Z"/>`} {
				sent.c.Send(`<message xmlns="jabber:client" type="groupchat" id="` + sent.id + `" to="den@rooms.h"><body>hello</body>` + delay + `</message>`)
				sent.c.sync()
			}
			if heard := len(alice.sync()); heard != 1 && sent.c == bob {
				t.Errorf("archive %v: alice hears %q %d times", kept, sent.id, heard)
			}
		}
	}
}

// A topic that is sent again is not set again, whether or not the room has an archive: another may
// have come since.
func TestSubject_SentAgain(t *testing.T) {
	for _, kept := range []bool{true, false} {
		w := newWorld(t, Config{}, "alice", "bob")
		w.open("den", func(s *Settings) { s.Archive, s.ChangeSubject = kept, true })
		alice, bob := w.online("alice", "a"), w.online("bob", "b")
		gather("den", alice, bob)
		alice.sync()
		first := `<message xmlns="jabber:client" type="groupchat" id="once" to="den@rooms.h"><subject>first</subject>%s</message>`
		bob.Send(fmt.Sprintf(first, ""))
		bob.sync()
		alice.Send(`<message xmlns="jabber:client" type="groupchat" id="once" to="den@rooms.h"><subject>second</subject></message>`)
		alice.sync()
		entries := len(w.store.entries)
		bob.Send(fmt.Sprintf(first, `<delay xmlns="urn:xmpp:delay" stamp="2026-11-28T10:00:00Z"/>`))
		bob.sync()
		if got := alice.sync(); len(got) != 0 {
			t.Errorf("archive %v: alice hears %s", kept, got[0].Raw)
		}
		if got := w.store.rooms["den"].Subject.Text; got != "second" || len(w.store.entries) != entries {
			t.Errorf("archive %v: the topic is %q, with %d entries", kept, got, len(w.store.entries))
		}
	}
}

// What is sent again may come while the first is under way to the archive still, on the stream that was lost.
func TestRoom_SentAgainMeanwhile(t *testing.T) {
	for what, message := range map[string]string{
		"to all":        `<message xmlns="jabber:client" type="groupchat" id="once" to="den@rooms.h"><body>hello</body>%s</message>`,
		"to one":        `<message xmlns="jabber:client" type="chat" id="once" to="den@rooms.h/alice"><body>hello</body>%s</message>`,
		"a new subject": `<message xmlns="jabber:client" type="groupchat" id="once" to="den@rooms.h"><subject>hello</subject>%s</message>`,
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { sentAgainMeanwhile(t, message) })
		})
	}
}

func sentAgainMeanwhile(t *testing.T, message string) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Archive = true })
	alice, first := w.online("alice", "a"), w.online("bob", "a")
	gather("den", alice, first)
	second := w.online("bob", "b")
	second.join("den", "bob")
	second.sync()
	alice.sync()
	held := make(chan struct{})
	w.store.mu.Lock()
	w.store.held = held
	w.store.mu.Unlock()
	first.Send(fmt.Sprintf(message, ""))
	<-held
	second.Send(fmt.Sprintf(message, `<delay xmlns="urn:xmpp:delay" stamp="2026-11-28T10:00:00Z"/>`))
	synctest.Wait() // it is looked for, or waits for that
	held <- struct{}{}
	first.sync()
	second.sync()
	if heard := len(alice.sync()); heard != 1 {
		t.Errorf("alice hears it %d times", heard)
	}
}
