package muc

import (
	"strings"
	"testing"

	"foyer/internal/stanza"
)

// XEP-0045 §7.13, §8.6 (S-83, S-88): a visitor asks for voice; who moderates
// the room sees the form, and what they answer counts.
func TestVoice(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", func(s *Settings) { s.Moderated = true })
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob, carol)
	form := func(fields ...string) string {
		out := `<message xmlns="jabber:client" to="den@rooms.h"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>` + nsRequest + `</value></field>`
		for i := 0; i < len(fields); i += 2 {
			out += `<field var="muc#` + fields[i] + `"><value>` + fields[i+1] + `</value></field>`
		}
		return out + `</x></message>`
	}
	alice.has(alice.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`), nsRequest)
	bob.Send(form("role", "moderator"))
	bob.sees("message den@rooms.h error modify not-acceptable")
	bob.Send(form("role", "participant"))
	bob.sees()
	carol.sees()
	asked := alice.sync()
	if len(asked) != 1 || asked[0].From != "den@rooms.h" || asked[0].Type != "" {
		t.Fatalf("%v", asked)
	}
	alice.has(asked[0], `type="form"`, "<value>bob@h/b</value>", `var="muc#roomnick" type="text-single" label="Nickname"><value>bob</value>`, `var="muc#request_allow" type="boolean"`)
	bob.Send(form("role", "participant"))
	bob.sees("message den@rooms.h error wait policy-violation") // moderators are not flooded

	// Only a moderator's answer counts, and only for who asked.
	answer := func(jid, nick, allow string) string {
		return form("role", "participant", "jid", jid, "roomnick", nick, "request_allow", allow)
	}
	bob.Send(answer("bob@h/b", "bob", "true"))
	bob.sees("message den@rooms.h error auth forbidden")
	alice.Send(answer("bob@h/b", "carol", "true"))
	alice.sees("message den@rooms.h error cancel item-not-found")
	alice.Send(answer("bob@h/b", "bob", "perhaps"))
	alice.sees("message den@rooms.h error modify not-acceptable")
	alice.Send(answer("bob@h/b", "bob", "false"))
	alice.sees()
	alice.Send(answer("bob@h/b", "bob", "true"))
	alice.sees("presence bob none/participant bob@h/b")
	bob.sees("presence bob none/participant bob@h/b 110")
	bob.say("den", "1", "thanks")
	bob.sees("message bob body=thanks")
	bob.Send(form("role", "participant"))
	bob.sees("message den@rooms.h error cancel not-allowed")
	bob.Send(form("role", "participant", "request_allow", "x"))
	bob.sees("message den@rooms.h error auth forbidden")

	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/alice"/>`)
	alice.sync()
	carol.sync()
	carol.Send(form("role", "participant"))
	carol.sees("message den@rooms.h error wait recipient-unavailable")
	alice.Send(form("role", "participant"))
	if got := alice.sync(); len(got) != 1 || !strings.HasSuffix(short(got[0]), "error modify not-acceptable") {
		t.Errorf("from outside: %v", got)
	}
	carol.Send(`<message xmlns="jabber:client" to="den@rooms.h"><x xmlns="jabber:x:data" type="submit"/></message>`)
	carol.sees("message den@rooms.h error modify bad-request")
}
