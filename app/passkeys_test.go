package app

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"foyer/app/auth/passkey/passkeytest"
	"foyer/models"
)

var (
	passkeyOptions = regexp.MustCompile(`data-options="([^"]+)"`)
	passkeyOf      = regexp.MustCompile(`name="of" value="([^"]+)"`)
)

// addPasskey adds a passkey by the settings, up to the browser's answer.
func (b *browser) addPasskey(device *passkeytest.Authenticator, name string) *browser {
	b.t.Helper()
	b.submit("/settings", "/settings/passkeys", "name", name, "current", demoPassword).wants(201, html.EscapeString(name))
	form := url.Values{"csrf": {csrfField.FindStringSubmatch(b.body)[1]}, "of": {passkeyOf.FindStringSubmatch(b.body)[1]}}
	answer, err := device.Make([]byte(html.UnescapeString(passkeyOptions.FindStringSubmatch(b.body)[1])))
	if err != nil {
		b.t.Fatal(err)
	}
	form.Set("answer", answer)
	return b.do("POST", "/settings/passkeys/add", form)
}

// usePasskey signs in by a passkey from the sign-in page.
func (b *browser) usePasskey(device *passkeytest.Authenticator, fields ...string) *browser {
	b.t.Helper()
	b.submit("/signin", "/signin/passkey/start").wants(200, "")
	var asked struct {
		Of      string
		Options json.RawMessage
	}
	if err := json.Unmarshal([]byte(b.body), &asked); err != nil {
		b.t.Fatal(err)
	}
	answer, err := device.Use(asked.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.submit("/signin", "/signin/passkey", append(fields, "of", asked.Of, "answer", answer)...)
}

func TestPasskeys(t *testing.T) {
	_, base := start(t, nil)
	alice := newBrowser(t, base).signIn("alice")
	alice.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"
	alice.get("/settings").wants(200, "Add a passkey").wants(200, `value="Firefox on Windows"`)
	for _, c := range [][3]string{{"", demoPassword, "Say which device"}, {strings.Repeat("x", 61), demoPassword, "Say which device"}, {"Laptop", "wrong", "not your password"}, {"Laptop", "", "not your password"}} {
		alice.submit("/settings", "/settings/passkeys", "name", c[0], "current", c[1]).wants(422, c[2])
	}
	alice.submit("/settings", "/settings/passkeys/add", "answer", "{}").wants(422, "answered already").wants(422, `value="Firefox on Windows"`)
	device := passkeytest.New(base)
	alice.addPasskey(device, "Laptop & co").wants(303, "")
	alice.get("/settings").wants(200, "The passkey has been added.").wants(200, "Laptop &amp; co").wants(200, "Never used")
	for _, path := range []string{"/settings/passkeys", "/settings/passkeys/add"} { // reloaded
		if alice.get(path).wants(303, ""); alice.last.Header.Get("Location") != "/settings#passkeys" {
			t.Errorf("%s leads to %s", path, alice.last.Header.Get("Location"))
		}
	}

	// All is as after any other way to sign in.
	b := newBrowser(t, base)
	b.get("/signin").wants(200, `autocomplete="username webauthn"`).wants(200, `data-site="localhost"`)
	b.usePasskey(device, "next", "/people", "trusted", "1").wants(303, "")
	if c := b.cookies["foyer"]; b.last.Header.Get("Location") != "/people" || c == nil || !c.HttpOnly || time.Until(c.Expires) < 29*24*time.Hour {
		t.Errorf("to %s with %+v", b.last.Header.Get("Location"), c)
	}
	if b.cookies["foyer-device"] == nil {
		t.Error("the device is not known")
	}
	for name := range b.cookies {
		if strings.HasPrefix(name, "foyer-passkey-") {
			t.Errorf("%s stays", name)
		}
	}
	b.get("/xmpp/me").wants(200, "alice")
	b.get("/settings").wants(200, "This device").wants(200, "Last used")
	b.usePasskeyElsewhere(device)

	// Refused, on the page where one tries again.
	stranger := newBrowser(t, base)
	foreign := *device
	foreign.Origin = "https://evil.example"
	stranger.usePasskey(&foreign).wants(422, "was not accepted")
	stranger.get("/signin/passkey").wants(303, "")
	stranger.submit("/signin", "/signin/passkey", "of", "x", "answer", "{}").wants(422, "took too long")
	stranger.do("POST", "/signin/passkey/start", url.Values{}).wants(403, "") // not from a page of ours

	// Removed by its owner alone, with what was signed in by it.
	id := strings.SplitN(strings.SplitN(alice.get("/settings").body, `href="/settings/passkeys/`, 2)[1], "/remove", 2)[0]
	bob := newBrowser(t, base).signIn("bob")
	bob.get("/settings/passkeys/"+id+"/remove").wants(404, "not one of your passkeys")
	bob.submit("/settings", "/settings/passkeys/"+id+"/remove").wants(303, "")
	b.wantsUser("alice")
	alice.get("/settings/passkeys/"+id+"/remove").wants(200, "Laptop &amp; co")
	alice.submit("/settings/passkeys/"+id+"/remove", "/settings/passkeys/"+id+"/remove").wants(303, "")
	alice.get("/settings").wants(200, "The passkey has been removed.")
	b.wantsUser("")
	b.usePasskey(device).wants(422, "opens no account here")
}

// usePasskeyElsewhere answers in another browser than in that which was asked.
func (b *browser) usePasskeyElsewhere(device *passkeytest.Authenticator) {
	b.t.Helper()
	one := newBrowser(b.t, b.base)
	one.submit("/signin", "/signin/passkey/start").wants(200, "")
	var asked struct {
		Of      string
		Options json.RawMessage
	}
	if err := json.Unmarshal([]byte(one.body), &asked); err != nil {
		b.t.Fatal(err)
	}
	answer, err := device.Use(asked.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	newBrowser(b.t, b.base).submit("/signin", "/signin/passkey", "of", asked.Of, "answer", answer).wants(422, "took too long")
}

func TestPasskeys_Blocked(t *testing.T) {
	s, base := start(t, nil)
	device := passkeytest.New(base)
	newBrowser(t, base).signIn("carol").addPasskey(device, "Phone").wants(303, "")
	account, err := s.db.Accounts.AccountByName(t.Context(), "carol")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.auth.SetBlocked(t.Context(), account, true); err != nil {
		t.Fatal(err)
	}
	newBrowser(t, base).usePasskey(device).wants(403, "Your account here is blocked")
}

// Where there are none, pages do not speak of them.
func TestPasskeys_NotHere(t *testing.T) {
	for what, settings := range map[string]map[string]string{
		"off":        {"PASSKEYS": "false"},
		"an address": {"BASE_URL": "http://127.0.0.1:3000"},
		"typed":      {"XMPP_LOGIN": "typed", "XMPP_UPSTREAM": "xmpp://127.0.0.1:1"},
	} {
		t.Run(what, func(t *testing.T) {
			s, l := listening(t, settings, func(*Server) {})
			serveUntilEnd(t, s, l)
			b := newBrowser(t, "http://"+l.Addr().String())
			if b.get("/signin"); strings.Contains(b.body, "asskey") || strings.Contains(b.body, "webauthn") {
				t.Errorf("the sign-in page: %s", b.body)
			}
			b.submit("/signin", "/signin/passkey/start").wants(404, "")
			b.submit("/signin", "/signin/passkey").wants(404, "")
			b.signIn("alice")
			if b.get("/settings"); strings.Contains(b.body, "asskey") {
				t.Error("the settings")
			}
			b.submit("/settings", "/settings/passkeys", "name", "Laptop", "current", demoPassword).wants(404, "")
			b.submit("/settings", "/settings/passkeys/add").wants(404, "")
		})
	}
}

// One browser has four questions open, and one address begins so many sign-ins.
func TestPasskeys_Challenges(t *testing.T) {
	met := make(told, 10)
	s, base := startChanged(t, nil, func(s *Server) { s.passkeys.asked = newAskedPasskeys(met) })
	b := newBrowser(t, base)
	for range maxChallenges + 2 {
		b.submit("/signin", "/signin/passkey/start").wants(200, "")
	}
	open := 0
	for name, c := range b.cookies {
		if strings.HasPrefix(name, "foyer-passkey-") {
			open++
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || time.Until(c.Expires) > 5*time.Minute || len(c.Value) > 1024 {
				t.Errorf("%d bytes: %+v", len(c.Value), c)
			}
		}
	}
	if open != maxChallenges {
		t.Errorf("%d are open", open)
	}
	s.passkeys.asked.Charge("127.0.0.1", askedBurst)
	b.submit("/signin", "/signin/passkey/start").wants(429, "from your network")
	if len(met) == 0 {
		t.Error("nobody is told")
	}
}

func TestPasskeys_TooMany(t *testing.T) {
	s, base := start(t, nil)
	b := newBrowser(t, base).signIn("dave")
	account, err := s.db.Accounts.AccountByName(t.Context(), "dave")
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := s.db.Sessions.Of(t.Context(), account.ID)
	if err != nil || len(sessions) != 1 {
		t.Fatal(sessions, err)
	}
	for i := range models.MaxPasskeys - 1 {
		p := models.Passkey{AccountID: account.ID, Site: "old.example.org", CredentialID: []byte{byte(i), 1}, PublicKey: []byte{1}, Name: "Laptop"}
		if err := s.db.Passkeys.Create(t.Context(), &p, sessions[0].ID, models.SessionBasis{PasswordVersion: account.PasswordVersion}); err != nil {
			t.Fatal(err)
		}
	}
	b.get("/settings").wants(200, "For old.example.org, does not work here")
	b.addPasskey(passkeytest.New(base), "The last").wants(303, "")
	b.submit("/settings", "/settings/passkeys", "name", "One more", "current", demoPassword).wants(422, "as many as there can be")
}
