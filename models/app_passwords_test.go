package models

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

func (db *DB) appPassword(t testing.TB, a Account, name, salt string) AppPassword {
	t.Helper()
	p := AppPassword{AccountID: a.ID, Name: name, Salt: []byte(salt), Iterations: 4096,
		Keys: []AppPasswordKey{{Hash: "SHA-1", StoredKey: []byte("s1" + name), ServerKey: []byte("v1")}, {Hash: "SHA-256", StoredKey: []byte("s2" + name), ServerKey: []byte("v2")}}}
	made := db.session(t, a, "made "+name+salt, time.Hour)
	if err := db.Tokens.CreateAppPassword(t.Context(), &p, made.ID); err != nil {
		t.Fatal(err)
	}
	return p
}

// S-13: what is kept of an app password, and for how long.
func TestAppPassword_Lifecycle(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, bob := db.person(t, "alice"), db.person(t, "bob")
	old := db.appPassword(t, alice, "old", "another salt")
	one, two := db.appPassword(t, alice, "one", "salt"), db.appPassword(t, alice, "two", "salt")
	keys, err := db.Tokens.AppPasswordKeys(ctx, "alice", "SHA-256")
	if err != nil || len(keys) != 2 || keys[0].ID != two.ID || keys[1].ID != one.ID || string(keys[1].Keys[0].StoredKey) != "s2one" ||
		string(keys[1].Keys[0].ServerKey) != "v2" || string(keys[0].Salt) != "salt" || keys[0].Iterations != 4096 {
		t.Errorf("%+v %v", keys, err)
	}
	for _, who := range [][2]string{{"alice", "SHA-512"}, {"bob", "SHA-1"}, {"nobody", "SHA-1"}} {
		if keys, err := db.Tokens.AppPasswordKeys(ctx, who[0], who[1]); err != nil || len(keys) != 0 {
			t.Errorf("%v: %+v %v", who, keys, err)
		}
	}
	is(t, db.Sessions.SessionCurrent(ctx, one.ID, "alice"), nil)
	is(t, db.Sessions.SessionCurrent(ctx, one.ID, "bob"), ErrNotFound)

	if blocked, err := db.Tokens.UseAppPassword(ctx, one.ID); blocked || err != nil {
		t.Error(blocked, err)
	}
	list, err := db.Tokens.AppPasswords(ctx, alice.ID)
	if err != nil || len(list) != 3 || list[0].ID != two.ID || list[0].UsedAt != nil || list[1].UsedAt == nil || list[2].ID != old.ID {
		t.Errorf("%+v %v", list, err)
	}
	first := *list[1].UsedAt
	if _, err := db.Tokens.UseAppPassword(ctx, one.ID); err != nil { // not more than once a minute
		t.Error(err)
	}
	if list, err = db.Tokens.AppPasswords(ctx, alice.ID); err != nil || !list[1].UsedAt.Equal(first) {
		t.Errorf("%+v %v", list, err)
	}

	is(t, db.Tokens.RevokeAppPassword(ctx, bob.ID, one.ID), ErrNotFound)
	is(t, db.Tokens.RevokeAppPassword(ctx, alice.ID, "x"), ErrNotFound)
	is(t, db.Tokens.RevokeAppPassword(ctx, alice.ID, one.ID), nil)
	is(t, db.Sessions.SessionCurrent(ctx, one.ID, "alice"), ErrNotFound)
	_, err = db.Tokens.UseAppPassword(ctx, one.ID)
	is(t, err, ErrNotFound)

	is(t, db.Accounts.SetBlocked(ctx, alice.ID, true), nil)
	is(t, db.Sessions.SessionCurrent(ctx, two.ID, "alice"), ErrNotFound)
	if blocked, err := db.Tokens.UseAppPassword(ctx, two.ID); !blocked || err != nil {
		t.Error(blocked, err)
	}
	ids, err := db.Accounts.ChangePassword(ctx, PasswordChange{AccountID: alice.ID, Version: AnyVersion, Hash: "y"})
	if err != nil || len(ids) != 2 {
		t.Errorf("%v %v", ids, err)
	}
	db.appPassword(t, bob, "x", "y")
	is(t, db.Accounts.DeleteAccount(ctx, bob.ID, AnyVersion, "h"), nil)
}

