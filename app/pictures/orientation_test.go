package pictures

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"
)

// corners is a picture with a colour in each quarter: r, g above b, w.
func corners(side int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	half := side / 2
	for i, c := range []color.RGBA{{R: 255, A: 255}, {G: 255, A: 255}, {B: 255, A: 255}, {R: 255, G: 255, B: 255, A: 255}} {
		at := image.Pt(i%2*half, i/2*half)
		draw.Draw(img, image.Rectangle{at, at.Add(image.Pt(half, half))}, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return img
}

// colourAt tells which of the four a picture has there.
func colourAt(img image.Image, x, y int) byte {
	r, g, b, _ := img.At(x, y).RGBA()
	switch bright := func(v uint32) bool { return v > 0x8000 }; {
	case bright(r) && bright(g) && bright(b):
		return 'w'
	case bright(r):
		return 'r'
	case bright(g):
		return 'g'
	case bright(b):
		return 'b'
	}
	return '?'
}

// held is EXIF in which a camera says how it was held, and as the first thing where the photo was taken.
func held(orientation uint16) []byte {
	b := binary.BigEndian
	raw := append([]byte("MM\x00\x2a"), 0, 0, 0, 8)
	raw = b.AppendUint16(raw, 2)
	for _, entry := range []struct{ tag, value uint16 }{{0x0110, 'x' << 8}, {274, orientation}} {
		raw = b.AppendUint16(raw, entry.tag)
		raw = b.AppendUint16(raw, map[uint16]uint16{0x0110: 2, 274: 3}[entry.tag]) // ASCII, SHORT
		raw = b.AppendUint32(raw, 1)
		raw = b.AppendUint16(raw, entry.value)
		raw = b.AppendUint16(raw, 0)
	}
	return b.AppendUint32(raw, 0)
}

// A photo is shown upright, as the person saw it who took it (EXIF 2.32 §4.6.4).
func TestSquare_Upright(t *testing.T) {
	var photo, drawing bytes.Buffer
	if err := jpeg.Encode(&photo, corners(600), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&drawing, corners(40)); err != nil { // small: without EXIF it would be kept as it is
		t.Fatal(err)
	}
	for n, want := range []string{1: "rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb", "rgbw"} {
		if n == 0 {
			continue
		}
		exif := held(uint16(n))
		app1 := slices.Concat([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(2+6+len(exif))), []byte("Exif\x00\x00"), exif)
		for name, raw := range map[string][]byte{
			"JPEG": slices.Concat(photo.Bytes()[:2], app1, photo.Bytes()[2:]),
			"PNG":  withChunk(drawing.Bytes(), "eXIf", string(exif)),
		} {
			data, _, err := New(nil, nil).Square(t.Context(), "alice", raw)
			if err != nil {
				t.Fatal(err)
			}
			img, _, err := image.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			near, far := Side/4, 3*Side/4
			got := []byte{colourAt(img, near, near), colourAt(img, far, near), colourAt(img, near, far), colourAt(img, far, far)}
			if string(got) != want {
				t.Errorf("%s, held as %d: %s, want %s", name, n, got, want)
			}
		}
	}
}

// FuzzOrientation: what a file says of itself is read without a panic, and is one of eight.
func FuzzOrientation(f *testing.F) {
	raw := encoded(f, "jpeg", 20, 20)
	f.Add(slices.Concat(raw[:2], []byte{0xff, 0xe1, 0, 2 + 6 + 8}, []byte("Exif\x00\x00"), held(6)[:8], raw[2:]))
	f.Add(withChunk(encoded(f, "png", 20, 20), "eXIf", string(held(6))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, format := range []string{"jpeg", "png", "webp", "gif"} {
			if n := orientation(raw, format); n < 1 || n > 8 {
				t.Fatalf("%s: %d", format, n)
			}
		}
	})
}
