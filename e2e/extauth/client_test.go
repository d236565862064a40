package extauth

import (
	"testing"

	"foyer/e2e/peers"
)

// attempt is one login, and what is expected of it.
type attempt struct {
	what, user, password string
	authzid              string
	want                 string // the address; or the SASL condition
}

// try makes the attempts at a server.
func try(t *testing.T, addr, domain string, attempts ...attempt) {
	t.Helper()
	for _, a := range attempts {
		s, got := peers.SignIn(t, addr, domain, a.authzid, a.user, a.password)
		if s != nil {
			got = s.JID
			s.Close()
		}
		if got != a.want {
			t.Errorf("%s: %s, want %s", a.what, got, a.want)
		}
	}
}
