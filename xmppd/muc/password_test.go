package muc

import (
	"errors"
	"strings"
	"testing"

	"foyer/internal/stanza"
)

// XEP-0045 §7.2.5, §7.8.2, §7.10 (S-79, S-90), XEP-0313 §6.1.2 (S-65): a password
// keeps strangers from more than the door. They neither get it by inviting
// somebody, nor become members, who read the archive, by registering a nickname.
func TestPassword_StrangersOutside(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", func(s *Settings) { s.Password = "sesame" })
	bob := w.online("bob", "b")
	register := `<query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>Bo</value></field></x></query>`
	bob.refused(bob.ask("set", "den@rooms.h", register), "cancel not-allowed")
	bob.refused(bob.ask("get", "den@rooms.h", `<query xmlns="jabber:iq:register"/>`), "cancel not-allowed")
	bob.refused(bob.ask("set", "den@rooms.h", `<query xmlns="`+stanza.NSMAM+`"/>`), "auth forbidden")
	for _, invitee := range []string{"bob", "carol"} {
		if err := w.svc.Invite(t.Context(), "den", "bob", invitee); !errors.Is(err, stanza.ErrForbidden) {
			t.Errorf("a stranger invites %s: %v", invitee, err)
		}
	}
	bob.sees()
	bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/Bo"><x xmlns="` + stanza.NSMUC + `"><password>sesame</password></x></presence>`)
	bob.sync()
	if e := bob.ask("set", "den@rooms.h", register); e.Type != "result" {
		t.Errorf("from within: %s", e.Raw)
	}
	if err := w.svc.Invite(t.Context(), "den", "bob", "carol"); err != nil {
		t.Error(err)
	}
	carol := w.online("carol", "c")
	if last := w.store.entries[len(w.store.entries)-1]; last.Owner != "carol@h" || !strings.Contains(string(last.Stanza), "<password>sesame</password>") {
		t.Errorf("%+v", last)
	}
	carol.join("den", "Ca")
	carol.sees("presence Ca error auth not-authorized")
	// Who may read the password need not type it (§10.2).
	alice := w.online("alice", "a")
	alice.join("den", "Al")
	alice.sees("presence Bo member/participant bob@h/b", "presence Al owner/moderator alice@h/a 110 170", "message den@rooms.h subject=")
}

// XEP-0045 §10.2 (S-89): a password alone is enough to say that one is needed.
func TestPassword_Configured(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	w.open("den", nil)
	alice := w.online("alice", "a")
	set := func(name, value string) string {
		return `<query xmlns="` + nsOwner + `"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_` + name + `"><value>` + value + `</value></field></x></query>`
	}
	for _, c := range []struct{ name, value, answer, password string }{
		{"roomsecret", "sesame", "result", "sesame"},
		{"roomname", "The den", "result", "sesame"},
		{"roomsecret", "", "error", "sesame"},
		{"passwordprotectedroom", "0", "result", ""},
		{"roomsecret", "", "result", ""},
		{"passwordprotectedroom", "1", "error", ""},
	} {
		e := alice.ask("set", "den@rooms.h", set(c.name, c.value))
		if got := w.store.rooms["den"].Settings.Password; e.Type != c.answer || got != c.password {
			t.Errorf("%+v: %s, the password is %q", c, e.Raw, got)
		}
	}
}
