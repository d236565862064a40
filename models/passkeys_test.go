package models

import (
	"bytes"
	"testing"
	"time"
)

// passkey keeps one that was made in a session of an account, on its own password or an identity.
func (db *DB) passkey(t testing.TB, a Account, name string, basis SessionBasis) Passkey {
	t.Helper()
	p := Passkey{AccountID: a.ID, Site: "h", CredentialID: []byte(name), PublicKey: []byte("key"), Name: name}
	made := db.session(t, a, "made "+name, time.Hour)
	is(t, db.Passkeys.Create(t.Context(), &p, made.ID, basis), nil)
	return p
}

func TestPasskeys(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, bob := db.person(t, "alice"), db.person(t, "bob")
	one, err := db.Passkeys.Handle(ctx, alice.ID)
	is(t, err, nil)
	again, err := db.Passkeys.Handle(ctx, alice.ID)
	is(t, err, nil)
	other, err := db.Passkeys.Handle(ctx, bob.ID)
	if err != nil || len(one) != handleLength || !bytes.Equal(one, again) || bytes.Equal(one, other) {
		t.Errorf("%x %x %x %v", one, again, other, err)
	}
	p := db.passkey(t, alice, "laptop", SessionBasis{})
	taken := Passkey{AccountID: bob.ID, Site: "h", CredentialID: p.CredentialID, PublicKey: []byte("key"), Name: "x"}
	is(t, db.Passkeys.Create(ctx, &taken, db.session(t, bob, "bob's", time.Hour).ID, SessionBasis{}), ErrTaken)
	stale := Passkey{AccountID: alice.ID, Site: "h", CredentialID: []byte("y"), PublicKey: []byte("key"), Name: "y"}
	is(t, db.Passkeys.Create(ctx, &stale, db.session(t, alice, "mine", time.Hour).ID, SessionBasis{PasswordVersion: 7}), ErrStale)
	is(t, db.Passkeys.Create(ctx, &stale, db.session(t, bob, "not hers", time.Hour).ID, SessionBasis{}), ErrStale)

	// WebAuthn §6.1.1: nothing at all may stay so, and what counts goes forward.
	for _, use := range []struct {
		count uint32
		want  error
	}{{0, nil}, {0, nil}, {5, nil}, {5, ErrStale}, {4, ErrStale}, {0, ErrStale}, {1<<32 - 1, nil}} {
		is(t, db.Passkeys.Use(ctx, p.ID, use.count), use.want)
	}
	kept, handle, account, err := db.Passkeys.ByCredential(ctx, p.CredentialID)
	if err != nil || kept.ID != p.ID || kept.SignCount != 1<<32-1 || kept.UsedAt == nil || !bytes.Equal(handle, one) || account.ID != alice.ID {
		t.Errorf("%+v %x %+v %v", kept, handle, account, err)
	}
	_, _, _, err = db.Passkeys.ByCredential(ctx, []byte("unknown"))
	is(t, err, ErrNotFound)

	is(t, db.Passkeys.UseChallenge(ctx, "c", time.Now().Add(time.Minute)), nil)
	is(t, db.Passkeys.UseChallenge(ctx, "c", time.Now().Add(time.Minute)), ErrTaken)
	for site, want := range map[string]int{"h": 0, "elsewhere": 1} {
		if n, host, err := db.Passkeys.Elsewhere(ctx, site); err != nil || n != want || (host == "h") != (want > 0) {
			t.Errorf("%s: %d %q %v", site, n, host, err)
		}
	}

	// An app password goes with the passkey by which somebody came in who made it.
	session := Session{AccountID: alice.ID, SecretHash: []byte("by passkey"), ExpiresAt: time.Now().Add(time.Hour)}
	is(t, db.Sessions.CreateSession(ctx, &session, SessionBasis{Passkey: p.ID}), nil)
	app := AppPassword{AccountID: alice.ID, Name: "app", Salt: []byte("salt"), Iterations: 4096}
	is(t, db.Tokens.CreateAppPassword(ctx, &app, session.ID), nil)
	if ended, err := db.Passkeys.Remove(ctx, alice.ID, p.ID, ""); err != nil || len(ended) != 2 {
		t.Errorf("%v %v", ended, err)
	}
	is(t, db.Sessions.CreateSession(ctx, &session, SessionBasis{Passkey: p.ID}), ErrStale)
	_, err = db.Passkeys.Remove(ctx, alice.ID, p.ID, "")
	is(t, err, ErrNotFound)
}

// What stands on an identity is asked about, and ends with it; what stands on the password does not.
func TestPasskeys_Identity(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	i := Identity{AccountID: alice.ID, Source: "ldap", Subject: "7", Login: "alice"}
	is(t, db.Identities.LinkIdentity(ctx, &i, ""), nil)
	own := db.passkey(t, alice, "own", SessionBasis{})
	inUse := func() int {
		list, err := db.Identities.IdentitiesInUse(ctx, "ldap", "", 10)
		is(t, err, nil)
		return len(list)
	}
	if inUse() != 0 {
		t.Error("a passkey of the account's own is the identity's")
	}
	before := basisBy(t, db, i, "")
	db.passkey(t, alice, "directory", before)
	if stored, err := db.Identities.StoredIdentities(ctx, "ldap"); err != nil || len(stored) != 1 || !stored[0].InUse || inUse() != 1 {
		t.Errorf("%+v %v", stored, err)
	}
	_, err := db.Identities.EndIdentities(ctx, []string{i.ID})
	is(t, err, nil)
	if list, err := db.Passkeys.Of(ctx, alice.ID); err != nil || len(list) != 1 || list[0].ID != own.ID || inUse() != 0 {
		t.Errorf("%+v %v", list, err)
	}
	late := Passkey{AccountID: alice.ID, Site: "h", CredentialID: []byte("late"), PublicKey: []byte("key"), Name: "late"}
	is(t, db.Passkeys.Create(ctx, &late, db.session(t, alice, "late", time.Hour).ID, before), ErrStale)
	is(t, db.Accounts.DeleteAccount(ctx, alice.ID, AnyVersion, "h"), nil)
}
