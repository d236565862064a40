package models

import (
	"context"
	"crypto/sha1"
	"fmt"
	"testing"
	"time"

	"foyer/xmppd"

	"github.com/jackc/pgx/v5"
)

// whileHeld runs what statements change, and then another write before they are committed.
// The write has to wait for them.
func (db *DB) whileHeld(t *testing.T, write func() error, statements func(tx pgx.Tx) error) {
	t.Helper()
	ctx := t.Context()
	tx, err := db.pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := statements(tx); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- write() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for waits := false; !waits; <-tick.C {
		select {
		case err := <-done:
			t.Fatalf("it did not wait; %v", err)
		default:
		}
		err := db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A card without a name leaves the name as it is, whoever changes it meanwhile (X-49's kind).
func TestSetVCard_KeepsNewName(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	chat := db.Stores("h", RosterNone)
	db.whileHeld(t, func() error { return chat.VCards.SetVCard(ctx, "alice", xmppd.VCard{Extra: []byte("<URL/>")}) },
		func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE accounts SET name = 'Alice Baker' WHERE username = 'alice'")
			return err
		})
	v, err := chat.VCards.VCard(ctx, "alice")
	if err != nil || v.Name != "Alice Baker" || string(v.Extra) != "<URL/>" {
		t.Errorf("%+v %v", v, err)
	}
}

// A picture of a chat client is the profile's only if that has the one which it is to take the place of, and changes
// nothing else of it.
func TestSetPhoto(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	cards := db.Stores("h", RosterNone).VCards
	is(t, cards.SetVCard(ctx, "alice", xmppd.VCard{Extra: []byte("<URL/>")}), nil)
	var hash string
	db.whileHeld(t, func() (err error) { hash, err = cards.SetPhoto(ctx, "alice", "", onePixel, "image/gif"); return err },
		func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE accounts SET name = 'Alice Baker' WHERE username = 'alice'")
			return err
		})
	v, err := cards.VCard(ctx, "alice")
	if err != nil || v.Name != "Alice Baker" || string(v.Extra) != "<URL/>" || v.PhotoHash != hash || len(hash) != 40 || v.PhotoType != "image/gif" {
		t.Errorf("%+v %v", v, err)
	}

	chosen, err := db.Accounts.SetAvatar(ctx, alice.ID, []byte("pixels"), "image/png")
	is(t, err, nil)
	for _, photo := range [][]byte{[]byte("late"), nil} {
		_, err = cards.SetPhoto(ctx, "alice", hash, photo, "image/gif")
		is(t, err, xmppd.ErrStale)
	}
	if v, err := cards.VCard(ctx, "alice"); err != nil || v.PhotoHash != chosen || string(v.Photo) != "pixels" {
		t.Errorf("%+v %v", v, err)
	}
	none, err := cards.SetPhoto(ctx, "alice", chosen, nil, "")
	is(t, err, nil)
	if v, err := cards.VCard(ctx, "alice"); none != "" || err != nil || v.PhotoHash != "" || v.Photo != nil || v.Name != "Alice Baker" {
		t.Errorf("%+v %v", v, err)
	}
	_, err = cards.SetPhoto(ctx, "zoe", "", onePixel, "image/gif")
	is(t, err, xmppd.ErrNotFound)
}

// Two people have the same picture, and one gives it up while the other takes it: it stays.
func TestSetAvatar_SamePictureMeanwhile(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, bob := db.person(t, "alice"), db.person(t, "bob")
	hash, err := db.Accounts.SetAvatar(ctx, alice.ID, []byte("pixels"), "image/png")
	if err != nil {
		t.Fatal(err)
	}
	db.whileHeld(t, func() error { _, err := db.Accounts.SetAvatar(ctx, alice.ID, nil, ""); return err },
		func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT 1 FROM avatars WHERE hash = $1 FOR UPDATE", hash); err != nil { // as storeAvatar does
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE accounts SET avatar_hash = $1 WHERE id = $2", hash, bob.ID)
			return err
		})
	if a, err := db.Accounts.Avatar(ctx, hash); err != nil || string(a.Data) != "pixels" {
		t.Errorf("the picture of both is %+v, %v", a, err)
	}
}

// A picture that was replaced twice at once leaves none behind.
func TestSetAvatar_ReplacedMeanwhile(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	if _, err := db.Accounts.SetAvatar(ctx, alice.ID, []byte("first"), "image/png"); err != nil {
		t.Fatal(err)
	}
	second := fmt.Sprintf("%x", sha1.Sum([]byte("second")))
	db.whileHeld(t, func() error { _, err := db.Accounts.SetAvatar(ctx, alice.ID, []byte("third"), "image/png"); return err },
		func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO avatars (hash, media_type, data) VALUES ($1, 'image/png', 'second')", second); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE accounts SET avatar_hash = $1 WHERE id = $2", second, alice.ID)
			return err
		})
	_, err := db.Accounts.Avatar(ctx, second)
	is(t, err, ErrNotFound)
}
