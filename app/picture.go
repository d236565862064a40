package app

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	_ "image/gif" // the formats people upload
	"image/jpeg"
	"image/png"
	"io"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // as above
)

// Bounds of a picture.
const (
	maxUpload     = 8 << 20  // bytes as uploaded
	maxPixels     = 40 << 20 // before it is decoded
	pictureSide   = 256      // pixels as kept
	jpegQuality   = 85
	pngIsSmallest = 48 << 10 // bytes up to which PNG is kept
)

func badPicture(sentence string, err error) error {
	return &Error{Code: Invalid, Public: sentence, Err: err}
}

// uploadedPicture reads the form's file and makes a square of it.
func uploadedPicture(c *fiber.Ctx) (data []byte, mediaType string, err error) {
	file, err := c.FormFile("picture")
	if err != nil || file.Size == 0 {
		return nil, "", badPicture("Choose a picture first.", err)
	}
	if file.Size > maxUpload {
		return nil, "", badPicture("That file is larger than 8 MB. Choose a smaller one.", nil)
	}
	f, err := file.Open()
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxUpload))
	if err != nil {
		return nil, "", err
	}
	return squarePicture(raw)
}

// squarePicture decodes a picture, cuts the middle out of it, and encodes it
// anew: what else was in the file, such as where it was taken, is gone.
func squarePicture(raw []byte) (data []byte, mediaType string, err error) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, "", badPicture("That is no picture we can read. Use a PNG, JPEG, GIF or WebP file.", err)
	}
	if cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width*cfg.Height > maxPixels {
		return nil, "", badPicture("That picture has too many pixels. Choose a smaller one.", nil)
	}
	src, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, "", badPicture("That picture is damaged. Choose another one.", err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, pictureSide, pictureSide))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, middle(src.Bounds()), draw.Src, nil)
	return encodePicture(dst)
}

// middle is the largest square in the middle of a rectangle.
func middle(r image.Rectangle) image.Rectangle {
	side := min(r.Dx(), r.Dy())
	x, y := r.Min.X+(r.Dx()-side)/2, r.Min.Y+(r.Dy()-side)/2
	return image.Rect(x, y, x+side, y+side)
}

func encodePicture(img *image.RGBA) (data []byte, mediaType string, err error) {
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

// drawPicture draws a demo account's picture: two circles of a colour, like a
// head and shoulders.
func drawPicture(ground, figure color.RGBA) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, pictureSide, pictureSide))
	disc := func(x, y, cx, cy, r int) bool { return (x-cx)*(x-cx)+(y-cy)*(y-cy) <= r*r }
	for y := range pictureSide {
		for x := range pictureSide {
			c := ground
			if disc(x, y, 128, 100, 52) || disc(x, y, 128, 268, 104) {
				c = figure
			}
			img.SetRGBA(x, y, c)
		}
	}
	data, _, err := encodePicture(img)
	return data, err
}

// showAvatar: GET /avatars/:hash
func (s *Server) showAvatar(c *fiber.Ctx) error {
	a, err := s.db.Avatar(c.UserContext(), c.Params("hash"))
	if err != nil {
		return notFound(err)
	}
	c.Set("Content-Type", a.MediaType)
	// The address names the bytes, so they never change.
	c.Set("Cache-Control", "private, max-age=31536000, immutable")
	return c.Send(a.Data)
}

var errNoPage = errors.New("no such page")
