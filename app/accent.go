package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Accent is the colour of a site's buttons and links, as #rrggbb, in each theme.
type Accent struct{ Light, Dark string }

// What text needs beside its ground (WCAG 2.2, 1.4.3: 4.5), with some to spare for
// the tinted grounds of tokens.css.
const readable = 5.5

type rgb [3]float64 // 0 to 255

var (
	white    = rgb{255, 255, 255}
	black    = rgb{0, 0, 0}
	darkPage = rgb{0x2e, 0x27, 0x23} // --raised of the dark theme
)

// newAccent makes both from ACCENT; nil for the one in tokens.css. In the dark theme
// it is as much lighter as it takes.
func newAccent(setting string) (*Accent, error) {
	if setting == "" {
		return nil, nil
	}
	colour, err := parseColour(setting)
	if err != nil {
		return nil, err
	}
	if ratio := contrast(colour, white); ratio < readable {
		return nil, fmt.Errorf("it cannot be read on white (contrast %.1f, %.1f is needed); use a darker one, such as %s", ratio, readable, towards(colour, black, white))
	}
	return &Accent{Light: colour.String(), Dark: towards(colour, white, darkPage).String()}, nil
}

func parseColour(s string) (rgb, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "#"))
	if err != nil || len(b) != 3 || !strings.HasPrefix(s, "#") {
		return rgb{}, errors.New("it must be like #a63f24")
	}
	return rgb{float64(b[0]), float64(b[1]), float64(b[2])}, nil
}

func (c rgb) String() string {
	return fmt.Sprintf("#%02x%02x%02x", uint8(math.Round(c[0])), uint8(math.Round(c[1])), uint8(math.Round(c[2])))
}

// towards mixes a colour with another until it can be read on a ground.
func towards(colour, end, ground rgb) rgb {
	const steps = 50
	for i := 0.0; i < steps; i++ {
		var mixed rgb
		for k := range mixed {
			mixed[k] = math.Round(colour[k] + (end[k]-colour[k])*i/steps)
		}
		if contrast(mixed, ground) >= readable {
			return mixed
		}
	}
	return end
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2, from 0 to 1.
func luminance(c rgb) float64 {
	linear := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}
