package pictures

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func colours(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	return img
}

func encoded(t testing.TB, format string, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, colours(w, h))
	case "jpeg":
		err = jpeg.Encode(&b, colours(w, h), nil)
	case "gif":
		err = gif.Encode(&b, colours(w, h), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withEXIF puts a segment into a JPEG as cameras do, with the place in it.
func withEXIF(raw []byte) []byte {
	segment := append([]byte{0xff, 0xe1, 0, 2 + 6 + 20}, "Exif\x00\x00GPS 51.5 N, 0.1 W..."[:26]...)
	return slices.Concat(raw[:2], segment, raw[2:])
}

// withChunk puts a chunk into a PNG, before its data.
func withChunk(raw []byte, name, data string) []byte {
	chunk := append([]byte(name), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk))
	return slices.Concat(raw[:33], binary.BigEndian.AppendUint32(nil, uint32(len(data))), chunk, raw[33:])
}

// claiming is a PNG whose header says that it is so large.
func claiming(raw []byte, w, h uint32) []byte {
	raw = bytes.Clone(raw)
	binary.BigEndian.PutUint32(raw[16:], w)
	binary.BigEndian.PutUint32(raw[20:], h)
	binary.BigEndian.PutUint32(raw[29:], crc32.ChecksumIEEE(raw[12:29]))
	return raw
}

// what is kept holds a picture and nothing else, or was refused; what holds
// nothing else is kept as it is.
func TestSquare(t *testing.T) {
	small, photo := encoded(t, "png", 40, 40), encoded(t, "jpeg", 40, 40)
	for name, c := range map[string]struct {
		raw  []byte
		same bool
		err  error
	}{
		"a small PNG":     {small, true, nil},
		"a small JPEG":    {photo, true, nil},
		"a GIF":           {encoded(t, "gif", 40, 40), false, nil},
		"a large picture": {encoded(t, "png", 2*Side+1, 40), false, nil},
		"a photo":         {blank(t, 3000, 2500), false, nil},
		"JPEG with EXIF":  {withEXIF(photo), false, nil},
		"PNG with text":   {withChunk(small, "tEXt", "where\x00at home"), false, nil},
		"PNG with EXIF":   {withChunk(small, "eXIf", "II*\x00"), false, nil},
		"PNG, own chunk":  {withChunk(small, "prIv", "x"), false, nil},
		"PNG, then more":  {append(bytes.Clone(small), "<script>"...), false, nil},
		"JPEG, then more": {append(bytes.Clone(photo), "PK\x03\x04"...), false, nil},
		"JPEG, comment":   {slices.Concat(photo[:2], []byte{0xff, 0xfe, 0, 5, 'h', 'i', '!'}, photo[2:]), false, nil},
		"JPEG, cut short": {photo[:len(photo)-20], false, ErrDamaged},
		"PNG, half of it": {small[:len(small)/2], false, ErrDamaged},
		"a bomb":          {claiming(small, 1<<16, 1<<16), false, ErrTooLarge},
		"text":            {[]byte("hello"), false, ErrFormat},
		"nothing":         {nil, false, ErrFormat},
		"SVG":             {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), false, ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			data, mediaType, err := New(nil, nil).Square(t.Context(), "alice", c.raw)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if bytes.Equal(data, c.raw) != c.same {
				t.Errorf("kept as it was: %v", !c.same)
			}
			got, format, err := image.DecodeConfig(bytes.NewReader(data))
			if err != nil || "image/"+format != mediaType || got.Width > 2*Side {
				t.Errorf("%s of %+v, %v", mediaType, got, err)
			}
			if !bare(data, format) {
				t.Error("there is more in it than a picture")
			}
			if again, _, err := New(nil, nil).Square(t.Context(), "alice", data); err != nil || !bytes.Equal(again, data) {
				t.Errorf("what was kept is not kept again: %v", err)
			}
		})
	}
}

// blank is a PNG of zeros, which packs well.
func blank(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// however many come at once, what they take together is bounded; and an
// account has its part of the decoders' time.
func TestSquare_Bounded(t *testing.T) {
	small := blank(t, 300, 250)
	large := claiming(small, 3000, 2500) // which decoding finds to be untrue
	d := New(nil, nil)
	d.pixels.Allow("alice", pixelsBurst)
	if _, _, err := d.Square(t.Context(), "alice", small); !errors.Is(err, ErrTooMany) {
		t.Errorf("beyond what an account may: %v", err)
	}
	if _, _, err := d.Square(t.Context(), "bob", small); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
	if _, _, err := d.Square(t.Context(), "bob", large); !errors.Is(err, ErrDamaged) {
		t.Errorf("a large one is not decoded: %v", err)
	}
	for _, c := range []struct {
		taken int64
		raw   []byte
		want  error
	}{
		{memory, small, context.DeadlineExceeded},
		{1, large, context.DeadlineExceeded}, // takes all there is
		{1, small, nil},
	} {
		release, err := d.memory.Acquire(t.Context(), "x", c.taken)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if c.want != nil {
			ctx, cancel = context.WithTimeout(ctx, time.Millisecond)
		}
		if _, _, err := d.Square(ctx, "carol", c.raw); !errors.Is(err, c.want) {
			t.Errorf("%d bytes of a picture while others take %d: %v", len(c.raw), c.taken, err)
		}
		cancel()
		release()
	}
}

// A picture's estimated cost covers what its kind takes.
func TestCost(t *testing.T) {
	progressive := slices.Concat([]byte{0xff, 0xd8}, []byte{0xff, 0xc2, 0, 11, 8, 0, 10, 0, 10, 1, 1, 0x11, 0})
	interlaced := encoded(t, "png", 10, 10)
	interlaced[28] = 1
	for name, c := range map[string]struct {
		raw    []byte
		model  color.Model
		format string
		want   int64
	}{
		"PNG":              {encoded(t, "png", 10, 10), color.RGBAModel, "png", 4},
		"grey":             {blank(t, 10, 10), color.GrayModel, "png", 1},
		"16 bits":          {nil, color.NRGBA64Model, "png", 8},
		"interlaced":       {interlaced, color.RGBAModel, "png", 8},
		"palette":          {nil, color.Palette{}, "gif", 1},
		"JPEG":             {encoded(t, "jpeg", 10, 10), color.YCbCrModel, "jpeg", 3},
		"progressive JPEG": {progressive, color.YCbCrModel, "jpeg", 15},
		"WebP":             {nil, color.NRGBAModel, "webp", 8},
	} {
		if got := bytesPerPixel(c.raw, c.model, c.format); got != c.want {
			t.Errorf("%s: %d bytes for a pixel, want %d", name, got, c.want)
		}
	}
}

// FuzzBare: a file's structure is looked at without a panic, whatever it holds.
func FuzzBare(f *testing.F) {
	for _, format := range []string{"png", "jpeg"} {
		raw := encoded(f, format, 20, 20)
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, format := range []string{"png", "jpeg"} {
			if bare(raw, format) && bare(append(bytes.Clone(raw), 'x'), format) {
				t.Fatal("what follows the end was not seen")
			}
		}
		bytesPerPixel(raw, color.YCbCrModel, "jpeg")
		halved(raw)
		for _, format := range []string{"png", "webp"} {
			moves(raw, format)
		}
	})
}
