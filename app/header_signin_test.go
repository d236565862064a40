package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"foyer/app/doctor"
)

func behindProxy(t testing.TB, more map[string]string) (*Server, string) {
	t.Helper()
	settings := map[string]string{"HEADER_SIGNIN": "X-Forwarded-User", "HEADER_SIGNIN_GROUPS": "X-Forwarded-Groups", "HEADER_SIGNIN_ADMIN_GROUPS": "boss", "TRUSTED_PROXIES": "127.0.0.1 ::1"}
	for k, v := range more {
		settings[k] = v
	}
	return start(t, settings)
}

// wantsUser says as whom the browser's pages are shown.
func (b *browser) wantsUser(name string) *browser {
	b.t.Helper()
	b.get("/xmpp/me")
	if name == "" {
		return b.wants(401, "")
	}
	return b.wants(200, `"`+name+`"`)
}

// A proxy that is trusted says who it is, with every request.
func TestHeaderSignIn(t *testing.T) {
	s, base := behindProxy(t, nil)
	b := newBrowser(t, base)
	b.get("/settings").wants(303, "")
	b.headers["X-Forwarded-User"], b.headers["X-Forwarded-Groups"] = "zoe", "staff, boss"
	b.get("/settings").wants(200, "zoe")
	b.wantsUser("zoe")
	if zoe, err := s.db.Accounts.AccountByName(t.Context(), "zoe"); err != nil || !zoe.Admin || zoe.OwnAdmin || zoe.PasswordHash != "" {
		t.Errorf("%+v %v", zoe, err)
	}
	if members, err := s.db.Accounts.GroupMembers(t.Context(), "staff"); err != nil || len(members) != 1 {
		t.Errorf("%v %v", members, err)
	}

	// Without the header the cookie is worth nothing, and with it again it stands.
	session := b.cookies["foyer"].Value
	delete(b.headers, "X-Forwarded-User")
	b.wantsUser("")
	b.headers["X-Forwarded-User"] = "zoe"
	b.wantsUser("zoe")

	// Another person's header ends it, for streams as for pages.
	b.headers["X-Forwarded-User"] = "yan"
	b.wantsUser("")
	if _, _, err := s.auth.Session(t.Context(), session); err == nil {
		t.Error("the session goes on")
	}
	b.get("/settings").wants(200, "yan")
	b.wantsUser("yan")

	// Who signs out stays so, until a click.
	b.submit("/settings", "/signout").wants(303, "")
	b.get("/settings").wants(303, "")
	b.get("/signin").wants(200, "/signin/with/header")
	b.get("/signin/with/header?next=/settings").wants(303, "")
	b.get("/settings").wants(200, "yan")

	// A name that is taken is not given: the account of that name is somebody else's.
	delete(b.cookies, "foyer")
	b.headers["X-Forwarded-User"] = "alice"
	b.get("/").wants(303, "")
	if to := b.last.Header.Get("Location"); to != "/signin/name?of="+b.pending()+"&next=%2F" {
		t.Errorf("sent to %s", to)
	}
	of := b.pending()
	b.submit("/signin/name?of="+of, "/signin/name", "of", of, "username", "alice").wants(422, "not available")
	b.submit("/signin/name?of="+of, "/signin/name", "of", of, "username", "alice.w", "next", "/chat").wants(303, "")
	b.wantsUser("alice.w")
}

// A session that began by a password ends when the proxy names somebody else.
func TestHeaderSignIn_OtherSession(t *testing.T) {
	_, base := behindProxy(t, nil)
	b := newBrowser(t, base).signIn("alice")
	b.wantsUser("alice")
	b.headers["X-Forwarded-User"] = "zoe"
	b.wantsUser("")
	delete(b.headers, "X-Forwarded-User")
	b.wantsUser("")
}

// Nobody but a trusted proxy is believed, and nothing that only looks like the header is it.
func TestHeaderSignIn_Spoofed(t *testing.T) {
	_, elsewhere := behindProxy(t, map[string]string{"TRUSTED_PROXIES": "192.0.2.1"})
	_, base := behindProxy(t, nil)
	for _, c := range []struct {
		what, base string
		headers    http.Header
		status     int // of a page for members
	}{
		{"from an address that is no proxy's", elsewhere, http.Header{"X-Forwarded-User": {"zoe"}}, 303},
		{"who says they came through one", elsewhere, http.Header{"X-Forwarded-User": {"zoe"}, "X-Forwarded-For": {"192.0.2.1"}}, 303},
		{"an underscore", base, http.Header{"X_Forwarded_User": {"zoe"}}, 303},
		{"an empty header", base, http.Header{"X-Forwarded-User": {" "}}, 303},
		{"twice", base, http.Header{"X-Forwarded-User": {"zoe", "alice"}}, 400},
		{"twice, in other letters", base, http.Header{"X-Forwarded-User": {"zoe"}, "x-forwarded-user": {"alice"}}, 400},
		{"two in one", base, http.Header{"X-Forwarded-User": {"zoe, alice"}}, 400},
		{"what foyer doctor tries", base, http.Header{"X-Forwarded-User": {doctor.ForgedPerson}}, 400},
		{"twice the same", base, http.Header{"X-Forwarded-User": {"zoe", "zoe"}}, 400},
		{"other letters", base, http.Header{"x-forwarded-USER": {"zoe"}}, 200},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/settings", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = c.headers
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.what, resp.StatusCode, c.status)
		}
	}
}

