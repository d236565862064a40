package app

import (
	"net/http"
	"testing"
)

// an address or a form whose letters are none is refused, and is no failure of
// the site.
func TestPlainText(t *testing.T) {
	_, base := start(t, nil)
	b := signedInAs(t, base, "alice")
	for _, path := range []string{
		"/people?after=%00", "/people?after=%ff", "/people?q=%ff", "/rooms?after=%ff", "/rooms/%ff", "/rooms/%00", "/people?%ff=x", "/?%zz%00",
	} {
		b.get(path).wants(http.StatusBadRequest, "")
	}
	for action, fields := range map[string][]string{
		"/rooms":              {"name", "a", "about", "\xff"},
		"/rooms/x/invite":     {"user", "\x00"},
		"/people/%ff/contact": nil,
		"/settings/apps":      {"name", "a\x00b"},
		"/settings/profile":   {"name", "\xff"},
	} {
		b.submit("/", action, fields...).wants(http.StatusBadRequest, "")
	}
	b.get("/people?q=%F0%9F%A6%8A+%D0%BA").wants(http.StatusOK, "")
}

// what the chat of a page asks is held to the same, and is answered as JSON.
func TestPlainText_Chat(t *testing.T) {
	_, base := start(t, nil)
	b := signedInAs(t, base, "alice")
	for _, path := range []string{
		"/xmpp/rooms?q=%ff", "/xmpp/rooms?after=%00", "/xmpp/rooms?after=%ff", "/xmpp/find?q=%ff", "/xmpp/find?user=%00", "/xmpp/search?q=%00", "/xmpp/search?q=%ff",
		"/xmpp/search?q=a&with=%00", "/xmpp/search?q=a&room=%ff", "/xmpp/people/%00", "/xmpp/people/%ff", "/xmpp/rooms/%ff/people",
	} {
		b.get(path).wants(http.StatusBadRequest, `{"error":"`)
	}
	for path, body := range map[string]string{
		"/xmpp/rooms/den/invite":       `{"user":"bo\u0000b"}`,
		"/xmpp/rooms":                  `{"name":"a\\\u0000"}`,
		"/xmpp/conversations/settings": `{"jid":"\u0000"}`,
	} {
		b.json("POST", path, body).wants(http.StatusBadRequest, `{"error":"`)
	}
	b.json("POST", "/xmpp/rooms", `{"name":"How to write \\u0000"}`).wants(http.StatusCreated, `{"jid":"`)
	b.get("/xmpp/find?q=%F0%9F%A6%8A+%D0%BA").wants(http.StatusOK, `{"conversations":[]}`)
}

// A browser's description is kept as far as it is text.
func TestSignIn_StrangeUserAgent(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.headers["User-Agent"] = "B\xff\xfe"
	b.submit("/signin", "/signin", "username", "alice", "password", demoPassword).wants(http.StatusSeeOther, "")
}

// no page is kept by a cache; a visitor's, too, has the token of a form.
func TestPages_NotKept(t *testing.T) {
	_, base := start(t, nil)
	for _, path := range []string{"/", "/signin", "/signup", "/nowhere", "/settings"} {
		v := newBrowser(t, base).get(path)
		if got := v.last.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}

// What stands in for a picture is of letters and digits, where a name has any; e2e/page/avatars.test.mjs has the same cases.
func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Bob Baker": "BB", "Maximiliane von und zu Hohenstein": "MV", "dave": "D", "محمد عبد الرحمن": "مع",
		"Eve 🌻": "E", "🌻 Eve 🌷 Evans": "EE", "🌻eve": "E", "(dave) 2nd": "D2", "🌻🌷": "🌻", " ": "?",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
