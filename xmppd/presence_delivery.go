package xmppd

import (
	"context"

	"foyer/internal/stanza"
)

// Who is shown a presence: contacts with a subscription, those to whom the site shows
// the account (followers.go), and those whose page shows it (watch.go). Blocking is
// looked at for each (XEP-0191 §3).

// toSubscribers sends presence to everybody who may see it and to the account's
// own available resources, this one included (RFC 6121 §4.2.2, S-40). It is
// serialised once.
func (s *session) toSubscribers(ctx context.Context, raw []byte) {
	for _, o := range s.account.available() {
		o.deliver(raw)
	}
	r, err := s.server.rosters.of(ctx, s.user)
	if err != nil {
		s.log().Error("presence was not broadcast", "err", err)
		return
	}
	for c := range r.contacts() {
		if c.hasFrom() && !c.SharedBySite {
			s.server.showPresence(ctx, s.full, c.JID, raw)
		}
	}
	for _, a := range s.server.rosters.followers.shownTo(s.user, s.bare) {
		s.server.showPresenceTo(ctx, s.full, a, raw)
	}
	s.server.toWatchers(ctx, s.full, raw)
}

// showPresence delivers a client's presence to a contact's available resources,
// unless either blocks the other (XEP-0191 §3, S-52).
func (srv *Server) showPresence(ctx context.Context, from, contact string, raw []byte) {
	a, err := stanza.ParseAddress(contact)
	if err != nil || a.Domain != srv.domain {
		return
	}
	srv.showPresenceTo(ctx, from, srv.registry.lookup(a.User), raw)
}

// showPresenceTo is showPresence for an account; nil: one that is not online.
func (srv *Server) showPresenceTo(ctx context.Context, from string, a *account, raw []byte) {
	sessions := a.available()
	if len(sessions) == 0 || srv.EitherBlocks(ctx, localpart(from), a.user) {
		return
	}
	for _, o := range sessions {
		if !srv.blocklists.clientBlocked(ctx, from, o) {
			o.deliverBatched(raw)
		}
	}
}

// currentPresence delivers the presence of each of user's resources to s.
func (srv *Server) currentPresence(ctx context.Context, user string, s *session) {
	sessions := srv.registry.lookup(user).available()
	if len(sessions) == 0 || srv.EitherBlocks(ctx, user, s.user) {
		return
	}
	for _, o := range sessions {
		if p, _ := o.available(); p != nil && !srv.blocklists.clientBlocked(ctx, o.full, s) {
			s.deliver(p.Raw)
		}
	}
}

// presenceTo sends the current presence of each of user's resources to a
// contact.
func (srv *Server) presenceTo(ctx context.Context, user, contact string) {
	for _, o := range srv.registry.lookup(user).available() {
		if p, _ := o.available(); p != nil {
			srv.showPresence(ctx, o.full, contact, p.Raw)
		}
	}
}

// unavailableTo makes user's resources disappear from a contact's sight.
func (srv *Server) unavailableTo(_ context.Context, user, contact string) {
	a, err := stanza.ParseAddress(contact)
	if err != nil || a.Domain != srv.domain {
		return
	}
	for _, o := range srv.registry.lookup(user).available() {
		raw := unavailable(o.full, contact)
		for _, t := range srv.registry.lookup(a.User).available() {
			t.deliverBatched(raw)
		}
	}
}

// broadcastsTo reports whether what user broadcasts goes to an account.
func (srv *Server) broadcastsTo(ctx context.Context, user string, to stanza.Address) bool {
	if srv.rosters.followers.shows(srv.registry.lookup(to.User), user+"@"+srv.domain) {
		return true
	}
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return false
	}
	e, ok := r.entry(to.Bare())
	c := e.contact()
	return ok && c.hasFrom() && !c.SharedBySite
}
