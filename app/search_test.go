package app

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"

	"github.com/google/uuid"
)

// said stores what was said in an archive, and returns its id.
func said(t *testing.T, s *Server, owner, with, body string) uuid.UUID {
	t.Helper()
	return saidWith(t, s, owner, with, body, "")
}

// saidWith stores what was said, and what the message has besides.
func saidWith(t *testing.T, s *Server, owner, with, body, besides string) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(`<message xmlns="jabber:client" id="` + id.String() + `"><body>` + stream.Escape(body) + `</body>` + besides + `</message>`)
	m, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	if err != nil {
		t.Fatal(err)
	}
	from, err := stanza.ParseAddress(with + "/nick of " + with)
	if err != nil {
		t.Fatal(err)
	}
	e := archive.Received(m, owner, from)
	e.ID = id
	if err := s.db.Stores("localhost", models.RosterNone).Archive.Append(t.Context(), []archive.Entry{e}); err != nil {
		t.Fatal(err)
	}
	return id
}

// searched returns what somebody finds, as "where: text".
func (b *browser) searched(query string) (found []string, answer searchAnswer) {
	b.t.Helper()
	b.get("/xmpp/search?" + query)
	if err := json.Unmarshal([]byte(b.body), &answer); err != nil || b.last.StatusCode != 200 {
		b.t.Fatalf("%s: %d %s", query, b.last.StatusCode, b.body)
	}
	for _, m := range answer.Messages {
		found = append(found, m.Name+": "+m.Text)
	}
	return found, answer
}

type searchAnswer struct {
	Messages []FoundResult `json:"messages"`
	Next     string        `json:"next"`
}

