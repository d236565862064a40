package muc

import "context"

// AccountRemoved is told of an account that was deleted or blocked: the lists of
// the rooms in memory that name it are read again. A deleted one is in none any
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
		if err := r.readLists(ctx, user); err != nil {
			s.log.Error("a room's lists may name somebody who is gone", "room", r.jid, "user", user, "err", err)
		}
	}
}

// readLists reads the lists again, if the account is in them.
func (r *room) readLists(ctx context.Context, user string) error {
	r.mu.Lock()
	_, there := r.people[user]
	there = there && r.state == open
	r.mu.Unlock()
	if !there {
		return nil
	}
	done, err := r.begin(ctx)
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
	for _, a := range r.people {
		r.list(Affiliated{User: a.User, Affiliation: None})
	}
	for _, a := range people {
		r.list(a)
	}
	return nil
}
