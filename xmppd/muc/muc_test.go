package muc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// XEP-0045 §10.1 (S-89), §7.2 (S-77, S-78): a new room is its creator's until it
// is configured; Converse configures it with an empty form.
func TestRoom_Creation(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.join("den", "Al")
	alice.sees("presence Al owner/moderator alice@h/a 110 170 201", "message den@rooms.h subject=")
	bob.join("den", "Bo")
	bob.sees("presence Bo error cancel item-not-found")
	bob.say("den", "1", "anybody there?") // §17.2
	bob.sees("message den@rooms.h error cancel item-not-found")
	bob.refused(bob.ask("get", "den@rooms.h", items(`<item affiliation="owner"/>`)), "cancel item-not-found")
	bob.refused(bob.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`" node="x-roomuser-item"/>`), "cancel item-not-found")
	if e := alice.ask("set", "den@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit"/></query>`); e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	bob.join("den", "Bo")
	bob.sees("presence Al owner/moderator", "presence Bo none/participant bob@h/b 110 170", "message den@rooms.h subject=")
	alice.sees("presence Bo none/participant bob@h/b")
	carol := w.online("bob", "cancels")
	carol.join("other", "Bo")
	carol.sync()
	carol.ask("set", "other@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="cancel"/></query>`)
	alice.refused(alice.ask("get", "other@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`), "cancel item-not-found")
}

// XEP-0045 §7.2 (S-79, S-80): why somebody may not enter, with the type that
// clients look at.
func TestRoom_Refusals(t *testing.T) {
	w := newWorld(t, Config{RoomsPerUser: 4}, "alice", "bob", "carol")
	w.open("members", func(s *Settings) { s.MembersOnly = true })
	w.open("secret", func(s *Settings) { s.Password = "sesame" })
	w.open("small", func(s *Settings) { s.MaxOccupants = 1 })
	w.open("open", nil)
	w.store.people["open"]["carol"] = Affiliated{User: "carol", Affiliation: Outcast}
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.join("open", "Al")
	alice.join("small", "Al")
	alice.sync()
	enter := func(c *client, to, inside string) *stream.Element {
		c.Send(`<presence xmlns="jabber:client" to="` + to + `"><x xmlns="` + stanza.NSMUC + `">` + inside + `</x></presence>`)
		return c.sync()[0]
	}
	for _, c := range []struct {
		who        *client
		to, inside string
		want       string
	}{
		{bob, "open@rooms.h", "", "modify jid-malformed"},
		{bob, "secret@rooms.h/Bo", "", "auth not-authorized"},
		{bob, "secret@rooms.h/Bo", "<password>wrong</password>", "auth not-authorized"},
		{bob, "members@rooms.h/Bo", "", "auth registration-required"},
		{carol, "open@rooms.h/Ca", "", "auth forbidden"},
		{bob, "open@rooms.h/Al", "", "cancel conflict"},
		{bob, "open@rooms.h/al", "", "cancel conflict"}, // looks the same
		{bob, "small@rooms.h/Bo", "", "wait service-unavailable"},
		{bob, "open@rooms.h/" + strings.Repeat("x", 100), "", "cancel not-acceptable"},
		{alice, "fifth@rooms.h/Al", "", "cancel not-allowed"},
	} {
		e := enter(c.who, c.to, c.inside)
		c.who.refused(e, c.want)
		c.who.has(e, `<x xmlns="`+stanza.NSMUC+`"/>`)
	}
	if got := short(enter(bob, "secret@rooms.h/Bo", "<password>sesame</password>")); !strings.HasPrefix(got, "presence Bo none/participant") {
		t.Error(got)
	}
	// Without muc's x, somebody who is not there is told so.
	bob.Send(`<presence xmlns="jabber:client" to="open@rooms.h/Bo"/>`)
	if got := bob.seen(); !slices.Contains(got, "presence Bo unavailable none/none 110 307 333") {
		t.Errorf("%q", got)
	}
}

// XEP-0045 §7.4, §7.2.8 (S-81, S-83), XEP-0421 §4 (S-91): what is said goes to
// everybody, the sender included, under the occupant's name; what only the room
// may say is taken out.
func TestRoom_Messages(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, second, bob, carol := w.online("alice", "a"), w.online("alice", "a2"), w.online("bob", "b"), w.online("carol", "c")
	alice.join("den", "Al")
	alice.sync()
	second.join("den", "Al")
	second.sync()
	bob.join("den", "Bo")
	bob.sync()
	alice.sync()
	second.sync()
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="m1" to="den@rooms.h"><body>hi</body>` +
		`<x xmlns="` + stanza.NSMUCUser + `"><status code="100"/></x><occupant-id xmlns="` + stanza.NSOccupantID + `" id="forged"/><stanza-id xmlns="` + stanza.NSSID + `" by="den@rooms.h" id="forged"/><origin-id xmlns="` + stanza.NSSID + `" id="o"/></message>`)
	for _, c := range []*client{bob, alice, second} {
		got := c.sync()
		if len(got) != 1 || got[0].ID != "m1" || got[0].From != "den@rooms.h/Bo" {
			t.Fatalf("%s got %v", c.user, got)
		}
		c.has(got[0], `<origin-id`, `<stanza-id xmlns="`+stanza.NSSID+`" by="den@rooms.h" id="`+w.store.entries[0].ID.String(), `<occupant-id`)
		if strings.Contains(string(got[0].Raw), "forged") || strings.Contains(string(got[0].Raw), stanza.NSMUCUser) {
			t.Errorf("%s", got[0].Raw)
		}
	}
	carol.say("den", "m2", "from outside")
	carol.sees("message den@rooms.h error modify not-acceptable")
	// The occupant leaves with its last client.
	second.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/Al"/>`)
	second.sync()
	bob.sees("presence Al owner/moderator") // as the other client shows it
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/Al"><status>bye</status></presence>`)
	alice.sync()
	bob.sees("presence Al unavailable owner/none")
}

