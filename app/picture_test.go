package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"log/slog"
	"strings"
	"testing"

	"foyer/app/pictures"
	"foyer/internal/budget"
	"foyer/internal/stanza"
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

// claiming is a PNG that says it is larger than it is, and is cheap to decode.
func claiming(t *testing.T, width, height uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 10, 10))); err != nil {
		t.Fatal(err)
	}
	header := b.Bytes()[12:29] // PNG §11.2.2: IHDR, and 13 bytes, the size first
	binary.BigEndian.PutUint32(header[4:], width)
	binary.BigEndian.PutUint32(header[8:], height)
	binary.BigEndian.PutUint32(b.Bytes()[29:], crc32.ChecksumIEEE(header))
	return b.Bytes()
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
	refused := func(what string, raw []byte, is stanza.ErrorType, condition stanza.Condition, text string) {
		t.Helper()
		_, err := door.SetPhoto(t.Context(), "alice", "old", raw, "")
		for _, err := range []error{err, door.SetVCard(t.Context(), "alice", xmppd.VCard{Photo: raw})} {
			if got, ok := errors.AsType[*stanza.Error](err); !ok || got.Type != is || got.Condition != condition || !strings.Contains(got.Text, text) || store.last.Photo != nil {
				t.Errorf("%s: %+v", what, err)
			}
		}
	}
	refused("damaged", withPlace[:len(withPlace)/2], stanza.ErrorModify, stanza.NotAcceptable, "picture")
	refused("text", []byte("hello"), stanza.ErrorModify, stanza.NotAcceptable, "cannot read that picture")
	refused("large", claiming(t, 60000, 60000), stanza.ErrorModify, stanza.NotAcceptable, "too many pixels")
	for range 14 { // its account's pixels
		_ = door.SetVCard(t.Context(), "alice", xmppd.VCard{Photo: claiming(t, 3000, 2500)})
	}
	refused("many", claiming(t, 3000, 2500), stanza.ErrorWait, stanza.ResourceConstraint, "wait a minute")
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if err := door.SetVCard(away, "bob", xmppd.VCard{Photo: withPlace}); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
	if err := door.SetVCard(t.Context(), "alice", xmppd.VCard{Name: "Alice"}); err != nil || store.last.Name != "Alice" {
		t.Errorf("without a picture: %v", err)
	}
}

// Pictures beyond those that may wait to be fetched are left out, and the log says so once a minute.
func TestWantPicture_Full(t *testing.T) {
	ledger := budget.NewLimitLog(slog.New(slog.DiscardHandler))
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
