package pictures

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"strconv"
	"testing"
	"testing/iotest"
	"time"
)

// small makes one, and returns it decoded; nil: there is none.
func small(t *testing.T, d *Decoder, raw []byte) (img image.Image, format string, data []byte) {
	t.Helper()
	data, err := d.Small(t.Context(), "192.0.2.1", bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if data == nil {
		return nil, "", nil
	}
	if img, format, err = image.Decode(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return img, format, data
}

// padded is a file with something behind its picture, as many have it.
func padded(raw []byte) []byte { return append(bytes.Clone(raw), make([]byte, 1<<20)...) }

// quarters is a picture with a colour in each, as of corners, of any shape.
func quarters(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	of := corners(2)
	for y := range height {
		for x := range width {
			img.Set(x, y, of.At(2*x/width, 2*y/height))
		}
	}
	return img
}

// The small version of a photo is as it is seen, with nothing else of the file in it.
func TestSmall(t *testing.T) {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, quarters(3000, 2000), nil); err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{1: "rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"} {
		if n == 0 {
			continue
		}
		exif := append(held(uint16(n)), "51.5 N, 0.1 W"...)
		app1 := slices.Concat([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(2+6+len(exif))), []byte("Exif\x00\x00"), exif)
		img, format, data := small(t, New(nil, nil), padded(slices.Concat(photo.Bytes()[:2], app1, photo.Bytes()[2:])))
		width, height := 1024, 683
		if n >= 5 {
			width, height = height, width
		}
		if img == nil || format != "jpeg" || img.Bounds() != image.Rect(0, 0, width, height) {
			t.Fatalf("held as %d: none, or another kind or size: %s", n, format)
		}
		left, right, top, bottom := width/4, 3*width/4, height/4, 3*height/4
		got := []byte{colourAt(img, left, top), colourAt(img, right, top), colourAt(img, left, bottom), colourAt(img, right, bottom)}
		if string(got) != want || bytes.Contains(data, []byte("51.5")) || !bareJPEG(data) {
			t.Errorf("held as %d: %s, want %s; %d bytes", n, got, want, len(data))
		}
	}
}

// What is seen through stays so.
func TestSmall_Transparent(t *testing.T) {
	img := quarters(2048, 1600)
	for y := range 800 {
		for x := range 1024 {
			img.Set(x, y, color.Transparent)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	got, format, _ := small(t, New(nil, nil), padded(b.Bytes()))
	if format != "png" || got.Bounds() != image.Rect(0, 0, 1024, 800) {
		t.Fatalf("none, or another kind or size: %s", format)
	}
	if _, _, _, a := got.At(100, 100).RGBA(); a != 0 || colourAt(got, 900, 100) != 'g' {
		t.Errorf("opaque: %v, or of another colour: %c", a, colourAt(got, 900, 100))
	}
}

// bits writes numbers from their lowest bits on, as WebP's lossless format does.
type bits struct {
	raw []byte
	at  int
}

func (b *bits) write(value, n int) {
	for i := range n {
		if b.at%8 == 0 {
			b.raw = append(b.raw, 0)
		}
		b.raw[b.at/8] |= byte(value>>i&1) << (b.at % 8)
		b.at++
	}
}

// webP is one of a single colour (RFC 9649 §3).
func webP(width, height int) []byte {
	var b bits
	b.write(0x2f, 8)
	b.write(width-1, 14)
	b.write(height-1, 14)
	b.write(0, 1+3)                                   // no transparency, version 0
	b.write(0, 1+1+1)                                 // no transforms, cache, or codes of parts
	for _, symbol := range []int{255, 0, 0, 255, 0} { // green, red, blue, alpha, distance: codes with one symbol, of no bits
		b.write(1, 1)
		b.write(0, 1)
		b.write(1, 1)
		b.write(symbol, 8)
	}
	if len(b.raw)%2 != 0 {
		b.raw = append(b.raw, 0)
	}
	chunk := append(binary.LittleEndian.AppendUint32([]byte("WEBPVP8L"), uint32(len(b.raw))), b.raw...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunk))), chunk...)
}

