package xmppd

import (
	"context"
	"crypto/rand"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Attempts to bind or resume before the stream ends (RFC 6120 §7.6.2).
const bindAttempts = 8

// bind is the second state: the client binds a resource (RFC 6120 §7) or
// resumes a session (XEP-0198 §5).
func (c *conn) bind(ctx context.Context) (*session, error) {
	if err := c.reply(c.bindFeatures()); err != nil {
		return nil, err
	}
	for range bindAttempts {
		el, err := c.stream.Recv(ctx)
		if err != nil {
			return nil, err
		}
		s, err := c.bindStep(ctx, el)
		if s != nil || err != nil {
			return s, err
		}
	}
	return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "too many attempts to bind"}
}

// bindStep handles one element. No session and no error: go on.
func (c *conn) bindStep(ctx context.Context, el *stream.Element) (*session, error) {
	switch {
	case el.Name == stream.Name{Space: stanza.NSSM, Local: "resume"}:
		s, failed, err := c.resume(ctx, el, func(resumed []byte) [][]byte { return [][]byte{resumed} })
		if failed != nil {
			err = c.stream.Send(failed)
		}
		return s, err
	case el.Name.Space == stanza.NSSM:
		// XEP-0198 §3: enabling comes after binding.
		return nil, c.stream.Send(smFailed("unexpected-request"))
	case el.Name != stream.Name{Space: stream.NSClient, Local: "iq"},
		el.Type != "set", el.Child != stream.Name{Space: stanza.NSBind, Local: "bind"}:
		// RFC 6120 §7.1: no stanzas to anybody before binding.
		return nil, &stream.Error{Condition: stream.NotAuthorized, Text: "bind a resource first"}
	}
	s, err := c.bound(ctx, el)
	var se *stanza.Error
	if errors.As(err, &se) {
		return nil, c.stream.Send(stanza.ErrorReply(el, "", "", se))
	}
	return s, err
}

// bindFeatures advertises what comes after SASL. <session/> does nothing, but
// clients of RFC 3921's time ask for it (RFC 6121 App. E).
func (c *conn) bindFeatures() []byte {
	return c.features(`<bind xmlns="`+stanza.NSBind+`"/><session xmlns="`+stanza.NSSession+`"><optional/></session>`, c.resumable())
}

// features are those of a stream that is signed in, and more. Stream management
// is offered only while it is off: some clients turn on what is offered, and
// take the refusal for the end of it.
func (c *conn) features(more string, sm bool) []byte {
	f := append(make([]byte, 0, 768), `<stream:features xmlns:stream="`+stream.NSStream+`">`...)
	f = append(append(f, more...), `<ver xmlns="urn:xmpp:features:rosterver"/><sub xmlns="urn:xmpp:features:pre-approval"/><csi xmlns="`+stanza.NSCSI+`"/>`...)
	if sm {
		f = append(f, `<sm xmlns="`+stanza.NSSM+`"/>`...)
	}
	f = append(append(f, streamLimits(c.peer)...), c.server.capsElement()...)
	return append(f, `</stream:features>`...)
}

// resumable reports whether stream management makes sense: BOSH has its own.
func (c *conn) resumable() bool { return c.peer.Transport != stream.BOSH }

// bound binds the resource and registers the session.
func (c *conn) bound(ctx context.Context, el *stream.Element) (*session, error) {
	s, err := c.newSession(el)
	if err != nil {
		return nil, err
	}
	replaced, err := c.server.registry.register(s)
	if err != nil {
		return nil, err
	}
	if replaced != nil {
		c.server.end(replaced, &stream.Error{Condition: stream.Conflict, Text: "replaced by a new stream"})
	}
	// After the session is registered, so that a sign-out finds it or is found here.
	if err := c.confirmIdentity(ctx, s.account); err != nil {
		c.server.end(s, err)
		return nil, err
	}
	c.server.stats.bound.Add(1)
	reply := `<iq xmlns="jabber:client" type="result" id="` + stream.Escape(el.ID) + `"><bind xmlns="` + stanza.NSBind +
		`"><jid>` + stream.Escape(s.full) + `</jid></bind></iq>`
	return s, c.reply([]byte(reply))
}

func (c *conn) newSession(el *stream.Element) (*session, error) {
	resource := rand.Text()
	if bind, ok := el.Find(stanza.NSBind, "bind"); ok {
		if r, ok := bind.Find(stanza.NSBind, "resource"); ok && r.Text() != "" {
			// RFC 6120 §7.7: the client's wish, prepared.
			a, err := stanza.ParseAddress(c.identity.User + "@" + c.server.domain + "/" + r.Text())
			if err != nil {
				return nil, stanza.ErrBadRequest
			}
			resource = a.Resource
		}
	}
	return c.sessionFor(resource), nil
}

// sessionFor makes the session of a resource, which is prepared.
func (c *conn) sessionFor(resource string) *session {
	bare := c.identity.User + "@" + c.server.domain
	return &session{
		server:   c.server,
		user:     c.identity.User,
		bare:     bare,
		full:     bare + "/" + resource,
		resource: resource,
		peer:     c.peer,
		identity: c.identity,
		stream:   c.stream,
	}
}

// handleSession answers the request to start a session, which binding did.
func handleSession(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
	return nil, nil
}
