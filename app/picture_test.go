package app

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"log/slog"
	"testing"

	"foyer/app/pictures"
	"foyer/internal/budget"
	"foyer/xmppd"
)

// cards keeps the last vCard.
type cards struct {
	xmppd.VCardStore
	last xmppd.VCard
	then string // the hash of the picture that a new one is to take the place of
}

func (c *cards) SetVCard(_ context.Context, _ string, v xmppd.VCard) error {
	c.last = v
	return nil
}

func (c *cards) SetPhoto(_ context.Context, _, before string, photo []byte, photoType string) (string, error) {
	c.last, c.then = xmppd.VCard{Photo: photo, PhotoType: photoType}, before
	return "new", nil
}

// a vCard's picture, or one of personal eventing, comes in by the door of the
// settings: without where it was taken, or not at all.
func TestVCardPictures(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 100, 100)), nil); err != nil {
		t.Fatal(err)
	}
	place := []byte("Exif\x00\x00GPS 51.5 N")
	withPlace := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(2 + len(place))}, append(place, b.Bytes()[2:]...)...)
	store := &cards{}
	door := vcards{store, pictures.New(nil, nil)}
	if err := door.SetVCard(t.Context(), "alice", xmppd.VCard{Name: "Alice", Photo: withPlace, PhotoType: "text/html"}); err != nil {
		t.Fatal(err)
	}
	if len(store.last.Photo) == 0 || bytes.Contains(store.last.Photo, []byte("GPS")) || store.last.PhotoType != "image/png" {
		t.Errorf("kept as %s: %.60q", store.last.PhotoType, store.last.Photo)
	}
	store.last = xmppd.VCard{}
	hash, err := door.SetPhoto(t.Context(), "alice", "old", withPlace, "text/html")
	if err != nil || hash != "new" || store.then != "old" || len(store.last.Photo) == 0 || bytes.Contains(store.last.Photo, []byte("GPS")) || store.last.PhotoType != "image/png" {
		t.Errorf("published, it is kept as %s: %.60q, %v", store.last.PhotoType, store.last.Photo, err)
	}
	store.last = xmppd.VCard{}
	for name, raw := range map[string][]byte{"damaged": withPlace[:len(withPlace)/2], "text": []byte("hello")} {
		if err := door.SetVCard(t.Context(), "alice", xmppd.VCard{Photo: raw}); !errors.Is(err, xmppd.ErrNotAcceptable) || store.last.Photo != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := door.SetPhoto(t.Context(), "alice", "old", raw, ""); !errors.Is(err, xmppd.ErrNotAcceptable) || store.last.Photo != nil {
			t.Errorf("%s, published: %v", name, err)
		}
	}
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if err := door.SetVCard(away, "alice", xmppd.VCard{Photo: withPlace}); err == nil || errors.Is(err, xmppd.ErrNotAcceptable) {
		t.Errorf("without time: %v", err)
	}
	if err := door.SetVCard(t.Context(), "alice", xmppd.VCard{Name: "Alice"}); err != nil || store.last.Name != "Alice" {
		t.Errorf("without a picture: %v", err)
	}
}

// Pictures beyond those that may wait to be fetched are left out, and the log says so once a minute.
func TestWantPicture_Full(t *testing.T) {
	ledger := budget.NewLedger(slog.New(slog.DiscardHandler))
	s := &Server{limits: ledger, claimedPictures: make(chan claimedPicture, 1)}
	s.wantPicture("alice", "https://provider.example/alice.png")
	s.wantPicture("bob", "https://provider.example/bob.png")
	if got := <-s.claimedPictures; got.user != "alice" {
		t.Error(got)
	}
	if met := ledger.Take(); len(met) != 1 || met[0].Last != "bob" {
		t.Errorf("met %+v", met)
	}
}
