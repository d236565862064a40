package app

import (
	"strings"
	"testing"
)

// WCAG 2.2, 1.4.3.
func TestAccentCanBeReadInBothThemes(t *testing.T) {
	for _, colour := range []string{"#a63f24", "#0b5cad", "#5b21b6", "#000000", "#14532d"} {
		accent, err := newAccent(colour)
		if err != nil {
			t.Fatalf("%s: %v", colour, err)
		}
		light, _ := parseColour(accent.Light)
		dark, _ := parseColour(accent.Dark)
		if l, d := contrast(light, white), contrast(dark, darkPage); l < 4.5 || d < 4.5 {
			t.Errorf("%s: contrast %.2f on white, %.2f on the dark ground", colour, l, d)
		}
	}
}

func TestAccentThatCannotBeReadIsRefusedWithABetterOne(t *testing.T) {
	_, err := newAccent("#ffd400")
	if err == nil {
		t.Fatal("yellow on white was taken")
	}
	_, better, found := strings.Cut(err.Error(), "such as ")
	if !found {
		t.Fatalf("the error names no better colour: %v", err)
	}
	if _, err := newAccent(better); err != nil {
		t.Errorf("what it proposes is refused: %v", err)
	}
	for _, wrong := range []string{"red", "#12345", "a63f24", "#a63f2g", "#;}x{}"} {
		if _, err := newAccent(wrong); err == nil {
			t.Errorf("%q was taken for a colour", wrong)
		}
	}
}
