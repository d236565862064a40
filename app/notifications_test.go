package app

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"foyer/xmppd/pep"
)

// json sends a request as the site's pages do.
func (b *browser) json(method, path, body string) *browser {
	b.t.Helper()
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range b.headers {
		req.Header.Set(k, v)
	}
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	b.last, b.body = resp, string(raw)
	return b
}

func subscriptionJSON(t *testing.T, endpoint string) string {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return `{"endpoint":"` + endpoint + `","expirationTime":null,"keys":{"p256dh":"` + enc(key.PublicKey().Bytes()) + `","auth":"` + enc(make([]byte, 16)) + `"}}`
}

func TestPush_Subscribe(t *testing.T) {
	s, base := start(t, nil)
	b := newBrowser(t, base)
	b.json("POST", "/xmpp/push", `{}`).wants(401, "")
	b.signIn("alice")
	b.json("POST", "/xmpp/push", subscriptionJSON(t, "http://10.0.0.1/x")).wants(400, "push service")
	b.json("POST", "/xmpp/push", `{"endpoint":"https://push.example.net/","keys":{"p256dh":"!"}}`).wants(400, "")
	b.headers["Sec-Fetch-Site"] = "cross-site"
	b.json("POST", "/xmpp/push", subscriptionJSON(t, "https://push.example.net/x")).wants(403, "")
	delete(b.headers, "Sec-Fetch-Site")
	if s.push.Wants("alice") {
		t.Error("alice is told")
	}
	b.json("POST", "/xmpp/push", subscriptionJSON(t, "https://push.example.net/x")).wants(204, "")
	if !s.push.Wants("alice") {
		t.Error("alice is not told")
	}
	b.get("/xmpp/conversations/settings").wants(200, `"pushed":true`)
	b.json("DELETE", "/xmpp/push", "").wants(204, "")
	b.get("/xmpp/conversations/settings").wants(200, `"pushed":false`)
}

// heldWatch is a Chat whose server is told to tell no more only when that may go on.
type heldWatch struct {
	Chat
	ending, end chan struct{}
	mu          sync.Mutex
	on          bool
}

