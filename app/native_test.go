package app

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	mechanisms "foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/internal/testcert"
	"foyer/models"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
)

var (
	shownPassword = regexp.MustCompile(`<code class="secret">([^<]+)</code>`)
	revokeLink    = regexp.MustCompile(`/settings/apps/([0-9a-f-]+)/revoke`)
)

// signedInAs returns a browser in which somebody is signed in.
func signedInAs(t testing.TB, base, user string) *browser {
	t.Helper()
	b := newBrowser(t, base)
	b.submit("/signin", "/signin", "username", user, "password", demoPassword)
	if b.last.StatusCode != 303 {
		t.Fatalf("sign-in: %d", b.last.StatusCode)
	}
	return b
}

// appPassword makes one on the settings page.
func (b *browser) appPassword(name string) string {
	b.t.Helper()
	b.submit("/settings", "/settings/apps", "name", name)
	m := shownPassword.FindStringSubmatch(b.body)
	if b.last.StatusCode != 201 || m == nil || b.last.Header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("no password: %d %s", b.last.StatusCode, b.body)
	}
	return m[1]
}

func nativeSite(t testing.TB) (*Server, string) {
	t.Helper()
	return start(t, map[string]string{"XMPP_C2S_ADDR": "localhost:0", "XMPP_C2S_TLS_ADDR": "localhost:0"})
}

// nativeLogin signs in with an independent client, and binds.
func nativeLogin(t testing.TB, s *Server, port int, user, password string, mechanisms ...sasl.Mechanism) (*xmpp.Session, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), streamtest.Timeout)
	defer cancel()
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"xmpp-client"}} // made in memory for the test
	addr := s.native[port].listener.Addr().String()
	var conn net.Conn
	var err error
	features := []xmpp.StreamFeature{xmpp.SASL("", password, mechanisms...), xmpp.BindResource()}
	if s.native[port].options.Direct {
		conn, err = (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", addr)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		features = append(features, xmpp.StartTLS(config))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return xmpp.NewClientSession(ctx, jid.MustParse(user+"@localhost"), conn, features...)
}

// RFC 6120, RFC 5802, XEP-0368 (S-12, S-13, S-17): mellium.im/xmpp signs in with an
// app password over STARTTLS and direct TLS, by every mechanism.
func TestNative_SignIn(t *testing.T) {
	s, base := nativeSite(t)
	b := signedInAs(t, base, "alice")
	passwords := []string{b.appPassword("Phone"), b.appPassword("Laptop")}
	mechanisms := map[string]sasl.Mechanism{
		"SCRAM-SHA-1": sasl.ScramSha1, "SCRAM-SHA-1-PLUS": sasl.ScramSha1Plus,
		"SCRAM-SHA-256": sasl.ScramSha256, "SCRAM-SHA-256-PLUS": sasl.ScramSha256Plus, "PLAIN": sasl.Plain,
	}
	for name, m := range mechanisms {
		for port, password := range passwords {
			session, err := nativeLogin(t, s, port, "alice", password, m)
			if err != nil {
				t.Errorf("%s on port %d: %v", name, port, err)
				continue
			}
			if got := session.LocalAddr(); got.Bare().String() != "alice@localhost" || got.Resourcepart() == "" {
				t.Errorf("%s: bound %s", name, got)
			}
			session.Close()
		}
		for user, password := range map[string]string{"alice": "wrong-wrong-wrong-wrong1", "bob": passwords[0], "zoe": passwords[0]} {
			if _, err := nativeLogin(t, s, 0, user, password, m); err == nil || !strings.Contains(err.Error(), "not-authorized") {
				t.Errorf("%s as %s with a wrong password: %v", name, user, err)
			}
		}
	}
	if _, err := nativeLogin(t, s, 0, "alice", demoPassword, sasl.Plain); err == nil {
		t.Error("the site's password works in mode session")
	}
	b.get("/settings")
	if n := strings.Count(b.body, "Last used"); n < 2 || strings.Contains(b.body, passwords[0]) {
		t.Errorf("%d uses are shown", n)
	}
}

// in mode password an app that prefers SCRAM gets in with the account's own
// password, of which nothing is kept that SCRAM could use.
func TestNative_AccountPassword(t *testing.T) {
	s, _ := start(t, map[string]string{"XMPP_LOGIN": "password", "XMPP_C2S_ADDR": "localhost:0", "XMPP_C2S_TLS_ADDR": "localhost:0"})
	for port := range s.native {
		session, err := nativeLogin(t, s, port, "alice", demoPassword, sasl.ScramSha256Plus, sasl.ScramSha256, sasl.Plain)
		if err != nil {
			t.Fatalf("port %d: %v", port, err)
		}
		session.Close()
	}
}

// What an app signed in with ends its streams at once when it is revoked, and so
// do a new password, a block and a deletion.
func TestNative_Ends(t *testing.T) {
	s, base := nativeSite(t)
	for name, end := range map[string]func(*browser){
		"revoked": func(b *browser) {
			b.get("/settings")
			b.submit("/settings", revokeLink.FindString(b.body))
		},
		"password": func(b *browser) {
			b.submit("/settings", "/settings/password", "current", demoPassword, "password", "a few other words")
		},
		"blocked": func(*browser) {
			a, err := s.db.Accounts.AccountByName(t.Context(), "carol")
			if err != nil || s.db.Accounts.SetBlocked(t.Context(), a.ID, true) != nil {
				t.Fatal(err)
			}
			s.recheck(t.Context()) // nobody told us
		},
		"deleted": func(b *browser) {
			b.submit("/settings", "/settings/delete", "confirm", "dave", "current", demoPassword)
		},
	} {
		user := map[string]string{"revoked": "alice", "password": "bob", "blocked": "carol", "deleted": "dave"}[name]
		b := signedInAs(t, base, user)
		password := b.appPassword("Phone")
		session, err := nativeLogin(t, s, 0, user, password, sasl.ScramSha256)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- session.Serve(nil) }()
		end(b)
		select {
		case <-served:
		case <-time.After(streamtest.Timeout):
			t.Errorf("%s: the stream goes on", name)
		}
		if _, err := nativeLogin(t, s, 0, user, password, sasl.ScramSha256); err == nil {
			t.Errorf("%s: the password still works", name)
		} else if name == "blocked" && !strings.Contains(err.Error(), "account-disabled") {
			t.Errorf("%s: %v", name, err) // S-16
		}
	}
}

