package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// a page holds some of the people, whatever their number; the rest is found
// page by page, or by typing, without a script.
func TestPeople_ManyMembers(t *testing.T) {
	s, base := start(t, nil)
	const fill = `INSERT INTO accounts (username, name, password_hash) SELECT 'm' || n, 'Member ' || n, 'x' FROM generate_series(1, 3000) n;
		INSERT INTO rooms (name, title, description, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
		SELECT 'r' || n, 'Room ' || n, 'About room ' || n, true, n > 20, n <= 20, false, true, true, true, 'anyone', true, 100 FROM generate_series(1, 5000) n;
		INSERT INTO room_affiliations (room, username, affiliation) SELECT 'r' || n, 'alice', 'owner' FROM generate_series(1, 20) n`
	conn, err := pgx.Connect(t.Context(), s.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := signedInAs(t, base, "alice")
	b.get("/").wants(200, "All people")
	if len(b.body) > 60_000 {
		t.Errorf("home takes %d bytes", len(b.body))
	}
	if !strings.Contains(b.body, "New here") {
		t.Error("the newest are not shown")
	}
	b.get("/people").wants(200, "Next page").wants(200, "Bob Baker")
	if len(b.body) > 60_000 {
		t.Errorf("people takes %d bytes", len(b.body))
	}
	b.get("/rooms").wants(200, "Next page").wants(200, "Room 1<")
	if len(b.body) > 60_000 {
		t.Errorf("rooms takes %d bytes", len(b.body))
	}
	b.get("/people")
	if strings.Contains(b.body, ">Alice Adler</span><span class=\"state\"") {
		t.Error("the viewer is listed")
	}
	b.get("/people?after=m100/Member+100").wants(200, "Member 1000<")
	b.get("/people?q=member+2999").wants(200, "Member 2999<")
	b.get("/people?q=nobodyatall").wants(200, "Nobody has that name.")
	b.get("/people?q="+url.QueryEscape("<script>")).wants(200, "Nobody has that name.")
}

// an address that another site links to makes no room, and opens none; the room
// that one has just made opens once.
func TestRooms_OpenedOnlyAfterMaking(t *testing.T) {
	_, base := start(t, nil)
	b := signedInAs(t, base, "alice")
	b.get("/?room=evil-1").wants(200, "Hello, Alice Adler")
	if strings.Contains(b.body, "data-open-room") || strings.Contains(b.body, "evil-1") {
		t.Error("the page opens a room that a link named")
	}
	b.submit("/", "/rooms", "name", "кафе", "who", "everyone").wants(303, "")
	if b.get("/"); !strings.Contains(b.body, "data-open-room=\"room-") {
		t.Errorf("the new room does not open: %.3000s", b.body)
	}
	if b.get("/"); strings.Contains(b.body, "data-open-room") {
		t.Error("it opens again")
	}
}

// a room's name may have any letters. X-34: its owner deletes it.
func TestRooms_PageOfOne(t *testing.T) {
	s, base := start(t, nil)
	if err := s.chat.CreateRoom(t.Context(), "alice", NewRoom{Name: "кафе", Title: "Кафе", Private: true}); err != nil {
		t.Fatal(err)
	}
	alice, bob, carol := signedInAs(t, base, "alice"), signedInAs(t, base, "bob"), signedInAs(t, base, "carol")
	path := "/rooms/" + url.PathEscape("кафе")
	bob.get(path).wants(404, "")
	alice.get("/").wants(200, `href="/rooms/%d0%ba%d0%b0%d1%84%d0%b5"`)
	// In another case, or composed otherwise, it is the same, under one address.
	alice.get("/rooms/"+url.PathEscape("КАФЕ")).wants(200, "Кафе")
	alice.get("/rooms/"+url.PathEscape("a/b")).wants(404, "")
	for from, to := range map[string]string{
		"/chat/room/" + url.PathEscape("КАФЕ") + "?at=1": "/chat/room/" + url.PathEscape("кафе") + "?at=1",
		"/chat/with/BOB": "/chat/with/bob",
		"/chat/with/" + url.PathEscape("ＢＯＢ"): "/chat/with/bob",
	} {
		if got := alice.get(from).wants(303, "").last.Header.Get("Location"); got != to {
			t.Errorf("%s leads to %s", from, got)
		}
	}
	alice.get("/chat/with/bob").wants(200, "Bob Baker")
	alice.get("/chat/with/"+url.PathEscape("bob@localhost")).wants(404, "")
	alice.get("/chat/room/"+url.PathEscape("кафе")).wants(200, "Кафе")
	alice.get(path+"?q=bob").wants(200, "Invite Bob Baker")
	alice.submit(path, path+"/invite", "user", "bob").wants(303, "")
	bob.get(path).wants(200, "Кафе")
	if strings.Contains(bob.body, "for good") {
		t.Error("bob is offered to delete it")
	}
	bob.submit(path, path+"/delete").wants(404, "")
	carol.submit("/rooms", path+"/invite", "user", "dave").wants(403, "You cannot invite")
	alice.get(path).wants(200, "Delete Кафе for good")
	alice.submit(path, path+"/delete").wants(303, "")
	alice.get("/rooms").wants(200, "The room has been deleted.")
	alice.get(path).wants(404, "There is no such room")
}

// with contacts by request, strangers do not see who is around; one asks from
// the page, and the other accepts there.
func TestContacts_ByRequest(t *testing.T) {
	_, base := start(t, map[string]string{"ROSTER": "none"})
	alice, bob := signedInAs(t, base, "alice"), signedInAs(t, base, "bob")
	alice.get("/people").wants(200, "Ask Bob Baker to be your contact")
	if strings.Contains(alice.body, "data-online") || strings.Contains(alice.body, "Away") {
		t.Error("a stranger's presence shows")
	}
	alice.submit("/people", "/people/bob/contact").wants(303, "")
	alice.get("/people").wants(200, "Asked to be your contact").wants(200, "Your request has been sent.")
	bob.get("/").wants(200, "Contact requests").wants(200, "Accept Alice Adler")
	bob.submit("/", "/people/alice/answer", "answer", "accept").wants(303, "")
	for _, b := range []*browser{alice, bob} {
		b.get("/people").wants(200, "data-message")
	}
	if strings.Contains(bob.body, "Contact requests") {
		t.Error("the request is still there")
	}
	bob.submit("/people", "/people/alice/answer", "answer", "decline").wants(303, "") // in another tab
	bob.get("/people").wants(200, "That request has already been answered or withdrawn.").wants(200, "data-message")
	alice.get("/people").wants(200, "data-message")
	alice.submit("/people", "/people/nobody/contact").wants(404, "Nobody has that name.")
	alice.submit("/people", "/people/carol/contact").wants(303, "")
	carol := signedInAs(t, base, "carol")
	carol.submit("/", "/people/alice/answer", "answer", "decline").wants(303, "")
	if carol.get("/people"); carol.last.StatusCode != http.StatusOK || strings.Contains(carol.body, "Asks to be") {
		t.Error("the declined request is still there")
	}
}
