package muc

import "context"

// A room whose last owner's account was deleted belongs to nobody: nobody can
// configure it, or end it. An administrator of the site becomes its owner by
// entering it (docs/decisions/0008-rooms-that-nobody-owns.md).

// takeover makes an account the owner of a room that nobody owns, if it may be.
func (r *room) takeover(ctx context.Context, user string) error {
	if r.svc.cfg.MayTakeOver == nil || !r.isOrphaned() {
		return nil
	}
	may, err := r.svc.cfg.MayTakeOver(ctx, user)
	if err != nil || !may {
		return err
	}
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	if !r.isOrphaned() {
		return nil // another one was faster
	}
	r.mu.Lock()
	before := r.affiliations.ofLocked(user)
	e := Affiliated{User: user, Affiliation: Owner, Nick: r.affiliations.byUser[user].Nick}
	r.mu.Unlock()
	if err := r.affiliate(ctx, []Affiliated{e}); err != nil {
		return err
	}
	r.svc.log.Info("a room that nobody owned has an owner", "room", r.jid, "user", user)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changeAffiliationLocked(e)
	r.affiliationChangedLocked(e, before, departure{})
	return nil
}

// isOrphaned reports whether the room exists and nobody owns it.
func (r *room) isOrphaned() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state == open && !r.affiliations.ownedLocked()
}
