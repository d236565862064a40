package muc

import (
	"context"
	"strings"
	"testing"

	"foyer/internal/stanza"
)

// A room whose last owner's account was deleted belongs to the administrator of
// the site who enters it first, although others may not enter, and to nobody else.
func TestTakeOver(t *testing.T) {
	mayTakeOver := func(_ context.Context, user string) (bool, error) {
		return strings.HasPrefix(user, "admin"), nil
	}
	w := newWorld(t, Config{MayTakeOver: mayTakeOver}, "alice", "bob", "admin", "admin2")
	w.open("den", func(s *Settings) { s.MembersOnly, s.Password = true, "sesame" })
	w.store.people["den"]["bob"] = Affiliated{User: "bob", Affiliation: Member}
	bob, admin, other := w.online("bob", "b"), w.online("admin", "a"), w.online("admin2", "a")
	enter := func(c *client) {
		c.Send(`<presence xmlns="jabber:client" to="den@rooms.h/` + c.user + `"><x xmlns="` + stanza.NSMUC + `"><history maxstanzas="0"/><password>sesame</password></x></presence>`)
	}
	enter(bob)
	bob.sync()
	enter(admin) // somebody owns it
	admin.sees("presence admin error auth registration-required")

	w.store.mu.Lock()
	delete(w.store.people["den"], "alice")
	w.store.mu.Unlock()
	w.srv.AccountRemoved(t.Context(), "alice")
	enter(bob) // an occupant who asks again
	bob.sees("presence bob member/participant bob@h/b 110 170", "message den@rooms.h subject=")
	bob.refused(bob.ask("get", "den@rooms.h", `<query xmlns="`+nsOwner+`"/>`), "auth forbidden")

	admin.join("den", "admin") // without the password
	admin.sees("presence bob member/participant bob@h/b", "presence admin owner/moderator admin@h/a 110 170", "message den@rooms.h subject=")
	bob.sees("presence admin owner/moderator")
	if got := w.store.people["den"]["admin"].Affiliation; got != Owner {
		t.Errorf("kept as %s", got)
	}
	admin.has(admin.ask("get", "den@rooms.h", `<query xmlns="`+nsOwner+`"/>`), "sesame")
	enter(other)
	other.sees("presence admin2 error auth registration-required")
}

// Somebody who runs the site and is in the room already takes it over by asking to
// enter again.
func TestTakeOver_FromWithin(t *testing.T) {
	w := newWorld(t, Config{MayTakeOver: func(_ context.Context, user string) (bool, error) { return user == "bob", nil }}, "alice", "bob")
	w.open("den", nil)
	bob := w.online("bob", "b")
	gather("den", bob)
	w.store.mu.Lock()
	delete(w.store.people["den"], "alice")
	w.store.mu.Unlock()
	w.srv.AccountRemoved(t.Context(), "alice")
	bob.join("den", "bob")
	bob.sees("presence bob owner/moderator bob@h/b 110", "presence bob owner/moderator bob@h/b 110 170", "message den@rooms.h subject=")
}
