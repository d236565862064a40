package pep

import (
	"strings"
	"unicode"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// The nodes in which people publish what they are called (XEP-0172, XEP-0292): the
// names go by the one rule for names, as those in vCards do. Pictures have nodes of their own
// (avatar.go), where they are encoded again; a card of this form is published as it is, and so
// has none in it.

const (
	nodeNick   = stanza.NSNick
	nsVCard4   = "urn:ietf:params:xml:ns:vcard-4.0"
	nodeVCard4 = "urn:xmpp:vcard4"
)

// checkNames prepares the nickname in an item, and refuses an item with a name that
// nobody may have, or with a picture in it.
func checkNames(node string, it *Item) error {
	if node == nodeNick {
		nick, ok := it.payload(stanza.NSNick, "nick")
		if !ok {
			return nil
		}
		name, err := xmppd.NameIn(nick)
		if err == nil {
			it.Payload = append(stream.AppendEscaped([]byte(`<nick xmlns="`+stanza.NSNick+`">`), name), `</nick>`...)
		}
		return err
	}
	card, ok := it.payload(nsVCard4, "vcard")
	if !ok {
		return nil
	}
	for c := range card.Children() {
		if uri, _ := c.Find(nsVCard4, "uri"); (c.Name.Local == "photo" || c.Name.Local == "logo") && isData(uri.Text()) {
			return &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "Please publish the picture as an avatar (XEP-0084), and the card without it."}
		}
		if c.Name.Local != "fn" && c.Name.Local != "nickname" {
			continue
		}
		text, _ := c.Find(nsVCard4, "text")
		name, err := xmppd.NameIn(text)
		if err != nil {
			return err
		}
		if strings.ContainsFunc(text.Text(), unicode.IsControl) { // the card is published as it is
			return &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "“" + name + "” has to be on one line."}
		}
	}
	return nil
}

// isData reports whether a URI holds what it is about (RFC 2397).
func isData(uri string) bool {
	scheme, _, _ := strings.Cut(strings.TrimSpace(uri), ":")
	return strings.EqualFold(scheme, "data")
}
