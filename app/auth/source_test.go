package auth

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"foyer/models"
	"foyer/token"
)

// testSource is a source that says what the test has it say, by the user name that is typed
// or brought back. It is safe for concurrent use.
type testSource struct {
	name string
	way  SignInMethod

	mu     sync.Mutex
	people map[string]Person // by login; the password is testPassword
	asked  []string          // logins whose password came
	gone   []string          // subjects
	err    error
}

func (ts *testSource) Name() string         { return ts.name }
func (ts *testSource) Label() string        { return "The " + ts.name }
func (ts *testSource) Method() SignInMethod { return ts.way }

func (ts *testSource) Start(_ context.Context, b RedirectRequest) (Redirect, error) {
	return Redirect{URL: "https://id.example/?back=" + b.Callback, State: "state of " + ts.name}, nil
}

func (ts *testSource) Finish(_ context.Context, a Answer) (Person, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	login := a.Form("username")
	ts.asked = append(ts.asked, login)
	p, there := ts.people[login]
	switch {
	case ts.err != nil:
		return Person{}, ts.err
	case !there || a.Form("password") != testPassword:
		return Person{}, ErrInvalidCredentials
	}
	return p, nil
}

func (ts *testSource) Inactive(_ context.Context, list []Identity) (gone []Identity, err error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, i := range list {
		if slices.Contains(ts.gone, i.Subject) {
			gone = append(gone, i)
		}
	}
	return gone, ts.err
}

func newTestSource(name string, way SignInMethod, logins ...string) *testSource {
	ts := &testSource{name: name, way: way, people: map[string]Person{}}
	for _, login := range logins {
		ts.people[login] = Person{Subject: "id of " + login, Login: login}
	}
	return ts
}

func from(sources ...Source) func(*Config) { return func(c *Config) { c.Sources = sources } }

func form(name, password string) Answer {
	fields := map[string]string{"username": name, "password": password}
	return Answer{Form: func(f string) string { return fields[f] }, From: Client{Address: "192.0.2.1"}}
}

// who signs somebody in and returns the account that opened.
func (s *site) who(in SignedIn, err error) (string, error) {
	if err != nil {
		return "", err
	}
	_, account, err := s.Session(context.Background(), in.Secret)
	return account.Username, err
}

// A typed password is shown to one source only, and the name says to which.
func TestSignInByForm_OneSource(t *testing.T) {
	dir := newTestSource("directory", ByForm, "alice", "bob", `CORP\alice`)
	s := newSite(t, from(dir))
	s.account("alice")
	for _, c := range []struct {
		name, password string
		asked          bool
		account        string
	}{
		{"alice", testPassword, false, "alice"},
		{"alice", "wrong", false, ""}, // although the directory knows an alice
		{"Alice", "wrong", false, ""},
		{"bob", testPassword, true, "bob"},
		{"bob", "wrong", true, ""},
		{"bob", "", false, ""}, // RFC 4513 §5.1.2: an empty password proves nothing
		{"nobody", testPassword, true, ""},
		{"", testPassword, false, ""},
	} {
		dir.asked = nil
		name, err := s.who(s.SignInByForm(t.Context(), form(c.name, c.password), Device{}))
		if (len(dir.asked) > 0) != c.asked || name != c.account || (c.account == "") != errors.Is(err, ErrInvalidCredentials) {
			t.Errorf("%q %q: %q %v; the directory was asked for %q", c.name, c.password, name, err, dir.asked)
		}
	}
	// The directory's alice is somebody else, and comes in by what is no user name here.
	_, err := s.SignInByForm(t.Context(), form(`CORP\alice`, testPassword), Device{})
	choose, ok := errors.AsType[*ChooseNameError](err)
	if !ok {
		t.Fatal(err)
	}
	person, err := s.UsernameChoice(t.Context(), choose.Secret)
	if err != nil || person.Login != `CORP\alice` {
		t.Errorf("%+v %v", person, err)
	}
	_, err = s.ChooseUsername(t.Context(), choose.Secret, "alice", Device{})
	is(t, err, ErrUsernameTaken)
	if name, err := s.who(s.ChooseUsername(t.Context(), choose.Secret, "alice.c", Device{})); err != nil || name != "alice.c" {
		t.Errorf("%q %v", name, err)
	}
	_, err = s.ChooseUsername(t.Context(), choose.Secret, "another", Device{})
	is(t, err, ErrGone)
	// A chat client knows the name here, and the directory the one there.
	p, err := s.verifyTyped(t.Context(), "signin", "alice.c", testPassword, Client{App: true, Address: "192.0.2.9"})
	if err != nil || p.account.Username != "alice.c" {
		t.Errorf("%+v %v", p, err)
	}
}

