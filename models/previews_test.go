package models

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// A preview is kept for as long as it says, the newest of a link.
func TestPreviews(t *testing.T) {
	db := open(t)
	save := func(id, title string, keep time.Duration) {
		t.Helper()
		is(t, db.Previews.SavePreview(t.Context(), "alice", LinkPreview{ID: id, Title: title, Picture: []byte("x"), PictureType: "image/png"}, keep), nil)
	}
	save("a", "Old", time.Hour)
	save("a", "New\x00", time.Hour)
	save("b", "Gone", -time.Second)
	is(t, db.Previews.SavePreview(t.Context(), "alice", LinkPreview{ID: "c"}, time.Hour), nil)
	found, err := db.Previews.Find(t.Context(), []string{"a", "b", "c", "d"})
	is(t, err, nil)
	if len(found) != 2 || found["a"].Title != "New" || !found["a"].HasPicture || found["c"].HasPicture {
		t.Errorf("%+v", found)
	}
	if data, mediaType, err := db.Previews.PreviewPicture(t.Context(), "a"); string(data) != "x" || mediaType != "image/png" || err != nil {
		t.Error(err)
	}
	for _, none := range []string{"b", "c", "d"} {
		if _, _, err := db.Previews.PreviewPicture(t.Context(), none); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", none, err)
		}
	}
	is(t, db.Previews.RemovePreviews(t.Context()), nil)
	if kept := db.previewsOf(t, ""); kept != 2 {
		t.Errorf("%d are left", kept)
	}
}

// previewsOf counts what is kept of what an account had looked at; nobody's name: of all.
func (db *DB) previewsOf(t *testing.T, user string) (n int) {
	t.Helper()
	err := db.pool.QueryRow(t.Context(), `SELECT count(*) FROM link_previews p LEFT JOIN accounts a ON a.id = p.account_id
		WHERE $1 = '' OR a.username = $1`, user).Scan(&n)
	is(t, err, nil)
	return n
}

// Of what is kept each account has a share, and all together no more than so many: those that would expire first go for a
// new one, however many are made at once. They go with nobody's account.
func TestPreviews_Share(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice, bob := db.person(t, "alice"), db.person(t, "bob")
	fill := func(who string, account any, n int, keep string) {
		t.Helper()
		_, err := db.pool.Exec(ctx, `INSERT INTO link_previews (id, title, site, description, picture_type, expires_at, account_id)
			SELECT $1::text || n, 'T', '', '', '', now() + $3::interval + n * interval '1 ms', $4::bigint FROM generate_series(1, $2::int) n`, who, n, keep, account)
		is(t, err, nil)
	}
	save := func(user string, from int) {
		t.Helper()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				is(t, db.Previews.SavePreview(ctx, user, LinkPreview{ID: fmt.Sprint("new", from+i), Title: "T"}, 7*24*time.Hour), nil)
			})
		}
		all.Wait()
	}
	has := func(ids ...string) int {
		t.Helper()
		found, err := db.Previews.Find(ctx, ids)
		is(t, err, nil)
		return len(found)
	}
	fill("alice", alice.ID, maxPreviewsOfAccount, "2 hours")
	fill("bob", bob.ID, 10, "1 hour")
	save("alice", 0)
	if n := db.previewsOf(t, "alice"); n != maxPreviewsOfAccount || has("alice8") > 0 || has("alice9", "new7") != 2 || db.previewsOf(t, "bob") != 10 {
		t.Errorf("%d of alice are kept", n)
	}

	fill("nobody", nil, maxPreviews-maxPreviewsOfAccount-10, "3 hours")
	save("bob", 100)
	if n := db.previewsOf(t, ""); n != maxPreviews || has("bob8") > 0 || has("bob9", "new107") != 2 || db.previewsOf(t, "alice") != maxPreviewsOfAccount {
		t.Errorf("%d of all are kept", n)
	}

	is(t, db.Accounts.DeleteAccount(ctx, alice.ID, AnyVersion, "h"), nil)
	if has("new7") != 1 || db.previewsOf(t, "alice") != 0 {
		t.Error("a preview went with the account of who had it made, or stayed theirs")
	}
}
