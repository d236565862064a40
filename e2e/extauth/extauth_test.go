package extauth

import (
	"testing"
	"time"

	"foyer/e2e/peers"
)

const (
	refused = "not-authorized"
	alice   = "alice@" + domain
)

// Prosody asks the site as it would ask Dovecot, with what Debian ships.
func TestProsody_Dovecot(t *testing.T) {
	t.Parallel()
	releases := []func(*testing.T) prosody{packaged}
	if *full {
		releases = append(releases, newer)
	}
	for _, release := range releases {
		p := release(t)
		t.Run(p.version, func(t *testing.T) {
			t.Parallel()
			asksAsDovecot(t, p)
		})
	}
}

func asksAsDovecot(t *testing.T, p prosody) {
	s := newSite(t)
	addr, _ := p.start(t, prosodyOptions{socket: s.path("dovecot")})
	temporary, signed := s.temporaryToken("alice"), s.signedToken("alice")
	late := s.signedToken("bob")
	if _, err := s.db.Sessions.EndSessions(t.Context(), s.account("bob").ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.auth.SetBlocked(t.Context(), s.account("carol"), true); err != nil {
		t.Fatal(err)
	}
	try(t, addr, domain,
		attempt{what: "the password", user: "alice", password: password, want: alice},
		attempt{what: "a wrong one", user: "alice", password: "wrong", want: refused},
		attempt{what: "nobody", user: "nobody", password: password, want: refused},
		attempt{what: "an app password", user: "alice", password: s.appPassword("alice"), want: alice},
		attempt{what: "a temporary token", user: "alice", password: temporary, want: alice},
		attempt{what: "the same again", user: "alice", password: temporary, want: refused},
		attempt{what: "a signed token", user: "alice", password: signed, want: alice},
		attempt{what: "the same again", user: "alice", password: signed, want: refused},
		attempt{what: "a token of somebody who signed out", user: "bob", password: late, want: refused},
		attempt{what: "somebody else's token", user: "bob", password: s.signedToken("alice"), want: refused},
		attempt{what: "a blocked account", user: "carol", password: password, want: refused},
		attempt{what: "as somebody else", authzid: "bob@" + domain, user: "alice", password: password, want: "invalid-authzid"},
	)
}

// ejabberd checks tokens by itself with the site's public key, and asks about everything
// else through foyer extauth, which finds the site again after it was restarted.
func TestEjabberd(t *testing.T) {
	t.Parallel()
	releases := map[string]func(testing.TB) peers.EjabberdRelease{"Debian's": peers.Ejabberd}
	if *full {
		releases["of Debian's backports"] = peers.NewerEjabberd
	}
	for version, release := range releases {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			checksAndAsks(t, release(t))
		})
	}
}

func checksAndAsks(t *testing.T, release peers.EjabberdRelease) {
	s := newSite(t)
	addr := startEjabberd(t, release, s)
	if err := s.auth.SetBlocked(t.Context(), s.account("carol"), true); err != nil {
		t.Fatal(err)
	}
	temporary := s.temporaryToken("alice")
	try(t, addr, domain,
		attempt{what: "the password", user: "alice", password: password, want: alice},
		attempt{what: "a wrong one", user: "alice", password: "wrong", want: refused},
		attempt{what: "nobody", user: "nobody", password: password, want: refused},
		attempt{what: "an app password", user: "alice", password: s.appPassword("alice"), want: alice},
		attempt{what: "a temporary token", user: "alice", password: temporary, want: alice},
		attempt{what: "the same again", user: "alice", password: temporary, want: refused},
		attempt{what: "a signed token", user: "alice", password: s.signedToken("alice"), want: alice},
		attempt{what: "somebody else's token", user: "bob", password: s.signedToken("alice"), want: refused},
		attempt{what: "a blocked account", user: "carol", password: password, want: refused},
		attempt{what: "as somebody else", authzid: "bob@" + domain, user: "alice", password: s.signedToken("alice"), want: refused},
	)

	// isuser: a message for somebody who never signed in here is kept for them.
	from, _ := peers.SignIn(t, addr, domain, "", "alice", s.signedToken("alice"))
	from.Send("<message to='bob@" + domain + "' type='chat'><body>hello</body></message>")
	from.Send("<message to='nobody@" + domain + "' type='chat'><body>is there anybody?</body></message>")
	if bounced := from.Message(); bounced.From != "nobody@"+domain {
		t.Errorf("%+v", bounced)
	}
	to, _ := peers.SignIn(t, addr, domain, "", "bob", password)
	to.Send("<presence/>")
	if got := to.Message(); got.Body != "hello" {
		t.Errorf("%+v", got)
	}

	s.stop()
	signedIn := make(chan string, 1)
	go func() {
		_, refusal := peers.SignIn(t, addr, domain, "", "alice", password)
		signedIn <- refusal
	}()
	s.start()
	select {
	case refusal := <-signedIn:
		if refusal != "" {
			t.Error("while the site was restarted:", refusal)
		}
	case <-time.After(time.Minute):
		t.Error("nobody is signed in after the site was restarted")
	}
}
