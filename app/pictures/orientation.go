package pictures

import (
	"bytes"
	"image"

	"github.com/bep/imagemeta"
)

// How somebody held their camera is not in the pixels of a photo but beside them (EXIF 2.32, tag 274): what is shown
// without it lies on its side, or is a mirror image.

const upright = 1

// orientation is what a file says of that, 1 to 8; upright if it says nothing that can be read.
func orientation(raw []byte, format string) int {
	kinds := map[string]imagemeta.ImageFormat{"jpeg": imagemeta.JPEG, "png": imagemeta.PNG, "webp": imagemeta.WebP}
	kind, ok := kinds[format]
	if !ok {
		return upright
	}
	found := upright
	// What is wrong with the rest of it does not matter: nothing of it is kept.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(raw), ImageFormat: kind, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" && tag.Namespace == "IFD0" },
		HandleTag: func(tag imagemeta.TagInfo) error {
			if n, ok := tag.Value.(uint16); ok && n >= 1 && n <= 8 {
				found = int(n)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return found
}

// turned is a square picture as it is to be seen, of one with an orientation.
func turned(square *image.RGBA, orientation int) *image.RGBA {
	if orientation == upright {
		return square
	}
	bounds := square.Bounds()
	last := bounds.Dx() - 1
	dst := image.NewRGBA(bounds)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			fromX, fromY := x, y
			if orientation >= 5 { // rows are columns
				fromX, fromY = y, x
			}
			if orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 {
				fromX = last - fromX
			}
			if orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7 {
				fromY = last - fromY
			}
			dst.SetRGBA(x, y, square.RGBAAt(fromX, fromY))
		}
	}
	return dst
}
