package xmppd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// conn is one stream being served:
//
//	authenticating ──success──▶ (restart) ──▶ binding ──bind or resume──▶ active
//	      └────success of SASL2 that brought a session along──────────────▲
//
// Each state is one method; all run on the goroutine that called Serve.
type conn struct {
	server   *Server
	stream   stream.Stream
	peer     *stream.Peer
	identity stream.Identity // zero until the client has signed in
}

// log is the logger for what concerns the stream. It is made when something is to
// be told, since most streams tell nothing.
func (c *conn) log() *slog.Logger { return c.server.log.With("conn", c.peer.Conn) }

// Serve implements stream.Server. An idle stream waits beneath it, in Recv: what
// stands on the stack here, in run and in active is kept small.
func (srv *Server) Serve(ctx context.Context, st stream.Stream, peer *stream.Peer) error {
	c := &conn{server: srv, stream: st, peer: peer}
	if !srv.conns.put(c, &peer.Identity) {
		return c.closeStream(&stream.Error{Condition: stream.SystemShutdown})
	}
	err := c.run(ctx)
	srv.conns.remove(c)
	return c.closeStream(err)
}

// closeStream closes the stream after err, and returns what Serve does.
func (c *conn) closeStream(err error) error {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	c.stream.Close(err)
	if err != nil && !stream.IsEnd(err) {
		c.log().Info("stream ended", "user", c.identity.User, "reason", err)
	}
	return err
}

// reply sends what the goroutine of the stream says last before it reads again.
func (c *conn) reply(raw []byte) error {
	stream.Cork(c.stream)
	return c.stream.Send(raw)
}

func (c *conn) run(ctx context.Context) error {
	s, err := c.authenticate(ctx)
	if err == nil && s == nil {
		s, err = c.bind(ctx)
	}
	if err != nil {
		return err
	}
	return c.active(ctx, s)
}

// active handles stanzas until the stream ends.
func (c *conn) active(ctx context.Context, s *session) error {
	for {
		el, err := c.stream.Recv(ctx)
		if err == nil {
			err = c.server.spending.admit(ctx, s.user, el)
		}
		if err == nil {
			err = c.handle(ctx, s, el)
		}
		if err != nil {
			c.streamLost(s, err)
			return err
		}
	}
}

// handle handles one element, unless the session has left this stream: then the
// client counts it as unhandled, and the next Recv tells why.
func (c *conn) handle(ctx context.Context, s *session, el *stream.Element) error {
	s.handling.Lock()
	defer s.handling.Unlock()
	if s.currentStream() != c.stream {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	s.asking = c.stream
	return s.handle(ctx, el)
}

// streamLost decides what becomes of the session when its stream is gone: it waits
// for resumption if the transport was lost (XEP-0198 §5), else it ends.
func (c *conn) streamLost(s *session, err error) {
	if errors.Is(err, stream.ErrDisconnected) && c.server.hibernate(s, c.stream) {
		return
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	// Unless another stream has taken it over, or it has ended already.
	c.server.endIf(s, err, func() bool { return s.stream == c.stream })
}

// handle handles one first-level element of a bound session. An error ends the
// stream.
func (s *session) handle(ctx context.Context, el *stream.Element) error {
	switch el.Name.Space {
	case stanza.NSSM:
		return s.handleSM(el)
	case stanza.NSCSI:
		return s.handleCSI(el)
	case stream.NSClient:
	default:
		// RFC 6120 §4.8.4: what is no stanza is refused.
		return &stream.Error{Condition: stream.UnsupportedStanzaType}
	}
	if prefixed(el) {
		// RFC 6120 §4.8.5: stanzas are not prefixed.
		return &stream.Error{Condition: stream.BadNamespacePrefix}
	}
	var err error
	switch el.Name.Local {
	case "message":
		err = s.handleMessage(ctx, el)
	case "presence":
		err = s.handlePresence(ctx, el)
	case "iq":
		err = s.handleIQ(ctx, el)
	default:
		return &stream.Error{Condition: stream.UnsupportedStanzaType}
	}
	if err != nil {
		s.sendError(el, err)
	}
	// XEP-0198 §4: a stanza counts once it was handled to the end.
	s.countHandled(el.Name.Local == "message")
	return nil
}

// prefixed reports whether an element's name has a prefix.
func prefixed(el *stream.Element) bool {
	name, local := el.Raw[1:], el.Name.Local
	return !bytes.HasPrefix(name, []byte(local)) || name[len(local)] == ':'
}
