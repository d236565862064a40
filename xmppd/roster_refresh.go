package xmppd

import (
	"context"
	"slices"
)

// Rosters are cached while their owners are online (roster_cache.go). When somebody
// changes, their entry is brought up to date on all of them.

// rostersChanged brings the rosters on which user is, or now should be, up to date,
// and pushes what changed. Its cost is that of those rosters.
func (srv *Server) rostersChanged(ctx context.Context, user string) {
	srv.rosters.forget(user)
	jid := user + "@" + srv.domain
	concerned := srv.rosters.followers.concerned(user)
	peers, err := srv.stores.Roster.GroupPeers(ctx, user)
	if err != nil {
		srv.log.Error("new contacts were not told of an account", "user", user, "err", err)
	}
	for _, m := range peers {
		if a := srv.registry.lookup(m); a != nil && !slices.Contains(concerned, a) {
			concerned = append(concerned, a)
		}
	}
	for batch := range slices.Chunk(concerned, contactBatch) {
		if err := srv.contactsChanged(ctx, batch, jid); err != nil {
			srv.log.Error("rosters could not be refreshed", "contact", user, "err", err)
		}
	}
}

// contactBatch is how many rosters are brought up to date by one query.
const contactBatch = 500

// contactsChanged brings one entry of several rosters up to date: many people may
// be online, and rosters are long.
func (srv *Server) contactsChanged(ctx context.Context, accounts []*account, jid string) error {
	ctx, cancel := context.WithTimeout(ctx, srv.cfg.StoreTimeout)
	defer cancel()
	users := make([]string, len(accounts))
	changes := make([]uint64, len(accounts))
	before := make([]*roster, len(accounts))
	for i, a := range accounts {
		users[i] = a.user
		changes[i] = a.cached(func() { before[i] = a.roster })
	}
	now, err := srv.stores.Roster.ContactsOf(ctx, jid, users)
	for i, a := range accounts {
		if err != nil {
			a.forget()
			continue
		}
		c, found := now[a.user]
		if before[i] == nil { // what was known of it is out of date already
			if pushErr := srv.pushContact(ctx, a.user, jid); pushErr != nil {
				srv.log.Error("a roster could not be refreshed", "user", a.user, "err", pushErr)
			}
			continue
		}
		c.JID = jid
		srv.replaceContact(ctx, a, changes[i], before[i], c, found)
	}
	return err
}

// replaceContact puts one entry, as the store has it now, into a's roster.
func (srv *Server) replaceContact(ctx context.Context, a *account, changes uint64, old *roster, c Contact, found bool) {
	now := old.with(c, found)
	srv.rosters.replace(a, changes, now)
	before, _ := old.find(c.JID)
	if (before.Listed || c.Listed) && now.version() != old.version() {
		a.pushItem(now, c.JID, now.version())
	}
	if found && c.hasTo() && c.Listed && !(before.hasTo() && before.Listed) {
		for _, s := range a.available() {
			srv.currentPresence(ctx, localpart(c.JID), s)
		}
	}
}

// addToRosters puts two members who begin to talk on each other's rosters, where the
// site's rosters hold those whom a person talks with. It asks the store only then, and for those who
// share no group once a minute.
func (srv *Server) addToRosters(ctx context.Context, x, y string) {
	if x == y || !srv.cfg.Open && !srv.cfg.Groups {
		return
	}
	for _, pair := range [][2]string{{x, y}, {y, x}} {
		a, jid := srv.registry.lookup(pair[0]), pair[1]+"@"+srv.domain
		if a == nil {
			continue
		}
		var r *roster
		a.cached(func() { r = a.roster })
		if r == nil || r.complete {
			continue
		}
		if _, known := r.entry(jid); known {
			continue
		}
		if !srv.cfg.Open {
			if c, err := srv.groupPeer(ctx, a.user, jid); err == nil && !c.SharedBySite {
				continue
			}
		}
		if err := srv.contactsChanged(ctx, []*account{a}, jid); err != nil {
			srv.log.Error("a new contact was not put on a roster", "user", a.user, "err", err)
		}
	}
}
