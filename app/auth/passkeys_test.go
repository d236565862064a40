package auth

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"foyer/app/auth/passkey"
	"foyer/app/auth/passkey/passkeytest"
	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
)

const passkeyOrigin = "https://chat.example.org"

func passkeySite(t testing.TB) passkey.Site {
	t.Helper()
	site, err := passkey.SiteAt(passkeyOrigin, "Foyer")
	is(t, err, nil)
	return site
}

// session signs somebody in by the form and returns the session.
func (s *site) session(name string) (models.Account, models.Session) {
	s.t.Helper()
	in, err := s.SignInByForm(context.Background(), form(name, testPassword), Device{})
	is(s.t, err, nil)
	session, account, err := s.Session(context.Background(), in.Secret)
	is(s.t, err, nil)
	return account, session
}

// addPasskey adds one to the account of a session.
func (s *site) addPasskey(account models.Account, session models.Session, device *passkeytest.Authenticator) error {
	s.t.Helper()
	asked, err := s.Passkeys.Begin(context.Background(), passkeySite(s.t), account, session, "Laptop", testPassword, Client{})
	if err != nil {
		return err
	}
	answer, err := device.Make(asked.Options)
	is(s.t, err, nil)
	name, err := s.Passkeys.Finish(context.Background(), passkeySite(s.t), asked.Sealed, answer, account, session)
	if err == nil && name != "Laptop" {
		s.t.Errorf("it is called %q", name)
	}
	return err
}

// passkeyOf is a device with a passkey of somebody who signs in by the form.
func (s *site) passkeyOf(name string) *passkeytest.Authenticator {
	s.t.Helper()
	device := passkeytest.New(passkeyOrigin)
	account, session := s.session(name)
	is(s.t, s.addPasskey(account, session, device), nil)
	return device
}

func (s *site) signInByPasskey(device *passkeytest.Authenticator) (SignedIn, error) {
	s.t.Helper()
	asked, err := s.Passkeys.BeginSignIn(passkeySite(s.t))
	is(s.t, err, nil)
	answer, err := device.Use(asked.Options)
	is(s.t, err, nil)
	return s.Passkeys.SignIn(context.Background(), passkeySite(s.t), asked.Sealed, answer, Device{Client: Client{Address: "192.0.2.1"}})
}

func TestPasskeys(t *testing.T) {
	s := newSite(t, nil)
	ctx := t.Context()
	s.account("alice")
	device := s.passkeyOf("alice")
	for range 2 {
		if name, err := s.who(s.signInByPasskey(device)); err != nil || name != "alice" {
			t.Fatalf("%q %v", name, err)
		}
	}
	alice, session := s.session("alice")
	list, err := s.Passkeys.Of(ctx, alice)
	if err != nil || len(list) != 1 || list[0].Name != "Laptop" || list[0].UsedAt == nil || list[0].SignCount != device.Count || list[0].Site != "chat.example.org" {
		t.Errorf("%+v %v", list, err)
	}
	if len(device.Handle) != 64 || bytes.Contains(device.Handle, []byte("alice")) {
		t.Errorf("the handle is %q", device.Handle)
	}
	// A device makes one for each account only, and is told so; all know the account by one handle.
	asked, err := s.Passkeys.Begin(ctx, passkeySite(t), alice, session, "Laptop", testPassword, Client{})
	is(t, err, nil)
	if _, err := device.Make(asked.Options); err == nil {
		t.Error("a second passkey on one device")
	}
	other := passkeytest.New(passkeyOrigin)
	is(t, s.addPasskey(alice, session, other), nil)
	if !bytes.Equal(other.Handle, device.Handle) {
		t.Error("two handles for one account")
	}
	// It is added with the password alone, and in the session that asked.
	_, err = s.Passkeys.Begin(ctx, passkeySite(t), alice, session, "Laptop", "wrong", Client{})
	is(t, err, ErrInvalidCredentials)
	asked, err = s.Passkeys.Begin(ctx, passkeySite(t), alice, session, "Laptop", testPassword, Client{})
	is(t, err, nil)
	answer, err := passkeytest.New(passkeyOrigin).Make(asked.Options)
	is(t, err, nil)
	_, second := s.session("alice")
	_, err = s.Passkeys.Finish(ctx, passkeySite(t), asked.Sealed, answer, alice, second)
	is(t, err, ErrNoChallenge)
	_, err = s.Passkeys.Finish(ctx, passkeySite(t), asked.Sealed, answer, alice, session)
	is(t, err, nil)
	_, err = s.Passkeys.Finish(ctx, passkeySite(t), asked.Sealed, answer, alice, session) // once
	is(t, err, ErrNoChallenge)
	// One that is somebody else's, by its id, is nobody's besides.
	s.account("bob")
	bob, hers := s.session("bob")
	copied := passkeytest.New(passkeyOrigin)
	copied.ID = device.ID
	is(t, s.addPasskey(bob, hers, copied), ErrPasskeyKept)
}

