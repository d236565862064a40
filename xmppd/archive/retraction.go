package archive

import (
	"context"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Message retraction (XEP-0424). Of a one-to-one message that its author takes
// back, both archives keep no more than that it was there: its text can neither
// be read nor be found any more. The retraction itself is a message like any
// other, and is archived whatever the preferences say, since those who come back
// later must learn of it.

const nsTombstones = stanza.NSRetract + "#tombstone"

var errRetractsMany = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.BadRequest, Text: "Take messages back one at a time."}

// RetractedID returns the id of the message that m takes back; empty: none. Clients go by
// the form that was first, too, a fastening (XEP-0422), so both are read. Of several
// messages one client would take back the first and another the last: that is an error.
func RetractedID(m *stream.Element) (string, error) {
	named := ""
	for c := range m.Children() {
		if !retracts(c) {
			continue
		}
		id, _ := c.Attr("id")
		if named != "" && id != named {
			return "", errRetractsMany
		}
		named = id
	}
	return named, nil
}

func retracts(c stream.Child) bool {
	if c.Name == (stream.Name{Space: stanza.NSFasten, Local: "apply-to"}) {
		_, ok := c.Find(stanza.NSOldRetract, "retract")
		return ok
	}
	return c.Name == (stream.Name{Space: stanza.NSRetract, Local: "retract"})
}

// IsRetraction reports whether a message takes something back; then its text is for clients that do not know that.
func IsRetraction(m *stream.Element) bool {
	id, err := RetractedID(m)
	return id != "" || err != nil
}

// Retraction finds what a message takes back that one bare JID sent to another: only
// what the same account sent to the same person (XEP-0424 §6). It may be in either
// archive, under the same id; nil when it is in none. A retraction without an id of its
// own cannot be referred to by a tombstone (XEP-0424 §5), and is a message only.
func (a *Archive) Retraction(ctx context.Context, m *stream.Element, from, to string) (*Retraction, error) {
	stanzaID, err := RetractedID(m)
	if err != nil || stanzaID == "" || m.ID == "" {
		return nil, err
	}
	ids, err := a.store.Versions(ctx, from, to, to != from, stanzaID, nil)
	if err == nil && len(ids) == 0 && to != from {
		ids, err = a.store.Versions(ctx, to, from, false, stanzaID, nil)
	}
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return &Retraction{IDs: ids, By: m.ID, At: time.Now()}, nil
}

// Tombstone returns what stands in the place of a retracted message: its
// addresses, kind and id, and that it was retracted (XEP-0424 §5).
func (r *Retraction) Tombstone(message []byte) ([]byte, error) {
	m, err := stream.Parse(message, stream.Limits{Bytes: len(message)})
	if err != nil {
		return nil, err
	}
	dst := appendHead(m, r.Keep)
	dst = stanza.AppendAttr(append(dst, `<retracted xmlns="`+stanza.NSRetract+`"`...), "id", r.By)
	dst = append(stanza.AppendAttr(dst, "stamp", r.At.UTC().Format(time.RFC3339)), '>')
	return append(append(dst, r.Extra...), "</retracted></message>"...), nil
}

// retractionText is what a message that takes something back says to clients that do not know that, where its author's
// own words are not to stay.
const retractionText = "A message was taken back."

// Silenced returns a message that takes something back (IsRetraction) without what its author wrote: its addresses,
// kind and id, what it takes back, the children that are kept, and a text that is the same for all. An error: it takes
// back several messages, or cannot be parsed. A message that is silent already comes back as it is.
func Silenced(message []byte, keep []stream.Name) ([]byte, error) {
	m, err := stream.Parse(message, stream.Limits{Bytes: len(message)})
	if err != nil {
		return nil, err
	}
	id, err := RetractedID(m)
	if err != nil {
		return nil, err
	}
	dst := appendHead(m, keep)
	dst = append(stanza.AppendAttr(append(dst, `<retract xmlns="`+stanza.NSRetract+`"`...), "id", id), '>')
	if c, ok := m.Find(stanza.NSRetract, "retract"); ok {
		if moderated, ok := c.Find(stanza.NSModerate, "moderated"); ok { // who; not why
			dst = append(dst, moderated.Raw()...)
		}
	}
	dst = append(dst, `</retract><fallback xmlns="`+stanza.NSFallback+`" for="`+stanza.NSRetract+`"/><body>`+retractionText+`</body></message>`...)
	return dst, nil
}

// appendHead begins a message that stands in the place of another.
func appendHead(m *stream.Element, keep []stream.Name) []byte {
	dst := []byte(`<message xmlns="jabber:client"`)
	for _, a := range [...][2]string{{"from", m.From}, {"to", m.To}, {"type", m.Type}, {"id", m.ID}} {
		dst = stanza.AppendAttr(dst, a[0], a[1])
	}
	dst = append(dst, '>')
	for c := range m.Children() {
		if slices.Contains(keep, c.Name) {
			dst = append(dst, c.Raw()...)
		}
	}
	return dst
}
