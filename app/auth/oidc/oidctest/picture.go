package oidctest

import (
	"image"
	"image/color"
	"image/png"
	"net/http"
)

// picture is what people look like here.
func (p *Provider) picture(w http.ResponseWriter, _ *http.Request) {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		img.Set(i%64, i/64, color.RGBA{uint8(i), 90, 160, 255})
	}
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, img)
}
