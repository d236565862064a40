package app

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"foyer/models"

	"github.com/jackc/pgx/v5"
)

var (
	madeRoom  = regexp.MustCompile(`"jid":"([^"@]+)@[^"]*","name":"Book club"`)
	standings = regexp.MustCompile(`"standing":"\w+"`)
)

// ownRoom makes a room for those who are invited, and returns its name.
func (b *browser) ownRoom() string {
	b.t.Helper()
	b.submit("/", "/rooms", "name", "Book club", "who", "invited")
	found := madeRoom.FindStringSubmatch(b.get("/xmpp/conversations").body)
	if found == nil {
		b.t.Fatal(b.body)
	}
	return url.PathEscape(found[1])
}

// The people of a room, for those who may enter it; and whom one invites is one of them.
func TestRoomPeople(t *testing.T) {
	s, base := start(t, nil)
	visitor, alice, bob := newBrowser(t, base), signedInAs(t, base, "alice"), signedInAs(t, base, "bob")
	name := alice.ownRoom()
	people := "/xmpp/rooms/" + name + "/people"
	visitor.get(people).wants(401, "")
	bob.get(people).wants(404, "not open to you")
	bob.json("POST", "/xmpp/rooms/"+name+"/invite", `{"user":"carol"}`).wants(403, "You cannot invite Carol Costa")
	alice.json("POST", "/xmpp/rooms/"+name+"/invite", `{"user":"nobody"}`).wants(404, "Nobody has that name")
	dave, err := s.db.Accounts.AccountByName(t.Context(), "dave")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.auth.SetBlocked(t.Context(), dave, true); err != nil {
		t.Fatal(err)
	}
	alice.json("POST", "/xmpp/rooms/"+name+"/invite", `{"user":"dave"}`).wants(404, "Nobody has that name") // blocked: nowhere else shown either
	alice.json("POST", "/xmpp/rooms/"+name+"/invite", `{"user":"Bob"}`).wants(204, "")
	for _, b := range []*browser{alice, bob} {
		b.get(people).wants(200, `{"jid":"bob@localhost","name":"Bob Baker","picture":"/avatars/`)
		if got := standings.FindAllString(b.body, -1); strings.Join(got, " ") != `"standing":"owner" "standing":"member"` {
			t.Errorf("%q", got)
		}
	}
	if alice.get(people + "?nick=Bob+Baker"); strings.Contains(alice.body, "bob@") {
		t.Errorf("he is not there: %s", alice.body)
	}
	for _, said := range []string{"nothing", "00000000-0000-7000-8000-000000000000"} {
		alice.get(people+"?said="+said).wants(404, "not open to you")
	}
}

// Where a room shows no addresses, the site says whose account somebody is only of those
// who go by their own names, and only where all members know of each other (XEP-0045 §4.2).
func TestRoomMembers_UnderOtherNames(t *testing.T) {
	accounts := []models.Account{{Username: "alice", Name: "Alice Adler"}, {Username: "bob", Name: "Bob Baker"}, {Username: "carol", Name: "Carol Costa"}, {Username: "dave", Name: "Dave Doyle"}, {Username: "erin", Name: "Erin Egan"}}
	people := []RoomPerson{
		{User: "alice", Nick: "Alice", Affiliation: "member"}, {User: "alice", Nick: "Alice Adler", Affiliation: "member"}, {User: "bob", Nick: "Nobody", Affiliation: "none"},
		{User: "carol", Nick: "Somebody", AddressVisible: true}, {User: "dave", Nick: "Shadow", Affiliation: "member"}, {User: "dave", Nick: "Twin", Affiliation: "member"}, {User: "erin", Affiliation: "member"},
	}
	everyone := "alice as Alice Adler, carol as Somebody, dave as , erin as " // of dave what was told before he came
	for roster, want := range map[models.RosterMode]string{models.RosterEveryone: everyone, models.RosterGroups: "carol as Somebody", models.RosterNone: "carol as Somebody"} {
		s := &roomPages{pages: &pages{site: &site{cfg: Config{Domain: "h", Roster: roster}}}}
		var got []string
		for _, m := range s.roomMembers(people, accounts) {
			got = append(got, strings.TrimSuffix(m.JID, "@h")+" as "+m.Nick)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", roster, got, want)
		}
	}
}

// A person's card has the rooms that both belong to, and no other.
func TestPersonCard(t *testing.T) {
	_, base := start(t, nil)
	visitor, alice, bob := newBrowser(t, base), signedInAs(t, base, "alice"), signedInAs(t, base, "bob")
	name := alice.ownRoom()
	visitor.get("/xmpp/people/bob").wants(401, "")
	alice.get("/xmpp/people/nobody").wants(404, "")
	alice.get("/xmpp/people/bob").wants(200, `"rooms":[]`)
	alice.json("POST", "/xmpp/rooms/"+name+"/invite", `{"user":"bob"}`).wants(204, "")
	for b, other := range map[*browser]string{alice: "bob", bob: "alice"} {
		b.get("/xmpp/people/"+other).wants(200, `"name":"Book club","address":"/chat/room/`+name+`"`)
	}
	bob.get("/xmpp/people/carol").wants(200, `"rooms":[]`)

	bob.get("/xmpp/people/alice").wants(200, `"role":"Site admin"`)
	if alice.get("/xmpp/people/bob"); strings.Contains(alice.body, "role") {
		t.Errorf("a member's card is %s", alice.body)
	}
}

// Of a room that shows addresses to its moderators alone, cards say nothing to others where
// members do not all know of each other.
func TestPersonCard_UnderOtherNames(t *testing.T) {
	s, base := start(t, map[string]string{"ROSTER": "none"})
	alice, bob := signedInAs(t, base, "alice"), signedInAs(t, base, "bob")
	name := alice.ownRoom()
	alice.json("POST", "/xmpp/rooms/"+name+"/invite", `{"user":"bob"}`).wants(204, "")
	bob.get("/xmpp/people/alice").wants(200, "Book club")
	conn, err := pgx.Connect(t.Context(), s.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "UPDATE rooms SET non_anonymous = false WHERE title = 'Book club'"); err != nil {
		t.Fatal(err)
	}
	alice.get("/xmpp/people/bob").wants(200, "Book club") // it is hers
	bob.get("/xmpp/people/alice").wants(200, `"rooms":[]`)
}
