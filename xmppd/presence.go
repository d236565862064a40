package xmppd

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

const nsVCardUpdate = "vcard-temp:x:update"

// maxPresence is the maximum size of a presence in bytes. It is kept, and sent to
// everybody who may see it, and so is bounded more tightly than what goes to one
// (RFC 6120 §13.12, S-06).
const maxPresence = 16 << 10

// handlePresence handles presence from the client (RFC 6121 §3, §4).
func (s *session) handlePresence(ctx context.Context, p *stream.Element) error {
	if len(p.Raw) > maxPresence {
		return errStanzaTooLarge
	}
	if p.To == "" {
		switch p.Type {
		case "":
			return s.broadcast(ctx, p)
		case "unavailable":
			s.broadcastUnavailable(ctx, p)
			return nil
		case "error", "probe":
			return nil
		}
		return stanza.ErrBadRequest
	}
	to, err := stanza.ParseAddress(p.To)
	switch {
	case err != nil:
		return err
	case to.Domain != s.server.domain:
		return s.presenceToService(ctx, p, to)
	}
	// XEP-0191 §3.3: nothing goes to whom one blocks, and one is told so; not of leaving, which
	// was told at the block. A request may be declined after that, and a subscription ended: on
	// one's own roster.
	if p.Type != "error" && p.Type != "unavailable" {
		err := s.checkOwnBlocks(ctx, to)
		if errors.Is(err, errBlockedByYou) && (p.Type == "unsubscribe" || p.Type == "unsubscribed") {
			return s.handleSubscription(ctx, p, to, false)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case p.Type == "" || p.Type == "unavailable":
		return s.direct(ctx, p, to)
	case isSubscription(p.Type):
		return s.handleSubscription(ctx, p, to, true)
	case p.Type == "probe":
		return s.probe(ctx, to)
	case p.Type == "error":
		return nil
	}
	return stanza.ErrBadRequest // RFC 6121 §4.7.1
}

// broadcast handles initial and later presence (RFC 6121 §4.2.2, §4.4.2).
func (s *session) broadcast(ctx context.Context, p *stream.Element) error {
	priority, err := priorityOf(p)
	if err != nil {
		return err
	}
	own, err := s.stamp(ctx, p)
	if err != nil {
		return err
	}
	if err := s.server.SpendFanOut(ctx, s.user, len(own.Raw), s.server.presenceAudience(ctx, s.user)); err != nil {
		return err
	}
	initial, arrived := s.setPresence(own, priority, saysNoPhoto(p))
	if initial {
		stream.Cork(s.asking) // its own presence and those of its contacts go out together
	}
	s.toSubscribers(ctx, own.Raw)
	if initial {
		err := s.receivePresences(ctx)
		stream.Uncork(s.asking)
		if err != nil {
			return err
		}
		var cancel context.CancelFunc
		ctx, cancel = s.server.Renewed(ctx)
		defer cancel()
	}
	if arrived {
		if err := s.arrive(ctx); err != nil {
			return err
		}
	}
	for _, w := range s.server.mounted.presence {
		w.Available(ctx, s, own)
	}
	return nil
}

// setPresence notes what is broadcast. It reports whether the session was not
// available before, and whether messages to the bare JID begin to come here.
func (s *session) setPresence(own *stream.Element, priority int8, ownPhoto bool) (initial, arrived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	initial = s.presence == nil
	s.presence, s.priority, s.ownPhoto = own, priority, ownPhoto
	if priority < 0 {
		s.reachable = time.Time{}
		return initial, false
	}
	return initial, s.reachable.IsZero()
}

// priorityOf reads the priority (RFC 6121 §4.7.2.3, S-44).
func priorityOf(p *stream.Element) (int8, error) {
	c, ok := p.Find(stream.NSClient, "priority")
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(c.Text()), 10, 8)
	if err != nil {
		return 0, stanza.ErrBadRequest
	}
	return int8(n), nil
}

// stamp sets from, and the hash of the site's picture (XEP-0153 §4.1, XEP-0398
// §4). A presence with an empty photo says that there is none to show, and is left alone.
func (s *session) stamp(ctx context.Context, p *stream.Element) (*stream.Element, error) {
	return s.stampPhoto(ctx, p, saysNoPhoto(p))
}

// saysNoPhoto reports whether a client's presence has an empty photo (XEP-0398 §4).
func saysNoPhoto(p *stream.Element) bool {
	x, ok := p.Find(nsVCardUpdate, "x")
	if !ok {
		return false
	}
	photo, ok := x.Find(nsVCardUpdate, "photo")
	return ok && photo.Text() == ""
}

// stampPhoto is stamp where it is known whether the client speaks for the picture: an empty
// photo in a presence that was stamped before may be the server's word.
func (s *session) stampPhoto(ctx context.Context, p *stream.Element, ownPhoto bool) (*stream.Element, error) {
	edit := p.Edit().Set("from", s.full).SetLang(s.lang())
	if ownPhoto {
		return edit.Element()
	}
	acc, err := s.server.accountOf(ctx, s.user)
	if err != nil {
		return nil, err
	}
	edit.Drop(func(c stream.Child) bool { return c.Name == stream.Name{Space: nsVCardUpdate, Local: "x"} })
	edit.Append([]byte(`<x xmlns="` + nsVCardUpdate + `"><photo>` + acc.AvatarHash + `</photo></x>`))
	return edit.Element()
}

func (s *session) lang() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peer.Lang
}