// What a source says of somebody whatever the password is, is told where they have signed in
// before, and to nobody else; it counts as a failure for both.
func TestSignInByForm_Withheld(t *testing.T) {
	dir := newTestSource("directory", ByForm, "bob")
	s := newSite(t, from(dir))
	in, err := s.SignInByForm(t.Context(), form("bob", testPassword), Device{})
	if err != nil {
		t.Fatal(err)
	}
	const reason = Refusal("Your account is locked.")
	dir.err = &HiddenReasonError{Reason: reason}
	_, err = s.SignInByForm(t.Context(), form("bob", testPassword), Device{})
	if _, told := errors.AsType[Refusal](err); told || !errors.Is(err, ErrInvalidCredentials) {
		t.Errorf("to a stranger: %v", err)
	}
	known := form("bob", testPassword)
	known.From.Device = in.Device
	for range FailuresPerAccount {
		_, err = s.SignInByForm(t.Context(), known, Device{})
		is(t, err, reason)
	}
	_, err = s.SignInByForm(t.Context(), known, Device{})
	if _, ok := errors.AsType[*ThrottledError](err); !ok {
		t.Errorf("too often: %v", err)
	}
	// Another person's browser is a stranger's.
	s.account("eve")
	eve, err := s.SignInByForm(t.Context(), form("eve", testPassword), Device{})
	if err != nil {
		t.Fatal(err)
	}
	stranger := form("bob", testPassword)
	stranger.From = Client{Address: "192.0.2.2", Device: eve.Device}
	_, err = s.SignInByForm(t.Context(), stranger, Device{})
	is(t, err, ErrInvalidCredentials)
}

// Failures are bounded before the directory is asked.
func TestSignInByForm_Throttle(t *testing.T) {
	dir := newTestSource("directory", ByForm, "bob", "bob@corp.example")
	s := newSite(t, from(dir))
	for _, name := range []string{"bob", "Bob@corp.example"} {
		dir.asked = nil
		for range FailuresPerAccount {
			_, err := s.SignInByForm(t.Context(), form(name, "wrong"), Device{})
			is(t, err, ErrInvalidCredentials)
		}
		_, err := s.SignInByForm(t.Context(), form(name, testPassword), Device{})
		if _, ok := errors.AsType[*ThrottledError](err); !ok || len(dir.asked) != FailuresPerAccount {
			t.Errorf("%s: %v after %d questions", name, err, len(dir.asked))
		}
	}
	dir.err = ErrUnreachable // which is no failure of the person's
	for range FailuresPerAccount + 1 {
		_, err := s.SignInByForm(t.Context(), form("carol", "wrong"), Device{})
		is(t, err, ErrUnreachable)
	}
}