// extended is a WebP that says what is in it, with so many flags (RFC 9649 §2.7).
func extended(raw []byte, flags byte, width, height int) []byte {
	head := append([]byte("VP8X"), 10, 0, 0, 0, flags, 0, 0, 0)
	head = append(binary.LittleEndian.AppendUint32(head, uint32(width-1))[:len(head)+3], binary.LittleEndian.AppendUint32(nil, uint32(height-1))[:3]...)
	body := slices.Concat([]byte("WEBP"), head, raw[12:])
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// All kinds that people send, and sizes: what is long and narrow is seen in part, and so it is not made that small.
func TestSmall_Kinds(t *testing.T) {
	wide, gray := blank(t, 6000, 1000), image.NewGray16(image.Rect(0, 0, 1100, 1100))
	var deep bytes.Buffer
	if err := png.Encode(&deep, gray); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw           []byte
		width, height int // 0: there is none
	}{
		"WebP":                    {padded(webP(2000, 3000)), 683, 1024},
		"WebP that is extended":   {padded(extended(webP(2000, 3000), 0, 2000, 3000)), 683, 1024},
		"WebP that moves":         {padded(extended(webP(2000, 3000), 2, 2000, 3000)), 0, 0},
		"PNG that moves":          {padded(withChunk(blank(t, 3000, 2000), "acTL", "12345678")), 0, 0},
		"PNG with other chunks":   {padded(withChunk(blank(t, 3000, 2000), "tEXt", "acTL")), 1024, 683},
		"16 bits":                 {padded(deep.Bytes()), 1024, 1024},
		"wide":                    {padded(wide), 3072, 512},
		"wide and low":            {padded(blank(t, 6000, 512)), 0, 0},
		"high and narrow":         {padded(blank(t, 600, 6000)), 512, 5120},
		"small":                   {padded(blank(t, 1024, 1024)), 0, 0},
		"GIF":                     {padded(encoded(t, "gif", 1500, 1500)), 0, 0},
		"broken":                  {encoded(t, "jpeg", 2000, 1500)[:60_000], 0, 0},
		"none":                    {padded([]byte("none")), 0, 0},
		"no smaller":              {blank(t, 1100, 1100), 0, 0}, // a few hundred bytes
		"larger than it is":       {padded(claiming(blank(t, 2000, 1000), 2000, 3000)), 0, 0},
		"larger than can be":      {padded(claiming(blank(t, 20, 10), 12_000, 12_000)), 0, 0},
		"much larger than can be": {padded(claiming(blank(t, 20, 10), 1<<31-1, 1<<31-1)), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			size := image.Point{}
			if img, _, _ := small(t, New(nil, nil), c.raw); img != nil {
				size = img.Bounds().Size()
			}
			if want := image.Pt(c.width, c.height); size != want {
				t.Errorf("%v, want %v", size, want)
			}
		})
	}
}

// What an address has made small is bounded, what is decoded at once too, and nobody waits beyond their time. None of
// these says anything of the picture.
func TestSmall_Bounded(t *testing.T) {
	raw := padded(blank(t, 3000, 2000))
	d := New(nil, nil)
	make := func(address string, wait time.Duration, raw []byte) error {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		data, err := d.Small(ctx, address, bytes.NewReader(raw), int64(len(raw)))
		if (data == nil) != (err != nil) {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		return err
	}
	d.smallPixels.Allow("192.0.2.1", smallPixelsBurst)
	if err := make("192.0.2.1", time.Minute, raw); !errors.Is(err, ErrTooMany) {
		t.Errorf("beyond what an address may: %v", err)
	}
	if err := make("192.0.2.2", time.Minute, raw); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
	huge := padded(claiming(blank(t, 20, 10), 12_000, 12_000))
	if data, err := d.Small(t.Context(), "192.0.2.3", bytes.NewReader(huge), int64(len(huge))); data != nil || err != nil || !d.smallPixels.Has("192.0.2.3", smallPixelsBurst) {
		t.Errorf("one that takes more memory than there is was begun: %d bytes, %v", len(data), err)
	}
	release, err := d.memory.Acquire(t.Context(), "alice", memory)
	if err != nil {
		t.Fatal(err)
	}
	if err := make("192.0.2.2", time.Millisecond, raw); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while somebody's picture takes all memory: %v", err)
	}
	release()
	data, err := d.Small(t.Context(), "192.0.2.2", iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(raw))), int64(len(raw)))
	if data != nil || !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a store that breaks off: %d bytes, %v", len(data), err)
	}
}

// What a small version is estimated to cost covers what it takes, and photos of usual cameras are not too large.
func TestSmall_Cost(t *testing.T) {
	frame := func(marker, sampling byte) []byte {
		return []byte{0xff, 0xd8, 0xff, marker, 0, 17, 8, 0, 10, 0, 10, 3, 1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0}
	}
	for name, c := range map[string]struct {
		head          []byte
		width, height int
		fits          bool
	}{
		"48 million pixels":                               {frame(0xc0, 0x22), 8000, 6000, true},
		"48 million pixels, each with a colour":           {frame(0xc0, 0x11), 8000, 6000, false},
		"12 million pixels, progressive":                  {frame(0xc2, 0x22), 4000, 3000, true},
		"24 million pixels, progressive":                  {frame(0xc2, 0x22), 6000, 4000, false},
		"as wide as can be, and not high enough":          {frame(0xc0, 0x22), 1 << 16, 2000, false},
		"many pixels in one direction, more than is told": {frame(0xc0, 0x22), 1 << 17, 600, false},
	} {
		width, height := smallSize(c.width, c.height)
		cost := smallCost(c.head, image.Config{ColorModel: color.YCbCrModel, Width: c.width, Height: c.height}, "jpeg", width, height)
		if (cost <= memory) != c.fits {
			t.Errorf("%s: %d MiB", name, cost>>20)
		}
	}
	if !halved(frame(0xc0, 0x22)) || halved(frame(0xc0, 0x21)) || halved(blank(t, 10, 10)) {
		t.Error("samples are not counted")
	}
}

func BenchmarkSmall(b *testing.B) {
	raw := padded(encoded(b, "jpeg", 4000, 3000))
	d := New(nil, nil)
	b.ReportAllocs()
	for address := 0; b.Loop(); address++ {
		if data, err := d.Small(b.Context(), strconv.Itoa(address), bytes.NewReader(raw), int64(len(raw))); data == nil || err != nil {
			b.Fatal(err)
		}
	}
}
