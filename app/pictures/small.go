package pictures

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
)

// Small versions of pictures that people send: large enough for a conversation on a screen with three pixels for each
// of CSS's.

// Bounds of a small version, in pixels: of its long side, or where that would be more of its short one, since of what
// is long and narrow a conversation shows a part.
const (
	smallLong  = 1024
	smallShort = 512
)

// What one address may have made small: pixels a second, and at once. Each picture is made small once, so that many
// are only where somebody looks at old ones for the first time: at thirty photos of 12 million pixels.
const (
	smallPixelsPerSecond = 8 << 20
	smallPixelsBurst     = 400 << 20
)

// smallHead is how much of a file tells how large its picture is: what cameras write before that, such as a preview, has
// tens of kilobytes.
const smallHead = 256 << 10

// Small makes the small version of a picture, read from r, of a file of so many bytes: upright, encoded here as JPEG, or
// as PNG where something of it is transparent, so that nothing else of the file is left in it. nil: there is none and never
// will be, since the picture is small already, moves, is broken, or is larger than can be decoded here.
// An error is one of now: of r, ErrTooMany, or of ctx, until whose end it waits for memory and the processor. address pays.
// Colours are taken for those of sRGB.
func (d *Decoder) Small(ctx context.Context, address string, r io.Reader, size int64) ([]byte, error) {
	if size <= 0 || size > memory {
		return nil, nil
	}
	file := bufio.NewReaderSize(r, smallHead)
	head, err := file.Peek(int(min(size, smallHead)))
	if err != nil {
		return nil, err
	}
	cfg, format, err := image.DecodeConfig(bytes.NewReader(head))
	if err != nil || format == "gif" || moves(head, format) {
		return nil, nil // it is shown as it is
	}
	width, height := smallSize(cfg.Width, cfg.Height)
	if width == 0 {
		return nil, nil
	}
	need := size + smallCost(head, cfg, format, width, height)
	if need > memory {
		return nil, nil
	}
	if !d.smallPixels.Allow(address, cfg.Width*cfg.Height) {
		return nil, ErrTooMany
	}
	if need > memory/4 {
		need = memory // as in Square
	}
	release, err := d.memory.Acquire(ctx, address, need)
	if err != nil {
		return nil, err
	}
	defer release()
	raw := make([]byte, size)
	if _, err := io.ReadFull(file, raw); err != nil {
		return nil, err
	}
	done, err := d.processor.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	src, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, nil // likewise
	}
	data, err := encodeSmall(turned(scaled(src, width, height), orientation(raw, format)))
	if err != nil || int64(len(data)) >= size {
		return nil, err
	}
	return data, nil
}

// smallSize is how large the small version is; 0: the picture is small.
func smallSize(width, height int) (int, int) {
	long, short := max(width, height), min(width, height)
	if long <= smallLong || short <= smallShort {
		return 0, 0
	}
	num, den := smallLong, long
	if short*num < smallShort*den {
		num, den = smallShort, short
	}
	return (width*num + den/2) / den, (height*num + den/2) / den
}

// smallCost is how many bytes decoding and scaling take.
func smallCost(head []byte, cfg image.Config, format string, width, height int) int64 {
	const maxSide = 1 << 16 // of every format
	if cfg.Width > maxSide || cfg.Height > maxSide {
		return memory + 1
	}
	pixels := int64(cfg.Width) * int64(cfg.Height)
	each := bytesPerPixel(head, cfg.ColorModel, format)
	decoded, gone := pixels*each, int64(0)
	if format == "jpeg" && halved(head) {
		decoded /= 2
	}
	if format == "jpeg" && each > 3 { // coefficients, which are free again when there are pixels
		gone = decoded - decoded*3/each
	}
	factor := int64(averagedBy(cfg.Width, cfg.Height, width, height))
	// Rows, their averages, what is scaled from these, turned, and encoded; four bytes each.
	scaling := 4 * (int64(cfg.Width)*factor + pixels/(factor*factor) + 3*int64(width)*int64(height))
	return decoded + max(0, scaling-gone)
}

// averagedBy is how many pixels one is made of, in each direction, before the last step of scaling.
func averagedBy(fromWidth, fromHeight, width, height int) int {
	return max(1, min(fromWidth/width, fromHeight/height))
}

// scaled is a picture in another size. As many pixels as go into one are averaged first, since bilinear scaling looks at
// four only; better kernels take 32 bytes for each pixel of a picture's height in between, more than the picture itself.
func scaled(src image.Image, width, height int) *image.RGBA {
	if n := averagedBy(src.Bounds().Dx(), src.Bounds().Dy(), width, height); n > 1 {
		src = averaged(src, n)
	}
	dst := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	return dst
}

// averaged makes one pixel of n × n. What is left over at the right and the bottom, less than that, is not in it.
func averaged(src image.Image, n int) *image.RGBA {
	from := src.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, from.Dx()/n, from.Dy()/n))
	rows := image.NewRGBA(image.Rect(0, 0, from.Dx(), n))
	for y := range dst.Rect.Dy() {
		draw.Draw(rows, rows.Rect, src, image.Pt(from.Min.X, from.Min.Y+y*n), draw.Src)
		for x := range dst.Rect.Dx() {
			var sum [4]int
			for row := range n {
				at := row*rows.Stride + x*n*4
				for pixel := rows.Pix[at : at+4*n]; len(pixel) >= 4; pixel = pixel[4:] {
					sum[0] += int(pixel[0])
					sum[1] += int(pixel[1])
					sum[2] += int(pixel[2])
					sum[3] += int(pixel[3])
				}
			}
			to := dst.Pix[y*dst.Stride+4*x:]
			for i := range sum {
				to[i] = uint8((sum[i] + n*n/2) / (n * n))
			}
		}
	}
	return dst
}

func encodeSmall(img *image.RGBA) ([]byte, error) {
	var b bytes.Buffer
	err := error(nil)
	if img.Opaque() {
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality})
	} else {
		err = png.Encode(&b, img)
	}
	return b.Bytes(), err
}

// moves reports whether a file has several pictures that follow each other: APNG, or animated WebP.
func moves(head []byte, format string) bool {
	switch format {
	case "png":
		const signature, frame = 8, 12
		for at := signature; at+frame <= len(head); {
			switch string(head[at+4 : at+8]) {
			case "acTL": // before the first IDAT (PNG, third edition, §11.3.6.1)
				return true
			case "IDAT":
				return false
			}
			length := binary.BigEndian.Uint32(head[at:])
			if length > uint32(len(head)) {
				return false
			}
			at += frame + int(length)
		}
	case "webp":
		const flags, animation = 20, 1 << 1 // (RFC 9649 §2.7)
		return len(head) > flags && string(head[12:16]) == "VP8X" && head[flags]&animation != 0
	}
	return false
}
