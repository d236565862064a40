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

// turned is a picture as it is to be seen, of one with an orientation.
func turned(src *image.RGBA, orientation int) *image.RGBA {
	if orientation == upright {
		return src
	}
	lastX, lastY := src.Rect.Dx()-1, src.Rect.Dy()-1
	dst := image.NewRGBA(src.Rect)
	if orientation >= 5 { // rows are columns
		dst = image.NewRGBA(image.Rect(0, 0, src.Rect.Dy(), src.Rect.Dx()))
	}
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			fromX, fromY := x, y
			if orientation >= 5 {
				fromX, fromY = y, x
			}
			if orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 {
				fromX = lastX - fromX
			}
			if orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7 {
				fromY = lastY - fromY
			}
			dst.SetRGBA(x, y, src.RGBAAt(fromX, fromY))
		}
	}
	return dst
}
