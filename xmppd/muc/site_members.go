package muc

import "context"

// SetMember makes an account a member of a room, or takes that back, on behalf of the site: as
// an administrator of the room does (XEP-0045 §9.3, §9.4), who leaves is put out where only
// members may enter. Other affiliations stay as they are. Errors: a *stanza.Error for a room or
// an account that is not there; else the store's.
func (s *Service) SetMember(ctx context.Context, name, user string, is bool) error {
	name, err := s.prepareName(name)
	if err != nil {
		return err
	}
	err = s.withRoom(ctx, name, func(r *room) error { return r.setMember(ctx, user, is) })
	if err == nil && !is {
		if r := s.inMemory(name); r != nil {
			r.endIfEmpty(ctx)
		}
	}
	return err
}

func (r *room) setMember(ctx context.Context, user string, is bool) error {
	from, to := None, Member
	if !is {
		from, to = Member, None
	}
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.mu.Lock()
	e := r.affiliations.byUser[user]
	before, state := r.affiliations.ofLocked(user), r.state
	r.mu.Unlock()
	switch {
	case state == ending:
		return errEnding
	case before != from:
		return nil
	}
	e.User, e.Affiliation, e.Reason = user, to, ""
	if to == None {
		e.Nick = ""
	}
	if err := r.affiliate(ctx, []Affiliated{e}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changeAffiliationLocked(e)
	r.affiliationChangedLocked(e, before, departure{})
	return nil
}