// A message that cannot be stored is said to nobody, and its sender may try
// again; the order of all others is the archive's (S-08).
func TestRoom_DatabaseAway(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	alice.sync()
	w.store.setFail(errAway)
	bob.say("den", "lost", "lost")
	bob.refused(bob.Read(), "wait internal-server-error")
	w.store.setFail(nil)
	for i := range 20 {
		alice.say("den", fmt.Sprint("a", i), "x")
		bob.say("den", fmt.Sprint("b", i), "x")
	}
	ids := func(c *client) (out []string) {
		for len(out) < 40 {
			if e := c.Read(); e.Name.Local == "message" {
				out = append(out, e.ID)
			}
		}
		return out
	}
	seen, archived := ids(alice), []string{}
	for _, e := range w.store.entries {
		archived = append(archived, e.StanzaID)
	}
	if !slices.Equal(seen, archived) || !slices.Equal(ids(bob), archived) {
		t.Errorf("seen %v, archived %v", seen, archived)
	}
}

// XEP-0045 §7.2.13 to §7.2.15 (S-82), §8.1 (S-85).
func TestRoom_HistoryAndSubject(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.ChangeSubject = false })
	alice := w.online("alice", "a")
	alice.join("den", "Al")
	alice.say("den", "1", "one")
	alice.Send(`<message xmlns="jabber:client" type="groupchat" id="s" to="den@rooms.h"><subject>topic</subject></message>`)
	alice.Send(`<message xmlns="jabber:client" type="groupchat" id="2" to="den@rooms.h"><subject>no topic</subject><body>two</body></message>`)
	alice.sync()
	for history, want := range map[string][]string{
		``:                            {"message Al body=one delay", "message Al subject=no topic body=two delay"},
		`<history maxstanzas="1"/>`:   {"message Al subject=no topic body=two delay"},
		`<history maxstanzas="0"/>`:   {},
		`<history maxstanzas=" 0 "/>`: {},
		`<history seconds="9223372036854775807"/>`:               {"message Al body=one delay", "message Al subject=no topic body=two delay"},
		`<history maxchars="0"/>`:                                {},
		`<history maxchars="1"/>`:                                {},
		`<history seconds="0"/>`:                                 {},
		`<history since="2999-01-01T00:00:00Z" maxstanzas="5"/>`: {},
	} {
		bob := w.online("bob", "b")
		bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/Bo"><x xmlns="` + stanza.NSMUC + `">` + history + `</x></presence>`)
		got := bob.seen()
		want = append([]string{"presence Al owner/moderator", "presence Bo none/participant bob@h/b 110 170"}, want...)
		if want = append(want, "message Al subject=topic delay"); !slices.Equal(got, want) {
			t.Errorf("%s:\n\t%s\nwant\n\t%s", history, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
		bob.Send(`<message xmlns="jabber:client" type="groupchat" id="s" to="den@rooms.h"><subject>mine</subject></message>`)
		bob.sees("message den@rooms.h error auth forbidden")
		bob.Close()
		alice.until("presence Bo unavailable none/none bob@h/b")
	}
}

// until reads up to a stanza that looks like that.
func (c *client) until(want string) {
	c.w.t.Helper()
	for short(c.Read()) != want {
		continue
	}
}

// XEP-0045 §7.5, §17.4 (S-84): private messages, and what occupants ask each
// other, under their names only.
func TestRoom_Private(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	alice.sync()
	bob.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/Al"><body>psst</body></message>`)
	bob.sync()
	got := alice.sync()
	if len(got) != 1 || got[0].From != "den@rooms.h/Bo" || got[0].Type != "chat" {
		t.Fatalf("%v", got)
	}
	alice.has(got[0], `<x xmlns="`+stanza.NSMUCUser+`"/>`, "psst")
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="p" to="den@rooms.h/Al"><body>x</body></message>`)
	bob.sees("message Al error modify bad-request")
	bob.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/Zoe"><body>x</body></message>`)
	bob.sees("message Zoe error cancel item-not-found")
	carol.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/Al"><body>x</body></message>`)
	carol.sees("message Al error modify not-acceptable")
	// An IQ and its answer.
	bob.Send(`<iq xmlns="jabber:client" type="get" id="v" to="den@rooms.h/Al"><query xmlns="jabber:iq:version"/></iq>`)
	bob.sync()
	asked := alice.sync()[0]
	if asked.From != "den@rooms.h/Bo" || asked.ID == "v" || strings.Contains(string(asked.Raw), "bob@h") {
		t.Errorf("%s", asked.Raw)
	}
	alice.Send(`<iq xmlns="jabber:client" type="result" id="` + asked.ID + `" to="den@rooms.h/Bo"><query xmlns="jabber:iq:version"/></iq>`)
	alice.sync()
	answer := bob.sync()[0]
	if answer.From != "den@rooms.h/Al" || answer.ID != "v" || strings.Contains(string(answer.Raw), "alice@h") {
		t.Errorf("%s", answer.Raw)
	}
	bob.has(bob.ask("get", "den@rooms.h/Al", `<vCard xmlns="vcard-temp"/>`), `type="result"`, "<FN>alice</FN>")
	// XEP-0410 §3.3 (S-92): a ping to oneself tells whether one is there.
	if e := bob.ask("get", "den@rooms.h/Bo", `<ping xmlns="urn:xmpp:ping"/>`); e.Type != "result" {
		t.Errorf("%s", e.Raw)
	}
	carol.refused(carol.ask("get", "den@rooms.h/Ca", `<ping xmlns="urn:xmpp:ping"/>`), "cancel not-acceptable")
	// XEP-0045 §6.6: who is not in the room discovers nothing of its occupants.
	for _, what := range []string{"info", "items"} {
		query := `<query xmlns="http://jabber.org/protocol/disco#` + what + `"/>`
		carol.refused(carol.ask("get", "den@rooms.h/Al", query), "modify bad-request")
		carol.refused(carol.ask("get", "nowhere@rooms.h/Al", query), "modify bad-request")
	}
}

