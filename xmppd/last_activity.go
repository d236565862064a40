package xmppd

import (
	"context"
	"strconv"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Last activity (XEP-0012): how long the server has been running, and since when
// somebody is away, for those who may see that somebody's presence. What happened
// before the program started is not known.

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
	user := s.user
	if iq.To != "" {
		to, err := stanza.ParseAddress(iq.To)
		if err != nil {
			return nil, err
		}
		user = to.User
	}
	if user != s.user && !s.server.subscribedFrom(ctx, user, s.bare) {
		return nil, stanza.ErrForbidden
	}
	if len(s.server.lookup(user).available()) > 0 {
		return lastPayload(0, ""), nil
	}
	left, ok := s.server.departures.of(user)
	if !ok {
		return nil, stanza.ErrServiceUnavailable
	}
	return lastPayload(time.Since(left.at), left.status), nil
}

func lastPayload(ago time.Duration, status string) []byte {
	dst := stanza.AppendAttr([]byte(`<query xmlns="`+nsLast+`"`), "seconds", strconv.Itoa(int(ago/time.Second)))
	return append(stream.AppendEscaped(append(dst, '>'), status), "</query>"...)
}

// maxDepartures is the maximum number of accounts of which it is known when they
// left, and maxLastStatus the maximum length in bytes of what they said then.
const (
	maxDepartures = 100_000
	maxLastStatus = 256
)

// departure is when an account's last resource went, and what it said.
type departure struct {
	at     time.Time
	status string
}

// departures remembers when accounts left. Its zero value is ready; it is safe for
// concurrent use.
type departures struct {
	mu   sync.Mutex
	last map[string]departure // by account
}

func (d *departures) note(user string, left departure) {
	if len(left.status) > maxLastStatus {
		left.status = ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		d.last = make(map[string]departure)
	}
	if _, known := d.last[user]; !known && len(d.last) >= maxDepartures {
		for other := range d.last { // any one
			delete(d.last, other)
			break
		}
	}
	d.last[user] = left
}

func (d *departures) of(user string) (departure, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	left, ok := d.last[user]
	return left, ok
}

func (d *departures) forget(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.last, user)
}
