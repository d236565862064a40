package xmppd

import (
	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Unique and stable stanza ids (XEP-0359): the id that a message has in the
// archive that the recipient may read.

// withStanzaID returns the message with its id in owner's archive (XEP-0313
// §3.5, S-54), or as it is when it is in none.
func withStanzaID(m *stream.Element, owner string, id uuid.UUID) []byte {
	if id == uuid.Nil {
		return m.Raw
	}
	return m.Edit().Append(stanza.ID(owner, id.String())).Bytes()
}

// archivedID returns the id that a delivered message has in owner's archive.
func archivedID(m *stream.Element, owner string) (uuid.UUID, bool) {
	text, ok := stanza.IDBy(m, owner)
	if !ok {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}