// XEP-0441 §2 (S-64): a private message goes into the archives of those who
// want it, and only they learn its id.
func TestRoom_PrivateKept(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.store.keepsNothing = "alice"
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	alice.sync()
	bob.Send(`<message xmlns="jabber:client" type="chat" id="p" to="den@rooms.h/Al"><body>psst</body></message>`)
	bob.sync()
	if got := alice.sync(); len(got) != 1 || strings.Contains(string(got[0].Raw), "<stanza-id") {
		t.Errorf("%v", got)
	}
	alice.Send(`<message xmlns="jabber:client" type="chat" id="q" to="den@rooms.h/Bo"><body>psst</body></message>`)
	alice.sync()
	if got := bob.sync(); len(got) != 1 || !strings.Contains(string(got[0].Raw), `<stanza-id xmlns="`+stanza.NSSID+`" by="bob@h"`) {
		t.Errorf("%v", got)
	}
	var kept []string
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for _, e := range w.store.entries {
		if e.With == "den@rooms.h" {
			kept = append(kept, e.Owner+" "+e.StanzaID)
		}
	}
	if strings.Join(kept, ", ") != "bob@h p, bob@h q" {
		t.Errorf("kept: %v", kept)
	}
}

// XEP-0045 §7.6, §7.14 (S-86): a new nickname; a temporary room ends with its
// last occupant.
func TestRoom_NickAndEnd(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Persistent = false })
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	alice.sync()
	bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/Bobby"/>`)
	bob.sees("presence Bo unavailable none/participant bob@h/b 303 110", "presence Bobby none/participant bob@h/b 110")
	alice.sees("presence Bo unavailable none/participant bob@h/b 303", "presence Bobby none/participant bob@h/b")
	bob.Send(`<presence xmlns="jabber:client" to="den@rooms.h/Al"/>`)
	bob.sees("presence Al error cancel conflict")
	bob.Close() // S-42
	alice.until("presence Bobby unavailable none/none bob@h/b")
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/Al"/>`)
	alice.sync()
	if len(w.store.rooms) != 0 {
		t.Errorf("left behind: %v", w.store.rooms)
	}
}

