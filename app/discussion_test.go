package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/budget"
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

// What was deleted is marked, for everybody without a word of it and without a name; it was edited no more, and an answer says so.
func TestDiscussion_Deleted(t *testing.T) {
	s, base := start(t, nil)
	s.sayInRoom(t, "lobby", "Bob", "first slug", "")
	s.sayInRoom(t, "lobby", "Bob", "second slug", `<replace id="s-first slug" xmlns="urn:xmpp:message-correct:0"/>`)
	list, _, err := s.db.Conversations.RoomMessages(t.Context(), s.roomJID("lobby"), uuid.Max, 10)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	s.sayInRoom(t, "lobby", "Carol", "so it is", `<reply xmlns="urn:xmpp:reply:0" id="`+list[1].ID.String()+`"/>`)
	visitor := newBrowser(t, base)
	visitor.get("/articles/garden").wants(200, "Reply to <bdi>Bob</bdi>")
	takesBack := archive.Entry{
		ID: uuid.Must(uuid.NewV7()), Owner: s.roomJID("lobby"), With: "bob@localhost", Resource: "Bob", Outgoing: true, StanzaID: "r", Body: "fallback", IsRetraction: true,
		Stanza:   []byte(`<message xmlns="jabber:client" type="groupchat"><body>fallback</body><retract xmlns="urn:xmpp:message-retract:1" id="x"/></message>`),
		Retracts: &archive.Retraction{IDs: []uuid.UUID{list[0].ID, list[1].ID}, By: "r", At: time.Now()},
	}
	if err := s.db.Stores("localhost", models.RosterEveryone).Archive.Append(t.Context(), []archive.Entry{takesBack}); err != nil {
		t.Fatal(err)
	}
	clear(s.discussions.latest)
	visitor.get("/articles/garden").wants(200, "so it is")
	if n := strings.Count(visitor.body, "Deleted message"); n != 1 {
		t.Errorf("%d are marked as deleted", n)
	}
	visitor.wants(200, `<a class="said-answered" href="#said-`+list[1].ID.String()+`">Reply to a deleted message</a>`)
	for _, gone := range []string{"slug", "fallback", "Bob", "edited"} {
		if strings.Contains(visitor.body, gone) {
			t.Errorf("%s is shown: %s", gone, visitor.body)
		}
	}
}

