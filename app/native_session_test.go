package app

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"

	"mellium.im/sasl"
)

// whatever signed in to the chat with the account's password, or with a token
// of the operator, is among somebody's devices, and ends as they do: by a new
// password, by "sign out everywhere else", by its own button. So do tokens that
// nobody has used yet.
func TestNative_StreamsAreDevices(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_LOGIN": "password", "XMPP_C2S_ADDR": "localhost:0"})
	token := func(user string) string {
		t.Helper()
		account, err := s.db.Accounts.AccountByName(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := s.auth.OperatorToken(t.Context(), account, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	own := regexp.MustCompile(`/settings/sessions/[0-9a-f-]+/end`)
	for user, end := range map[string]func(*browser){
		"alice": func(b *browser) {
			b.submit("/settings", "/settings/password", "current", demoPassword, "password", "a few other words").wants(303, "")
		},
		"bob": func(b *browser) { b.submit("/settings", "/settings/sessions/others/end").wants(303, "") },
		"carol": func(b *browser) {
			for action := own.FindString(b.get("/settings").body); action != ""; action = own.FindString(b.get("/settings").body) {
				b.submit("/settings", action).wants(303, "")
			}
		},
	} {
		b := signedInAs(t, base, user)
		unused := token(user)
		var ended []chan error
		for _, secret := range []string{demoPassword, token(user)} {
			session, err := nativeLogin(t, s, 0, user, secret, sasl.Plain)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- session.Serve(nil) }()
			ended = append(ended, served)
		}
		s.recheck(t.Context()) // they stand
		b.get("/settings").wants(200, "A chat app, with your password")
		if n := strings.Count(b.body, "A sign-in token from"); n != 3*2 { // each with the names of its details and its button
			t.Errorf("%s: %d mentions of tokens", user, n)
		}
		end(b)
		for i, served := range ended {
			select {
			case <-served:
			case <-time.After(streamtest.Timeout):
				t.Errorf("%s: stream %d lives on", user, i)
			}
		}
		if _, err := nativeLogin(t, s, 0, user, unused, sasl.Plain); err == nil || !strings.Contains(err.Error(), "not-authorized") {
			t.Errorf("%s: an unused token: %v", user, err)
		}
		b.get("/settings").wants(200, "This device")
	}
}
