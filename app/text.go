package app

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Small pieces of the text that people read.

// plural is a number with its unit, such as "1 minute" and "3 minutes".
func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}

// initials are what stands in for a picture: of the first two words that have any, a letter or digit, or
// else what the name begins with. static/js/chat/elements.js does the same.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		i := strings.IndexFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
		if i < 0 {
			continue
		}
		first, _ := utf8.DecodeRuneInString(word[i:])
		if out = append(out, first); len(out) == 2 {
			break
		}
	}
	if len(out) == 0 {
		for _, first := range strings.TrimSpace(name) {
			return string(first)
		}
		return "?"
	}
	return strings.ToUpper(string(out))
}

// timeAgo says roughly how long ago t was.
func timeAgo(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute") + " ago"
	case d < 24*time.Hour:
		return plural(int(d.Hours()), "hour") + " ago"
	case d < 30*24*time.Hour:
		return plural(int(d.Hours()/24), "day") + " ago"
	}
	return t.Format("2 January 2006")
}