// The settings that would let anybody be anybody are refused.
func TestHeaderSignIn_Settings(t *testing.T) {
	for _, settings := range []map[string]string{
		{"TRUSTED_PROXIES": ""}, {"TRUSTED_PROXIES": "0.0.0.0/0"}, {"TRUSTED_PROXIES": "127.0.0.1", "HEADER_SIGNIN": "X_User"},
		{"TRUSTED_PROXIES": "127.0.0.1", "XMPP_LOGIN": "typed"}, {"TRUSTED_PROXIES": "127.0.0.1", "SIGNUP_SOURCES": "keycloak"},
	} {
		environ := map[string]string{"APP_ENV": "development", "HEADER_SIGNIN": "X-User"}
		for k, v := range settings {
			environ[k] = v
		}
		if _, err := LoadConfig(environ); err == nil {
			t.Errorf("%v is taken", settings)
		}
	}
}

// The gateway itself reads what comes later on a BOSH client's connection, and checks the
// header with each request as well: of a new session, and of one that there is.
func TestHeaderSignIn_LaterOnABOSHConnection(t *testing.T) {
	s, base := behindProxy(t, nil)
	b := newBrowser(t, base)
	b.headers["X-Forwarded-User"] = "bob.h"
	b.get("/settings").wants(200, "bob.h")
	cookie := "foyer=" + b.cookies["foyer"].Value
	create := `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="localhost" ver="1.11" wait="10" hold="1" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"/>`

	connect := func() func(body string, headers ...string) string {
		nc, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		r := bufio.NewReader(nc)
		return func(body string, headers ...string) string {
			t.Helper()
			headers = append(headers, "Host: localhost", "Origin: "+base, "Cookie: "+cookie, fmt.Sprint("Content-Length: ", len(body)))
			if _, err := io.WriteString(nc, "POST /http-bind HTTP/1.1\r\n"+strings.Join(headers, "\r\n")+"\r\n\r\n"+body); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
	}
	post := connect()
	offered := func(what string, is bool, headers ...string) {
		t.Helper()
		if got := post(create, headers...); strings.Contains(got, "EXTERNAL") != is {
			t.Errorf("%s: %s", what, got)
		}
	}
	offered("the first request", true, "X-Forwarded-User: bob.h")
	offered("a later one", true, "X-Forwarded-User: bob.h")
	offered("without the header", false)
	offered("an empty header", false, "X-Forwarded-User: ")
	offered("of another name", false, "X_Forwarded_User: bob.h")
	offered("two people", false, "X-Forwarded-User: bob.h", "X-Forwarded-User: alice")
	offered("in other letters", true, "x-forwarded-user: bob.h")

	created := post(create, "X-Forwarded-User: bob.h")
	_, sid, _ := strings.Cut(created, ` sid="`)
	sid, _, _ = strings.Cut(sid, `"`)
	next := `<body xmlns="http://jabber.org/protocol/httpbind" rid="2" sid="` + sid + `"><auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth></body>`
	if got := post(next); !strings.Contains(got, "item-not-found") {
		t.Errorf("a session goes on without the header: %s", got)
	}
	if got := post(next, "X-Forwarded-User: bob.h"); !strings.Contains(got, "<success") {
		t.Errorf("with the header: %s", got)
	}
	offered("another person's header", false, "X-Forwarded-User: alice")
	if _, _, err := s.auth.Session(t.Context(), b.cookies["foyer"].Value); err == nil {
		t.Error("another person's header does not end the session")
	}

	_, elsewhere := behindProxy(t, map[string]string{"TRUSTED_PROXIES": "192.0.2.1"})
	base = elsewhere
	b = newBrowser(t, base).signIn("alice")
	cookie = "foyer=" + b.cookies["foyer"].Value
	post = connect()
	offered("a session of the site's own", true)
	offered("whom nobody trusts", true, "X-Forwarded-User: bob.h")
}
