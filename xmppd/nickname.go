package xmppd

import (
	"strings"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Names that clients send go by the one rule for names (internal/names): in vCards,
// in requests for a subscription (XEP-0172), and in what people publish.

// NameIn reads a name; empty if there is none. The error is a *stanza.Error that
// says why it cannot be taken.
func NameIn(c stream.Child) (string, error) {
	text := strings.TrimSpace(c.Text())
	if text == "" {
		return "", nil
	}
	name, err := names.Prepare(text)
	if err != nil {
		return "", &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: err.Error()}
	}
	return name, nil
}

// isUnfitNick reports whether a child of a request is a nickname that nobody may
// have (XEP-0172 §4.1).
func isUnfitNick(c stream.Child) bool {
	if c.Name != (stream.Name{Space: stanza.NSNick, Local: "nick"}) {
		return false
	}
	name, err := NameIn(c)
	return err != nil || name != strings.TrimSpace(c.Text())
}
