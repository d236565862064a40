package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/budget"
	"foyer/internal/pgdev/pgtest"
	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"

	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster, Prepare: migrate})
}

func migrate(ctx context.Context, url string) error {
	db, err := models.Open(ctx, models.Options{URL: url})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

const testPassword = "a few words in a row"

// site is a Service on a separate database, and what it told.
type site struct {
	*Service
	t  testing.TB
	db *models.DB

	mu   sync.Mutex
	told []models.Event
}

func newSite(t testing.TB, change func(*Config)) *site {
	t.Helper()
	db, err := models.Open(t.Context(), models.Options{URL: cluster.DB(t), SiteConns: 12, ChatConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s := &site{t: t, db: db}
	cfg := Config{DB: db, CheapHashes: true, Domain: "h", Logger: slog.New(slog.DiscardHandler), Tell: func(_ context.Context, e models.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, e)
	}}
	if change != nil {
		change(&cfg)
	}
	if s.Service, err = New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	s.AppPasswords.derive = deriveCheaply(t)
	return s
}

// deriveCheaply derives the keys of app passwords in few iterations: all of them would be most of
// what these tests take.
func deriveCheaply(t testing.TB) deriveSCRAM {
	return func(hash sasl.SCRAMHash, password string, salt []byte, iterations int) (storedKey, serverKey []byte, err error) {
		if iterations != 4096 {
			t.Errorf("the keys of an app password are to be derived in %d iterations", iterations)
		}
		return sasl.DeriveSCRAM(hash, password, salt, 16)
	}
}

func (s *site) account(name string) models.Account {
	s.t.Helper()
	a, err := s.CreateAccount(s.t.Context(), NewAccount{Username: name, Name: name, Password: testPassword})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *site) signIn(name, password string) (SignedIn, error) {
	return s.signInFrom(Client{Address: "192.0.2.1"}, name, password)
}

func (s *site) signInFrom(from Client, name, password string) (SignedIn, error) {
	fields := map[string]string{"username": name, "password": password}
	return s.SignIn(context.Background(), s.Local(), Answer{Form: func(f string) string { return fields[f] }, From: from}, Device{Client: from})
}

// confirm checks a password that somebody who is signed in typed.
func (s *site) confirm(name, password string, from Client) (models.Account, error) {
	account, err := s.db.Accounts.AccountByName(context.Background(), name)
	if err != nil {
		return account, err
	}
	return s.Confirm(context.Background(), account, models.Session{}, password, from)
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// nothing that was begun with the old password outlives its change: not a
// session, not an app password that was made in one, not a second change.
func TestChangePassword_Parallel(t *testing.T) {
	s := newSite(t, nil)
	ctx := context.Background()
	alice := s.account("alice")
	password := testPassword
	for round := range 4 {
		mine, err := s.signIn("alice", password)
		is(t, err, nil)
		own, _, err := s.Session(ctx, mine.Secret)
		is(t, err, nil)
		theirs, err := s.signIn("alice", password)
		is(t, err, nil)
		other, _, err := s.Session(ctx, theirs.Secret)
		is(t, err, nil)
		checked, err := s.confirm("alice", password, Client{})
		is(t, err, nil)

		next := password + "!"
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := s.signIn("alice", password); err != nil {
					is(t, err, ErrInvalidCredentials)
				}
			})
			all.Go(func() {
				if _, err := s.AppPasswords.Create(ctx, alice, other.ID, "Phone"); err != nil {
					is(t, err, ErrGone)
				}
			})
		}
		all.Go(func() { is(t, s.ChangePassword(ctx, checked, next, own.ID, Client{}), nil) })
		all.Wait()
		is(t, s.ChangePassword(ctx, checked, "what an intruder chose", "", Client{}), ErrGone)
		is(t, s.DeleteAccount(ctx, checked), ErrGone)

		sessions, err := s.db.Sessions.Of(ctx, alice.ID)
		if err != nil || len(sessions) != 1 || sessions[0].ID != own.ID {
			t.Errorf("round %d: %d sessions stand: %v", round, len(sessions), err)
		}
		if apps, err := s.db.Tokens.AppPasswords(ctx, alice.ID); err != nil || len(apps) != 0 {
			t.Errorf("round %d: %d app passwords stand: %v", round, len(apps), err)
		}
		_, err = s.ChatToken(ctx, alice, other.ID)
		is(t, err, ErrGone)
		password = next
	}
}

// nobody gets a name while its owner leaves.
func TestCreateAccount_WhileItsNameIsGivenUp(t *testing.T) {
	s := newSite(t, nil)
	for range 6 {
		bob := s.account("bob" + time.Now().Format("150405.000000"))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 3 {
					_, err := s.db.Accounts.AccountByName(context.Background(), bob.Username)
					again := models.Account{Username: bob.Username, Name: "x", PasswordHash: "x"}
					if made := s.db.Accounts.CreateAccount(context.Background(), &again); !errors.Is(made, models.ErrTaken) {
						t.Errorf("%v (the name was there: %v)", made, err == nil)
					}
				}
			})
		}
		all.Go(func() { is(t, s.DeleteAccount(context.Background(), bob), nil) })
		all.Wait()
	}
}

