package app

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/app/auth/oidc/oidctest"
	"foyer/internal/stream/streamtest"

	"github.com/fasthttp/websocket"
)

// logOut has the provider say that somebody is out, and returns the answer's status.
func logOut(t testing.TB, base, token string) *browser {
	t.Helper()
	return newBrowser(t, base).do("POST", "/signin/with/idp/logout", url.Values{"logout_token": {token}})
}

// signedInBy returns a browser of somebody whom the provider has signed in.
func signedInBy(t testing.TB, idp *oidctest.Provider, base, subject, session string) *browser {
	t.Helper()
	claims := map[string]any{"sub": subject, "preferred_username": subject, "name": subject}
	if session != "" {
		claims["sid"] = session
	}
	person(idp, claims)
	b := newBrowser(t, base).through("/signin/with/idp").wants(303, "")
	b.wantsUser(subject)
	return b
}

// TestBackChannel: OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8.
func TestBackChannel(t *testing.T) {
	idp, _, base := providerSite(t, nil)
	one, two := signedInBy(t, idp, base, "zoe", "s-1"), signedInBy(t, idp, base, "zoe", "s-2")
	unnamed, yan := signedInBy(t, idp, base, "zoe", ""), signedInBy(t, idp, base, "yan", "s-3")
	alice := newBrowser(t, base).signIn("alice")

	// A session of somebody else's is not theirs to end, and ends nothing.
	logOut(t, base, idp.LogoutToken("yan", "s-1")).wants(200, "")
	one.wantsUser("zoe")

	// One session; and what began without one.
	token := idp.LogoutToken("zoe", "s-1")
	answer := logOut(t, base, token).wants(200, "")
	if answer.last.Header.Get("Cache-Control") != "no-store" {
		t.Error(answer.last.Header)
	}
	one.wantsUser("")
	unnamed.wantsUser("")
	two.wantsUser("zoe")
	yan.wantsUser("yan")
	alice.wantsUser("alice")

	// The word counts once.
	again := signedInBy(t, idp, base, "zoe", "s-4")
	logOut(t, base, token).wants(400, "used before")
	again.wantsUser("zoe")

	// Nobody gets in by a session that ended, not even by a sign-in that was on its way.
	person(idp, map[string]any{"sub": "zoe", "preferred_username": "zoe", "sid": "s-1"})
	late := newBrowser(t, base).through("/signin/with/idp")
	late.wantsUser("")

	// All of a person's.
	logOut(t, base, idp.LogoutToken("zoe", "")).wants(200, "")
	two.wantsUser("")
	again.wantsUser("")
	// By the session alone.
	logOut(t, base, idp.LogoutToken("", "s-3")).wants(200, "")
	yan.wantsUser("")
	// Of somebody who was never here: it is done.
	logOut(t, base, idp.LogoutToken("nobody", "")).wants(200, "")
	alice.wantsUser("alice")
}

// TestBackChannel_Refused: what is no logout token ends nothing.
func TestBackChannel_Refused(t *testing.T) {
	idp, _, base := providerSite(t, nil)
	zoe := signedInBy(t, idp, base, "zoe", "s-1")
	withNonce := idp.LogoutClaims("zoe", "s-1")
	withNonce["nonce"] = "n"
	good := idp.LogoutToken("zoe", "s-1")
	for name, form := range map[string]url.Values{
		"nothing": {}, "empty": {"logout_token": {""}}, "nonsense": {"logout_token": {"a.b.c"}}, "two": {"logout_token": {good, good}},
		"with a nonce": {"logout_token": {idp.Sign(withNonce, map[string]any{"typ": "logout+jwt"})}},
		"an ID token":  {"logout_token": {idp.Sign(idp.Claims("n", "a"), nil)}},
		"another's":    {"logout_token": {oidctest.Start(t).LogoutToken("zoe", "s-1")}},
		"long":         {"logout_token": {strings.Repeat("x", 20<<10)}},
	} {
		b := newBrowser(t, base).do("POST", "/signin/with/idp/logout", form)
		if b.last.StatusCode != http.StatusBadRequest || b.last.Header.Get("Cache-Control") != "no-store" || !strings.Contains(b.body, "invalid_request") {
			t.Error(name, b.last.Status, b.body)
		}
	}
	newBrowser(t, base).do("POST", "/signin/with/idp/logout?logout_token="+url.QueryEscape(good), url.Values{}).wants(400, "")
	newBrowser(t, base).do("POST", "/signin/with/none/logout", url.Values{"logout_token": {good}}).wants(404, "")
	newBrowser(t, base).do("POST", "/signin/with/idp/logout", url.Values{"logout_token": {strings.Repeat("x", 200<<10)}}).wants(413, "")
	zoe.wantsUser("zoe")
}

