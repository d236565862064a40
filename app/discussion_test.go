package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// sayInRoom puts a message into a room's archive.
func (s *Server) sayInRoom(t *testing.T, room, by, body, more string) {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	e := archive.Entry{
		ID: id, Owner: s.roomJID(room), With: by + "@localhost", Resource: by, Outgoing: true, StanzaID: "s-" + body, Body: body,
		Stanza: []byte(`<message xmlns="jabber:client" type="groupchat"><body>` + body + `</body>` + more + `</message>`),
	}
	m, err := stream.Parse(e.Stanza, stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	e.IsRetraction = archive.IsRetraction(m)
	if i := strings.Index(more, `replace id="`); i >= 0 {
		e.Replaces, _, _ = strings.Cut(more[i+len(`replace id="`):], `"`)
	}
	if err := s.db.Stores("localhost", models.RosterEveryone).Archive.Append(t.Context(), []archive.Entry{e}); err != nil {
		t.Fatal(err)
	}
}

// A page with a room in it: what is said is there for visitors, in html and with names, if the
// room's owners allow it; nothing of a room otherwise, not even that it exists.
func TestDiscussion(t *testing.T) {
	s, base := start(t, nil)
	visitor := newBrowser(t, base)
	s.sayInRoom(t, "lobby", "Bob", "Roses &amp; &lt;script&gt;tulips", "")
	s.sayInRoom(t, "lobby", "Bob", "first vresion", "")
	s.sayInRoom(t, "lobby", "Bob", "first version", `<replace id="s-first vresion" xmlns="urn:xmpp:message-correct:0"/>`)
	s.sayInRoom(t, "lobby", "Carol", "not hers", `<replace id="s-first vresion" xmlns="urn:xmpp:message-correct:0"/>`)
	s.sayInRoom(t, "lobby", "Bob", "not to be read", `<encrypted xmlns="urn:xmpp:omemo:2"/>`)
	s.sayInRoom(t, "lobby", "Bob", "fallback", `<retract xmlns="urn:xmpp:message-retract:1" id="x"/>`)
	visitor.get("/articles/garden").wants(200, "Roses &amp; &lt;script&gt;tulips")
	for _, want := range []string{"first version", "edited", `<span class="said-by"><bdi>Bob</bdi></span>`, `href="/signin?next=%2farticles%2fgarden"`} {
		if !strings.Contains(visitor.body, want) {
			t.Errorf("no %s in %s", want, visitor.body)
		}
	}
	for _, secret := range []string{"vresion", "not hers", "not to be read", "fallback", "@localhost", "data-room", "{{", s.mark} {
		if strings.Contains(visitor.body, secret) {
			t.Errorf("%s is shown to visitors: %s", secret, visitor.body)
		}
	}
	alice := signedInAs(t, base, "alice")
	if alice.get("/articles/garden"); !strings.Contains(alice.body, `data-room="lobby@conference.localhost"`) {
		t.Error("alice cannot join in")
	}
}

// What is said is shown with its styling, and an answer with what it answers, as far as that is on the
// page; corrected, it is the answer that it was.
func TestDiscussion_Styled(t *testing.T) {
	s, base := start(t, nil)
	s.sayInRoom(t, "lobby", "Bob", "*Straw* keeps the snails in, and so on", "")
	s.sayInRoom(t, "lobby", "Carol", "*as it is*", `<unstyled xmlns="urn:xmpp:styling:0"/>`)
	visitor := newBrowser(t, base)
	visitor.get("/articles/garden").wants(200, "<strong>Straw</strong> keeps the snails in, and so on")
	visitor.wants(200, ">*as it is*<")
	s.sayInRoom(t, "lobby", "Dave", "/me plants *leeks*", "")
	_, id, _ := strings.Cut(visitor.body, `id="said-`)
	id, _, _ = strings.Cut(id, `"`)
	reply := func(id string) string {
		return `<reply xmlns="urn:xmpp:reply:0" to="lobby@conference.localhost/Bob" id="` + id + `"/>`
	}
	s.sayInRoom(t, "lobby", "Carol", "&gt; Straw\nAnd teh moles?",
		reply(id)+`<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="8"/></fallback>`)
	s.sayInRoom(t, "lobby", "Carol", "And the moles?", `<replace id="s-&gt; Straw
And teh moles?" xmlns="urn:xmpp:message-correct:0"/>`)
	s.sayInRoom(t, "lobby", "Carol", "of nothing here", reply(uuid.Max.String()))
	s.discussions.latest = nil
	visitor.get("/articles/garden").wants(200, "And the moles?")
	visitor.wants(200, "<bdi>Dave</bdi> plants <strong>leeks</strong>")
	answered := `<a class="said-answered" href="#said-` + id + `">Answer to <bdi>Bob</bdi>: <q dir="auto">Straw keeps the snails in, and so on</q></a>`
	if n := strings.Count(visitor.body, "said-answered"); n != 1 || !strings.Contains(visitor.body, answered) {
		t.Errorf("%d answers, and not one with %s in %s", n, answered, visitor.body)
	}
}

// What was said earlier is behind a link, page by page, without anything left out or twice.
func TestDiscussion_Earlier(t *testing.T) {
	s, base := start(t, nil)
	visitor := newBrowser(t, base)
	const said = 2*discussionSize + 5
	for i := range said {
		s.sayInRoom(t, "lobby", "Bob", fmt.Sprintf("word-%03d.", i), "")
	}
	seen, path := map[string]int{}, "/articles/garden"
	for pages := 0; path != "" && pages < 5; pages++ {
		visitor.get(path).wants(200, "word-")
		for i := range said {
			if word := fmt.Sprintf("word-%03d.", i); strings.Contains(visitor.body, word) {
				seen[word]++
			}
		}
		_, after, found := strings.Cut(visitor.body, `<p class="more"><a href="/articles/garden?`)
		query, _, _ := strings.Cut(after, "#")
		if path = ""; found {
			path = "/articles/garden?" + strings.ReplaceAll(query, "&amp;", "&")
		}
	}
	if len(seen) != said {
		t.Errorf("%d of %d are shown", len(seen), said)
	}
	for word, n := range seen {
		if n != 1 {
			t.Errorf("%s is shown %d times", word, n)
		}
	}
}

// askedChat counts what it is asked.
type askedChat struct {
	Chat
	asked map[discussionPage]int
}

func (c askedChat) Discussion(_ context.Context, room string, before uuid.UUID, _ int) (Discussion, error) {
	c.asked[discussionPage{room, before}]++
	return Discussion{Title: room}, nil
}

// A page of a discussion, of the latest or of what was said earlier, is read once in a while, and however
// many there are, only so many are kept; who reads on and on does not push out the latest.
func TestDiscussion_Kept(t *testing.T) {
	chat, d := askedChat{asked: map[discussionPage]int{}}, discussions{}
	get := func(before uuid.UUID) {
		t.Helper()
		if got, err := d.get(t.Context(), chat, "garden", before); err != nil || got.Title != "garden" {
			t.Errorf("%+v %v", got, err)
		}
	}
	earlier := uuid.Must(uuid.NewV7())
	for range 3 {
		get(uuid.Max)
		get(earlier)
	}
	if len(chat.asked) != 2 || chat.asked[discussionPage{"garden", uuid.Max}] != 1 || chat.asked[discussionPage{"garden", earlier}] != 1 {
		t.Errorf("asked %v", chat.asked)
	}
	for range 3 * maxKnown {
		get(uuid.Must(uuid.NewV7()))
	}
	get(uuid.Max)
	if n := len(d.earlier); n > maxKnown || chat.asked[discussionPage{"garden", uuid.Max}] != 1 {
		t.Errorf("%d pages are kept; the latest was asked for %d times", n, chat.asked[discussionPage{"garden", uuid.Max}])
	}
}

// A room that is not readable, or not open, is shown to nobody through a page; who may know of
// it can open it.
func TestDiscussion_Closed(t *testing.T) {
	s, base := start(t, nil)
	visitor, bob := newBrowser(t, base), signedInAs(t, base, "bob")
	s.sayInRoom(t, "lobby", "Bob", "secret", "")
	conn, err := pgx.Connect(t.Context(), s.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, change := range []string{"readable = false", "readable = true, members_only = true", "readable = true, members_only = false, public = false",
		"readable = true, public = true, password = 'x'"} {
		if _, err := conn.Exec(t.Context(), "UPDATE rooms SET "+change+" WHERE name = 'lobby'"); err != nil {
			t.Fatal(err)
		}
		s.discussions = discussions{}
		for who, b := range map[string]*browser{"a visitor": visitor, "bob": bob} {
			if b.get("/articles/garden").wants(200, `class="discussion"`); strings.Contains(b.body, "secret") || (who == "a visitor" && strings.Contains(b.body, "Lobby")) {
				t.Errorf("with %s %s sees %s", change, who, b.body)
			}
		}
	}
}
