package xmppd

import (
	"context"
	"unique"
)

// GroupsChanged tells the server that the site has put an account into other groups:
// it is on other rosters now, and others are on its own.
func (srv *Server) GroupsChanged(ctx context.Context, user string) {
	a := srv.registry.lookup(user)
	before := newRoster(nil, false)
	if a != nil {
		a.cached(func() {
			if a.roster != nil {
				before = a.roster
			}
		})
	}
	a.forgetNonPeers()
	if srv.cfg.Groups {
		srv.endWatches(ctx, user)
	}
	srv.rostersChanged(ctx, user)
	if len(a.interested()) == 0 {
		return // nobody has seen the old one
	}
	now, err := srv.rosters.of(ctx, user)
	if err != nil {
		srv.log.Error("a roster could not be refreshed", "user", user, "err", err)
		return
	}
	step := &roster{digest: before.digest} // as it is once the changes so far are made (RFC 6121 §2.6.2)
	for _, c := range now.changedSince(before) {
		other := localpart(c.JID)
		old, _ := before.find(c.JID)
		step.count(nil, old, -1)
		step.count(nil, c, 1)
		if old.hasTo() && !c.hasTo() { // RFC 6121 §3.2.2: unavailable first, then the end of it
			srv.unavailableTo(ctx, other, user+"@"+srv.domain)
		}
		a.pushItem(now, c.JID, step.version())
		if old.hasTo() || !c.hasTo() {
			continue
		}
		for _, s := range a.available() {
			srv.currentPresence(ctx, other, s)
		}
	}
}

// changedSince returns the listed contacts that are new on r or differ, and those
// that are not on it any more, without a subscription.
func (r *roster) changedSince(before *roster) []Contact {
	old := make(map[unique.Handle[entry]]struct{}, len(before.entries))
	for _, e := range before.entries {
		old[e] = struct{}{}
	}
	var changed []Contact
	for _, e := range r.entries {
		if _, same := old[e]; same {
			delete(old, e)
			continue
		}
		if c := e.Value().contact(); c.Listed {
			changed = append(changed, c)
		}
	}
	for e := range old {
		c := e.Value().contact()
		if _, there := r.find(c.JID); !there && c.Listed {
			changed = append(changed, Contact{JID: c.JID})
		}
	}
	return changed
}
