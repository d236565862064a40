// Package remote is what the site does at an XMPP server that is not its own, by that
// server's standard means: it lists rooms (XEP-0030, XEP-0045), makes, opens and ends
// them as the person who asks, and gives it people's names and pictures (XEP-0054). It
// needs no right there but, for rooms that are not listed, that of an administrator of
// the rooms.
//
//	session.go    requests over one stream
//	service.go    the site's own stream, kept open
//	directory.go  which rooms there are
//	room.go       making, inviting, ending
//	profile.go    names and pictures
//	push.go       being told of messages (XEP-0357)
//	time.go       what its clock says (XEP-0202)
//	archive.go    what was said to somebody last
package remote

import (
	"context"
	"errors"
	"fmt"

	"foyer/internal/stream"
)

// Conn is a stream at the server that is signed in and bound. What others ask of it, it
// answers with an error itself (RFC 6120 §8.2.3). Recv is called by one goroutine.
type Conn interface {
	JID() string // the full address that was bound
	Send(element []byte) error
	Recv(ctx context.Context) (*stream.Element, error)
	Close() error
}

// Dial opens a stream as somebody, by the local part of their address. Errors: ErrUnreachable (Unreachable
// makes it); ErrNotLetIn; any other is the site's own.
type Dial func(ctx context.Context, user string) (Conn, error)

// Errors of a server that cannot be asked. Causes are wrapped.
var (
	ErrUnreachable = errors.New("remote: the XMPP server does not answer")
	ErrNotLetIn    = errors.New("remote: the XMPP server does not let the site in")
)

// Refusal is a stanza error from the server (RFC 6120 §8.3).
type Refusal struct{ Condition, Text string }

// Error implements error.
func (e *Refusal) Error() string {
	if e.Text == "" {
		return "the XMPP server says " + e.Condition
	}
	return "the XMPP server says " + e.Condition + ": " + e.Text
}

func isRefusal(err error, conditions ...string) bool {
	var r *Refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, c := range conditions {
		if r.Condition == c {
			return true
		}
	}
	return len(conditions) == 0
}

// Unreachable says that the server did not answer. What ended because nobody waits any more is
// no fault of the server.
func Unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// With opens a stream as somebody, for as long as use takes.
func (d Dial) With(ctx context.Context, user string, use func(*Session) error) error {
	conn, err := d(ctx, user)
	if err != nil {
		return err
	}
	return Use(conn, use)
}

// Use asks over a stream, and closes it.
func Use(conn Conn, use func(*Session) error) error {
	s := newSession(conn)
	defer s.Close()
	return use(s)
}
