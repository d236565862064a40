package remote

import (
	"context"
	"strconv"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Archived is a message in the archive of somebody (XEP-0313).
type Archived struct {
	ID      string
	At      time.Time
	Message *stream.Element
}

// LastMessages returns the latest messages of the account, the oldest of them first, at most
// max (XEP-0313 §5). One goroutine at a time asks for them.
func (s *Session) LastMessages(ctx context.Context, max int) ([]Archived, error) {
	s.mu.Lock()
	s.archived, s.expected = nil, max
	s.mu.Unlock()
	_, err := s.iq(ctx, "set", "", `<query xmlns="`+stanza.NSMAM+`"><set xmlns="`+stanza.NSRSM+`"><max>`+strconv.Itoa(max)+`</max><before/></set></query>`)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = 0
	return s.archived, err
}

// keepArchivedLocked keeps a message that the account's own archive sends; nobody else is
// believed.
func (s *Session) keepArchivedLocked(m *stream.Element) {
	own, _, _ := strings.Cut(s.conn.JID(), "/")
	result, ok := m.Find(stanza.NSMAM, "result")
	if !ok || (m.From != "" && m.From != own) || len(s.archived) >= s.expected {
		return
	}
	forwarded, _ := result.Find(stanza.NSForward, "forwarded")
	message, ok := forwarded.Find(stream.NSClient, "message")
	if !ok {
		return
	}
	el, err := stream.Parse(message.Raw(), stream.Limits{Bytes: 1 << 20})
	if err != nil {
		return
	}
	a := Archived{Message: el}
	a.ID, _ = result.Attr("id")
	if delay, ok := forwarded.Find(stanza.NSDelay, "delay"); ok {
		stamp, _ := delay.Attr("stamp")
		a.At, _ = time.Parse(time.RFC3339, stamp)
	}
	s.archived = append(s.archived, a)
}
