package app

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"foyer/app/uploads"
)

// photo is a JPEG of so many pixels, with where it was taken in it, and held so that it lies on its side (EXIF 2.32).
func photo(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for at := range img.Pix {
		img.Pix[at] = byte(at * at >> 7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	exif := append([]byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"), "51.5 N, 0.1 W"...)
	app1 := slices.Concat([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(2+len(exif))), exif)
	return slices.Concat(b.Bytes()[:2], app1, b.Bytes()[2:])
}

// sent is the address of a file that somebody sent.
func (s *Server) sent(t testing.TB, name, mediaType string, file []byte) string {
	t.Helper()
	slot := s.slot(t, "alice", name, len(file), mediaType)
	put(t, slot.Put, file).is(t, 201)
	return slot.Get
}

// What is large in bytes is shown small in a conversation: upright, without what else was in the file, and otherwise as
// the file itself; it goes with it.
func TestSmall(t *testing.T) {
	s, base := start(t, nil)
	file := photo(t, 2400, 1600)
	address := s.sent(t, "shed.jpeg", "image/jpeg", file)
	large := call(t, "GET", address, nil).is(t, 200)
	small := call(t, "GET", address+"?small", nil).is(t, 200).has(t, "Content-Type", "image/jpeg").has(t, "Accept-Ranges", "none").
		has(t, "Content-Disposition", `inline; filename="shed (small).jpg"; filename*=UTF-8''shed%20%28small%29.jpg`)
	for _, name := range []string{"Cache-Control", "Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Referrer-Policy", "X-Robots-Tag", "Access-Control-Allow-Origin"} {
		small.has(t, name, large.header.Get(name))
	}
	img, format, err := image.Decode(bytes.NewReader(small.body))
	if err != nil || format != "jpeg" || img.Bounds() != image.Rect(0, 0, 683, 1024) {
		t.Fatalf("%s, %v, %v", format, img.Bounds(), err)
	}
	if bytes.Contains(small.body, []byte("51.5 N")) || len(small.body) > len(file)/2 {
		t.Errorf("%d of %d bytes, or where it was taken is among them", len(small.body), len(file))
	}
	if !bytes.Equal(large.body, file) || !bytes.Equal(call(t, "GET", address, nil).body, file) {
		t.Error("the file itself was changed")
	}
	tag := small.header.Get("ETag")
	if tag == "" || tag == large.header.Get("ETag") {
		t.Errorf("they cannot be told apart: %q", tag)
	}
	again := call(t, "GET", address+"?small", nil, "Range", "bytes=0-9").is(t, 200).has(t, "ETag", tag)
	if !bytes.Equal(again.body, small.body) {
		t.Error("another one the next time")
	}
	call(t, "HEAD", address+"?small", nil).is(t, 200).has(t, "Content-Type", "image/jpeg").has(t, "Content-Length", again.header.Get("Content-Length"))
	call(t, "GET", address+"?small", nil, "If-None-Match", tag).is(t, 304).has(t, "ETag", tag)
	call(t, "GET", strings.Replace(address, "shed", "barn", 1)+"?small", nil).is(t, 404)
	if names := s.onDisk(t); len(names) != 2 {
		t.Errorf("on disk: %q", names)
	}
	store, err := uploads.OpenStore(s.cfg.uploadStore())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := uploads.Orphans(t.Context(), store, s.db.Uploads, false); err != nil || found != 0 {
		t.Errorf("%d files that nobody knows, %v", found, err)
	}

	alice := newBrowser(t, base)
	alice.signIn("alice")
	alice.get("/settings").wants(200, "<strong>"+Size(len(file)).String()+"</strong>") // the quota is of what people send
	alice.submit("/settings", "/settings/files/delete").wants(303, "")
	call(t, "GET", address+"?small", nil).is(t, 404)
	call(t, "GET", address+"?small", nil, "If-None-Match", tag).is(t, 404)
	eventually(t, func() bool { return len(s.onDisk(t)) == 0 })

	address = s.sent(t, "shed.jpeg", "image/jpeg", file)
	call(t, "GET", address+"?small", nil).is(t, 200)
	alice.submit("/settings", "/settings/delete", "confirm", "alice", "current", demoPassword).wants(303, "")
	s.uploads.RemoveDeleted(t.Context())
	if names := s.onDisk(t); len(names) > 0 {
		t.Errorf("left of a deleted account: %q", names)
	}
}

// Whatever has no small version, or not now, comes as it was sent.
func TestSmall_Otherwise(t *testing.T) {
	s, _ := start(t, nil)
	large := photo(t, 2400, 1600)
	seen := image.NewNRGBA(image.Rect(0, 0, 1500, 1500))
	for at := range seen.Pix {
		seen.Pix[at] = byte(rand.IntN(256)) // nothing that could be packed
	}
	seen.Set(0, 0, color.Transparent)
	var transparent bytes.Buffer
	if err := png.Encode(&transparent, seen); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file      []byte
		mediaType string
		kept      bool // that there is none
	}{
		"few bytes.png":        {pixels(t, 100_000), "image/png", false},
		"few pixels.png":       {pixels(t, 200_000), "image/png", true},
		"few pixels.jpg":       {append(photo(t, 1000, 800), make([]byte, 200_000)...), "image/jpeg", true},
		"cut off.jpg":          {large[:len(large)/2], "image/jpeg", true},
		"moves.gif":            {append([]byte("GIF89a"), make([]byte, 200_000)...), "image/gif", false},
		"no picture.txt":       {bytes.Repeat([]byte("text "), 50_000), "text/plain", false},
		"called a picture.png": {bytes.Repeat([]byte("text "), 50_000), "image/png", false},
	} {
		before := len(s.onDisk(t))
		address := s.sent(t, name, c.mediaType, c.file)
		want := call(t, "GET", address, nil).is(t, 200)
		for range 2 {
			got := call(t, "GET", address+"?small", nil).is(t, 200)
			for _, header := range []string{"Content-Type", "Content-Disposition", "ETag", "Cache-Control", "Accept-Ranges"} {
				got.has(t, header, want.header.Get(header))
			}
			if !bytes.Equal(got.body, c.file) {
				t.Errorf("%s: %d bytes", name, len(got.body))
			}
		}
		call(t, "GET", address+"?small", nil, "Range", "bytes=0-9").is(t, 206)
		if n := len(s.onDisk(t)) - before; (n == 2) != c.kept {
			t.Errorf("%s: %d files are kept", name, n)
		}
	}
	address := s.sent(t, "see through.png", "image/png", transparent.Bytes())
	call(t, "GET", address+"?small", nil).is(t, 200).has(t, "Content-Type", "image/png").
		has(t, "Content-Disposition", `inline; filename="see through (small).png"; filename*=UTF-8''see%20through%20%28small%29.png`)
}

// A store in which nothing more can be kept, and one whose small version is broken, harm nobody.
func TestSmall_StoreFails(t *testing.T) {
	s, _ := start(t, nil)
	file := photo(t, 2400, 1600)
	address := s.sent(t, "shed.jpg", "image/jpeg", file)
	kept := s.onDisk(t)[0]
	path := filepath.Join(s.cfg.DataDir, "uploads", kept[len(kept)-2:], kept)
	if err := os.MkdirAll(filepath.Join(path+".small.part", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := call(t, "GET", address+"?small", nil).is(t, 200); len(got.body) >= len(file)/2 {
		t.Errorf("%d bytes", len(got.body))
	}
	if err := os.WriteFile(path+".small", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := call(t, "GET", address+"?small", nil).is(t, 200); !bytes.Equal(got.body, file) {
		t.Errorf("%d bytes of one that is broken", len(got.body))
	}
}