// Each answer counts once, in the browser that was asked, for this site and for a while.
func TestPasskeys_Challenges(t *testing.T) {
	s := newSite(t, nil)
	s.account("alice")
	device := s.passkeyOf("alice")
	ask := func() (PasskeyRequest, string) {
		asked, err := s.Passkeys.BeginSignIn(passkeySite(t))
		is(t, err, nil)
		answer, err := device.Use(asked.Options)
		is(t, err, nil)
		return asked, answer
	}
	signIn := func(cookie, answer string) error {
		_, err := s.Passkeys.SignIn(t.Context(), passkeySite(t), cookie, answer, Device{})
		return err
	}
	asked, answer := ask()
	another, _ := ask()
	is(t, signIn("", answer), ErrNoChallenge)
	is(t, signIn("no cookie of ours", answer), ErrNoChallenge)
	is(t, signIn(another.Sealed, answer), ErrPasskeyRefused) // of another browser
	is(t, signIn(asked.Sealed, answer), nil)
	is(t, signIn(asked.Sealed, answer), ErrNoChallenge) // again

	// A refusal uses it up as well.
	asked, answer = ask()
	is(t, signIn(asked.Sealed, "{}"), ErrPasskeyRefused)
	is(t, signIn(asked.Sealed, answer), ErrNoChallenge)

	// At once, it counts once.
	asked, answer = ask()
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() { errs[i] = signIn(asked.Sealed, answer) })
	}
	all.Wait()
	if n := len(slices.DeleteFunc(errs, func(err error) bool { return err != nil })); n != 1 {
		t.Errorf("one answer signs in %d times", n)
	}

	asked, answer = ask()
	s.now = func() time.Time { return time.Now().Add(passkey.Lifetime + time.Second) }
	is(t, signIn(asked.Sealed, answer), ErrNoChallenge)
	s.now = time.Now
	elsewhere, err := passkey.SiteAt("https://other.example.org", "Foyer")
	is(t, err, nil)
	_, err = s.Passkeys.SignIn(t.Context(), elsewhere, asked.Sealed, answer, Device{})
	is(t, err, ErrNoChallenge)

	// That to sign in is none to add one, and the other way round.
	alice, session := s.session("alice")
	adding, err := s.Passkeys.Begin(t.Context(), passkeySite(t), alice, session, "Laptop", testPassword, Client{})
	is(t, err, nil)
	is(t, signIn(adding.Sealed, answer), ErrNoChallenge)
	_, err = s.Passkeys.Finish(t.Context(), passkeySite(t), another.Sealed, answer, alice, session)
	is(t, err, ErrNoChallenge)
}

