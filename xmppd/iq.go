package xmppd

import (
	"context"
	"maps"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// target is whom an IQ is for.
type target int

const (
	toServer  target = iota // the domain
	toSelf                  // no to, or the sender's own bare JID (RFC 6120 §10.3)
	toAccount               // the bare JID of another account
)

// iqKey selects the handler of an IQ by whom it is for, its type (get or set)
// and its payload.
type iqKey struct {
	target  target
	typ     string
	payload stream.Name
}

// iqHandler answers one IQ. It returns the result's payload (nil: an empty
// result), or an error (see asStanzaError). A handler may deliver other stanzas
// first; the result goes out after them.
type iqHandler func(ctx context.Context, s *session, iq *stream.Element, payload stream.Child) ([]byte, error)

// iqHandlers is every IQ the server answers; what is not here gets
// service-unavailable (RFC 6120 §8.4).
func iqHandlers() map[iqKey]iqHandler {
	all := map[iqKey]iqHandler{
		{toServer, "set", stream.Name{Space: stanza.NSSession, Local: "session"}}: handleSession,
		{toSelf, "set", stream.Name{Space: stanza.NSSession, Local: "session"}}:   handleSession,
	}
	for _, table := range []map[iqKey]iqHandler{
		rosterHandlers(), watchHandlers(), discoHandlers(), carbonsHandlers(), blockingHandlers(), mamHandlers(),
		vcardHandlers(), pingHandlers(), versionHandlers(), timeHandlers(), lastActivityHandlers(), privateHandlers(),
	} {
		maps.Copy(all, table)
	}
	return all
}

// refuseForeign refuses to read or to change what is another account's. Where there is no such
// account it says so (RFC 6121 §8.5.1, S-23), but to strangers, who cannot tell one from the other.
func refuseForeign(ctx context.Context, s *session, iq *stream.Element, _ stream.Child) ([]byte, error) {
	user, err := s.ownerOf(iq)
	if err != nil {
		return nil, err
	}
	if s.server.subscribedFrom(ctx, user, s.bare) {
		if err := s.server.checkRecipient(ctx, user); err != nil {
			return nil, err
		}
	}
	return nil, stanza.ErrForbidden
}

// handleIQ routes an IQ: to a resource, or to its handler (RFC 6121 §8.5).
func (s *session) handleIQ(ctx context.Context, iq *stream.Element) error {
	if err := checkIQ(iq); err != nil {
		return err
	}
	if iq.Type == "get" || iq.Type == "set" {
		release, err := s.server.spending.asking.Acquire(ctx, s.user, 1)
		if err != nil {
			return err
		}
		defer release()
	}
	to := stanza.Address{User: s.user, Domain: s.server.domain}
	if iq.To != "" {
		var err error
		if to, err = stanza.ParseAddress(iq.To); err != nil {
			return err
		}
	}
	if to.Domain != s.server.domain {
		if there, err := s.toService(ctx, iq, to); there {
			return err
		}
		return stanza.ErrRemoteServerNotFound
	}
	if to.User != s.user {
		if err := s.checkBlocked(ctx, to); err != nil {
			return err
		}
	}
	if to.Resource != "" && to.User != "" {
		return s.iqToResource(ctx, iq, to)
	}
	if iq.Type == "result" || iq.Type == "error" {
		s.handleResponse(ctx, iq)
		return nil
	}
	return s.answer(ctx, iq, to)
}

// checkIQ checks the shape of an IQ (RFC 6120 §8.2.3, S-10).
func checkIQ(iq *stream.Element) error {
	if iq.ID == "" {
		return stanza.ErrBadRequest
	}
	switch iq.Type {
	case "get", "set":
		if iq.Len() != 1 {
			return stanza.ErrBadRequest
		}
	case "result", "error":
	default:
		return stanza.ErrBadRequest
	}
	return nil
}

// answer calls the handler and sends its result.
func (s *session) answer(ctx context.Context, iq *stream.Element, to stanza.Address) error {
	key := iqKey{toAccount, iq.Type, iq.Child}
	switch to.User {
	case "":
		key.target = toServer
	case s.user:
		key.target = toSelf
	}
	handler := s.server.iqs[key]
	if handler == nil {
		return stanza.ErrServiceUnavailable
	}
	payload, _ := iq.Find(iq.Child.Space, iq.Child.Local)
	result, err := handler(ctx, s, iq, payload)
	if err != nil {
		return err
	}
	return s.server.Answer(ctx, s, iq, result)
}

// Answer sends the client that asked the result of an IQ, which its account is charged for
// a big one waits until the client has read what it was sent before. It is for the
// goroutine that serves the client. The error is a *stanza.Error: the account asks for more
// than it may.
func (srv *Server) Answer(ctx context.Context, c Client, iq *stream.Element, result []byte) error {
	if srv.spending.answers.Wait(ctx, c.User(), len(result)) != nil {
		return errTooMuch // what it has asked for takes longer than it can wait
	}
	if len(result) > bigAnswer { // many requests at once are answered as they are read
		_ = c.Ready(ctx) // else the stream is gone, and the answer is kept for the next
	}
	if s, ok := c.(*session); ok {
		stream.Cork(s.asking)
	}
	c.Deliver(stanza.Result(iq, c.JID(), result))
	return nil
}

// bigAnswer is the size in bytes from which an answer waits for the client to have
// read what it was sent before.
const bigAnswer = 32 << 10

// iqToResource passes an IQ to a full JID. Requests reach only those who share
// their presence with the sender (RFC 6121 §8.5.3.1, S-27); without a match
// they bounce (§8.5.3.2.3, S-28).
func (s *session) iqToResource(ctx context.Context, iq *stream.Element, to stanza.Address) error {
	request := iq.Type == "get" || iq.Type == "set"
	target := s.server.registry.session(to)
	if target == nil {
		if request {
			return stanza.ErrServiceUnavailable
		}
		return nil
	}
	if request && !s.server.sharesPresence(ctx, target, s) {
		return stanza.ErrServiceUnavailable
	}
	target.deliver(iq.Edit().Set("from", s.full).SetLang(s.lang()).Bytes())
	return nil
}

// sharesPresence reports whether owner's presence is visible to other: by
// subscription, directed presence or being the same account.
func (srv *Server) sharesPresence(ctx context.Context, owner, other *session) bool {
	if owner.user == other.user {
		return true
	}
	owner.mu.Lock()
	_, full := owner.directed[other.full]
	_, bare := owner.directed[other.bare]
	owner.mu.Unlock()
	return full || bare || srv.subscribedFrom(ctx, owner.user, other.bare)
}
