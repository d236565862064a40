package relay

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// upstreamSide is the upstream's side of a stream that is being carried. ready and send are for
// the goroutine that reads from the client, next for the one that reads from the
// upstream; the others are safe from any.
type upstreamSide interface {
	// ready waits until the upstream takes more. An error means that ctx has ended.
	ready(ctx context.Context) error

	// send takes a client's element; flush sends on what it was given. An error ends the
	// client's stream.
	send(el *stream.Element) error
	flush()

	// next returns the next element for the client. An error ends its stream.
	next(ctx context.Context) (*stream.Element, error)

	// end ends the upstream's side, as the client's has ended with reason. The first
	// reason counts.
	end(reason error)

	// finish waits, within bounds, for the upstream's end, after everybody else has
	// left.
	finish()

	keepAlive(now time.Time)
}

// pump is the last state: elements go both ways until either side ends.
func (c *conn) pump(ctx context.Context, l *link, features *stream.Element) error {
	s := c.newUpstreamSide(l, features)
	c.mu.Lock()
	c.side = s
	c.mu.Unlock()
	c.setActive(true)
	defer c.setActive(false)
	var reader sync.WaitGroup
	err := c.endedWith(c.stream.Send(passedFeatures(features, c.peer)))
	if err == nil {
		reader.Go(func() {
			lost := c.fromUpstream(s)
			if c.ctx.Err() != nil && ctx.Err() == nil && errors.Is(lost, stream.ErrDisconnected) {
				return // the client's side ended first; its reason counts (RFC 7395 §3.5, §3.6)
			}
			c.close(lost)
		})
		err = c.endedWith(c.fromClient(ctx, s))
	}
	c.cancel() // nobody waits for the upstream any more
	s.end(err)
	reader.Wait()
	s.finish()
	return err
}

// newUpstreamSide: on BOSH the relay manages the stream itself (XEP-0198), since BOSH clients do
// not; elsewhere that is the client's own, and passes through. Whose SASL has passed
// through cannot be signed in again by the relay, which so cannot resume.
func (c *conn) newUpstreamSide(l *link, features *stream.Element) upstreamSide {
	if c.peer.Transport == stream.BOSH && !c.relay.cfg.PassSASL {
		_, offered := features.Find(stanza.NSSM, "sm")
		m := &smManaged{conn: c, link: l, offered: offered}
		l.beforeRead = m.beforeRead
		return m
	}
	l.beforeRead = func() { stream.Uncork(c.stream) }
	return &smPassthrough{conn: c, link: l}
}

// fromClient carries what the client sends. What comes together goes on together, before
// the client's stream waits for more, where that tells.
func (c *conn) fromClient(ctx context.Context, s upstreamSide) error {
	client, tells := c.stream.(stream.Waiter)
	if tells {
		client.BeforeWait(s.flush)
		defer client.BeforeWait(nil)
	}
	defer s.flush()
	for {
		if err := s.ready(c.ctx); err != nil {
			return stream.ErrDisconnected
		}
		el, err := c.stream.Recv(ctx)
		if err == nil {
			el, err = c.outgoing(el)
		}
		if err == nil && el != nil {
			err = s.send(el)
		}
		if !tells {
			s.flush()
		}
		if err != nil {
			return err
		}
	}
}

// outgoing checks an element of the client; nil: it goes no further. Only stanzas, and on a stream that the client
// manages itself what manages it, may pass: nothing that would negotiate with the
// upstream again. The server knows whose stream it is: from is taken off (RFC 6120
// §8.1.2.1), since Converse, after it has resumed a stream, names a resource that it does
// not have, for which ejabberd ends the stream.
func (c *conn) outgoing(el *stream.Element) (*stream.Element, error) {
	switch el.Name.Space {
	case stream.NSClient:
		switch el.Name.Local {
		case "message", "presence", "iq":
			if el.From != "" {
				return el.Edit().Set("from", "").Element()
			}
			return el, nil
		}
	case stanza.NSCSI:
		c.setActive(el.Name.Local != "inactive")
		return el, nil
	case stanza.NSSM:
		switch {
		case c.peer.Transport != stream.BOSH:
			return el, nil
		case el.Name.Local == "r", el.Name.Local == "a":
			return nil, nil // of a Converse that had stream management over WebSocket before
		}
	}
	// RFC 6120 §4.8.4: what is no stanza is refused.
	return nil, &stream.Error{Condition: stream.UnsupportedStanzaType, Text: "<" + el.Name.Local + "/> of " + strconv.Quote(el.Name.Space)}
}

// fromUpstream carries what the upstream sends, no faster than the client takes it. What
// comes together goes on together: the side uncorks the stream before it waits for more.
func (c *conn) fromUpstream(s upstreamSide) error {
	for {
		if err := c.stream.Ready(c.ctx); err != nil {
			return stream.ErrDisconnected // it has ended; its reason counts
		}
		el, err := s.next(c.ctx)
		if err != nil {
			return err
		}
		switch {
		case isStreamError(el):
			return c.passedError(el)
		case el.Name.Space == stream.NSClient, el.Name.Space == stanza.NSSM:
			stream.Cork(c.stream)
			err = c.stream.Send(el.Raw)
		default:
			c.log().Debug("the upstream sent what is not for clients", "name", el.Name)
		}
		if err != nil {
			return err
		}
	}
}

// passedError is a stream error of the upstream, for the client: it is passed on whole
// (XEP-0124 §17.2, B-51). Another host is nothing for the client, which could not go
// there; it comes back to us.
func (c *conn) passedError(el *stream.Element) error {
	e := streamErrorOf(el)
	c.log().Info("the XMPP server ended a stream", "user", c.who().User, "condition", e.Condition, "text", e.Text)
	if e.Condition == seeOtherHost {
		return stream.ErrDisconnected
	}
	var whole strings.Builder
	whole.WriteString(`<stream:error xmlns:stream="` + stream.NSStream + `">`)
	for child := range el.Children() {
		whole.Write(child.Raw()) // each with its own xmlns, which Strophe needs (W-23)
	}
	whole.WriteString(`</stream:error>`)
	return &stream.Error{Condition: stream.Condition(e.Condition), Text: e.Text, Whole: whole.String()}
}

// upstreamLostError is what the client's stream ends with when the upstream's has failed.
func (c *conn) upstreamLostError(err error) error {
	var broken *stream.Error
	switch {
	case c.ctx.Err() != nil:
		return stream.ErrDisconnected // it is our own end; its reason counts
	case errors.As(err, &broken):
		// Resuming would only bring the same again.
		c.log().Error("the XMPP server sent what cannot be passed on", "user", c.who().User, "err", err)
		return &stream.Error{Condition: stream.InternalServerError, Text: "the chat server sent something that cannot be passed on"}
	case errors.Is(err, io.EOF):
		// It ended the stream, and did not say why: not the client's wish, which should
		// come back (B-61).
		return &stream.Error{Condition: stream.SystemShutdown}
	}
	c.relay.counters.lost.Add(1)
	c.log().Debug("the connection to the XMPP server was lost", "user", c.who().User, "err", err)
	return stream.ErrDisconnected
}

// mayResume reports whether the client will want to resume what ended with reason: its
// connection was lost, the upstream's was, or this program stops.
func mayResume(reason error) bool {
	var se *stream.Error
	if errors.As(reason, &se) {
		return se.Condition == stream.SystemShutdown
	}
	return errors.Is(reason, stream.ErrDisconnected) || errors.Is(reason, context.Canceled)
}
