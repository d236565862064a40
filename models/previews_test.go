package models

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

// A preview is kept for as long as it says, the newest of a link; of too many, those that would expire first go.
func TestPreviews(t *testing.T) {
	db := open(t)
	save := func(id, title string, keep time.Duration) {
		t.Helper()
		is(t, db.Previews.SavePreview(t.Context(), LinkPreview{ID: id, Title: title, Picture: []byte("x"), PictureType: "image/png"}, keep), nil)
	}
	save("a", "Old", time.Hour)
	save("a", "New\x00", time.Hour)
	save("b", "Gone", -time.Second)
	is(t, db.Previews.SavePreview(t.Context(), LinkPreview{ID: "c"}, time.Hour), nil)
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
	if _, err := db.pool.Exec(t.Context(), `INSERT INTO link_previews (id, title, site, description, picture_type, expires_at)
		SELECT 'more' || n, '', '', '', '', now() + interval '2 hours' FROM generate_series(1, `+strconv.Itoa(maxPreviews)+`) n`); err != nil {
		t.Fatal(err)
	}
	is(t, db.Previews.RemovePreviews(t.Context()), nil)
	var left, early int
	is(t, db.pool.QueryRow(t.Context(), "SELECT count(*), count(*) FILTER (WHERE id IN ('a', 'b', 'c')) FROM link_previews").Scan(&left, &early), nil)
	if left > maxPreviews || early > 0 {
		t.Errorf("%d are left, %d of them early", left, early)
	}
}
