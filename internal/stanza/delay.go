package stanza

import (
	"time"

	"foyer/internal/stream"
)

// StampFormat is how a time is written, in UTC, with milliseconds (XEP-0082 §3).
const StampFormat = "2006-01-02T15:04:05.000Z"

// Delay says when a stanza that comes late was sent, in the name of from
// (XEP-0203).
func Delay(from string, at time.Time) []byte {
	return []byte(`<delay xmlns="` + NSDelay + `" from="` + stream.Escape(from) + `" stamp="` + at.UTC().Format(StampFormat) + `"/>`)
}

// IsDelayBy reports whether c is a delay in the name of one of the owners (bare
// addresses), or of nobody: only they may say it (XEP-0203 §4).
func IsDelayBy(c stream.Child, owners ...string) bool {
	return c.Name == stream.Name{Space: NSDelay, Local: "delay"} && attributed(c, "from", owners)
}
