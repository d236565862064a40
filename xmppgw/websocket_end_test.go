package xmppgw

import (
	"errors"
	"io"
	"testing"

	"foyer/internal/stream"
)

// endings returns how the streams ended, as the server saw it.
func (s *site) endings() []error {
	s.echo.mu.Lock()
	defer s.echo.mu.Unlock()
	return append([]error(nil), s.echo.left...)
}

// RFC 7395 §3.6, §3.10 (W-16, W-24): a socket that is lost is no orderly end, and
// the session may be resumed; <close/> is one, even if its sender does not stay
// for the answer.
func TestWebSocket_WaysToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		last string
		want error
	}{
		"lost":              {"", stream.ErrDisconnected},
		"closed and gone":   {`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`, io.EOF},
		"a word, then gone": {message("quiet", "1"), stream.ErrDisconnected},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			b := s.browser()
			b.signIn()
			if c.last != "" {
				b.send(c.last)
			}
			b.conn.NetConn().Close()
			eventually(t, func() bool { return len(s.endings()) == 1 })
			if err := s.endings()[0]; !errors.Is(err, c.want) {
				t.Errorf("ended with %v, want %v", err, c.want)
			}
		})
	}
}

// RFC 6455 §7.4.1 (W-05): each reason has its code, and none is one of those that are never
// sent.
func TestCloseCode(t *testing.T) {
	for _, c := range []struct {
		reason error
		want   int
	}{
		{nil, 1000}, {io.EOF, 1000}, {&stream.Error{Condition: stream.Conflict}, 1000}, {&stream.Error{Condition: stream.NotAuthorized}, 1000},
		{&stream.Error{Condition: stream.SystemShutdown}, 1001}, {errBinary, 1003}, {&stream.Error{Condition: stream.UnsupportedEncoding}, 1007},
		{&stream.Error{Condition: stream.PolicyViolation}, 1008}, {errTooBig, 1009},
		{&stream.Error{Condition: stream.InternalServerError}, 1011}, {errors.New("a fault"), 1011},
	} {
		if got := closeCode(c.reason); got != c.want {
			t.Errorf("%v: %d, want %d", c.reason, got, c.want)
		}
	}
}
