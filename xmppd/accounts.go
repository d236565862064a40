package xmppd

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"foyer/internal/stanza"
)

// Who sees whose presence, and who blocks whom (EitherBlocks is in blocking.go): for
// the server itself and for its services.

// ContactOf returns what an account has on its roster under a bare JID, a zero
// Contact if nothing, with the subscriptions that the site adds.
func (srv *Server) ContactOf(ctx context.Context, owner, jid string) (Contact, error) {
	r, err := srv.rosters.of(ctx, owner)
	if err != nil {
		return Contact{}, err
	}
	c, known := r.find(jid)
	if srv.openTo(jid) {
		c.Subscription = SubscriptionBoth
	} else if !known {
		return srv.groupPeer(ctx, owner, jid)
	}
	return c, nil
}

// groupPeer returns what the store says of somebody whom user's roster leaves out: a zero Contact unless they share a
// group (Config.Groups).
func (srv *Server) groupPeer(ctx context.Context, user, jid string) (Contact, error) {
	a := srv.registry.lookup(user)
	if !srv.cfg.Groups || !strings.HasSuffix(jid, "@"+srv.domain) || a.isNonPeer(jid) {
		return Contact{}, nil
	}
	found, err := srv.stores.Roster.ContactsOf(ctx, jid, []string{user})
	if err == nil && !found[user].SharedBySite {
		a.noteNonPeer(jid)
	}
	return found[user], err
}

// How long it is believed that somebody shares no group with an account, and of how many at once: a message to
// them would ask the store each time.
const (
	nonPeerFor  = time.Minute
	maxNonPeers = 1000
)

func (a *account) isNonPeer(jid string) bool {
	if a == nil {
		return false
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return time.Now().Before(a.nonPeers[jid])
}

func (a *account) noteNonPeer(jid string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nonPeers == nil || len(a.nonPeers) == maxNonPeers {
		a.nonPeers = make(map[string]time.Time)
	}
	a.nonPeers[jid] = time.Now().Add(nonPeerFor)
}

// forgetNonPeers is for an account that has come into other groups.
func (a *account) forgetNonPeers() {
	if a != nil {
		a.mu.Lock()
		a.nonPeers = nil
		a.mu.Unlock()
	}
}

// groupPeers returns those of some accounts, whom user's roster leaves out, that share a group with user (Config.Groups).
func (srv *Server) groupPeers(ctx context.Context, user string, others []string) ([]string, error) {
	if !srv.cfg.Groups || len(others) == 0 {
		return nil, nil
	}
	found, err := srv.stores.Roster.ContactsOf(ctx, user+"@"+srv.domain, others)
	return slices.DeleteFunc(others, func(other string) bool { return !found[other].SharedBySite }), err
}

// Followers yields the localpart of accounts that may see user's presence, each with
// the contact that user has in it: those on user's own roster, whether they are
// online or not, and those who are online and to whom the site shows it. Some of
// them may have no subscription, and blocking is not looked at (see EitherBlocks).
func (srv *Server) Followers(ctx context.Context, user string) (iter.Seq2[string, Contact], error) {
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return nil, err
	}
	return func(yield func(string, Contact) bool) {
		for c := range r.contacts() {
			a, err := stanza.ParseAddress(c.JID)
			if err == nil && a.Domain == srv.domain && !c.SharedBySite && !yield(a.User, c) {
				return
			}
		}
		for _, a := range srv.rosters.followers.shownTo(user, user+"@"+srv.domain) {
			c, _ := r.find(a.bare)
			c.JID, c.Subscription = a.bare, SubscriptionBoth
			if !yield(a.user, c) {
				return
			}
		}
	}, nil
}

// Followed returns the accounts whose presence user sees by its roster.
func (srv *Server) Followed(ctx context.Context, user string) ([]string, error) {
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return nil, err
	}
	var users []string
	for c := range r.contacts() {
		if a, err := stanza.ParseAddress(c.JID); err == nil && c.hasTo() && (c.Listed || !c.SharedBySite) && a.Domain == srv.domain {
			users = append(users, a.User)
		}
	}
	return users, nil
}

// Blocked returns a function that reports whether an account, as it is now, blocks
// an address (XEP-0191 §3.2).
func (srv *Server) Blocked(ctx context.Context, user string) (func(stanza.Address) bool, error) {
	b, err := srv.blocklists.of(ctx, user)
	if err != nil {
		return nil, err
	}
	return b.matches, nil
}

// subscribedFrom reports whether contact, a bare JID, may see user's presence.
func (srv *Server) subscribedFrom(ctx context.Context, user, contact string) bool {
	if srv.openTo(contact) {
		return true
	}
	c, err := srv.ContactOf(ctx, user, contact)
	return err == nil && c.hasFrom()
}

// openTo reports whether the site lets a JID see everybody's presence.
func (srv *Server) openTo(jid string) bool {
	return srv.cfg.Open && strings.HasSuffix(jid, "@"+srv.domain)
}