// Only issuer and subject find an account: neither a name nor what somebody is called.
func TestSignIn_Resolve(t *testing.T) {
	one, other := newTestSource("one", ByRedirect, "alice"), newTestSource("other", ByRedirect, "alice")
	s := newSite(t, from(one, other))
	name, err := s.who(s.SignIn(t.Context(), one, form("alice", testPassword), Device{}))
	if err != nil || name != "alice" {
		t.Fatalf("%q %v", name, err)
	}
	_, err = s.SignIn(t.Context(), other, form("alice", testPassword), Device{})
	if _, ok := errors.AsType[*ChooseNameError](err); !ok {
		t.Errorf("the other source's alice is the same: %v", err)
	}
	p := one.people["alice"]
	p.Issuer = "https://other.example"
	one.people["alice"] = p
	_, err = s.SignIn(t.Context(), one, form("alice", testPassword), Device{})
	if _, ok := errors.AsType[*ChooseNameError](err); !ok {
		t.Errorf("another issuer's alice is the same: %v", err)
	}
	// What she is called there may change; she is the same.
	p.Issuer, p.Login = "", "alice.married"
	one.people["alice"] = p
	if name, err := s.who(s.SignIn(t.Context(), one, form("alice", testPassword), Device{})); err != nil || name != "alice" {
		t.Errorf("%q %v", name, err)
	}
	alice, err := s.db.Accounts.AccountByName(t.Context(), "alice")
	is(t, err, nil)
	is(t, s.SetBlocked(t.Context(), alice, true), nil)
	_, err = s.SignIn(t.Context(), one, form("alice", testPassword), Device{})
	is(t, err, ErrBlocked)
	// No password opens an account that has none.
	is(t, s.SetBlocked(t.Context(), alice, false), nil)
	for _, password := range []string{"", testPassword, "nobody"} {
		_, err := s.signIn("alice", password)
		is(t, err, ErrInvalidCredentials)
	}
}

// Two windows of somebody who comes for the first time make one account.
func TestSignIn_FirstTimeTwice(t *testing.T) {
	one := newTestSource("one", ByRedirect, "alice")
	s := newSite(t, from(one))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if name, err := s.who(s.SignIn(context.Background(), one, form("alice", testPassword), Device{})); err != nil || name != "alice" {
				t.Errorf("%q %v", name, err)
			}
		})
	}
	all.Wait()
}

// SIGNUP_SOURCES, LOCAL_ACCOUNTS.
func TestSignIn_WhoMay(t *testing.T) {
	one := newTestSource("one", ByRedirect, "alice")
	s := newSite(t, func(c *Config) {
		c.Sources, c.ProvisionSources, c.LocalAccounts = []Source{one}, []string{}, LocalAdmins
	})
	_, err := s.SignIn(t.Context(), one, form("alice", testPassword), Device{})
	is(t, err, ErrNoAccount)
	bob := s.account("bob")
	_, err = s.signIn("bob", testPassword)
	is(t, err, ErrInvalidCredentials)
	is(t, s.check("bob", testPassword), ErrInvalidCredentials)
	root, err := s.CreateAccount(t.Context(), NewAccount{Username: "boss", Name: "boss", Password: testPassword, Admin: true})
	is(t, err, nil)
	if !s.MayHavePassword(root) || s.MayHavePassword(bob) {
		t.Error("who may have a password")
	}
	_, err = s.signIn("boss", testPassword)
	is(t, err, nil)
}

