package xmppd

import (
	"context"
	"errors"
	"strconv"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Last activity (XEP-0012): how long the server has been running, and since when
// somebody is away, for those who may see that somebody's presence (last_activity_writer.go).

const nsLast = "jabber:iq:last"

func lastActivityHandlers() map[iqKey]iqHandler {
	query := stream.Name{Space: nsLast, Local: "query"}
	return map[iqKey]iqHandler{
		{toServer, "get", query}:  handleUptime,
		{toSelf, "get", query}:    handleLastActivity,
		{toAccount, "get", query}: handleLastActivity,
	}
}

// handleUptime: XEP-0012 §5.
func handleUptime(_ context.Context, s *session, _ *stream.Element, _ stream.Child) ([]byte, error) {
	return lastPayload(time.Since(s.server.started), ""), nil
}

// handleLastActivity: XEP-0012 §4; strangers are refused, whether or not there is
// such an account (§7).
func handleLastActivity(ctx context.Context, s *session, iq *stream.Element, _ stream.Child) ([]byte, error) {
	user, err := s.ownerOf(iq)
	if err != nil {
		return nil, err
	}
	if user != s.user && !s.server.subscribedFrom(ctx, user, s.bare) {
		return nil, stanza.ErrForbidden
	}
	if err := s.server.checkRecipient(ctx, user); err != nil {
		return nil, err
	}
	if len(s.server.registry.lookup(user).available()) > 0 {
		return lastPayload(0, ""), nil
	}
	left, err := s.server.lastActivity.of(ctx, user)
	if errors.Is(err, ErrNotFound) {
		return nil, stanza.ErrServiceUnavailable
	}
	if err != nil {
		return nil, err
	}
	return lastPayload(time.Since(left.At), left.Status), nil
}

func lastPayload(ago time.Duration, status string) []byte {
	dst := stanza.AppendAttr([]byte(`<query xmlns="`+nsLast+`"`), "seconds", strconv.Itoa(int(max(ago, 0)/time.Second)))
	return append(stream.AppendEscaped(append(dst, '>'), status), "</query>"...)
}
