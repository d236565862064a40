package stanza

import (
	"slices"

	"foyer/internal/stream"
)

// ID builds the <stanza-id/> of a message in the archive of by (XEP-0359 §3).
func ID(by, id string) []byte {
	dst := AppendAttr([]byte(`<stanza-id xmlns="`+NSSID+`"`), "by", by)
	return append(AppendAttr(dst, "id", id), "/>"...)
}

// IDBy returns the id that a message has in the archive of by.
func IDBy(m *stream.Element, by string) (id string, ok bool) {
	for c := range m.Children() {
		if c.Name != (stream.Name{Space: NSSID, Local: "stanza-id"}) {
			continue
		}
		if owner, _ := c.Attr("by"); owner == by {
			return c.Attr("id")
		}
	}
	return "", false
}

// IsIDBy reports whether c is a stanza id in the name of one of the owners (bare
// addresses), or of nobody at all: such an id is only theirs to give (XEP-0359
// §5, S-53, S-91).
func IsIDBy(c stream.Child, owners ...string) bool {
	return c.Name == stream.Name{Space: NSSID, Local: "stanza-id"} && attributed(c, "by", owners)
}

// attributed reports whether an attribute names one of the owners, or is no
// address.
func attributed(c stream.Child, attr string, owners []string) bool {
	value, _ := c.Attr(attr)
	a, err := ParseAddress(value)
	return err != nil || slices.Contains(owners, a.Bare())
}
