package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// What a message says in one line of the list.
func TestPreview(t *testing.T) {
	for body, want := range map[string]struct{ text, kind string }{
		`<body>two` + "\n" + `  lines</body>`:                                                                     {"two lines", ""},
		`<body>https://h/upload/1f/holiday%20photo.jpg</body>`:                                                    {"holiday photo.jpg", "file"},
		`<body>https://h/upload/1f/0123456789abcdef0123</body>`:                                                   {"", "file"},
		`<body>see https://h/upload/1f/a.jpg</body>`:                                                              {"see https://h/upload/1f/a.jpg", ""},
		`<body>https://h/upload/1f/cat.png isn't she lovely</body>`:                                               {"https://h/upload/1f/cat.png isn't she lovely", ""},
		`<body>https://h/upload</body>`:                                                                           {"https://h/upload", ""},
		`<body>https://h/upload/</body>`:                                                                          {"https://h/upload/", ""},
		`<body>https://example.org/news</body>`:                                                                   {"https://example.org/news", ""},
		`<body>cannot be read here</body><encrypted xmlns="urn:xmpp:omemo:2"/>`:                                   {"", "encrypted"},
		`<body>cannot be read here</body><encrypted xmlns="eu.siacs.conversations.axolotl"><header/></encrypted>`: {"", "encrypted"},
		`<body>/me retracted a message</body><retract xmlns="urn:xmpp:message-retract:1" id="a"/>`:                {"", "deleted"},
		`<retracted xmlns="urn:xmpp:message-retract:1" id="r" stamp="2026-11-27T04:00:00Z"/>`:                     {"", "deleted"},
		// An answer, without what it answers (XEP-0461 §3.1), in characters.
		`<body>&gt; è?
yes</body><reply xmlns="urn:xmpp:reply:0" id="a"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="5"/></fallback>`: {"yes", ""},
		`<body>yes</body><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="2" end="9"/></fallback>`: {"yes", ""},
		// Without marks of styling (XEP-0393), and with an @ before who is named (XEP-0372).
		`<body>*Bring* the _big ` + "`~`" + ` pot_, ~not~ 2 * 3 * 4</body>`: {"Bring the big ~ pot, not 2 * 3 * 4", ""},
		`<body>&gt; quoted
` + "```" + `
a *b*
` + "```" + `</body>`: {"quoted a *b*", ""},
		`<body>*no marks*</body><unstyled xmlns="urn:xmpp:styling:0"/>`: {"*no marks*", ""},
		`<body>&gt; è?
🎉 Bob Baker, @Carol</body><reference xmlns="urn:xmpp:reference:0" type="mention" begin="8" end="17"/><reference xmlns="urn:xmpp:reference:0" type="mention" begin="19" end="25"/><reply xmlns="urn:xmpp:reply:0" id="a"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="5"/></fallback>`: {"🎉 @Bob Baker, @Carol", ""},
		`<body>` + strings.Repeat("é", 100) + `</body>`: {strings.Repeat("é", 60) + "…", ""},
	} {
		m, err := stream.Parse([]byte(`<message xmlns="jabber:client">`+body+`</message>`), stream.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if text, kind := preview(m); text != want.text || kind != want.kind {
			t.Errorf("%s: %q, %q", body, text, kind)
		}
	}
}

// Whom one talked with and the rooms one belongs to; for nobody else, and not for
// visitors.
func TestConversations(t *testing.T) {
	_, base := start(t, nil)
	visitor, alice := newBrowser(t, base), signedInAs(t, base, "alice")
	alice.submit("/", "/rooms", "name", "Surprise party", "who", "invited")
	if alice.get("/xmpp/conversations"); !strings.Contains(alice.body, `"name":"Surprise party","room":true,"private":true`) {
		t.Error(alice.body)
	}
	// RFC 9110 §13.1.2: a page that has the answer is told that it is still right.
	tag := alice.last.Header.Get("ETag")
	alice.headers["If-None-Match"] = tag
	asked := time.Now()
	if alice.get("/xmpp/conversations"); alice.last.StatusCode != 304 || tag == "" {
		t.Errorf("%d for %q", alice.last.StatusCode, tag)
	}
	// What time it is: its own clock may be wrong.
	ms, _ := strconv.ParseInt(alice.last.Header.Get("Foyer-Time"), 10, 64)
	if at := time.UnixMilli(ms); at.Before(asked.Truncate(time.Millisecond)) || at.After(time.Now()) {
		t.Errorf("at %v it says that it is %v", asked, at)
	}
	delete(alice.headers, "If-None-Match")
	for _, further := range []string{"x", "-100", "9223372036854775807", "99999999999999999999"} {
		alice.get("/xmpp/conversations?further="+further).wants(200, "Surprise party")
	}
	alice.submit("/", "/rooms", "name", "Another party", "who", "invited")
	if alice.get("/xmpp/conversations"); !strings.Contains(alice.body, "Another party") {
		t.Error(alice.last.StatusCode, alice.body)
	}
	if alice.get("/xmpp/find?q=bob"); !strings.Contains(alice.body, `"jid":"bob@localhost","name":"Bob Baker"`) {
		t.Error(alice.body)
	}
	if alice.get("/xmpp/find?user=bob"); !strings.HasPrefix(alice.body, `{"conversations":[{"jid":"bob@localhost","name":"Bob Baker",`) {
		t.Error(alice.body)
	}
	if alice.get("/xmpp/find?user=bo"); alice.body != `{"conversations":[]}` {
		t.Error(alice.body)
	}
	alice.get("/xmpp/find?user=BOB").wants(200, `"jid":"bob@localhost"`) // as /chat/with takes it
	// Several at once, so many at most: a page names those together whom the chat server does not.
	if alice.get("/xmpp/find?user=carol&user=nobody&user=&user=bob&user=bob"); strings.Count(alice.body, `"jid":`) != 2 || !strings.Contains(alice.body, `"jid":"carol@localhost","name":"Carol Costa"`) {
		t.Error(alice.body)
	}
	named := "/xmpp/find?user=bob" + strings.Repeat("&user=x", maxNamed-1)
	alice.get(named).wants(200, "Bob Baker")
	alice.get(named+"&user=x").wants(400, "At most 50 people")
	bob := signedInAs(t, base, "bob")
	for _, path := range []string{"/xmpp/conversations", "/xmpp/find?q=surprise", "/xmpp/find?user=surprise"} {
		if bob.get(path); strings.Contains(bob.body, "Surprise") || !strings.Contains(bob.body, `"conversations":[`) {
			t.Errorf("%s: %s", path, bob.body)
		}
		if visitor.get(path); visitor.last.StatusCode != 401 {
			t.Errorf("%s: %d", path, visitor.last.StatusCode)
		}
	}
}

// Somebody who has talked with 1,500 people gets to all of them, as a page asks while one scrolls: first a hundred, then ever more.
func TestConversations_Many(t *testing.T) {
	s, base := start(t, nil)
	alice := signedInAs(t, base, "alice")
	const people = 1500
	var said []archive.Entry
	for i := range people {
		name := fmt.Sprint("p", i)
		if err := s.db.Accounts.CreateAccount(t.Context(), &models.Account{Username: name, Name: "Person " + name, PasswordHash: "x"}); err != nil {
			t.Fatal(err)
		}
		e := archive.Entry{Owner: "alice@localhost", With: name + "@localhost", Outgoing: true, StanzaID: name, Body: "Hello", Stanza: []byte(`<message xmlns="jabber:client"><body>Hello</body></message>`)}
		var err error
		if e.ID, err = uuid.NewV7(); err != nil {
			t.Fatal(err)
		}
		said = append(said, e)
	}
	if err := s.db.Stores("localhost", models.RosterNone).Archive.Append(t.Context(), said); err != nil {
		t.Fatal(err)
	}
	ask := func(further int) (list []Conversation, more bool) {
		t.Helper()
		var answer struct {
			Conversations []Conversation
			More          bool
		}
		alice.get(fmt.Sprint("/xmpp/conversations?further=", further))
		if err := json.Unmarshal([]byte(alice.body), &answer); err != nil {
			t.Fatal(alice.last.StatusCode, err)
		}
		return slices.DeleteFunc(answer.Conversations, func(c Conversation) bool { return c.Room }), answer.More
	}
	further := 0
	for ; ; further = max(2*further, 100) {
		list, more := ask(further)
		if want := min(people, maxConversations+further); len(list) != want || more != (want < people) {
			t.Fatalf("%d further: %d people, more %t", further, len(list), more)
		}
		names := make(map[string]bool)
		for i, c := range list {
			names[c.JID] = true
			if i > 0 && c.at().After(list[i-1].at()) {
				t.Fatalf("%d further: number %d is later than the one before", further, i)
			}
		}
		if len(names) != len(list) {
			t.Errorf("%d further: somebody is there twice", further)
		}
		if !more {
			break
		}
	}
	if further != 1600 {
		t.Errorf("%d further ones were asked for at last", further)
	}
}

// heldLists is a Chat that counts what is unread when it is told to.
type heldLists struct {
	Chat
	counting, count chan struct{}
}

func (h heldLists) Unread(ctx context.Context, viewer string, max int) (map[string]UnreadCount, error) {
	h.counting <- struct{}{}
	<-h.count
	return h.Chat.Unread(ctx, viewer, max)
}

// An account has so many lists made at once, and others theirs.
func TestConversations_Bounded(t *testing.T) {
	held := heldLists{counting: make(chan struct{}), count: make(chan struct{})}
	s, base := startChanged(t, nil, func(s *Server) { held.Chat, s.chat = s.chat, &held })
	var all sync.WaitGroup
	for range maxConcurrentLists {
		alice := signedInAs(t, base, "alice")
		all.Go(func() { alice.get("/xmpp/conversations") })
	}
	for range maxConcurrentLists {
		<-held.counting
	}
	if _, ok := s.conversations.lists.TryAcquire("alice", 1); ok {
		t.Error("one more is made")
	}
	if release, ok := s.conversations.lists.TryAcquire("bob", 1); !ok {
		t.Error("somebody else waits")
	} else {
		release()
	}
	close(held.count)
	all.Wait()
}
