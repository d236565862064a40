package muc

import "context"

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
