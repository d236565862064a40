package muc

import (
	"bytes"
	"context"
)

// AccountChanged implements xmppd.ChangeWatcher: rooms that somebody is in show the hats that
// they wear now. Who no longer runs the site is not shown as somebody who does.
func (s *Service) AccountChanged(ctx context.Context, user string) {
	entered := s.Entered(user)
	if s.cfg.Hats == nil || len(entered) == 0 {
		return
	}
	hats, err := s.hatsOf(ctx, user)
	if err != nil {
		s.log.Error("rooms may show hats that somebody does not wear any more", "user", user, "err", err)
		return
	}
	for _, name := range entered {
		r := s.inMemory(name)
		if r == nil {
			continue
		}
		r.mu.Lock()
		for _, o := range r.occupants.ofUserLocked(user) {
			if !bytes.Equal(o.hats, hats) {
				o.hats = hats
				o.showLocked(o.presenceMember)
				r.occupants.announceLocked(o)
			}
		}
		r.mu.Unlock()
	}
}

// AccountRemoved implements xmppd.AccountWatcher. The affiliations of the rooms in
// memory that the account belongs to are read again; a deleted account has none any
// more. Its clients have left already.
func (s *Service) AccountRemoved(ctx context.Context, user string) {
	for _, r := range s.loadedRooms() {
		select {
		case <-r.loaded:
		case <-ctx.Done():
			return
		}
		if r.err != nil {
			continue
		}
		if err := r.readAffiliations(ctx, user); err != nil {
			s.log.Error("a room's lists may name somebody who is gone", "room", r.jid, "user", user, "err", err)
		}
	}
}

// readAffiliations reads the affiliations again, if the account has one.
func (r *room) readAffiliations(ctx context.Context, user string) error {
	r.mu.Lock()
	_, there := r.affiliations.byUser[user]
	there = there && r.state == open
	r.mu.Unlock()
	if !there {
		return nil
	}
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, people, err := r.svc.store.Room(ctx, r.name)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.affiliations.byUser {
		r.affiliations.setLocked(Affiliated{User: a.User, Affiliation: None})
	}
	for _, a := range people {
		r.affiliations.setLocked(a)
	}
	return nil
}
