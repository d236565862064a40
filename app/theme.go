package app

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Theme is how pages look on a device: as its system does, light or dark.
type Theme string

// The themes.
const (
	ThemeSystem Theme = "system"
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

func themes() []Theme { return []Theme{ThemeSystem, ThemeLight, ThemeDark} }

// themeCookie keeps it with the device. The page is made with it, so that none
// is first shown in another one.
const themeCookie = "foyer_theme"

// Label is what people see.
func (t Theme) Label() string {
	return map[Theme]string{ThemeSystem: "System", ThemeLight: "Light", ThemeDark: "Dark"}[t]
}

// Scheme is what browsers paint before the styles are there.
func (t Theme) Scheme() string {
	if t == ThemeSystem {
		return "light dark"
	}
	return string(t)
}

// themeOf returns the theme of the device behind a request.
func themeOf(c *fiber.Ctx) Theme {
	if theme := Theme(readCookie(c, themeCookie)); slices.Contains(themes(), theme) {
		return theme
	}
	return ThemeSystem
}

// setTheme: POST /theme
func (s *homePages) setTheme(c *fiber.Ctx) error {
	theme := Theme(c.FormValue("theme"))
	if !slices.Contains(themes(), theme) {
		return &Error{Code: Invalid, Public: "There is no such theme."}
	}
	c.Cookie(&fiber.Cookie{
		Name: themeCookie, Value: string(theme), Path: "/", Expires: time.Now().AddDate(1, 0, 0),
		HTTPOnly: true, Secure: s.secure(), SameSite: "Lax",
	})
	return c.Redirect(localPath(c.FormValue("next")), fiber.StatusSeeOther)
}
