package models

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Previews are what was behind links; previews.Store.
type Previews struct{ *core }

// LinkPreview is what is shown of a link. One without a title is none.
type LinkPreview struct {
	ID                       string // of its address: the SHA-256, hex
	Title, Site, Description string
	HasPicture               bool
	Picture                  []byte // SavePreview's alone; PreviewPicture returns it
	PictureType              string
}

// How many previews are kept, for all and of what one account had looked at; those that would
// expire first go first.
const (
	maxPreviews          = 20_000
	maxPreviewsOfAccount = 1000
)

// Find returns those of the ids that are kept and have not expired, those that are none included.
func (db *Previews) Find(ctx context.Context, ids []string) (map[string]LinkPreview, error) {
	rows, err := db.pool.Query(ctx, `SELECT id, title, site, description, picture IS NOT NULL FROM link_previews
		WHERE id = ANY($1) AND expires_at > now()`, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[string]LinkPreview, len(ids))
	var p LinkPreview
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.Title, &p.Site, &p.Description, &p.HasPicture}, func() error {
		found[p.ID] = p
		return nil
	})
	return found, err
}

// SavePreview keeps a preview that an account had made for so long, in the place of an older one. What would be
// more than may be kept goes for it. They are kept one after the other: a statement counts what was there when
// it began.
func (db *Previews) SavePreview(ctx context.Context, user string, p LinkPreview, keep time.Duration) error {
	plain := func(text string) string { return strings.ReplaceAll(text, "\x00", "") }
	var steps pgx.Batch
	steps.Queue("SELECT pg_advisory_xact_lock(hashtextextended('link previews', 3))")
	steps.Queue(`INSERT INTO link_previews (id, title, site, description, picture, picture_type, expires_at, account_id)
		VALUES ($1, $2, $3, $4, $5, $6, now() + $7, (SELECT id FROM accounts WHERE username = $8))
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, site = excluded.site, description = excluded.description,
			picture = excluded.picture, picture_type = excluded.picture_type, expires_at = excluded.expires_at, account_id = excluded.account_id`,
		p.ID, plain(p.Title), plain(p.Site), plain(p.Description), p.Picture, p.PictureType, keep, user)
	steps.Queue(`DELETE FROM link_previews WHERE id IN (
		SELECT p.id FROM link_previews p JOIN accounts a ON a.id = p.account_id WHERE a.username = $1 ORDER BY p.expires_at DESC, p.id OFFSET $2)`,
		user, maxPreviewsOfAccount)
	steps.Queue("DELETE FROM link_previews WHERE id IN (SELECT id FROM link_previews ORDER BY expires_at DESC, id OFFSET $1)", maxPreviews)
	return db.pool.SendBatch(ctx, &steps).Close()
}

// PreviewPicture returns the picture of a preview. ErrNotFound: it has none, or has expired.
func (db *Previews) PreviewPicture(ctx context.Context, id string) (data []byte, mediaType string, err error) {
	err = db.pool.QueryRow(ctx, "SELECT picture, picture_type FROM link_previews WHERE id = $1 AND picture IS NOT NULL AND expires_at > now()", id).Scan(&data, &mediaType)
	return data, mediaType, translate(err)
}

// RemovePreviews removes those that have expired.
func (db *Previews) RemovePreviews(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, "DELETE FROM link_previews WHERE expires_at <= now()")
	return err
}
