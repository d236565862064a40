// Package pictures checks the pictures of people, from the settings, from vCards and
// from personal eventing: they are decoded within bounds, and what is kept was encoded
// here, or holds nothing but a picture. It makes small versions of the pictures that people send, too.
package pictures

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/gif" // the formats people have
	"image/jpeg"
	"image/png"

	"foyer/internal/budget"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // as above
)

// Bounds of a picture.
const (
	Side = 256 // pixels of a picture as it is kept

	jpegQuality   = 85
	pngIsSmallest = 48 << 10 // bytes up to which PNG is kept
)

// What decoding may take at once, in bytes of memory: of all, and of one picture
//
const memory = 96 << 20

// What an account may have decoded: pixels a second, and at once.
const (
	pixelsPerSecond = 2 << 20
	pixelsBurst     = 100 << 20
)

// Errors of Square, and ErrTooMany of Small, besides those of their contexts.
var (
	ErrFormat   = errors.New("pictures: no picture of a format that is known")
	ErrTooLarge = errors.New("pictures: too many pixels")
	ErrDamaged  = errors.New("pictures: damaged")
	ErrTooMany  = errors.New("pictures: too many of one account or address")
)

// Decoder decodes people's pictures. It is safe for concurrent use.
type Decoder struct {
	memory      *budget.KeyedSemaphore
	pixels      *budget.Rate
	smallPixels *budget.Rate
	processor   *budget.CPUSemaphore
}

// New returns a Decoder, which waits for its turns of the processor; nil: it does not.
func New(recorder budget.Recorder, p *budget.CPUSemaphore) *Decoder {
	return &Decoder{
		memory:      budget.NewKeyedSemaphore(budget.Limit{Name: "pictures decoded at once"}, memory, memory, recorder),
		pixels:      budget.NewRate(budget.Limit{Name: "pictures of one account"}, pixelsPerSecond, pixelsBurst, recorder),
		smallPixels: budget.NewRate(budget.Limit{Name: "pictures made small for one address"}, smallPixelsPerSecond, smallPixelsBurst, recorder),
		processor:   p,
	}
}

// Square makes of a picture what is kept of it: a square cut out of its middle, upright
// however the camera was held, encoded here, so that what else was in the file, such as where it was taken, is
// gone. A small picture with nothing else in its file is kept as it is. account
// pays. It waits for memory until ctx ends.
func (d *Decoder) Square(ctx context.Context, account string, raw []byte) (data []byte, mediaType string, err error) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, "", errors.Join(ErrFormat, err)
	}
	need := cost(raw, cfg, format)
	if cfg.Width <= 0 || cfg.Height <= 0 || need > memory {
		return nil, "", ErrTooLarge
	}
	if !d.pixels.Allow(account, cfg.Width*cfg.Height) {
		return nil, "", ErrTooMany
	}
	if need > memory/4 {
		need = memory // large ones take long, too: one after the other
	}
	release, err := d.memory.Acquire(ctx, account, need)
	if err != nil {
		return nil, "", err
	}
	defer release()
	done, err := d.processor.Acquire(ctx)
	if err != nil {
		return nil, "", err
	}
	defer done()
	src, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, "", errors.Join(ErrDamaged, err)
	}
	if max(cfg.Width, cfg.Height) <= 2*Side && len(raw) <= 2*pngIsSmallest && bare(raw, format) {
		return raw, "image/" + format, nil
	}
	dst := image.NewRGBA(image.Rect(0, 0, Side, Side))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, middle(src.Bounds()), draw.Src, nil)
	return Encode(turned(dst, orientation(raw, format)))
}

// cost is how many bytes decoding and scaling a picture takes.
func cost(raw []byte, cfg image.Config, format string) int64 {
	const maxSide = 1 << 16 // of every format
	if cfg.Width > maxSide || cfg.Height > maxSide {
		return memory + 1
	}
	pixels := int64(cfg.Width) * int64(cfg.Height)
	scaled := int64(min(cfg.Width, cfg.Height)) * Side * 32 // four float64, Side wide
	return pixels*bytesPerPixel(raw, cfg.ColorModel, format) + scaled
}

// middle is the largest square in the middle of a rectangle.
func middle(r image.Rectangle) image.Rectangle {
	side := min(r.Dx(), r.Dy())
	x, y := r.Min.X+(r.Dx()-side)/2, r.Min.Y+(r.Dy()-side)/2
	return image.Rect(x, y, x+side, y+side)
}

// Encode encodes a picture as PNG where that is small, or has to be, else as JPEG.
func Encode(img *image.RGBA) (data []byte, mediaType string, err error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, "", err
	}
	if b.Len() <= pngIsSmallest || !img.Opaque() {
		return b.Bytes(), "image/png", nil
	}
	b.Reset()
	err = jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality})
	return b.Bytes(), "image/jpeg", err
}