func items(inside string) string { return `<query xmlns="` + nsAdmin + `">` + inside + `</query>` }

// XEP-0045 §8, §9, §10 (S-87, S-88): who may do what to whom, and what everybody
// sees of it.
func TestRoom_Moderation(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol", "dave", "mallory")
	w.open("den", func(s *Settings) { s.Moderated = true })
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	for _, c := range []*client{alice, bob, carol} {
		c.join("den", strings.ToUpper(c.user))
		c.sync()
	}
	bob.sync()
	alice.sync()
	bob.say("den", "1", "may I?")
	bob.sees("message den@rooms.h error auth forbidden")
	bob.refused(bob.ask("set", "den@rooms.h", items(`<item nick="CAROL" role="none"/>`)), "auth forbidden")
	bob.refused(bob.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="owner"/>`)), "auth forbidden")
	alice.refused(alice.ask("set", "den@rooms.h", items(`<item nick="BOB" role="participant" affiliation="member"/>`)), "modify bad-request")
	alice.refused(alice.ask("set", "den@rooms.h", items(`<item jid="alice@h" affiliation="none"/>`)), "cancel conflict")
	alice.refused(alice.ask("set", "den@rooms.h", items(`<item jid="alice@h" affiliation="outcast"/>`)), "cancel conflict")
	alice.refused(alice.ask("set", "den@rooms.h", items(`<item jid="zoe@h" affiliation="member"/>`)), "cancel item-not-found")

	alice.ask("set", "den@rooms.h", items(`<item nick="BOB" role="participant"/>`))
	bob.sees("presence BOB none/participant bob@h/b 110")
	bob.say("den", "2", "thanks")
	bob.sees("message BOB body=thanks")
	alice.ask("set", "den@rooms.h", items(`<item nick="CAROL" role="none"><reason>enough</reason></item>`))
	carol.sync()
	bob.sees("presence CAROL unavailable none/none 307")
	alice.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="admin"/>`))
	if got := bob.seen(); got[len(got)-1] != "presence BOB admin/moderator bob@h/b 110" {
		t.Errorf("%q", got)
	}
	bob.refused(bob.ask("set", "den@rooms.h", items(`<item nick="ALICE" role="none"/>`)), "cancel not-allowed")
	bob.refused(bob.ask("set", "den@rooms.h", items(`<item jid="dave@h" affiliation="admin"/>`)), "auth forbidden")
	bob.refused(bob.ask("set", "den@rooms.h", items(`<item jid="alice@h" affiliation="outcast"/>`)), "cancel not-allowed")
	carol.join("den", "CAROL")
	carol.sync()
	bob.sync()
	bob.ask("set", "den@rooms.h", items(`<item jid="carol@h" affiliation="outcast"><reason>spam</reason></item>`))
	got := carol.seen()
	if got[len(got)-1] != "presence CAROL unavailable outcast/none carol@h/c 301 110" {
		t.Errorf("%q", got)
	}
	carol.join("den", "CAROL")
	carol.sees("presence CAROL error auth forbidden")
	alice.has(alice.ask("get", "den@rooms.h", items(`<item affiliation="outcast"/>`)), `jid="carol@h"`, "<reason>spam</reason>")
	alice.has(alice.ask("get", "den@rooms.h", items(`<item role="moderator"/>`)), `nick="ALICE"`, `nick="BOB"`)
	dave := w.online("dave", "d")
	dave.join("den", "DAVE")
	dave.sync()
	// §9.5, §10.5, §10.8: where addresses are hidden, the lists are for administrators and owners.
	alice.ask("set", "den@rooms.h", items(`<item jid="dave@h" affiliation="member"/>`))
	alice.ask("set", "den@rooms.h", items(`<item nick="DAVE" role="moderator"/>`))
	lists := func(c *client) (shown string) {
		for _, a := range []string{"owner", "admin", "member", "outcast"} {
			if c.ask("get", "den@rooms.h", items(`<item affiliation="`+a+`"/>`)).Type == "result" {
				shown += " " + a
			}
		}
		return shown
	}
	mallory := w.online("mallory", "m")
	for c, want := range map[*client]string{alice: " owner admin member outcast", bob: " member outcast", carol: "", dave: "", mallory: ""} {
		if got := lists(c); got != want {
			t.Errorf("%s is shown%s, not%s", c.user, got, want)
		}
	}
	alice.ask("set", "den@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>`+nsRoomConfig+`</value></field><field var="muc#roomconfig_whois"><value>anyone</value></field></x></query>`)
	for c, want := range map[*client]string{alice: " owner admin member outcast", bob: " owner admin member outcast", carol: "", dave: " owner admin member", mallory: ""} {
		if got := lists(c); got != want {
			t.Errorf("where addresses are shown, %s is shown%s, not%s", c.user, got, want)
		}
	}
	for _, no := range []string{`role="king"`, `role=""`, `role="none"`, `affiliation="king"`, `affiliation="none"`} {
		alice.refused(alice.ask("get", "den@rooms.h", items(`<item `+no+`/>`)), "modify bad-request")
	}
}

