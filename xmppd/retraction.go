package xmppd

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

// retractedID returns the stanza id of the message that m takes back. A
// retraction without an id of its own cannot be referred to by a tombstone
// (XEP-0424 §5), and is a message only.
func retractedID(m *stream.Element) (string, bool) {
	r, ok := m.Find(stanza.NSRetract, "retract")
	if !ok || m.ID == "" {
		return "", false
	}
	id, _ := r.Attr("id")
	return id, id != ""
}

// retraction finds what a message of s takes back: only what the same account
// sent to the same person (XEP-0424 §6). It may be in either archive, under the
// same id; nil when it is in none.
func (srv *Server) retraction(ctx context.Context, s *session, m *stream.Element, to stanza.Address) (*Retraction, error) {
	stanzaID, ok := retractedID(m)
	if !ok {
		return nil, nil
	}
	ids, err := srv.stores.Archive.Versions(ctx, s.bare, to.Bare(), to.User != s.user, stanzaID)
	if err == nil && len(ids) == 0 && to.User != s.user {
		ids, err = srv.stores.Archive.Versions(ctx, to.Bare(), s.bare, false, stanzaID)
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
	dst := []byte(`<message xmlns="jabber:client"`)
	for _, a := range [...][2]string{{"from", m.From}, {"to", m.To}, {"type", m.Type}, {"id", m.ID}} {
		dst = stanza.AppendAttr(dst, a[0], a[1])
	}
	dst = append(dst, '>')
	for c := range m.Children() {
		if slices.Contains(r.Keep, c.Name) {
			dst = append(dst, c.Raw()...)
		}
	}
	dst = stanza.AppendAttr(append(dst, `<retracted xmlns="`+stanza.NSRetract+`"`...), "id", r.By)
	dst = append(stanza.AppendAttr(dst, "stamp", r.At.UTC().Format(time.RFC3339)), '>')
	return append(append(dst, r.Extra...), "</retracted></message>"...), nil
}