// receivePresences gives a newly available resource what it may see: its
// contacts, its account's other resources, and requests that wait for an answer
// (RFC 6121 §4.2.2, §3.1.3, S-38, S-40).
func (s *session) receivePresences(ctx context.Context) error {
	for _, o := range s.account.available() {
		if p, _ := o.available(); p != nil && o != s {
			s.deliver(p.Raw)
		}
	}
	r, err := s.server.rosters.of(ctx, s.user)
	if err != nil {
		return err
	}
	for c := range r.contacts() {
		if c.Request != nil || s.server.registry.lookup(localpart(c.JID)) != nil { // most are away
			s.receiveContact(ctx, c)
		}
	}
	return nil
}

// receiveContact gives a newly available resource what there is of one contact, at
// the pace at which it reads. If the stream is gone, that is kept for the next
// (XEP-0198 §5), or lost with the session.
func (s *session) receiveContact(ctx context.Context, c Contact) {
	_ = s.Ready(ctx)
	if ctx.Err() != nil { // the client took longer than a stanza may
		var cancel context.CancelFunc
		ctx, cancel = s.server.Renewed(ctx)
		defer cancel()
	}
	if c.hasTo() && (c.Listed || !c.SharedBySite) {
		if a, err := stanza.ParseAddress(c.JID); err == nil {
			s.server.currentPresence(ctx, a.User, s)
		}
	}
	if c.Request == nil {
		return
	}
	// Whoever was blocked after asking is not heard until that ends (XEP-0191 §3.3).
	blocked, err := s.server.blocklists.blocks(ctx, s.user, c.JID)
	if err != nil {
		s.log().Error("a contact request was not delivered", "contact", c.JID, "err", err)
	} else if !blocked {
		s.deliver(c.Request)
	}
}

func unavailable(from, to string) []byte { return unavailableWith(from, to, nil) }

func unavailableWith(from, to string, payload []byte) []byte {
	dst := stanza.AppendAttr([]byte(`<presence xmlns="jabber:client" type="unavailable"`), "from", from)
	if dst = stanza.AppendAttr(dst, "to", to); len(payload) == 0 {
		return append(dst, "/>"...)
	}
	return append(append(append(dst, '>'), payload...), "</presence>"...)
}

// broadcastUnavailable handles the client's going unavailable; the session
// stays, and gets what is sent to its full JID (RFC 6121 §4.5.2, S-44).
func (s *session) broadcastUnavailable(ctx context.Context, p *stream.Element) {
	status := ""
	if c, ok := p.Find(stream.NSClient, "status"); ok {
		status = c.Text()
	}
	raw := p.Edit().Set("from", s.full).SetLang(s.lang()).Bytes()
	if s.flag(func(s *session) *bool { return &s.peer.Native }) {
		// RFC 6121 §4.5.2: who says it hears it as well. Not browsers: Converse takes it for a
		// mistake of the server's, and says that it is there.
		s.deliver(raw)
	}
	s.leave(ctx, raw, status)
}

// goOffline makes a session that ended disappear, exactly once (S-42).
func (s *session) goOffline(ctx context.Context) { s.leave(ctx, unavailable(s.full, ""), "") }

func (s *session) leave(ctx context.Context, raw []byte, status string) {
	s.mu.Lock()
	was := s.presence != nil
	s.presence, s.priority, s.reachable = nil, 0, time.Time{}
	directed := s.directed
	s.directed = nil
	s.mu.Unlock()
	if was {
		if len(s.account.available()) == 0 {
			s.server.lastActivity.note(LastActivity{s.user, time.Now(), status})
		}
		s.toSubscribers(ctx, raw)
	}
	for _, w := range s.server.mounted.presence {
		w.Unavailable(s)
	}
	s.leaveServices(ctx, raw)
	for jid := range directed {
		// Those who saw it by subscription have been told already.
		if a, err := stanza.ParseAddress(jid); err == nil && !(was && s.server.broadcastsTo(ctx, s.user, a)) {
			s.server.deliverDirected(ctx, s.full, a, raw)
		}
	}
}

// probe answers a presence probe (RFC 6121 §4.3.2, S-41); client probes never
// cause errors, and those of somebody who is blocked no answer (XEP-0191 §3.3).
func (s *session) probe(ctx context.Context, to stanza.Address) error {
	if to.User != s.user {
		theirs, err := s.server.blocklists.of(ctx, to.User)
		if err != nil || theirs.matches(s.address()) {
			return err
		}
	}
	if to.User != s.user && !s.server.subscribedFrom(ctx, to.User, s.bare) {
		s.deliver(subscriptionBytes(to.Bare(), s.bare, "unsubscribed"))
		return nil
	}
	found := false
	online := s.server.registry.lookup(to.User).available()
	for _, o := range online {
		if p, _ := o.available(); p != nil && (to.Resource == "" || o.resource == to.Resource) && !s.server.blocklists.clientBlocked(ctx, o.full, s) {
			s.deliver(p.Raw)
			found = true
		}
	}
	if found {
		return nil
	}
	var left []byte
	if len(online) == 0 {
		left = s.server.sinceWhen(ctx, to.User)
	}
	s.deliver(unavailableWith(to.String(), s.bare, left))
	return nil
}

// sinceWhen is a delay that tells when somebody who is away left (RFC 6121 §4.3.2, XEP-0203);
// nil where that is not known.
func (srv *Server) sinceWhen(ctx context.Context, user string) []byte {
	d, err := srv.lastActivity.of(ctx, user)
	if err != nil {
		return nil
	}
	return stanza.Delay(user+"@"+srv.domain, d.At)
}
