package app

import (
	"context"
	"errors"
	"image"
	"image/color"
	"io"

	"foyer/app/pictures"

	"github.com/gofiber/fiber/v2"
)

// maxUpload is the largest picture that a form takes, in bytes.
const maxUpload = 8 << 20

func badPicture(sentence string, err error) error {
	return &Error{Code: Invalid, Public: sentence, Err: err}
}

// uploadedPicture reads the form's file and makes a square of it.
func (s *settingsPages) uploadedPicture(c *fiber.Ctx) (data []byte, mediaType string, err error) {
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
	data, mediaType, err = s.pictures.Square(c.UserContext(), viewer(c).account.Username, raw)
	return data, mediaType, pictureError(err)
}

// pictureError says what is wrong with a picture.
func pictureError(err error) error {
	switch {
	case errors.Is(err, pictures.ErrFormat):
		return badPicture("We cannot read that picture. Use a PNG, JPEG, GIF or WebP file.", err)
	case errors.Is(err, pictures.ErrTooLarge):
		return badPicture("That picture has too many pixels. Choose a smaller one.", err)
	case errors.Is(err, pictures.ErrDamaged):
		return badPicture("That picture is damaged. Choose another one.", err)
	case errors.Is(err, pictures.ErrTooMany):
		return badPicture("You have changed your picture many times. Please wait a minute.", err)
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: Unavailable, Public: "Many pictures are being saved right now. Please try again in a moment.", Err: err}
	}
	return err
}

// drawPicture draws a demo account's picture: two circles of a colour, like a
// head and shoulders.
func drawPicture(ground, figure color.RGBA) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, pictures.Side, pictures.Side))
	disc := func(x, y, cx, cy, r int) bool { return (x-cx)*(x-cx)+(y-cy)*(y-cy) <= r*r }
	for y := range pictures.Side {
		for x := range pictures.Side {
			c := ground
			if disc(x, y, 128, 100, 52) || disc(x, y, 128, 268, 104) {
				c = figure
			}
			img.SetRGBA(x, y, c)
		}
	}
	data, _, err := pictures.Encode(img)
	return data, err
}

// showAvatar: GET /avatars/:hash
func (s *peoplePages) showAvatar(c *fiber.Ctx) error {
	a, err := s.accounts.Avatar(c.UserContext(), c.Params("hash"))
	if err != nil {
		return pageNotFound(err)
	}
	c.Set("Content-Type", a.MediaType)
	// The address names the bytes, so they never change.
	c.Set("Cache-Control", "private, max-age=31536000, immutable")
	return c.Send(a.Data)
}

var errNoPage = errors.New("no such page")