// carrier is a chat on one of the ways that there are. It returns what waits until it has ended.
type carrier func(t *testing.T, s *Server, b *browser) (ended <-chan string)

// TestBackChannel_Chats: the provider's word ends every chat that somebody has, on every carrier, and none is
// taken up again. How long that takes is printed, and not tested: a busy machine is no fault.
func TestBackChannel_Chats(t *testing.T) {
	for name, c := range map[string]struct {
		login   string
		carrier carrier
	}{
		"WebSocket": {"session", overWebSocket}, "BOSH": {"session", overBOSH}, "prebound": {"prebind", overPrebound}, "native, FAST": {"session", overNative},
	} {
		t.Run(name, func(t *testing.T) {
			idp, s, base := providerSite(t, map[string]string{"XMPP_LOGIN": c.login, "XMPP_C2S_ADDR": "localhost:0", "XMPP_C2S_TLS_ADDR": "localhost:0"})
			zoe := signedInBy(t, idp, base, "alice-z", "s-1")
			ended := c.carrier(t, s, zoe)
			began := time.Now()
			logOut(t, base, idp.LogoutToken("alice-z", "")).wants(200, "")
			select {
			case how := <-ended:
				t.Logf("%s: ended %v after the provider's word: %s", name, time.Since(began).Round(time.Millisecond), how)
			case <-time.After(streamtest.Timeout):
				t.Error("it goes on")
			}
			zoe.wantsUser("")
		})
	}
}

// wsChat is a chat over WebSocket.
type wsChat struct {
	t    testing.TB
	conn *websocket.Conn
}

func (b *browser) talk() *wsChat {
	b.t.Helper()
	header := http.Header{"Origin": {b.base}}
	for _, c := range b.cookies {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	conn, _, err := (&websocket.Dialer{Subprotocols: []string{"xmpp"}}).Dial("ws"+strings.TrimPrefix(b.base, "http")+"/xmpp-websocket", header)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
	return &wsChat{b.t, conn}
}

// ask says something, and reads until an answer has a word.
func (w *wsChat) ask(raw, word string) string {
	w.t.Helper()
	if err := w.conn.WriteMessage(websocket.TextMessage, []byte(raw)); err != nil {
		w.t.Fatal(err)
	}
	for {
		_, answer, err := w.conn.ReadMessage()
		if err != nil {
			w.t.Fatalf("no %s: %v", word, err)
		}
		if strings.Contains(string(answer), word) {
			return string(answer)
		}
	}
}

// untilEnd reads until the stream has ended.
func (w *wsChat) untilEnd() string {
	said := ""
	for {
		_, answer, err := w.conn.ReadMessage()
		if err != nil {
			return said + " " + err.Error()
		}
		if strings.Contains(string(answer), "error") {
			said = string(answer)
		}
	}
}

const wsOpen = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>`

func overWebSocket(t *testing.T, _ *Server, b *browser) <-chan string {
	w := b.talk()
	w.ask(wsOpen, "EXTERNAL")
	w.ask(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`, "success")
	w.ask(wsOpen, "xmpp-bind")
	w.ask(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`, "<jid>")
	enabled := w.ask(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`, "<enabled")
	ended := make(chan string, 1)
	go func() {
		how := w.untilEnd()
		// Nobody takes it up again: without a session there is not even a way to sign in.
		again := b.talk()
		if features := again.ask(wsOpen, "features"); strings.Contains(features, "EXTERNAL") {
			t.Errorf("after %s: %s", enabled, features)
		}
		ended <- how
	}()
	return ended
}

