package remote

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stream"
)

// A stream ends when it is closed, however much came that nobody took.
func TestConn_CloseUnread(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	ready := func(context.Context, *stream.Info, *stream.Info, *xmpp.Session, any) (xmpp.SessionState, io.ReadWriter, any, error) {
		return xmpp.Ready, nil, nil, nil
	}
	session, err := xmpp.NewSession(t.Context(), jid.MustParse("h"), jid.MustParse("ann@h"), near, xmpp.Secure|xmpp.Authn, ready)
	if err != nil {
		t.Fatal(err)
	}
	c := NewConn(session, nil)
	go func() { _, _ = io.Copy(io.Discard, far) }()
	// One more than are kept, and one that is read when that one waits.
	if _, err := io.WriteString(far, strings.Repeat(`<message xmlns="jabber:client"/>`, cap(c.(*melliumConn).in)+2)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