// Who finds what is said in a room: those who belong to it, or have it among their
// bookmarks or are in it, where its archive would give it to them.
func TestSearch_WhoFindsWhat(t *testing.T) {
	s, base := start(t, nil)
	bob, visitor := signedInAs(t, base, "bob"), newBrowser(t, base)
	rooms, ctx := s.db.RoomStore(), t.Context()
	public := muc.Settings{Public: true, Persistent: true, Archive: true, Private: muc.Anyone}
	closed, secret, off := public, public, public
	closed.MembersOnly, secret.Password, off.Archive = true, "x", false
	bookmark := func(room string) {
		t.Helper()
		item := []pep.Item{{ID: room + "@conference.localhost", Payload: []byte(`<conference xmlns=pep.NodeBookmarks/>`)}}
		_, err := s.db.PubsubStore().UpdateNode(ctx, "bob", pep.NodeBookmarks, item, func(n *pep.Node, _ bool) (bool, error) {
			n.Config = pep.NodeConfig{Access: pep.AccessWhitelist, MaxItems: 99, Persist: true}
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for i, c := range []struct {
		settings    muc.Settings
		affiliation muc.Affiliation
		bookmarked  bool
		finds       bool
	}{
		{public, muc.None, false, false}, // one of those that anybody may enter; bob has not
		{public, muc.None, true, true},
		{public, muc.Member, false, true},
		{public, muc.Owner, false, true},
		{public, muc.Outcast, true, false},
		{closed, muc.None, true, false},
		{closed, muc.Member, false, true},
		{closed, muc.Outcast, true, false},
		{secret, muc.None, true, false},
		{secret, muc.Member, false, true},
		{off, muc.Member, true, false},
	} {
		name := fmt.Sprint("room", i)
		c.settings.Title = name
		people := []muc.Affiliated{{User: "alice", Affiliation: muc.Owner}, {User: "bob", Affiliation: c.affiliation}}
		if err := rooms.Create(ctx, muc.Room{Name: name, Creator: "alice", Settings: c.settings}, people, 99); err != nil {
			t.Fatal(err)
		}
		if c.bookmarked {
			bookmark(name)
		}
		said(t, s, name+"@conference.localhost", "alice@localhost", "a needle")
		if c.finds {
			want = append([]string{name + ": a needle"}, want...)
		}
		if found, _ := bob.searched("q=needle&room=" + strings.ToUpper(name)); (len(found) == 1) != c.finds {
			t.Errorf("%+v: found %v", c, found)
		}
	}
	said(t, s, "alice@localhost", "carol@localhost", "a needle of others")
	said(t, s, "bob@localhost", "room1@conference.localhost", "a needle that is private to an occupant")
	id := said(t, s, "bob@localhost", "carol@localhost", "Needle in <hay>")
	want = append([]string{"Carol Costa: Needle in <hay>"}, want...)

	found, answer := bob.searched("q=needle")
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	first := answer.Messages[0]
	if first.Address != "/chat/with/carol?at="+id.String() || first.Who != "Carol Costa" || fmt.Sprint(first.Marks) != "[[0 6]]" {
		t.Errorf("%+v", first)
	}
	// What a message answers is another's (XEP-0461 §3.1).
	saidWith(t, s, "bob@localhost", "carol@localhost", "> Who has an awl?\na thimble, no awl",
		`<reply xmlns="urn:xmpp:reply:0" id="a"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="18"/></fallback>`)
	for q, want := range map[string][]string{"thimble": {"Carol Costa: a thimble, no awl"}, "awl": {"Carol Costa: a thimble, no awl"}, "who": nil} {
		if found, _ := bob.searched("q=" + q); !slices.Equal(found, want) {
			t.Errorf("%s finds %q, want %q", q, found, want)
		}
	}
	// Of what was edited, the last version (XEP-0308); not what others say of it, nor that something was taken back (XEP-0424).
	spool := said(t, s, "bob@localhost", "carol@localhost", "a spool of *red* thraed")
	edit := `<replace xmlns="urn:xmpp:message-correct:0" id="` + spool.String() + `"/>`
	saidWith(t, s, "bob@localhost", "carol@localhost", "a spool of *red* tread", edit)
	saidWith(t, s, "bob@localhost", "carol@localhost", "a spool of *red* thread", edit)
	saidWith(t, s, "bob@localhost", "alice@localhost", "a spool of another's", edit)
	saidWith(t, s, "bob@localhost", "carol@localhost", "/me retracted a spool", `<retract xmlns="urn:xmpp:message-retract:1" id="`+spool.String()+`"/>`)
	for q, want := range map[string][]string{"thraed": nil, "thre": {"Carol Costa: a spool of red thread"}, "%22thre%22": nil, "read": nil, "tread": nil, "thread": {"Carol Costa: a spool of red thread"}, "spool": {"Alice Adler: a spool of another's", "Carol Costa: a spool of red thread"}} {
		if found, _ := bob.searched("q=" + q); !slices.Equal(found, want) {
			t.Errorf("%s finds %q, want %q", q, found, want)
		}
	}
	said(t, s, "bob@localhost", "carol@localhost", "a treadle, urn:xmpp:message-retract:1")
	if found, _ := bob.searched("q=treadle"); !slices.Equal(found, []string{"Carol Costa: a treadle, urn:xmpp:message-retract:1"}) {
		t.Errorf("what speaks of retractions is taken for one: %q", found)
	}
	// What somebody does is read after their name (XEP-0245).
	said(t, s, "bob@localhost", "carol@localhost", "/me looks for the bobbin")
	if found, answer := bob.searched("q=bobbin"); !slices.Equal(found, []string{"Carol Costa: Carol Costa looks for the bobbin"}) || fmt.Sprint(answer.Messages[0].Marks) != "[[26 32]]" {
		t.Errorf("what Carol does: %q", found)
	}
	if found, _ := bob.searched("q=needle&with=CAROL"); !slices.Equal(found, want[:1]) { // as /chat/with takes it
		t.Errorf("with CAROL: %v", found)
	}
	if found, _ := bob.searched("q=needle&with=carol"); !slices.Equal(found, want[:1]) {
		t.Errorf("with carol: %q", found)
	}
	if found, _ := bob.searched("q=needle&to=" + url.QueryEscape(time.Now().Add(-time.Hour).Format(time.RFC3339))); len(found) != 0 {
		t.Errorf("before all: %q", found)
	}
	if visitor.get("/xmpp/search?q=needle"); visitor.last.StatusCode != 401 {
		t.Errorf("a visitor: %d", visitor.last.StatusCode)
	}
	for _, bad := range []string{"q=a&with=b&room=c", "q=a&from=yesterday", "q=a&before=1", "q=a&max=0", "q=a&max=21", "q=a&max=all", "q=" + strings.Repeat("a", maxSearchQuery+1)} {
		if bob.get("/xmpp/search?" + bad); bob.last.StatusCode != 400 {
			t.Errorf("%s: %d", bad, bob.last.StatusCode)
		}
	}
	if bob.get("/xmpp/search?q=" + url.QueryEscape(strings.Repeat("ж", maxSearchQuery))); bob.last.StatusCode != 200 {
		t.Errorf("as much as the field takes, in Cyrillic: %d", bob.last.StatusCode)
	}
}

// Pages, and files by their names.
func TestSearch_PagesAndFiles(t *testing.T) {
	s, base := start(t, nil)
	bob := signedInAs(t, base, "bob")
	for i := range 2*foundMessages + 1 {
		said(t, s, "bob@localhost", "carol@localhost", fmt.Sprint("apple ", i))
	}
	seen, query := 0, "q=apple"
	for page := range 3 {
		found, answer := bob.searched(query)
		seen += len(found)
		query = "q=apple&before=" + answer.Next
		if (answer.Next == "") != (page == 2) {
			t.Errorf("page %d: next is %q", page, answer.Next)
		}
	}
	if seen != 2*foundMessages+1 {
		t.Errorf("%d on three pages", seen)
	}
	if found, answer := bob.searched("q=apple&max=3"); len(found) != 3 || answer.Next == "" || answer.Messages[0].URL != "" {
		t.Errorf("a few: %q, next is %q", found, answer.Next)
	}
	said(t, s, "bob@localhost", "carol@localhost", s.BaseURL()+"/upload/1f/apple%20tree.jpg")
	found, answer := bob.searched("files=1")
	if !slices.Equal(found, []string{"Carol Costa: apple tree.jpg"}) || answer.Messages[0].URL != s.BaseURL()+"/upload/1f/apple%20tree.jpg" {
		t.Errorf("files: %q at %q", found, answer.Messages[0].URL)
	}
	if found, _ := bob.searched("files=1&q=pear"); len(found) != 0 {
		t.Errorf("files: %q", found)
	}
}

// A file is found by every word of its name, with any character and in any case; by what else its address has, it is not.
func TestSearch_FileNames(t *testing.T) {
	s, base := start(t, nil)
	bob := signedInAs(t, base, "bob")
	const name = "R&D a+b c=1 $5 at@home 10:30 Отчёт E\u0301te\u0301 (1)!.pdf"
	address := s.slot(t, "bob", name, 1, "").Get
	said(t, s, "bob@localhost", "carol@localhost", address)
	for _, typed := range append(strings.Fields(name), "r&d", "R&D Отчёт", "отчёт", "ОТЧЁТ", "été", "+", ".PDF") {
		if found, _ := bob.searched("files=1&q=" + url.QueryEscape(typed)); !slices.Equal(found, []string{"Carol Costa: " + name}) {
			t.Errorf("%q finds %q", typed, found)
		}
	}
	secret := strings.Split(strings.TrimPrefix(address, base+"/upload/"), "/")[0]
	for _, typed := range []string{"R&C", "a-b", "upload", "http", "localhost", secret[:8], "20", "%20"} {
		if found, _ := bob.searched("files=1&q=" + url.QueryEscape(typed)); len(found) != 0 {
			t.Errorf("%q finds %q", typed, found)
		}
	}
}

// A person has one search at once, those of their chat included.
func TestSearch_Share(t *testing.T) {
	s, base := start(t, nil)
	bob, carol := signedInAs(t, base, "bob"), signedInAs(t, base, "carol")
	release, err := s.chat.(*embedded).Archive().SearchTurn(t.Context(), "bob@localhost")
	if err != nil {
		t.Fatal(err)
	}
	if bob.get("/xmpp/search?q=x"); bob.last.StatusCode != 429 {
		t.Errorf("the second at once: %d %s", bob.last.StatusCode, bob.body)
	}
	carol.searched("q=x")
	release()
	bob.searched("q=x")
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("word ", 100)
	for _, c := range []struct{ text, q, want string }{
		{"The Tea is  ready\nnow", "tea -now", "The [Tea] is ready now"},
		{"Teapots and tea, steal", "tea", "[Teapots] and [tea], steal"},
		{"teapot", "t", "teapot"},
		{"teapot", `"tea"`, "teapot"},
		{"teapot, potter", "-pot tea", "[teapot], potter"},
		{"orange tea", "tea or", "[orange] [tea]"},
		{"well-known", "well-kn", "[well]-[known]"},
		{"茶壶", "茶", "[茶壶]"},
		{"teapot ort", "tea pot -or", "teapot ort"},
		{"𝄞 tea", `"tea"`, "𝄞 [tea]"},
		{"Träume", "träume or x", "[Träume]"},
		{"no word of it", "tea", "no word of it"},
	} {
		text, marks := snippet(c.text, searchWords(c.q))
		if got := bracketed(text, marks); got != c.want {
			t.Errorf("%q in %q: %q", c.q, c.text, got)
		}
	}
	text, marks := snippet(long+"tea "+long, searchWords("tea"))
	if n := len([]rune(text)); n > maxSnippetRunes+2 || len(marks) != 1 || !strings.HasPrefix(text, "…word") || !strings.Contains(bracketed(text, marks), " [tea] ") {
		t.Errorf("%d runes: %q %v", n, text, marks)
	}
}

// bracketed puts brackets around what is marked.
func bracketed(text string, marks [][2]int) string {
	units := utf16.Encode([]rune(text))
	out, at := "", 0
	for _, m := range marks {
		out += stringOf(units[at:m[0]]) + "[" + stringOf(units[m[0]:m[1]]) + "]"
		at = m[1]
	}
	return out + stringOf(units[at:])
}

func stringOf(units []uint16) string { return string(utf16.Decode(units)) }

// saidIn stores what somebody said in a room, under a name.
func saidIn(t *testing.T, s *Server, room, user, nick, body string) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	owner := room + "@conference.localhost"
	raw := []byte(`<message xmlns="jabber:client" type="groupchat" id="` + id.String() + `"><body>` + stream.Escape(body) + `</body></message>`)
	e := archive.Entry{Owner: owner, ID: id, With: user + "@localhost", Resource: nick, Outgoing: true, StanzaID: id.String(), Body: body, Stanza: raw}
	if err := s.db.Stores("localhost", models.RosterNone).Archive.Append(t.Context(), []archive.Entry{e}); err != nil {
		t.Fatal(err)
	}
	return id
}

// What one person wrote is found, with words and without; in rooms that do not say whose a name is by the name alone, whoever
// has it, except of oneself (XEP-0045 §5.2.1).
func TestSearch_By(t *testing.T) {
	s, base := start(t, nil)
	bob, alice := signedInAs(t, base, "bob"), signedInAs(t, base, "alice")
	ctx := t.Context()
	open := muc.Settings{Public: true, Persistent: true, Archive: true, Private: muc.Anyone, NonAnonymous: true}
	for name, shows := range map[string]bool{"open": true, "masked": false} {
		settings := open
		settings.Title, settings.NonAnonymous = name, shows
		people := []muc.Affiliated{{User: "alice", Affiliation: muc.Owner}, {User: "bob", Affiliation: muc.Member}}
		if err := s.db.RoomStore().Create(ctx, muc.Room{Name: name, Creator: "alice", Settings: settings}, people, 99); err != nil {
			t.Fatal(err)
		}
		saidIn(t, s, name, "carol", "Carol Costa", "a plum of Carol's")
		saidIn(t, s, name, "carol", "Fox", "a plum of the fox's")
		saidIn(t, s, name, "dave", "Carol Costa", "a plum of another's")
		saidIn(t, s, name, "bob", "Owl", "a plum of the owl's")
	}
	said(t, s, "bob@localhost", "carol@localhost", "a plum for Bob")
	said(t, s, "bob@localhost", "carol@localhost", "something else")
	said(t, s, "bob@localhost", "alice@localhost", "a plum of Alice's")
	said(t, s, "bob@localhost", "open@conference.localhost", "a plum in private")
	taken := saidIn(t, s, "open", "carol", "Carol Costa", "a plum that was taken back")
	by := archive.Entry{Owner: "open@conference.localhost", With: "carol@localhost", Resource: "Carol Costa", StanzaID: "r", Body: "/me retracted a plum", IsRetraction: true,
		Stanza: []byte(`<message xmlns="jabber:client"><body>/me retracted a plum</body><retract xmlns="urn:xmpp:message-retract:1" id="x"/></message>`), Retracts: &archive.Retraction{IDs: []uuid.UUID{taken}, By: "r", At: time.Now()}}
	var err error
	if by.ID, err = uuid.NewV7(); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Stores("localhost", models.RosterNone).Archive.Append(ctx, []archive.Entry{by}); err != nil {
		t.Fatal(err)
	}
	sorted := func(b *browser, query string) []string {
		found, _ := b.searched(query)
		slices.Sort(found)
		return found
	}
	carols := []string{"Carol Costa: a plum for Bob", "masked: a plum of Carol's", "masked: a plum of another's", "open: a plum of Carol's", "open: a plum of the fox's"}
	for query, want := range map[string][]string{
		"q=plum&by=carol":             carols,
		"q=plum&by=CAROL":             carols,
		"by=carol":                    append([]string{"Carol Costa: a plum for Bob", "Carol Costa: something else"}, carols[1:]...),
		"q=pl&by=carol&room=masked":   {"masked: a plum of Carol's", "masked: a plum of another's"},
		"by=carol&room=open":          {"open: a plum of Carol's", "open: a plum of the fox's"},
		"by=carol&with=carol&q=plum":  {"Carol Costa: a plum for Bob"},
		"by=bob":                      {"masked: a plum of the owl's", "open: a plum of the owl's"},
		"by=dave":                     {"open: a plum of another's"},
		"by=dave&room=masked":         nil,
		"by=fox&q=plum":               nil,
		"by=nobody":                   nil,
		"by=carol&q=retracted":        nil,
		"by=alice&with=carol":         nil,
		"by=carol&files=1":            nil,
		"by=carol&q=%20&room=nowhere": nil,
	} {
		if found := sorted(bob, query); !slices.Equal(found, want) {
			t.Errorf("%s finds %q, want %q", query, found, want)
		}
	}
	// Who looks after the room knows whose the names are.
	if found, want := sorted(alice, "by=carol&room=masked"), []string{"masked: a plum of Carol's", "masked: a plum of the fox's"}; !slices.Equal(found, want) {
		t.Errorf("the owner finds %q, want %q", found, want)
	}
	for _, bad := range []string{"by=%00", "by=%ff"} {
		if bob.get("/xmpp/search?" + bad); bob.last.StatusCode != 400 {
			t.Errorf("%s: %d", bad, bob.last.StatusCode)
		}
	}
}

// Everything is found in however many rooms somebody belongs to, each message once and the newest first, though not all rooms
// are looked into at once.
func TestSearch_ManyRooms(t *testing.T) {
	s, base := start(t, nil)
	bob := signedInAs(t, base, "bob")
	settings := muc.Settings{Public: true, Persistent: true, Archive: true, Private: muc.Anyone}
	const rooms = 5*firstSearchRooms + 3
	var want, wantByCarol []string
	for round := range 2 {
		for i := range rooms {
			name := fmt.Sprint("room", i)
			settings.NonAnonymous = i%3 == 0 // the others do not say that it was carol
			if round == 0 {
				settings.Title = name
				if err := s.db.RoomStore().Create(t.Context(), muc.Room{Name: name, Creator: "alice", Settings: settings}, []muc.Affiliated{{User: "bob", Affiliation: muc.Member}}, 2*rooms); err != nil {
					t.Fatal(err)
				}
			}
			if i%(20-19*round) > 0 && i > 30 { // of the older messages few
				continue
			}
			body := fmt.Sprint("needle ", round, " ", i)
			saidIn(t, s, name, "carol", "Nobody", body)
			want = append(want, name+": "+body)
			if settings.NonAnonymous {
				wantByCarol = append(wantByCarol, name+": "+body)
			}
		}
	}
	slices.Reverse(want)
	slices.Reverse(wantByCarol)
	for _, query := range []string{"q=needle", "by=carol", "q=needle&max=7", "by=carol&max=7", "q=needle&by=carol"} {
		want := want
		if strings.Contains(query, "by=") {
			want = wantByCarol
		}
		var found []string
		for before := ""; ; {
			some, answer := bob.searched(query + before)
			found = append(found, some...)
			if answer.Next == "" {
				break
			}
			before = "&before=" + answer.Next
		}
		if !slices.Equal(found, want) {
			t.Errorf("%s: %d found, %d said; first %q", query, len(found), len(want), found[:min(len(found), 5)])
		}
	}
}

func TestFollowing(t *testing.T) {
	for id, want := range map[string]string{
		"01980000-0000-7000-8000-0000000000ff": "01980000-0000-7000-8000-000000000100",
		"01980000-0000-7000-bfff-ffffffffffff": "01980000-0000-7000-c000-000000000000",
	} {
		if got := following(uuid.MustParse(id)).String(); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}
