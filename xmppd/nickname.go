package xmppd

import (
	"strings"
	"unicode"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Names that clients send go by the one rule for names (internal/names): in vCards,
// in the nodes in which people publish what they are called (XEP-0172, XEP-0292),
// and in requests for a subscription.

const (
	nsNick     = "http://jabber.org/protocol/nick"
	nodeNick   = nsNick
	nsVCard4   = "urn:ietf:params:xml:ns:vcard-4.0"
	nodeVCard4 = "urn:xmpp:vcard4"
)

// nameOf reads a name; empty if there is none. The error is a *stanza.Error that
// says why it cannot be taken.
func nameOf(c stream.Child) (string, error) {
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

// checkNames prepares the nickname in an item, and refuses an item with a name that
// nobody may have.
func checkNames(node string, it *PubsubItem) error {
	if node == nodeNick {
		nick, ok := it.payload(nsNick, "nick")
		if !ok {
			return nil
		}
		name, err := nameOf(nick)
		if err == nil {
			it.Payload = append(stream.AppendEscaped([]byte(`<nick xmlns="`+nsNick+`">`), name), `</nick>`...)
		}
		return err
	}
	card, ok := it.payload(nsVCard4, "vcard")
	if !ok {
		return nil
	}
	for c := range card.Children() {
		if c.Name.Local != "fn" && c.Name.Local != "nickname" {
			continue
		}
		text, _ := c.Find(nsVCard4, "text")
		name, err := nameOf(text)
		if err != nil {
			return err
		}
		if strings.ContainsFunc(text.Text(), unicode.IsControl) { // the card is published as it is
			return &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "“" + name + "” has to be on one line."}
		}
	}
	return nil
}

// isUnfitNick reports whether a child of a request is a nickname that nobody may
// have (XEP-0172 §4.1).
func isUnfitNick(c stream.Child) bool {
	if c.Name != (stream.Name{Space: nsNick, Local: "nick"}) {
		return false
	}
	name, err := nameOf(c)
	return err != nil || name != strings.TrimSpace(c.Text())
}
