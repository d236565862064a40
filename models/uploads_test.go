package models

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

var roomy = UploadLimits{Bytes: 1000, Files: 100, Slots: 100}

// reserve makes a slot whose addresses are p+name and g+name.
func (db *DB) reserve(ctx context.Context, user, name string, size int64, limits UploadLimits) (Upload, error) {
	expires := time.Now().Add(time.Minute)
	u := Upload{Name: name, Size: size, ClaimedType: "image/png", ExpiresAt: &expires}
	return u, db.Uploads.ReserveUpload(ctx, user, &u, []byte("p"+name), []byte("g"+name), limits)
}

func (db *DB) stored(t testing.TB, user, name string, size int64) Upload {
	t.Helper()
	u, err := db.reserve(t.Context(), user, name, size, roomy)
	if err == nil {
		err = db.Uploads.BeginUpload(t.Context(), u.ID, time.Now().Add(time.Minute))
	}
	if err == nil {
		err = db.Uploads.FinishUpload(t.Context(), u.ID, "image/png")
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (db *DB) claimDeleted(t testing.TB, retention time.Duration) []uuid.UUID {
	t.Helper()
	ids, err := db.Uploads.ClaimDeletedUploads(t.Context(), retention, 100)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func (db *DB) age(t testing.TB, what string, id uuid.UUID) {
	t.Helper()
	if _, err := db.pool.Exec(t.Context(), "UPDATE uploads SET "+what+" = now() - interval '1 hour' WHERE id = $1", id); err != nil {
		t.Fatal(err)
	}
}

// A slot is used once, and the file is there only when it is there whole (S-99).
func TestUpload_OnceAndWhole(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	slot, err := db.reserve(ctx, "alice", "cat.png", 10, roomy)
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Uploads.UploadByPut(ctx, []byte("pcat.png"))
	if err != nil || got.ID != slot.ID || got.State != StateSlot || got.Size != 10 || got.ClaimedType != "image/png" || got.ExpiresAt == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, secret := range []string{"gcat.png", "", "p"} {
		_, err := db.Uploads.UploadByPut(ctx, []byte(secret))
		is(t, err, ErrNotFound)
	}
	is(t, db.Uploads.FinishUpload(ctx, slot.ID, ""), ErrNotFound)
	is(t, db.Uploads.BeginUpload(ctx, slot.ID, time.Now().Add(time.Minute)), nil)
	is(t, db.Uploads.BeginUpload(ctx, slot.ID, time.Now().Add(time.Minute)), ErrNotFound)
	_, err = db.Uploads.UploadByGet(ctx, []byte("gcat.png"))
	is(t, err, ErrNotFound)
	is(t, db.Uploads.FinishUpload(ctx, slot.ID, "image/png"), nil)
	got, err = db.Uploads.UploadByGet(ctx, []byte("gcat.png"))
	if err != nil || got.ID != slot.ID || got.MediaType != "image/png" || got.ExpiresAt != nil {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = db.Uploads.UploadByGet(ctx, []byte("pcat.png"))
	is(t, err, ErrNotFound)
}

func TestUpload_SlotExpires(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	late, err := db.reserve(ctx, "alice", "late", 900, roomy)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.reserve(ctx, "alice", "more", 900, roomy)
	var full *UploadQuotaError
	if !errors.As(err, &full) || full.Used.Bytes != 900 || full.Used.Slots != 1 || time.Until(full.Frees) < 50*time.Second {
		t.Errorf("open slots do not count: %+v, %v", full, err)
	}
	db.age(t, "expires_at", late.ID)
	is(t, db.Uploads.BeginUpload(ctx, late.ID, time.Now()), ErrNotFound)
	if _, err = db.reserve(ctx, "alice", "more", 900, roomy); err != nil {
		t.Errorf("an expired slot counts: %v", err)
	}
	if got := db.claimDeleted(t, 0); !slices.Equal(got, []uuid.UUID{late.ID}) {
		t.Errorf("removed: %v", got)
	}
}

func TestUpload_Limits(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	bob := db.person(t, "bob")
	is(t, db.Accounts.SetBlocked(ctx, bob.ID, true), nil)
	for _, user := range []string{"bob", "zoe"} {
		_, err := db.reserve(ctx, user, user, 1, roomy)
		is(t, err, ErrNotFound)
	}
	first := db.stored(t, "alice", "a", 600)
	var full *UploadQuotaError
	for i, limits := range []UploadLimits{{Bytes: 999, Files: 9, Slots: 9}, {Bytes: 9999, Files: 1, Slots: 9}, {Bytes: 9999, Files: 9, Slots: 0}} {
		limits.Retention = time.Hour
		if _, err := db.reserve(ctx, "alice", "b", 400, limits); !errors.As(err, &full) || full.Frees.Sub(first.CreatedAt.Add(time.Hour)).Abs() > time.Second {
			t.Errorf("%d: %+v, %v", i, full, err)
		}
	}
	if _, err := db.reserve(ctx, "alice", "b", 401, roomy); !errors.As(err, &full) || !full.Frees.IsZero() {
		t.Errorf("%+v, %v", full, err)
	}
	if _, err := db.reserve(ctx, "alice", "b", 400, roomy); err != nil {
		t.Error(err)
	}
	if used, err := db.Uploads.UploadUsage(ctx, alice.ID); err != nil || used != (UploadUsage{Files: 2, Bytes: 1000, Slots: 1}) {
		t.Errorf("%+v, %v", used, err)
	}
}

// Many slots at once do not exceed the quota.
func TestUpload_QuotaRace(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	var given atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := db.reserve(ctx, "alice", string(rune('a'+i)), 300, roomy)
			if err == nil {
				given.Add(1)
			} else if full := (*UploadQuotaError)(nil); !errors.As(err, &full) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if used, err := db.Uploads.UploadUsage(ctx, alice.ID); err != nil || given.Load() != 3 || used.Bytes != 900 {
		t.Errorf("%d slots were given, which is %+v; %v", given.Load(), used, err)
	}
}

// Whatever happens, a record outlives its file, so that every file is removed.
func TestUpload_Removal(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, bob := db.person(t, "alice"), db.person(t, "bob")
	kept, old, deleted := db.stored(t, "alice", "kept", 1), db.stored(t, "alice", "old", 1), db.stored(t, "alice", "deleted", 1)
	bobs := db.stored(t, "bob", "bobs", 1)
	slot, err := db.reserve(ctx, "bob", "slot", 1, roomy)
	is(t, err, nil)
	writing, err := db.reserve(ctx, "bob", "writing", 1, roomy)
	is(t, err, nil)
	is(t, db.Uploads.BeginUpload(ctx, writing.ID, time.Now().Add(time.Minute)), nil)
	if got := db.claimDeleted(t, time.Minute); len(got) > 0 {
		t.Fatalf("removed: %v", got)
	}

	db.age(t, "created_at", old.ID)
	is(t, db.Uploads.MarkUploadDeleted(ctx, bob.ID, deleted.ID), ErrNotFound)
	is(t, db.Uploads.MarkUploadDeleted(ctx, alice.ID, deleted.ID), nil)
	is(t, db.Uploads.MarkUploadDeleted(ctx, alice.ID, deleted.ID), ErrNotFound)
	is(t, db.Accounts.DeleteAccount(ctx, bob.ID, AnyVersion, "h"), nil)
	for _, secret := range []string{"gbobs", "gdeleted"} {
		_, err := db.Uploads.UploadByGet(ctx, []byte(secret))
		is(t, err, ErrNotFound)
	}
	for _, secret := range []string{"pslot", "pwriting"} {
		_, err := db.Uploads.UploadByPut(ctx, []byte(secret))
		is(t, err, ErrNotFound)
	}
	is(t, db.Uploads.FinishUpload(ctx, writing.ID, ""), ErrNotFound)

	// What is still being written waits until that has ended.
	same(t, db.claimDeleted(t, time.Minute), old.ID, deleted.ID, bobs.ID, slot.ID)
	is(t, db.Uploads.ForgetUploads(ctx, []uuid.UUID{deleted.ID, slot.ID, kept.ID}), nil)
	db.age(t, "expires_at", writing.ID)
	same(t, db.claimDeleted(t, time.Minute), writing.ID)
	// Those that could not be removed come again.
	db.age(t, "expires_at", old.ID)
	db.age(t, "expires_at", bobs.ID)
	same(t, db.claimDeleted(t, time.Minute), old.ID, bobs.ID)

	is(t, db.Uploads.MarkUploadsDeleted(ctx, alice.ID), nil)
	same(t, db.claimDeleted(t, 0), kept.ID)
	stranger := uuid.New()
	unknown, err := db.Uploads.UnknownUploads(ctx, []uuid.UUID{kept.ID, deleted.ID, stranger})
	is(t, err, nil)
	same(t, unknown, deleted.ID, stranger)
}

func same(t *testing.T, got []uuid.UUID, want ...uuid.UUID) {
	t.Helper()
	byBytes := func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(got, byBytes)
	slices.SortFunc(want, byBytes)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUpload_List(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	var names []string
	for _, name := range []string{"a", "b", "c"} {
		db.stored(t, "alice", name, 1)
	}
	for after := uuid.Nil; ; {
		page, err := db.Uploads.Of(ctx, alice.ID, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			names = append(names, u.Name)
			after = u.ID
		}
	}
	own, other := db.stored(t, "alice", "d", 1), db.person(t, "bob")
	got, err := db.Uploads.UploadOf(ctx, alice.ID, own.ID)
	if err != nil || got.Name != "d" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = db.Uploads.UploadOf(ctx, other.ID, own.ID)
	is(t, err, ErrNotFound)
	if !slices.Equal(names, []string{"c", "b", "a"}) {
		t.Errorf("listed %q", names)
	}
}

// What is to be removed is found by indexes, however many files are kept.
func TestClaimDeletedUploads_ReadsIndexes(t *testing.T) {
	db, ctx := open(t), t.Context()
	db.person(t, "alice")
	for _, q := range []string{
		`INSERT INTO uploads (id, account_id, state, name, size, put_hash, get_hash)
			SELECT gen_random_uuid(), (SELECT id FROM accounts), 'stored', 'a', 1, int8send(n), int8send(-n) FROM generate_series(1, 20000) n`,
		"ANALYZE uploads",
	} {
		if _, err := db.pool.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	for _, oldest := range []time.Time{{}, time.Now().Add(-time.Hour)} {
		if plan := explain(t, db.pool, claimUploads, oldest, time.Now().Add(removalLease), 100); strings.Contains(plan, "Seq Scan on uploads") {
			t.Error(plan)
		}
	}
}