// XEP-0045 §10.2, §9.4 (S-87, S-89): the configuration, what changes of it are
// told, and who may not stay; §10.9: the end.
func TestRoom_ConfigureAndDestroy(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	alice.sync()
	owner := func(inside string) string { return `<query xmlns="` + nsOwner + `">` + inside + `</query>` }
	bob.refused(bob.ask("get", "den@rooms.h", owner("")), "auth forbidden")
	bob.refused(bob.ask("set", "den@rooms.h", owner(`<destroy/>`)), "auth forbidden")
	alice.has(alice.ask("get", "den@rooms.h", owner("")), `type="form"`, nsRoomConfig, "muc#roomconfig_membersonly")
	form := func(fields string) string {
		return owner(`<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>` + nsRoomConfig + `</value></field>` + fields + `</x>`)
	}
	field := func(name, value string) string {
		return `<field var="muc#roomconfig_` + name + `"><value>` + value + `</value></field>`
	}
	alice.refused(alice.ask("set", "den@rooms.h", form(field("maxusers", "many"))), "modify not-acceptable")
	alice.refused(alice.ask("set", "den@rooms.h", form(field("passwordprotectedroom", "1"))), "modify not-acceptable")
	if e := alice.ask("set", "den@rooms.h", form(field("whois", "anyone")+field("membersonly", "1")+field("roomname", strings.Repeat("🏡", 60)))); e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	bob.sees("message den@rooms.h 104 172", "presence Bo unavailable none/none bob@h/b 322 110")
	alice.has(alice.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`), "muc_membersonly", "muc_nonanonymous", strings.Repeat("🏡", 60), "muc#stable_id", stanza.NSMAM)

	// An invitation lets somebody in (§7.8.2, S-90), who learns of it later.
	alice.Send(`<message xmlns="jabber:client" to="den@rooms.h"><x xmlns="` + stanza.NSMUCUser + `"><invite to="carol@h" from="forged@h"><reason>come</reason></invite></x></message>`)
	alice.sync()
	carol := w.online("carol", "c")
	invited := false
	for _, m := range w.store.entries {
		if m.Owner == "carol@h" {
			invited = strings.Contains(string(m.Stanza), `<invite from="alice@h/a"><reason>come</reason></invite>`) && strings.Contains(string(m.Stanza), `jid="den@rooms.h"`)
		}
	}
	if !invited {
		t.Errorf("no invitation in %v", w.store.entries)
	}
	carol.join("den", "Ca")
	if got := carol.seen(); !slices.Contains(got, "presence Ca member/participant carol@h/c 110 100 170") {
		t.Errorf("%q", got)
	}
	alice.ask("set", "den@rooms.h", items(`<item jid="carol@h" affiliation="none"/>`))
	if got := carol.seen(); !slices.Contains(got, "presence Ca unavailable none/none carol@h/c 321 110") {
		t.Errorf("%q", got)
	}
	alice.ask("set", "den@rooms.h", items(`<item jid="carol@h" affiliation="member"/>`))
	carol.join("den", "Ca")
	carol.sync()
	alice.sync()
	alice.ask("set", "den@rooms.h", owner(`<destroy jid="new@rooms.h"><reason>moved</reason><password>se&amp;same</password></destroy>`))
	got := carol.sync()
	if len(got) != 1 || short(got[0]) != "presence Ca unavailable member/none carol@h/c destroy 110" {
		t.Errorf("%v", got)
	}
	carol.has(got[0], `<destroy jid="new@rooms.h"><password>se&amp;same</password><reason>moved</reason></destroy>`)
	carol.refused(carol.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`), "cancel item-not-found")
}

