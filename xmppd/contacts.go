package xmppd

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/stanza"
)

// What the site's pages do with contacts, on behalf of somebody who need not be
// online. People are named by localparts.

// AskContact asks other to be user's contact: to show presence to each other (RFC
// 6121 §3.1). Errors: a *stanza.Error when it is refused; else the store's.
func (srv *Server) AskContact(ctx context.Context, user, other string) error {
	jid, bare := other+"@"+srv.domain, user+"@"+srv.domain
	if err := srv.mayBeContact(ctx, user, jid); err != nil {
		return err
	}
	err := srv.subscriptionStanza(ctx, user, jid, "subscribe", subscriptionBytes(bare, jid, "subscribe"))
	if err != nil {
		return ignoreSiteContact(err)
	}
	// Who asks to be a contact shows itself as well (pre-approval, §3.4).
	_, err = srv.stores.Roster.UpdateContact(ctx, user, jid, func(c *Contact) (bool, error) {
		c.Approved = c.Approved || !c.hasFrom()
		return true, nil
	})
	if err != nil {
		return err
	}
	return srv.pushContact(ctx, user, jid)
}

// AnswerContact answers a request to be user's contact. Accepting asks for the same
// in return, which is granted at once if the other has approved it beforehand. Errors: a
// *stanza.Error when it is refused, item-not-found if nobody asks any more; else the store's.
func (srv *Server) AnswerContact(ctx context.Context, user, other string, accept bool) error {
	jid, bare := other+"@"+srv.domain, user+"@"+srv.domain
	typ := "unsubscribed"
	if accept {
		typ = "subscribed"
		if err := srv.mayBeContact(ctx, user, jid); err != nil {
			return err
		}
	}
	if err := srv.isAsked(ctx, user, jid, accept); err != nil {
		return err
	}
	if err := srv.subscriptionStanza(ctx, user, jid, typ, subscriptionBytes(bare, jid, typ)); err != nil || !accept {
		return ignoreSiteContact(err)
	}
	if err := srv.subscriptionStanza(ctx, user, jid, "subscribe", subscriptionBytes(bare, jid, "subscribe")); err != nil {
		return ignoreSiteContact(err)
	}
	back, err := srv.stores.Roster.Contact(ctx, other, bare)
	if errors.Is(err, ErrNotFound) || (err == nil && !back.Approved) {
		return nil
	}
	if err != nil {
		return err
	}
	return ignoreSiteContact(srv.subscriptionStanza(ctx, other, bare, "subscribed", subscriptionBytes(jid, bare, "subscribed")))
}

// isAsked reports whether jid asks to see user's presence, or, if that is to be accepted, sees it: a page
// may be older than a request that was taken back, and accepting that would be asking; or older than its answer,
// and declining what was accepted would be taking it back.
func (srv *Server) isAsked(ctx context.Context, user, jid string, accept bool) error {
	c, err := srv.stores.Roster.Contact(ctx, user, jid)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && c.Request == nil && !(accept && c.hasFrom()):
		return stanza.ErrItemNotFound
	}
	return err
}

// mayBeContact refuses what a client is refused as well: oneself, whom one blocks (XEP-0191 §3), and one contact too
// many.
func (srv *Server) mayBeContact(ctx context.Context, user, jid string) error {
	if jid == user+"@"+srv.domain {
		return stanza.ErrBadRequest
	}
	blocked, err := srv.blocklists.blocks(ctx, user, jid)
	switch {
	case err != nil:
		return err
	case blocked:
		return errBlockedByYou
	}
	return srv.checkRosterLimits(ctx, user, rosterItem{jid: jid})
}

func ignoreSiteContact(err error) error {
	if errors.Is(err, errSiteContact) {
		return nil
	}
	return err
}

// Around returns some of the accounts that are available and whose presence user
// may see, at most max, by name: of those on the roster and some of those online who share a group,
// and where everybody may see everybody, of all.
func (srv *Server) Around(ctx context.Context, user string, max int) ([]string, error) {
	var found []string
	add := func(other string) {
		if other != user && srv.Online(other) && !srv.EitherBlocks(ctx, user, other) {
			found = append(found, other)
		}
	}
	if srv.cfg.Open {
		for _, a := range srv.registry.someOnline(4 * max) { // some are not available, or blocked
			if len(found) < max {
				add(a.user)
			}
		}
		slices.Sort(found)
		return found, nil
	}
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return nil, err
	}
	for c := range r.contacts() {
		if len(found) < max && r.shows(c.JID) {
			add(localpart(c.JID))
		}
	}
	if len(found) == max || !srv.cfg.Groups {
		return found, nil
	}
	var others []string
	for _, a := range srv.registry.someOnline(4 * max) {
		if !r.shows(a.bare) {
			others = append(others, a.user)
		}
	}
	others, err = srv.groupPeers(ctx, user, others)
	for _, other := range others {
		if len(found) < max {
			add(other)
		}
	}
	slices.Sort(found)
	return found, err
}

// someOnline returns accounts that have sessions, at most max.
func (g *registry) someOnline(max int) []*account {
	g.mu.RLock()
	defer g.mu.RUnlock()
	out := make([]*account, 0, min(max, len(g.accounts)))
	for _, a := range g.accounts {
		if len(out) == max {
			break
		}
		out = append(out, a)
	}
	return out
}