// A page may have several rooms, and one of them twice: each id is there once, and what refers to one finds it in its own part.
func TestDiscussion_Several(t *testing.T) {
	s, base := startChanged(t, nil, func(s *Server) {
		if _, err := s.views.Templates.New("article").Parse(`{{room "lobby"}}<hr>{{room "shed"}}<hr>{{room "lobby"}}`); err != nil {
			t.Fatal(err)
		}
	})
	if err := AddSiteRoom(t.Context(), s.db, models.NewSiteRoom{Name: "shed", Title: "Shed", OnPages: true}); err != nil {
		t.Fatal(err)
	}
	for i := range discussionSize + 1 {
		s.sayInRoom(t, "lobby", "Bob", fmt.Sprintf("of the lobby %d.", i), "")
	}
	list, _, err := s.db.Conversations.RoomMessages(t.Context(), s.roomJID("lobby"), uuid.Max, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	s.sayInRoom(t, "lobby", "Carol", "indeed", `<reply xmlns="urn:xmpp:reply:0" id="`+list[0].ID.String()+`"/>`)
	s.sayInRoom(t, "shed", "Bob", "of the shed", "")
	visitor := newBrowser(t, base)
	visitor.get("/articles/garden").wants(200, "of the shed")
	parts := strings.Split(visitor.body, "<hr>")
	if len(parts) != 3 {
		t.Fatal(visitor.body)
	}
	for i, said := range []string{"of the lobby 30.", "of the shed", "of the lobby 30."} {
		if !strings.Contains(parts[i], said) || strings.Contains(parts[i], "of the shed") != (i == 1) {
			t.Errorf("part %d: %s", i, parts[i])
		}
	}
	ids := make(map[string]int) // in which part
	for i, part := range parts {
		for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(part, -1) {
			if _, twice := ids[id[1]]; twice {
				t.Errorf("%s is there twice", id[1])
			}
			ids[id[1]] = i
		}
	}
	refers := regexp.MustCompile(`(?:href="[^"#]*#|aria-labelledby=")((?:room|said)[^"]*)"`)
	for i, want := range []int{3, 1, 3} { // its heading, what is earlier, what is answered
		found := refers.FindAllStringSubmatch(parts[i], -1)
		for _, to := range found {
			if in, ok := ids[to[1]]; !ok || in != i {
				t.Errorf("part %d refers to %s in %d, %v", i, to[1], in, ok)
			}
		}
		if len(found) != want {
			t.Errorf("part %d refers to %d: %v", i, len(found), found)
		}
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
	clear(s.discussions.latest)
	visitor.get("/articles/garden").wants(200, "And the moles?")
	visitor.wants(200, "<bdi>Dave</bdi> plants <strong>leeks</strong>")
	answered := `<a class="said-answered" href="#said-` + id + `">Reply to <bdi>Bob</bdi>: <q dir="auto">Straw keeps the snails in, and so on</q></a>`
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

// askedChat counts what it is asked, and answers when open is closed.
type askedChat struct {
	Chat
	mu    sync.Mutex
	asked map[discussionPage]int
	began chan discussionPage
	open  chan struct{}
}

func newAskedChat() *askedChat {
	return &askedChat{asked: map[discussionPage]int{}, began: make(chan discussionPage, 10*maxKnown), open: make(chan struct{})}
}

func (c *askedChat) Discussion(_ context.Context, room string, before uuid.UUID, _ int) (Discussion, error) {
	page := discussionPage{room, before}
	c.mu.Lock()
	c.asked[page]++
	c.mu.Unlock()
	c.began <- page
	<-c.open
	return Discussion{Title: room}, nil
}

// A page of a discussion, of the latest or of what was said earlier, is read once in a while, and however
// many there are, only so many are kept, the last ones; who reads on and on does not push out the latest.
func TestDiscussion_Kept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat, d := newAskedChat(), newDiscussions(nil)
		close(chat.open)
		get := func(before uuid.UUID) {
			t.Helper()
			if got, err := d.get(t.Context(), chat, "192.0.2.1", "garden", before); err != nil || got.Title != "garden" {
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
		ids := make([]uuid.UUID, 3*maxKnown)
		for i := range ids {
			ids[i] = uuid.Must(uuid.NewV7())
			time.Sleep(time.Millisecond) // on the test's own clock
			get(ids[i])
		}
		for _, id := range append(ids[2*maxKnown:], uuid.Max) {
			get(id)
			if n := chat.asked[discussionPage{"garden", id}]; n != 1 {
				t.Fatalf("a page that is kept was asked for %d times", n)
			}
		}
		if n := len(d.earlier); n != maxKnown {
			t.Errorf("%d pages are kept", n)
		}
		time.Sleep(discussionKnown)
		if get(uuid.Max); chat.asked[discussionPage{"garden", uuid.Max}] != 2 {
			t.Error("what is old is shown")
		}
	})
}

// However many look at a page at the same moment, it is read once; that the first of them leaves takes it from nobody else.
func TestDiscussion_AtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat, d := newAskedChat(), newDiscussions(nil)
		first, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := d.get(first, chat, "192.0.2.1", "garden", uuid.Max)
			left <- err
		}()
		<-chat.began
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if got, err := d.get(t.Context(), chat, "192.0.2.2", "garden", uuid.Max); err != nil || got.Title != "garden" {
					t.Errorf("%+v %v", got, err)
				}
			})
		}
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(chat.open)
		all.Wait()
		if n := chat.asked[discussionPage{"garden", uuid.Max}]; n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// Whoever asks for what was said before ids that nobody has read yet, one after the other or all at once, pays for it
// alone: others get theirs, and the latest is there for all.
func TestDiscussion_EarlierPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := budget.NewLimitLog(slog.New(slog.DiscardHandler))
		chat, d := newAskedChat(), newDiscussions(ledger)
		get := func(payer string, before uuid.UUID) {
			if _, err := d.get(t.Context(), chat, payer, "garden", before); err != nil {
				t.Error(err)
			}
		}
		var all sync.WaitGroup
		for range earlierBurst + earlierPerSecond {
			all.Go(func() { get("192.0.2.1", uuid.New()) })
		}
		synctest.Wait()
		if n := len(chat.asked); n != earlierReads {
			t.Errorf("%d are read at once", n)
		}
		all.Go(func() { get("192.0.2.2", uuid.New()) })
		all.Go(func() { get("192.0.2.1", uuid.Max) })
		synctest.Wait()
		if n := len(chat.asked); n != earlierReads+2 {
			t.Errorf("others wait: %d are read", n)
		}
		began := time.Now()
		close(chat.open)
		all.Wait()
		if took := time.Since(began); took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("%d pages took %v", earlierBurst+earlierPerSecond, took)
		}
		if met := ledger.Take(); len(met) != 1 || met[0].Last != "192.0.2.1" {
			t.Errorf("met %+v", met)
		}
	})
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
		clear(s.discussions.latest)
		for who, b := range map[string]*browser{"a visitor": visitor, "bob": bob} {
			if b.get("/articles/garden").wants(200, `class="discussion"`); strings.Contains(b.body, "secret") || (who == "a visitor" && strings.Contains(b.body, "Lobby")) {
				t.Errorf("with %s %s sees %s", change, who, b.body)
			}
		}
	}
}