func (b *browser) bosh(body string) string {
	r, err := http.NewRequest(http.MethodPost, b.base+"/http-bind", strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "text/xml")
	r.Header.Set("Origin", b.base)
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: streamtest.Timeout}
	answer, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

const boshNS = `xmlns="http://jabber.org/protocol/httpbind"`

func overBOSH(t *testing.T, _ *Server, b *browser) <-chan string {
	opened := b.bosh(`<body ` + boshNS + ` rid="1000" to="localhost" wait="30" hold="1" ver="1.6" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"/>`)
	_, sid, _ := strings.Cut(opened, ` sid="`)
	sid, _, _ = strings.Cut(sid, `"`)
	if !strings.Contains(opened, "EXTERNAL") || sid == "" {
		t.Fatal(opened)
	}
	say := func(rid, more, what string) string {
		return b.bosh(`<body ` + boshNS + ` rid="` + rid + `" sid="` + sid + `" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh" ` + more + `>` + what + `</body>`)
	}
	has(t, say("1001", "", `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`), "success")
	has(t, say("1002", `xmpp:restart="true"`, ""), "xmpp-bind")
	has(t, say("1003", "", `<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`), "<jid>")
	return polled(say, "1004", "1005")
}

func overPrebound(t *testing.T, _ *Server, b *browser) <-chan string {
	b.get("/xmpp/prebind").wants(200, "sid")
	var session struct {
		SID string
		RID int
	}
	if err := json.Unmarshal([]byte(b.body), &session); err != nil {
		t.Fatal(err)
	}
	rid := func(n int) string { return strconv.Itoa(session.RID + n) }
	say := func(rid, more, what string) string {
		return b.bosh(`<body ` + boshNS + ` rid="` + rid + `" sid="` + session.SID + `" ` + more + `>` + what + `</body>`)
	}
	has(t, say(rid(0), "", `<iq xmlns="jabber:client" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>`), `id="p"`)
	return polled(say, rid(1), rid(2))
}

// polled waits in a poll, as an idle page does, until the session has ended, and sees that it is not there any more.
func polled(say func(rid, more, what string) string, rid, next string) <-chan string {
	ended := make(chan string, 1)
	go func() {
		how := say(rid, "", "")
		if !strings.Contains(how, "terminate") {
			how = say(next, "", "")
		}
		if strings.Contains(how, "terminate") {
			ended <- how
		}
	}()
	return ended
}

// overNative signs in by an app password, and then by the token that it brought.
func overNative(t *testing.T, s *Server, b *browser) <-chan string {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00alice-z\x00" + b.appPassword("Phone")))
	c := s.rawClientOf(t, "alice-z")
	c.send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="PLAIN"><initial-response>` + plain + `</initial-response>` + agent + `<request-token xmlns="urn:xmpp:fast:0" mechanism="HT-SHA-256-EXPR"/></authenticate>`)
	secret := c.expect(`<success xmlns="urn:xmpp:sasl:2"><authorization-identifier>alice-z@localhost</authorization-identifier><token xmlns="urn:xmpp:fast:0" token="{token}" expiry="*"/></success>`)["token"]
	const bind = `<bind xmlns="urn:xmpp:bind:0"><tag>Test</tag><enable xmlns="urn:xmpp:sm:3" resume="1"/></bind>`
	c = s.rawClientOf(t, "alice-z")
	c.token(secret, bind)
	if got := string(c.read().Raw); !strings.Contains(got, "<bound") {
		t.Fatal(got)
	}
	ended := make(chan string, 1)
	go func() {
		el, err := c.reader.Next()
		for err == nil && el.Name.Local != "error" {
			el, err = c.reader.Next()
		}
		how := "the connection was closed"
		if err == nil {
			how = string(el.Raw)
		}
		again := s.rawClientOf(t, "alice-z")
		again.token(secret, bind)
		if got := string(again.read().Raw); !strings.Contains(got, "not-authorized") {
			t.Error("the token still opens a session:", got)
		}
		ended <- how
	}()
	return ended
}