// The site invites on behalf of its people, within what they may do (S-90).
func TestInvite(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", func(s *Settings) { s.MembersOnly, s.Invites = true, false })
	bob := w.online("bob", "b")
	for _, c := range []struct {
		room, inviter, invitee string
		want                   error
	}{
		{"none", "alice", "bob", stanza.ErrItemNotFound},
		{"den", "bob", "carol", stanza.ErrForbidden},
		{"den", "alice", "zoe", errUnknownAccount},
		{"den", "alice", "bob", nil},
		{"den", "bob", "carol", stanza.ErrForbidden}, // members may not, here
	} {
		if err := w.svc.Invite(t.Context(), c.room, c.inviter, c.invitee); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	w.open("lobby", nil)
	if err := w.svc.Invite(t.Context(), "lobby", "alice", "zoe"); !errors.Is(err, errUnknownAccount) {
		t.Errorf("to an open room: %v", err)
	}
	got := bob.sync()
	if len(got) != 1 || w.store.people["den"]["bob"].Affiliation != Member {
		t.Fatalf("%v %v", got, w.store.people)
	}
	bob.has(got[0], `<invite from="alice@h"`, `jid="den@rooms.h"`)
}

// XEP-0313 §6.1.2 (S-65), XEP-0425 §3, XEP-0424 §5 (S-92): who may read, and
// what is taken back.
func TestRoom_ArchiveAndRetraction(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	w.store.people["den"]["carol"] = Affiliated{User: "carol", Affiliation: Outcast}
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	bob.say("den", "1", "rude")
	bob.say("den", "2", "ruder")
	bob.sync()
	alice.sync()
	query := `<query xmlns="` + stanza.NSMAM + `"/>`
	carol.refused(carol.ask("set", "den@rooms.h", query), "auth forbidden")
	read := func(c *client) (out []string) {
		c.Send(`<iq xmlns="jabber:client" type="set" id="q" to="den@rooms.h">` + query + `</iq>`)
		for {
			e := c.Read()
			if e.ID == "q" {
				return out
			}
			out = append(out, string(e.Raw))
		}
	}
	if got := read(alice); len(got) != 2 || !strings.Contains(got[0], `jid="bob@h"`) || !strings.Contains(got[0], `from="den@rooms.h/Bo"`) {
		t.Errorf("%q", got)
	}
	if got := read(bob); len(got) != 2 || strings.Contains(got[0], "bob@h\"") {
		t.Errorf("%q", got)
	}
	id := func(i int) string { return w.store.entries[i].ID.String() }
	moderate := func(id string) string {
		return `<moderate xmlns="` + stanza.NSModerate + `" id="` + id + `"><retract xmlns="` + stanza.NSRetract + `"/><reason>rude</reason></moderate>`
	}
	bob.refused(bob.ask("set", "den@rooms.h", moderate(id(0))), "auth forbidden")
	alice.refused(alice.ask("set", "den@rooms.h", moderate("00000000-0000-7000-8000-000000000000")), "cancel item-not-found")
	alice.Send(`<message xmlns="jabber:client" type="groupchat" id="r" to="den@rooms.h"><retract xmlns="` + stanza.NSRetract + `" id="` + id(1) + `"/></message>`)
	alice.sees("message den@rooms.h error auth forbidden")
	if e := alice.ask("set", "den@rooms.h", moderate(id(0))); e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	told := bob.sync()[0]
	bob.has(told, `<retract xmlns="`+stanza.NSRetract+`" id="`+id(0)+`"><moderated xmlns="`+stanza.NSModerate+`" by="den@rooms.h/Al">`, "<reason>rude</reason>", `from="den@rooms.h"`)
	alice.Send(`<message xmlns="jabber:client" type="groupchat" id="r1" to="den@rooms.h"><retract xmlns="` + stanza.NSRetract + `" id="2"/></message>`)
	alice.sync()
	if !strings.Contains(string(w.store.entries[1].Stanza), "ruder") {
		t.Error("somebody else took it back")
	}
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="r2" to="den@rooms.h"><retract xmlns="` + stanza.NSRetract + `" id="2"/></message>`) // as Converse does
	bob.sync()
	alice.Send(`<message xmlns="jabber:client" type="groupchat" id="a" to="den@rooms.h"><body>of ` + stanza.NSRetract + `</body></message>`)
	alice.sync()
	for i, e := range w.store.entries {
		if want := i == 2 || i == 3; e.IsRetraction != want {
			t.Errorf("%d is a retraction: %v: %s", i, e.IsRetraction, e.Stanza)
		}
	}
	for i, e := range w.store.entries[:2] {
		if s := string(e.Stanza); strings.Contains(s, "rude</body>") || strings.Contains(s, "ruder") || !strings.Contains(s, "<retracted") || !strings.Contains(s, "<occupant-id") {
			t.Errorf("%d: %s", i, s)
		}
	}
}

// XEP-0425 §3, XEP-0424 §5 (S-92): what is taken back is the one message that is named, and its corrections, also where
// a client gives its messages no ids, or all of them the same.
func TestRoom_TakesBackNothingElse(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	say := func(inside string) {
		bob.Send(`<message xmlns="jabber:client" type="groupchat" to="den@rooms.h" ` + inside + `</message>`)
	}
	for _, inside := range []string{
		`id="zero"><body>zero</body>`, `><body>corrected</body><replace xmlns="urn:xmpp:message-correct:0" id="zero"/>`,
		`><body>one</body>`, `><body>two</body>`, `><body>three</body>`,
		`id="same"><body>four</body>`, `id="same"><body>five</body>`,
	} {
		say(inside)
	}
	bob.sync()
	id := func(i int) string { return w.store.entries[i].ID.String() }
	moderate := func(id string) *stream.Element {
		return alice.ask("set", "den@rooms.h", `<moderate xmlns="`+stanza.NSModerate+`" id="`+id+`"><retract xmlns="`+stanza.NSRetract+`"/></moderate>`)
	}
	for _, i := range []int{1, 2, 5} {
		if e := moderate(id(i)); e.Type != "result" {
			t.Errorf("%s", e.Raw)
		}
	}
	say(`id="r"><retract xmlns="` + stanza.NSRetract + `" id="` + id(3) + `"/>`)
	bob.sync()
	for i, gone := range []bool{true, true, true, true, false, true, false} {
		if s := string(w.store.entries[i].Stanza); strings.Contains(s, "<retracted") != gone {
			t.Errorf("%d: %s", i, s)
		}
	}
}

// XEP-0425 §3 (S-92): what people are told to take off their screens is named as they know it.
func TestRoom_ModeratesByTheIDAsItIsWritten(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	bob.say("den", "1", "rude")
	bob.sync()
	id := w.store.entries[0].ID.String()
	for _, said := range []string{"urn:uuid:" + id, "{" + id + "}", strings.ToUpper(id), strings.ReplaceAll(id, "-", "")} {
		alice.refused(alice.ask("set", "den@rooms.h", `<moderate xmlns="`+stanza.NSModerate+`" id="`+said+`"><retract xmlns="`+stanza.NSRetract+`"/></moderate>`), "cancel item-not-found")
		alice.refused(alice.ask("set", "den@rooms.h", pubsub(`<publish node="`+nodePinned+`"><item id="`+said+`"/></publish>`)), "cancel item-not-found")
		bob.Send(`<message xmlns="jabber:client" type="groupchat" id="r" to="den@rooms.h"><retract xmlns="` + stanza.NSRetract + `" id="` + said + `"/></message>`)
		if seen := strings.Join(bob.seen(), " "); !strings.HasSuffix(seen, "error cancel item-not-found") {
			t.Errorf("%s: %s", said, seen)
		}
	}
	if s := string(w.store.entries[0].Stanza); strings.Contains(s, "<retracted") {
		t.Error(s)
	}
}

// XEP-0045 §6 (S-76), §7.10, §7.12: the list of rooms; nicknames that are kept.
func TestRoom_DiscoAndRegistration(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Title = "The den" })
	w.open("hidden", func(s *Settings) { s.Public = false })
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	e := bob.ask("get", "rooms.h", `<query xmlns="`+stanza.NSDiscoItems+`"/>`)
	bob.has(e, `<item jid="den@rooms.h" name="The den"/>`)
	if strings.Contains(string(e.Raw), "hidden") {
		t.Errorf("%s", e.Raw)
	}
	bob.has(bob.ask("get", "rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`), `category="conference" type="text"`, stanza.NSMUC, stanza.NSMUC+"#stable_id")
	bob.refused(bob.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`" node="`+stanza.NSMUC+`#traffic"/>`), "cancel service-unavailable") // §18.1.1
	bob.refused(bob.ask("set", "den@rooms.h", `<query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"/></query>`), "modify bad-request")
	register := `<query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>Bo</value></field></x></query>`
	if e := bob.ask("set", "den@rooms.h", register); e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	bob.has(bob.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`" node="x-roomuser-item"/>`), `name="Bo"`)
	alice.join("den", "Bo")
	alice.sees("presence Bo error cancel conflict")
	bob.join("den", "Bo")
	if got := bob.seen(); !slices.Contains(got, "presence Bo member/participant bob@h/b 110 170") {
		t.Errorf("%q", got)
	}
	alice.refused(alice.ask("set", "den@rooms.h", register), "cancel conflict")
	bob.ask("set", "den@rooms.h", `<query xmlns="jabber:iq:register"><remove/></query>`)
	if w.store.people["den"]["bob"].Affiliation != None {
		t.Errorf("%+v", w.store.people["den"]["bob"])
	}
}

// XEP-0045 §18.1.2 (S-90): a client that answers that it is not there is taken
// out.
func TestRoom_Bounced(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.join("den", "Al")
	alice.sync()
	bob.join("den", "Bo")
	bob.sync()
	alice.sync()
	bob.Send(`<message xmlns="jabber:client" type="error" to="den@rooms.h/Al"><error type="cancel"><recipient-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`)
	bob.sync()
	alice.sees("presence Bo unavailable none/none bob@h/b 333")
}