// S-16: a token that was good once is told from one that never was.
func TestPassword_Expired(t *testing.T) {
	s := newSite(t, func(c *Config) { c.SignedTokens = true })
	s.account("alice")
	old, err := s.tokenKeys.own.Sign("alice@h", "", time.Now().Add(-time.Hour))
	is(t, err, nil)
	_, err = s.Password(t.Context(), "alice", old, stream.Peer{})
	is(t, err, sasl.CredentialsExpired)
}

// What is no id was never one of a session or a password; nobody is told of it, however long it is.
func TestEnding_NoID(t *testing.T) {
	s := newSite(t, nil)
	alice := s.account("alice")
	before := len(s.told)
	for _, id := range []string{"", "x", strings.Repeat("x", 9000)} {
		is(t, s.EndSession(t.Context(), alice, id), nil)
		is(t, s.AppPasswords.Revoke(t.Context(), alice, id), nil)
	}
	if got := s.told[before:]; len(got) > 0 {
		t.Errorf("told of %d", len(got))
	}
}

// One question for however many streams there are.
func TestEndedIdentities(t *testing.T) {
	s := newSite(t, nil)
	ctx := t.Context()
	alice, bob := s.account("alice"), s.account("bob")
	ids := make([]stream.Identity, 4)
	for i, a := range []models.Account{alice, alice, bob, bob} {
		in, err := s.startSession(ctx, authenticated{account: a}, Device{})
		is(t, err, nil)
		session, _, err := s.Session(ctx, in.Secret)
		is(t, err, nil)
		ids[i] = ChatIdentity(a, session)
	}
	is(t, s.EndSession(ctx, alice, ids[1].Session), nil)
	crossed := stream.Identity{User: "alice", Session: ids[2].Session}
	gone, err := s.EndedIdentities(ctx, append(ids, crossed))
	is(t, err, nil)
	if len(gone) != 2 || gone[0] != ids[1] || gone[1] != crossed {
		t.Errorf("%+v", gone)
	}
	is(t, s.SetBlocked(ctx, bob, true), nil)
	if gone, err = s.EndedIdentities(ctx, ids); err != nil || len(gone) != 3 {
		t.Errorf("%+v %v", gone, err)
	}
}

// An account has so many sessions at once, of browsers and of apps from however many addresses: for a new
// one that is signed out which was not used for the longest time, and nobody else's.
func TestSession_TooMany(t *testing.T) {
	ledger := budget.NewLimitLog(slog.New(slog.DiscardHandler))
	s := newSite(t, func(c *Config) { c.Passwords, c.Recorder = true, ledger })
	ctx := t.Context()
	alice, bob := s.account("alice"), s.account("bob")
	begin := func(a models.Account) (SignedIn, models.Session) {
		t.Helper()
		in, err := s.startSession(ctx, authenticated{account: a}, Device{})
		is(t, err, nil)
		session, _, err := s.Session(ctx, in.Secret)
		is(t, err, nil)
		return in, session
	}
	_, _ = begin(bob)
	used, session := begin(alice)
	unused, lost := begin(alice)
	for range models.MaxSessions - 2 {
		begin(alice)
	}
	is(t, s.db.Sessions.TouchSession(ctx, session, time.Now().Add(time.Hour)), nil)
	if met := ledger.Take(); len(met) > 0 {
		t.Errorf("met too early: %+v", met)
	}
	before := len(s.told)
	begin(alice)
	_, _, err := s.Session(ctx, used.Secret)
	is(t, err, nil)
	_, _, err = s.Session(ctx, unused.Secret)
	is(t, err, ErrGone)
	if got := s.told[before:]; len(got) != 1 || got[0].Kind != models.EventEnded || got[0].Session != lost.ID || got[0].User != "alice" {
		t.Errorf("told %+v", got)
	}
	if met := ledger.Take(); len(met) != 1 || met[0].Last != "alice" {
		t.Errorf("met %+v", met)
	}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			id, err := s.Password(ctx, "alice", testPassword, stream.Peer{Addr: fmt.Sprintf("2001:db8::%d", i)})
			is(t, err, nil)
			is(t, s.Current(ctx, id), nil)
		})
	}
	all.Wait()
	count := func(a models.Account) int {
		t.Helper()
		ended, err := s.db.Sessions.EndSessions(ctx, a.ID, "")
		is(t, err, nil)
		return len(ended)
	}
	if a, b := count(alice), count(bob); a != models.MaxSessions || b != 1 {
		t.Errorf("%d of alice's and %d of bob's stand", a, b)
	}
}