func TestAppPasswords_Page(t *testing.T) {
	s, base := nativeSite(t)
	b := signedInAs(t, base, "alice")
	for _, name := range []string{"", "  ", "\u200b\u202e\u200d", strings.Repeat("x", maxAppName+1)} {
		if b.submit("/settings", "/settings/apps", "name", name); b.last.StatusCode != 422 {
			t.Errorf("%q: %d", name, b.last.StatusCode)
		}
	}
	if b.appPassword("My\u202e\u200b phone"); !strings.Contains(b.body, "My phone") {
		t.Errorf("what is not seen is kept: %q", b.body)
	}
	b.appPassword("<Phone>")
	for _, want := range []string{"&lt;Phone&gt;", "alice@localhost", "only once"} {
		if !strings.Contains(b.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if b.get("/settings/apps"); b.last.StatusCode != 303 {
		t.Errorf("reloaded: %d", b.last.StatusCode)
	}
	for range models.MaxAppPasswords - 2 {
		b.appPassword("more")
	}
	if b.submit("/settings", "/settings/apps", "name", "one too many"); b.last.StatusCode != 422 || !strings.Contains(b.body, "20 app passwords") {
		t.Errorf("one too many: %d", b.last.StatusCode)
	}
	// Only one's own can be revoked, and only by a form of ours.
	id := revokeLink.FindStringSubmatch(b.get("/settings").body)[1]
	other := signedInAs(t, base, "bob")
	other.submit("/settings", "/settings/apps/"+id+"/revoke")
	if other.do("POST", "/settings/apps", map[string][]string{"name": {"x"}}); other.last.StatusCode != 403 {
		t.Errorf("without a token: %d", other.last.StatusCode)
	}
	a, err := s.db.Accounts.AccountByName(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.db.Tokens.AppPasswords(t.Context(), a.ID); err != nil || len(list) != models.MaxAppPasswords {
		t.Errorf("%d left, %v", len(list), err)
	}
}

// Without a port for apps there is nothing to make a password for.
func TestAppPasswords_Off(t *testing.T) {
	_, base := start(t, nil)
	b := signedInAs(t, base, "alice")
	if b.get("/settings"); strings.Contains(b.body, `id="apps"`) {
		t.Error("the page offers apps")
	}
	if b.submit("/settings", "/settings/apps", "name", "x"); b.last.StatusCode != 404 {
		t.Errorf("made all the same: %d", b.last.StatusCode)
	}
}

// S-17: salts follow from the name, and are the same with and without an account.
func TestSCRAM_Salt(t *testing.T) {
	s, base := nativeSite(t)
	salt := func(user string) string {
		c, err := s.auth.SCRAM(t.Context(), user, mechanisms.SHA1)
		if err != nil || len(c.Salt) != 16 || c.Iterations != 4096 {
			t.Fatalf("%+v %v", c, err)
		}
		return string(c.Salt)
	}
	before := salt("alice")
	signedInAs(t, base, "alice").appPassword("Phone")
	if salt("alice") != before {
		t.Error("the first password changes the salt, which tells that there is one")
	}
	if first, again := salt("nobody"), salt("nobody"); first != again || first == before {
		t.Error("salts of others")
	}
}

func TestConfig_Native(t *testing.T) {
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"off":                      {nil, ""},
		"no certificate":           {map[string]string{"XMPP_C2S_ADDR": ":5222"}, "XMPP_TLS_CERT is empty"},
		"a certificate":            {map[string]string{"XMPP_C2S_ADDR": ":5222", "XMPP_TLS_CERT": "c", "XMPP_TLS_KEY": "k"}, ""},
		"half a certificate":       {map[string]string{"XMPP_C2S_ADDR": ":5222", "XMPP_TLS_CERT": "c"}, "set both"},
		"no port":                  {map[string]string{"XMPP_C2S_ADDR": "5222", "XMPP_TLS_CERT": "c", "XMPP_TLS_KEY": "k"}, "host:port"},
		"plain for all":            {map[string]string{"XMPP_C2S_ADDR": ":5222", "XMPP_C2S_PLAIN": "true"}, "only on loopback"},
		"plain on loopback":        {map[string]string{"XMPP_C2S_ADDR": "127.0.0.1:5222", "XMPP_C2S_PLAIN": "true"}, ""},
		"plain, and direct TLS":    {map[string]string{"XMPP_C2S_ADDR": "[::1]:5222", "XMPP_C2S_PLAIN": "true", "XMPP_C2S_TLS_ADDR": ":5223"}, "XMPP_TLS_CERT is empty"},
		"development":              {map[string]string{"APP_ENV": "development", "ADDR": "localhost:0", "XMPP_C2S_ADDR": "localhost:5222"}, ""},
		"development for everyone": {map[string]string{"APP_ENV": "development", "ADDR": "localhost:0", "XMPP_C2S_ADDR": ":5222"}, "XMPP_TLS_CERT is empty"},
	} {
		environ := map[string]string{"DATABASE_URL": "postgres://x/y", "XMPP_DOMAIN": "example.org", "BASE_URL": "https://chat.example"}
		for k, v := range c.set {
			environ[k] = v
		}
		_, err := LoadConfig(environ)
		if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// An app password is good over any stream that takes passwords.
func TestPassword_AppPassword(t *testing.T) {
	s, base := nativeSite(t)
	password := signedInAs(t, base, "alice").appPassword("Phone")
	id, err := s.auth.Password(t.Context(), "alice", password, stream.Peer{})
	if err != nil || id.User != "alice" || id.Session == "" || s.auth.Current(t.Context(), id) != nil {
		t.Errorf("%+v %v", id, err)
	}
	if _, err := s.auth.Password(t.Context(), "bob", password, stream.Peer{}); !errors.Is(err, mechanisms.NotAuthorized) {
		t.Errorf("bob: %v", err)
	}
}

// RFC 6120 §13.7.2, RFC 7590 §3.4: what `foyer doctor` says of a certificate.
func TestCheckNative(t *testing.T) {
	later := time.Now().AddDate(0, 1, 0)
	for name, c := range map[string]struct {
		domain string
		until  time.Time
		want   string
	}{
		"good":        {"chat.example", later, ""},
		"wrong name":  {"other.example", later, "must be for chat.example"},
		"expired":     {"chat.example", time.Now().Add(-time.Hour), "expired on"},
		"nearly over": {"chat.example", time.Now().Add(time.Hour), "expires on"},
	} {
		files := testcert.NewUntil(t, c.until, c.domain).Write(t, t.TempDir())
		err := CheckNative(Config{Domain: "chat.example", C2SAddr: ":5222", TLSCert: files.CertFile, TLSKey: files.KeyFile})
		if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := CheckNative(Config{Domain: "h", C2SAddr: ":5222", TLSCert: "/no/such", TLSKey: "/file"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := CheckNative(Config{TLSCert: "/no/such"}); err != nil {
		t.Errorf("off: %v", err)
	}
}

// XEP-0092: apps are told SITE_NAME.
func TestNative_SiteName(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_C2S_ADDR": "localhost:0", "SITE_NAME": "Garden & Shed"})
	session, err := nativeLogin(t, s, 0, "alice", signedInAs(t, base, "alice").appPassword("Phone"), sasl.ScramSha256)
	if err != nil {
		t.Fatal(err)
	}
	names, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- session.Serve(xmpp.HandlerFunc(func(answer xmlstream.TokenReadEncoder, _ *xml.StartElement) error {
			var version struct {
				Name string `xml:"name"`
			}
			err := xml.NewTokenDecoder(answer).Decode(&version)
			names <- version.Name
			return err
		}))
	}()
	t.Cleanup(func() { _ = session.Conn().Close(); <-done })
	if _, err := session.Conn().Write([]byte(`<iq type="get" id="v" to="localhost"><query xmlns="jabber:iq:version"/></iq>`)); err != nil {
		t.Fatal(err)
	}
	select {
	case name := <-names:
		if name != "Garden & Shed" {
			t.Errorf("%q", name)
		}
	case <-time.After(streamtest.Timeout):
		t.Error("no answer")
	}
}