// Who is no longer there is put out, with what was made on the strength of it; a source that
// cannot tell puts nobody out.
func TestRecheckSources(t *testing.T) {
	dir := newTestSource("directory", ByForm, "alice", "bob")
	s := newSite(t, from(dir))
	var secrets []string
	for _, name := range []string{"alice", "bob"} {
		in, err := s.SignInByForm(t.Context(), form(name, testPassword), Device{})
		is(t, err, nil)
		secrets = append(secrets, in.Secret)
	}
	session, alice, err := s.Session(t.Context(), secrets[0])
	is(t, err, nil)
	phone, err := s.AppPasswords.Create(t.Context(), alice, session.ID, "Phone")
	is(t, err, nil)
	dir.gone, dir.err = []string{"id of alice"}, ErrUnreachable
	s.RecheckSources(t.Context())
	_, _, err = s.Session(t.Context(), secrets[0])
	is(t, err, nil)
	dir.err = nil
	s.RecheckSources(t.Context())
	_, _, err = s.Session(t.Context(), secrets[0])
	is(t, err, ErrGone)
	_, _, err = s.Session(t.Context(), secrets[1])
	is(t, err, nil)
	if _, err := s.AppPasswords.check(t.Context(), "alice", phone); err == nil {
		t.Error("an app password of somebody who is gone is good")
	}
	if !slices.ContainsFunc(s.told, func(e models.Event) bool {
		return e.Kind == models.EventEnded && e.User == "alice" && e.Session == session.ID
	}) {
		t.Errorf("nobody was told: %+v", s.told)
	}
}

// A redirect is the browser's that began it, of one source, and short.
func TestOpenRedirect(t *testing.T) {
	one, other := newTestSource("one", ByRedirect), newTestSource("other", ByRedirect)
	s := newSite(t, from(one, other))
	sealed, err := s.SealRedirect(RedirectRecord{Source: "one", State: "secret", Purpose: ToSignIn, Next: "/chat"})
	is(t, err, nil)
	r, err := s.OpenRedirect(sealed, one)
	if err != nil || r.State != "secret" || r.Next != "/chat" {
		t.Errorf("%+v %v", r, err)
	}
	for _, cookie := range []string{"", "x", sealed[1:], sealed + "AAAA"} {
		_, err := s.OpenRedirect(cookie, one)
		is(t, err, ErrNoRedirect)
	}
	_, err = s.OpenRedirect(sealed, other)
	is(t, err, ErrNoRedirect)
	defer func(now func() time.Time) { s.now = now }(s.now)
	s.now = func() time.Time { return time.Now().Add(RedirectLifetime + time.Second) }
	_, err = s.OpenRedirect(sealed, one)
	is(t, err, ErrNoRedirect)
}

// What the source wants to see at sign-out is read by the cookie's secret only.
func TestSignOutAt(t *testing.T) {
	one := &signOuter{testSource: newTestSource("one", ByRedirect, "alice")}
	p := one.people["alice"]
	p.SignOutHint, p.Session = "an ID token", "sid-1"
	one.people["alice"] = p
	s := newSite(t, from(one))
	in, err := s.SignIn(t.Context(), one, form("alice", testPassword), Device{})
	is(t, err, nil)
	leads := func(when, secret, want string) {
		t.Helper()
		source, url, err := s.SignOutAt(t.Context(), secret, "https://site.example/")
		if err != nil || url != want || url != "" && source.Name() != "one" {
			t.Errorf("%s: %q %v", when, url, err)
		}
	}
	const out = "https://id.example/end?hint=an ID token&back=https://site.example/"
	leads("before", in.Secret, out)
	other, _ := token.New()
	leads("with another secret", other, "")
	session, account, err := s.Session(t.Context(), in.Secret)
	is(t, err, nil)
	for range 2 { // a second click
		is(t, s.SignOut(t.Context(), account, session.ID), nil)
		leads("after", in.Secret, out)
	}
	_, _, err = s.Session(t.Context(), in.Secret)
	is(t, err, ErrGone)

	in, err = s.SignIn(t.Context(), one, form("alice", testPassword), Device{})
	is(t, err, nil)
	is(t, s.LogOut(t.Context(), one, Logout{Session: "sid-1", ID: "word", Until: time.Now().Add(time.Minute)}), nil)
	_, _, err = s.Session(t.Context(), in.Secret)
	is(t, err, ErrGone)
	leads("once the source ended it", in.Secret, "")
}

type signOuter struct{ *testSource }

func (*signOuter) SignOut(_ context.Context, hint, callback string) (string, error) {
	return "https://id.example/end?hint=" + hint + "&back=" + callback, nil
}
