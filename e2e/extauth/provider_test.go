package extauth

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foyer/app/auth/oidc/oidctest"
	"foyer/e2e/peers"
	"foyer/internal/stream/streamtest"

	"github.com/fasthttp/websocket"
)

// Somebody comes in by an OpenID Connect provider, and chats at a Prosody that asks the site who they are. When the
// provider says that they are out, the relay ends their chat, and nothing opens another one (OpenID Connect
// Back-Channel Logout 1.0 §2.7).
func TestProsody_ProviderLogout(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), peers.FreePort(t)
	idp := oidctest.Start(t)
	idp.Person = map[string]any{"sub": "z-1", "sid": "s-1", "preferred_username": "zoe", "name": "Zoe"}
	s := newSiteWith(t, dir, map[string]string{
		"XMPP_UPSTREAM": "xmpp://" + peers.Addr(port), "XMPP_AUTH_DOVECOT": "unix:" + filepath.Join(dir, "dovecot"), "XMPP_AUTH_ACCEPT": "token",
		"OIDC_PROVIDERS": "idp", "OIDC_IDP_ISSUER": idp.URL, "OIDC_IDP_CLIENT_ID": oidctest.ClientID, "OIDC_IDP_CLIENT_SECRET": oidctest.ClientSecret,
	})
	packaged(t).start(t, prosodyOptions{socket: filepath.Join(dir, "dovecot"), port: port}) // it asks as soon as it starts
	v := s.visitor()
	v.get("/signin/with/idp?next=/settings") // and back, as browsers follow redirects
	conn := v.dial()
	v.say(conn, wsOpen, "EXTERNAL")
	v.say(conn, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>`, "success")
	v.say(conn, wsOpen, "xmpp-bind")
	v.say(conn, `<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`, "zoe@"+domain+"/")

	began := time.Now()
	res, err := v.http.PostForm(v.base+"/signin/with/idp/logout", url.Values{"logout_token": {idp.LogoutToken("z-1", "s-1")}})
	v.body(res, err)
	said := ""
	for err == nil {
		var raw []byte
		_, raw, err = conn.ReadMessage()
		said += string(raw)
	}
	t.Logf("through the relay: ended %v after the provider's word: %v", time.Since(began).Round(time.Millisecond), err)
	if !strings.Contains(said, "not-authorized") {
		t.Error(said, err)
	}
	v.say(v.dial(), wsOpen, "features")
	if res, err := v.http.Get(v.base + "/xmpp/me"); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Error(res, err)
	} else {
		res.Body.Close()
	}
}

const wsOpen = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + domain + `" version="1.0"/>`

// dial opens a WebSocket as the visitor's page does.
func (v *visitor) dial() *websocket.Conn {
	v.t.Helper()
	base, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	header := http.Header{"Origin": {v.base}}
	for _, c := range v.http.Jar.Cookies(base) {
		header.Add("Cookie", c.String())
	}
	conn, _, err := (&websocket.Dialer{Subprotocols: []string{"xmpp"}}).Dial("ws://"+base.Host+"/xmpp-websocket", header)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
	return conn
}

// say says something, and reads until an answer has a word.
func (v *visitor) say(conn *websocket.Conn, raw, word string) {
	v.t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(raw)); err != nil {
		v.t.Fatal(err)
	}
	for {
		_, answer, err := conn.ReadMessage()
		if err != nil {
			v.t.Fatalf("no %s: %v", word, err)
		}
		if strings.Contains(string(answer), word) {
			return
		}
	}
}