// Twenty, however many are asked for at once.
func TestAppPassword_Bound(t *testing.T) {
	db := open(t)
	alice := db.person(t, "alice")
	for i := range MaxAppPasswords - 1 {
		db.appPassword(t, alice, fmt.Sprint(i), "salt")
	}
	session := db.session(t, alice, "s", time.Hour)
	var tries sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for i := range 4 {
		tries.Go(func() {
			p := AppPassword{AccountID: alice.ID, Name: fmt.Sprint("more", i), Salt: []byte("s"), Iterations: 4096}
			err := db.Tokens.CreateAppPassword(context.Background(), &p, session.ID)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else {
				is(t, err, ErrTooMany)
			}
		})
	}
	tries.Wait()
	if made != 1 {
		t.Errorf("%d of four were the last", made)
	}
}

// XEP-0484 §4.2 (S-100): a current token and a fresh one for each client.
func TestFastTokens(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	p := db.appPassword(t, alice, "phone", "salt")
	now := time.Now().Truncate(time.Millisecond)
	token := func(agent, nonce string, age time.Duration) FastToken {
		return FastToken{StandsOn: p.ID, Agent: []byte(agent), Fresh: true, Mechanism: "HT", Nonce: []byte(nonce), IssuedAt: now.Add(-age), ExpiresAt: now.Add(time.Hour)}
	}
	nonces := func(agent string) (all string) {
		t.Helper()
		list, err := db.Tokens.FastTokens(ctx, "alice", []byte(agent))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list {
			all += string(o.Nonce)
			if o.Fresh {
				all += "*"
			}
		}
		return all
	}
	step := func(err error, want string) {
		t.Helper()
		if got := nonces("a"); err != nil || got != want {
			t.Errorf("%s, want %s; %v", got, want, err)
		}
	}
	a, b, c := token("a", "A", 0), token("a", "B", 0), token("a", "C", 0)
	step(db.Tokens.IssueFastToken(ctx, a), "A*")
	step(db.Tokens.UseFastToken(ctx, a), "A")
	step(db.Tokens.IssueFastToken(ctx, b), "B*A")
	step(db.Tokens.IssueFastToken(ctx, c), "C*A")
	step(db.Tokens.UseFastToken(ctx, b), "C*A") // it was replaced
	a.Fresh = false
	step(db.Tokens.UseFastToken(ctx, a), "C*A")
	step(db.Tokens.UseFastToken(ctx, c), "C")
	step(db.Tokens.UseFastToken(ctx, c), "C") // twice at once
	step(db.Tokens.RevokeFastTokens(ctx, c), "")

	for i := range maxFastClients + 3 {
		if err := db.Tokens.IssueFastToken(ctx, token(fmt.Sprint(i), "x", time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if nonces("0") != "x*" || nonces(fmt.Sprint(maxFastClients)) != "" {
		t.Error("the wrong client lost its token")
	}
	other := token("a", "x", 0)
	other.StandsOn = "none"
	is(t, db.Tokens.IssueFastToken(ctx, other), ErrNotFound)
	is(t, db.Tokens.RevokeAppPassword(ctx, alice.ID, p.ID), nil)
	if nonces("0") != "" {
		t.Error("tokens outlive their password")
	}
}

// Tokens stand on an app's session, too, and on no other.
func TestFastTokens_Session(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	token := func(session string) FastToken {
		return FastToken{StandsOn: session, Agent: []byte("a"), Fresh: true, Mechanism: "HT", Nonce: []byte("N"), IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
	}
	app, err := db.Sessions.SignInApp(ctx, alice.ID, SessionBasis{PasswordVersion: alice.PasswordVersion}, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	browser := Session{AccountID: alice.ID, SecretHash: []byte("browser"), ExpiresAt: time.Now().Add(time.Hour)}
	is(t, db.Sessions.CreateSession(ctx, &browser, SessionBasis{PasswordVersion: alice.PasswordVersion}), nil)
	is(t, db.Tokens.IssueFastToken(ctx, token(browser.ID)), ErrNotFound)
	is(t, db.Tokens.IssueFastToken(ctx, token(app)), nil)
	has := func() int {
		t.Helper()
		list, err := db.Tokens.FastTokens(ctx, "alice", []byte("a"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if has() != 1 {
		t.Error("there is no token")
	}
	is(t, db.Tokens.UseFastToken(ctx, token(app)), nil)
	is(t, db.Sessions.EndSession(ctx, alice.ID, app), nil)
	if has() != 0 {
		t.Error("tokens outlive their session")
	}
	is(t, db.Tokens.IssueFastToken(ctx, token(app)), ErrNotFound)
}
