package muc

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"foyer/internal/stream"
)

// S-96, XEP-0198 §5: a page with Converse is reloaded. It signs in on a new stream
// and resumes with what it kept in sessionStorage; then it sends neither its
// presence nor a roster get, does not enter its rooms again, and stamps a from of
// its own making on all it sends. Contacts, messages and rooms go on all the same,
// and nobody saw it go.
func TestReload_ConverseResumes(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.store.contacts = map[string]string{"alice": "bob", "bob": "alice"}
	w.open("den", nil)
	alice, page := w.online("alice", "a"), w.online("bob", "first")
	page.Send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	enabled := page.Read()
	id, _ := enabled.Attr("id")
	handled := 0 // as the page counts it, from <enabled/> on
	handled += len(page.sync()) + 1
	page.join("den", "bob")
	handled += len(page.sync()) + 1
	alice.join("den", "alice")
	alice.sync()
	handled += len(page.sync()) + 1
	page.Drop()

	alice.say("den", "1", "in the room")
	alice.Send(`<message xmlns="jabber:client" type="chat" id="2" to="bob@h"><body>to you</body></message>`)
	alice.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	if got := alice.seen(); slices.ContainsFunc(got, func(s string) bool { return s == "presence bob unavailable none/none bob@h/first" }) {
		t.Errorf("bob was seen to go: %q", got)
	}

	page = w.connect("bob")
	page.Send(fmt.Sprintf(`<resume xmlns="urn:xmpp:sm:3" h="%d" previd="%s"/>`, handled, id))
	resumed := page.Read()
	if h, _ := resumed.Attr("h"); resumed.Name.Local != "resumed" || h != "4" { // three pings, and entering
		t.Fatalf("%s", resumed.Raw)
	}
	page.sees("message alice body=in the room", "message alice@h/a chat body=to you", "presence alice@h/a")

	// Converse asks its rooms whether it is still there (XEP-0410 §3).
	if e := page.ask("get", "den@rooms.h/bob", `<ping xmlns="urn:xmpp:ping"/>`); e.Type != "result" {
		t.Errorf("not in the room: %s", e.Raw)
	}
	page.Send(`<message xmlns="jabber:client" from="bob@h/made-up" type="groupchat" id="3" to="den@rooms.h"><body>back</body></message>`)
	page.sees("message bob body=back")
	page.Send(`<message xmlns="jabber:client" from="bob@h/made-up" type="chat" id="4" to="alice@h"><body>and to you</body></message>`)
	page.sync()
	alice.sees("message bob body=back", "message bob@h/first chat body=and to you")
	alice.Send(`<presence xmlns="jabber:client"><show>dnd</show></presence>`)
	alice.say("den", "5", "good")
	alice.Send(`<message xmlns="jabber:client" type="chat" id="6" to="bob@h"><body>very good</body></message>`)
	alice.sync()
	page.sees("presence alice@h/a", "message alice body=good", "message alice@h/a chat body=very good")

	// It goes once, when it is closed.
	page.Close()
	alice.until("presence bob@h/first unavailable")
	alice.until("presence bob unavailable none/none bob@h/first")
}

// S-20, S-42, S-95: a page with Converse is reloaded that does not go on with the stream
// of the page before. It binds the resource of its tab, at which that one is gone at once:
// out of its rooms, and what it had not acknowledged is handed on.
func TestReload_ConverseBindsAgain(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.store.contacts = map[string]string{"alice": "bob", "bob": "alice"}
	w.open("den", nil)
	alice, before := w.online("alice", "a"), w.online("bob", "tab")
	before.Send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	enabled := before.Read()
	id, _ := enabled.Attr("id")
	alice.join("den", "alice")
	before.join("den", "bob")
	before.sync()
	alice.sync()
	before.Drop()
	alice.Send(`<message xmlns="jabber:client" type="chat" id="1" to="bob@h"><body>to you</body></message>`)
	alice.sees()

	page := w.connect("bob")
	page.Bind("tab")
	alice.sees("presence bob@h/tab unavailable", "presence bob unavailable none/none bob@h/tab")
	page.Send(`<presence xmlns="jabber:client"/>`)
	page.until("message alice@h/a chat body=to you delay")
	alice.sees("presence bob@h/tab")

	late := w.connect("bob")
	late.Send(fmt.Sprintf(`<resume xmlns="urn:xmpp:sm:3" h="0" previd="%s"/>`, id))
	if failed := late.Read(); failed.Name.Local != "failed" {
		t.Errorf("%s", failed.Raw)
	}
	if got := page.seen(); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "message alice@h/a chat") }) {
		t.Errorf("handed on twice: %q", got)
	}
}

// S-93, S-96: a room with as many people as it may hold does not overflow what is
// kept for a client that has not acknowledged anything, as Converse has not until
// it has seen everybody.
func TestReload_FullRoom(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Archive = false })
	r, err := w.svc.room(t.Context(), "den")
	if err != nil {
		t.Fatal(err)
	}
	const people = 1999
	shown, err := stream.Parse([]byte(`<presence xmlns="jabber:client"/>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	for i := range people {
		nick := fmt.Sprintf("user%d", i)
		m := r.seatLocked(joinRequest{client: &sink{user: nick, jid: nick + "@h/browser"}, nick: nick, key: nick})
		m.presence = shown
		m.occupant.showLocked(m)
	}
	r.mu.Unlock()
	page := w.online("bob", "first")
	page.Send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	if e := page.Read(); e.Name.Local != "enabled" {
		t.Fatalf("%s", e.Raw)
	}
	page.join("den", "bob")
	if got := page.sync(); len(got) != people+2 {
		t.Errorf("%d stanzas", len(got))
	}
	page.say("den", "1", "so many people")
	page.sees("message bob body=so many people")
}