func (h *heldWatch) SetPushEnabled(_ context.Context, _ string, on bool) error {
	if !on {
		h.ending <- struct{}{}
		<-h.end
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.on = on
	return nil
}

// One browser is told no more while another begins to be: the chat server goes on telling.
func TestPush_SubscribedMeanwhile(t *testing.T) {
	held := &heldWatch{ending: make(chan struct{}), end: make(chan struct{})}
	_, base := startChanged(t, nil, func(s *Server) { held.Chat, s.chat = s.chat, held })
	one, other := signedInAs(t, base, "alice"), signedInAs(t, base, "alice")
	one.json("POST", "/xmpp/push", subscriptionJSON(t, "https://push.example.net/one")).wants(204, "")
	var leaving sync.WaitGroup
	leaving.Go(func() { one.json("DELETE", "/xmpp/push", "") })
	<-held.ending
	other.json("POST", "/xmpp/push", subscriptionJSON(t, "https://push.example.net/other")).wants(204, "")
	close(held.end)
	leaving.Wait()
	one.wants(204, "")
	if !held.on {
		t.Error("the chat server tells of alice's messages no more")
	}

	leaving.Go(func() { other.json("DELETE", "/xmpp/push", "") })
	<-held.ending
	leaving.Wait()
	if other.wants(204, ""); held.on {
		t.Error("the chat server still tells of alice's messages")
	}
}

func TestConversationSettings(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.get("/xmpp/conversations/settings").wants(401, "")
	b.signIn("alice")
	b.json("POST", "/xmpp/conversations/settings", `{"jid":"garden@conference.localhost","level":"all"}`).wants(204, "")
	b.json("POST", "/xmpp/conversations/settings", `{"jid":"bob@localhost","pinned":true}`).wants(204, "")
	for _, bad := range []string{`{"jid":"bob@elsewhere","level":"all"}`, `{"jid":"bob@localhost/x"}`, `{"jid":"bob@localhost","level":"some"}`, `{"jid":""}`, `[`} {
		b.json("POST", "/xmpp/conversations/settings", bad).wants(400, "")
	}
	b.do("POST", "/xmpp/conversations/settings", map[string][]string{"jid": {"bob@localhost"}}).wants(400, "JSON") // as a form could
	b.get("/xmpp/conversations/settings").wants(200, `{"jid":"bob@localhost","pinned":true,"level":""},{"jid":"garden@conference.localhost","pinned":false,"level":"all"}`)
}

func TestSettings_Notifications(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	b.submit("/settings", "/settings/notifications", "text", "1", "from", "22:00", "until", "07:15", "zone", "Europe/Berlin").wants(303, "")
	b.get("/settings").wants(200, `name="until" value="07:15"`).wants(200, `name="text" value="1" checked`)
	b.get("/xmpp/conversations/settings").wants(200, `"zone":"Europe/Berlin"`).wants(200, `"quietFrom":1320`).wants(200, `"text":true`)
	b.submit("/settings", "/settings/notifications", "from", "22:00").wants(422, "Enter both times")
	b.submit("/settings", "/settings/notifications", "zone", "Nowhere/Land").wants(303, "")
	b.get("/xmpp/conversations/settings").wants(200, `"zone":"UTC"`).wants(200, `"quietFrom":null`).wants(200, `"text":false`)
}

// Conversations with a level of their own are listed, by name, and put back to that of
// others there; a room that one cannot see is nobody's to list.
func TestSettings_Levels(t *testing.T) {
	s, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	if err := s.chat.CreateRoom(t.Context(), "alice", NewRoom{Name: "den", Title: "The den"}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.get("/settings").wants(200, "").body, "<legend>Exceptions") {
		t.Error("nothing is otherwise, and there is a list")
	}
	for jid, level := range map[string]string{"den@conference.localhost": "all", "bob@localhost": "none", "carol@localhost": "all", "other@conference.localhost": "none"} {
		b.json("POST", "/xmpp/conversations/settings", `{"jid":"`+jid+`","level":"`+level+`"}`).wants(204, "")
	}
	b.json("POST", "/xmpp/conversations/settings", `{"jid":"carol@localhost","level":"mentions"}`).wants(400, "no such level") // people do not mention: they say it to one
	b.get("/settings").wants(200, "<span>Bob Baker</span>").wants(200, "<span>The den</span>")
	for _, name := range []string{"Carol", "other@"} {
		if _, list, _ := strings.Cut(b.body, "<legend>Exceptions"); strings.Contains(list, name) {
			t.Error(name, "is listed")
		}
	}
	// A wrong time beside them takes nothing of what was chosen, and keeps nothing of it.
	b.submit("/settings", "/settings/notifications", "sound", "1", "from", "22:00", "level:bob@localhost", "all", "level:den@conference.localhost", "none").wants(422, "Enter both times")
	b.wants(422, `name="sound" value="1" checked`).wants(422, `name="from" value="22:00"`)
	_, den, _ := strings.Cut(b.body, `name="level:den@`)
	bob, _, _ := strings.Cut(b.body[strings.Index(b.body, `name="level:bob@`):], "</select>")
	if den, _, _ = strings.Cut(den, "</select>"); strings.Contains(bob, "selected") || !strings.Contains(den, `"none" selected`) {
		t.Errorf("shown again: %s, %s", bob, den)
	}
	b.get("/xmpp/conversations/settings").wants(200, `"jid":"bob@localhost","pinned":false,"level":"none"`)
	b.submit("/settings", "/settings/notifications", "level:bob@localhost", "all", "level:den@conference.localhost", "none", "level:carol@localhost", "none").wants(303, "")
	b.get("/xmpp/conversations/settings").wants(200, `{"jid":"bob@localhost","pinned":false,"level":"all"},{"jid":"carol@localhost","pinned":false,"level":"all"},{"jid":"den@conference.localhost","pinned":false,"level":"none"}`)

	// What was chosen in the chat since the page was loaded stays, unless the page says otherwise.
	for _, step := range []struct{ chosen, want string }{{"all", "none"}, {"mentions", "mentions"}} {
		b.submit("/settings", "/settings/notifications", "was:den@conference.localhost", "all", "level:den@conference.localhost", step.chosen).wants(303, "")
		b.get("/xmpp/conversations/settings").wants(200, `{"jid":"den@conference.localhost","pinned":false,"level":"`+step.want+`"}`)
	}
	b.json("POST", "/xmpp/conversations/settings", `{"jid":"den@conference.localhost","level":"none"}`).wants(204, "")
	b.get("/settings").wants(200, `name="was:den@conference.localhost" value="none"`)
	b.submit("/settings", "/settings/notifications", "from", "22:00", "was:den@conference.localhost", "all", "level:den@conference.localhost", "all").wants(422, `name="was:den@conference.localhost" value="all"`)
}

// XEP-0492: a level that somebody chooses for a room is in its bookmark, where their apps look.
func TestConversationSettings_InBookmarks(t *testing.T) {
	s, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	store := s.db.PubsubStore()
	bookmark := pep.Item{ID: "lobby@conference.localhost", Payload: []byte(`<conference xmlns="urn:xmpp:bookmarks:1" autojoin="true"/>`)}
	_, err := store.UpdateNode(t.Context(), "alice", pep.NodeBookmarks, []pep.Item{bookmark}, func(n *pep.Node, _ bool) (bool, error) {
		n.Config = pep.NodeConfig{Access: pep.AccessWhitelist, MaxItems: 10, Persist: true, Payloads: true, SendLast: pep.SendNever}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.json("POST", "/xmpp/conversations/settings", `{"jid":"lobby@conference.localhost","level":"none"}`).wants(204, "")
	page, err := store.Items(t.Context(), pep.ItemQuery{User: "alice", Node: pep.NodeBookmarks, Max: 1})
	if err != nil || len(page.Items) != 1 || page.Items[0].Level() != pep.LevelNever {
		t.Errorf("%+v, %v", page.Items, err)
	}
}

// The worker's place is its scope, and browsers ask for a new one at each visit.
func TestServiceWorker(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base).get("/sw.js").wants(200, "notificationclick")
	if h := b.last.Header; h.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(h.Get("Content-Type"), "text/javascript") || h.Get("Content-Security-Policy") == "" {
		t.Errorf("%v", h)
	}
}