func TestPasskeys_Refused(t *testing.T) {
	s := newSite(t, nil)
	alice, bob := s.account("alice"), s.account("bob")
	device, foreign := s.passkeyOf("alice"), s.passkeyOf("bob")
	refused := func(what string, device passkeytest.Authenticator, lie func(*passkeytest.Authenticator), want error) {
		t.Helper()
		lie(&device)
		_, err := s.signInByPasskey(&device)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("another origin", *device, func(d *passkeytest.Authenticator) { d.Origin = "https://chat.example.com" }, ErrPasskeyRefused)
	refused("another site", *device, func(d *passkeytest.Authenticator) { d.Site = "example.com" }, ErrPasskeyRefused)
	refused("nobody was checked", *device, func(d *passkeytest.Authenticator) { d.Flags = passkeytest.UserPresent }, ErrPasskeyRefused)
	refused("as somebody else", *device, func(d *passkeytest.Authenticator) { d.Handle = foreign.Handle }, ErrPasskeyRefused)
	refused("by somebody else's", *device, func(d *passkeytest.Authenticator) { d.ID = foreign.ID }, ErrPasskeyRefused)
	refused("unknown", *device, func(d *passkeytest.Authenticator) { d.ID = []byte("nobody's") }, ErrUnknownPasskey)

	// A counter that goes back is a copy's; one that stays at nothing does not count.
	_, err := s.signInByPasskey(device)
	is(t, err, nil)
	refused("a copy", *device, func(d *passkeytest.Authenticator) { d.Count -= 1 }, ErrPasskeyNotAlone)
	refused("it stops counting", *device, func(d *passkeytest.Authenticator) { d.Count, d.Step = 0, 0 }, ErrPasskeyNotAlone)
	_, err = s.signInByPasskey(device)
	is(t, err, nil)
	foreign.Step = 0
	for range 2 {
		_, err = s.signInByPasskey(foreign)
		is(t, err, nil)
	}

	is(t, s.SetBlocked(t.Context(), alice, true), nil)
	refused("blocked", *device, func(*passkeytest.Authenticator) {}, ErrBlocked)
	is(t, s.SetBlocked(t.Context(), alice, false), nil)
	device.Count += 2
	_, err = s.signInByPasskey(device)
	is(t, err, nil)
	is(t, s.RemoveAccount(t.Context(), bob), nil)
	refused("deleted", *foreign, func(*passkeytest.Authenticator) {}, ErrUnknownPasskey)
}

// Who fails often from one address waits, and nobody else.
func TestPasskeys_Throttle(t *testing.T) {
	s := newSite(t, func(c *Config) { c.FailuresPerAddress = 3 })
	s.account("alice")
	device := s.passkeyOf("alice")
	known := device.ID
	device.ID = []byte("nobody's")
	for range 3 {
		_, err := s.signInByPasskey(device)
		is(t, err, ErrUnknownPasskey)
	}
	device.ID = known
	_, err := s.signInByPasskey(device)
	if _, ok := errors.AsType[*ThrottledError](err); !ok {
		t.Error(err)
	}
	asked, err := s.Passkeys.BeginSignIn(passkeySite(t))
	is(t, err, nil)
	answer, err := device.Use(asked.Options)
	is(t, err, nil)
	_, err = s.Passkeys.SignIn(t.Context(), passkeySite(t), asked.Sealed, answer, Device{Client: Client{Address: "192.0.2.2"}})
	is(t, err, nil)
}

func TestPasskeys_TooMany(t *testing.T) {
	s := newSite(t, nil)
	s.account("alice")
	alice, session := s.session("alice")
	var all sync.WaitGroup
	var mu sync.Mutex
	kept := 0
	for range 2 {
		all.Go(func() {
			for range models.MaxPasskeys/2 + 2 {
				err := s.addPasskey(alice, session, passkeytest.New(passkeyOrigin))
				mu.Lock()
				if err == nil {
					kept++
				} else {
					is(t, err, models.ErrTooMany)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if list, err := s.Passkeys.Of(t.Context(), alice); err != nil || len(list) != models.MaxPasskeys || kept != models.MaxPasskeys {
		t.Errorf("%d are kept, %d were said to be: %v", len(list), kept, err)
	}
}

// What a passkey stands on may not open the account any more.
func TestPasskeys_Stand(t *testing.T) {
	dir, provider := newTestSource("directory", ByForm, "zoe", "yan"), newTestSource("provider", ByRedirect, "xi")
	s := newSite(t, from(dir, provider))
	s.account("alice")
	own, zoe, yan := s.passkeyOf("alice"), s.passkeyOf("zoe"), s.passkeyOf("yan")
	if name, err := s.who(s.signInByPasskey(zoe)); err != nil || name != "zoe" {
		t.Fatalf("%q %v", name, err)
	}
	// The directory says so at once, or does not answer.
	dir.gone = []string{"id of zoe"}
	_, err := s.signInByPasskey(zoe)
	is(t, err, ErrPasskeyIdle)
	dir.gone, dir.err = nil, ErrUnreachable
	_, err = s.signInByPasskey(zoe)
	is(t, err, ErrUnreachable)
	_, err = s.signInByPasskey(own)
	is(t, err, nil)
	dir.err = nil
	// Who is gone has none any more, though nobody was signed in.
	account, _ := s.session("yan")
	is(t, s.EndOtherSessions(t.Context(), account, ""), nil)
	dir.gone = []string{"id of yan"}
	s.RecheckSources(t.Context())
	dir.gone = nil
	_, err = s.signInByPasskey(yan)
	is(t, err, ErrUnknownPasskey)
	// The session ends with the identity, as one by the directory's password.
	in, err := s.signInByPasskey(zoe)
	is(t, err, nil)
	dir.gone = []string{"id of zoe"}
	s.RecheckSources(t.Context())
	_, _, err = s.Session(t.Context(), in.Secret)
	is(t, err, ErrGone)

	// Who has no password to type has no passkey.
	in, err = s.SignIn(t.Context(), provider, form("xi", testPassword), Device{})
	is(t, err, nil)
	session, xi, err := s.Session(t.Context(), in.Secret)
	is(t, err, nil)
	_, err = s.Passkeys.Begin(t.Context(), passkeySite(t), xi, session, "Laptop", "", Client{})
	is(t, err, ErrNoPasskeys)

	// Passwords of the site are for its administrators alone from now on.
	s.passwords.local = LocalAdmins
	_, err = s.signInByPasskey(own)
	is(t, err, ErrPasskeyIdle)
}

// A source is in the settings no more.
func TestPasskeys_SourceGone(t *testing.T) {
	s := newSite(t, from(newTestSource("directory", ByForm, "zoe")))
	zoe := s.passkeyOf("zoe")
	s.cfg.Sources = nil
	_, err := s.signInByPasskey(zoe)
	is(t, err, ErrPasskeyIdle)
}

// What is removed ends what was signed in by it, and a new password removes all.
func TestPasskeys_End(t *testing.T) {
	s := newSite(t, nil)
	ctx := t.Context()
	s.account("alice")
	device, other := s.passkeyOf("alice"), s.passkeyOf("alice")
	alice, byPassword := s.session("alice")
	sessionOf := func(in SignedIn, err error) models.Session {
		t.Helper()
		is(t, err, nil)
		session, _, err := s.Session(ctx, in.Secret)
		is(t, err, nil)
		return session
	}
	current := func(id string) error { return s.Current(ctx, stream.Identity{User: "alice", Session: id}) }
	mine, lost, others := sessionOf(s.signInByPasskey(device)), sessionOf(s.signInByPasskey(device)), sessionOf(s.signInByPasskey(other))
	secret, err := s.AppPasswords.Create(ctx, alice, lost.ID, "Phone")
	is(t, err, nil)
	app, err := s.Password(ctx, "alice", secret, stream.Peer{})
	is(t, err, nil)
	list, err := s.Passkeys.Of(ctx, alice)
	is(t, err, nil)
	id := list[slices.IndexFunc(list, func(p models.Passkey) bool { return bytes.Equal(p.CredentialID, device.ID) })].ID
	bob := s.account("bob")
	is(t, s.Passkeys.Remove(ctx, bob, "", id), models.ErrNotFound)
	is(t, s.Passkeys.Remove(ctx, alice, "", "x"), models.ErrNotFound)
	is(t, s.Passkeys.Remove(ctx, alice, mine.ID, id), nil)
	is(t, current(mine.ID), nil) // in which it was removed
	is(t, current(others.ID), nil)
	is(t, current(byPassword.ID), nil)
	for _, ended := range []string{lost.ID, app.Session} {
		if current(ended) == nil || !slices.Contains(s.told, models.Event{Kind: models.EventEnded, User: "alice", Session: ended}) {
			t.Errorf("%s goes on, or nobody was told", ended)
		}
	}
	_, err = s.signInByPasskey(device)
	is(t, err, ErrUnknownPasskey)

	// Begun with the old password, it is not kept.
	asked, err := s.Passkeys.Begin(ctx, passkeySite(t), alice, byPassword, "Laptop", testPassword, Client{})
	is(t, err, nil)
	answer, err := passkeytest.New(passkeyOrigin).Make(asked.Options)
	is(t, err, nil)
	checked, err := s.confirm("alice", testPassword, Client{})
	is(t, err, nil)
	is(t, s.ChangePassword(ctx, checked, testPassword+"!", byPassword.ID, Client{}), nil)
	_, err = s.Passkeys.Finish(ctx, passkeySite(t), asked.Sealed, answer, alice, byPassword)
	is(t, err, ErrGone)
	_, err = s.signInByPasskey(other)
	is(t, err, ErrUnknownPasskey)
	if list, err := s.Passkeys.Of(ctx, alice); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// A directory is asked about so many at once, whatever they sign in with.
func TestPasskeys_Questions(t *testing.T) {
	dir := newTestSource("directory", ByForm, "zoe")
	s := newSite(t, from(dir))
	device := s.passkeyOf("zoe")
	var free []func()
	for range maxConcurrentChecks {
		release, err := s.questions.enter(t.Context(), "198.51.100.7", true)
		is(t, err, nil)
		free = append(free, release)
	}
	asked, err := s.Passkeys.BeginSignIn(passkeySite(t))
	is(t, err, nil)
	answer, err := device.Use(asked.Options)
	is(t, err, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = s.Passkeys.SignIn(ctx, passkeySite(t), asked.Sealed, answer, Device{})
	is(t, err, context.DeadlineExceeded)
	for _, release := range free {
		release()
	}
	if name, err := s.who(s.signInByPasskey(device)); err != nil || name != "zoe" {
		t.Errorf("%q %v", name, err)
	}
}

// Nothing that begins by a passkey outlives its removal, nor what is made in that.
func TestPasskeys_EndParallel(t *testing.T) {
	s := newSite(t, nil)
	alice := s.account("alice")
	signedIn := 0
	for range 6 {
		device := s.passkeyOf("alice")
		in, err := s.signInByPasskey(device)
		is(t, err, nil)
		before, _, err := s.Session(t.Context(), in.Secret)
		is(t, err, nil)
		list, err := s.Passkeys.Of(t.Context(), alice)
		is(t, err, nil)
		requests := make([]PasskeyRequest, 4)
		answers := make([]string, 4)
		for i := range requests {
			requests[i], err = s.Passkeys.BeginSignIn(passkeySite(t))
			is(t, err, nil)
			answers[i], err = device.Use(requests[i].Options)
			is(t, err, nil)
		}
		var mu sync.Mutex
		var once sync.Once
		first := make(chan struct{}) // of them is over
		var begun []SignedIn
		var all sync.WaitGroup
		for i := range requests {
			all.Go(func() {
				in, err := s.Passkeys.SignIn(context.Background(), passkeySite(t), requests[i].Sealed, answers[i], Device{})
				if err == nil {
					mu.Lock()
					begun = append(begun, in)
					mu.Unlock()
				}
				once.Do(func() { close(first) })
			})
		}
		passwords := make([]string, 3)
		for i := range passwords {
			all.Go(func() {
				password, err := s.AppPasswords.Create(context.Background(), alice, before.ID, "Phone")
				if err == nil {
					passwords[i] = password
				} else {
					is(t, err, ErrGone)
				}
			})
		}
		all.Go(func() {
			<-first
			is(t, s.Passkeys.Remove(context.Background(), alice, "", list[0].ID), nil)
		})
		all.Wait()
		for _, password := range passwords {
			if password != "" {
				_, err := s.Password(t.Context(), "alice", password, stream.Peer{})
				is(t, err, sasl.NotAuthorized)
			}
		}
		signedIn += len(begun)
		for _, in := range begun {
			_, _, err := s.Session(t.Context(), in.Secret)
			is(t, err, ErrGone)
		}
	}
	if signedIn == 0 {
		t.Error("nobody was signed in before it was removed")
	}
}
