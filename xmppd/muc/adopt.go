package muc

import (
	"context"
)

// A room whose last owner's account was deleted belongs to nobody: nobody can
// configure it, or end it. Whoever runs the site becomes its owner by entering it
// (docs/decisions/0008-rooms-that-nobody-owns.md).

// adopt makes an account the owner if nobody is, and it may be.
func (r *room) adopt(ctx context.Context, user string) error {
	if r.svc.cfg.Steward == nil || !r.orphaned() {
		return nil
	}
	may, err := r.svc.cfg.Steward(ctx, user)
	if err != nil || !may {
		return err
	}
	done, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if !r.orphaned() {
		return nil // another one was faster
	}
	r.mu.Lock()
	before := r.affiliation(user)
	e := Affiliated{User: user, Affiliation: Owner, Nick: r.people[user].Nick}
	r.mu.Unlock()
	if err := r.affiliate(ctx, []Affiliated{e}); err != nil {
		return err
	}
	r.svc.log.Info("a room that nobody owned has an owner", "room", r.jid, "user", user)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list(e)
	r.affiliationChanged(e, before, departure{})
	return nil
}

// orphaned reports whether the room exists and nobody owns it.
func (r *room) orphaned() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != open {
		return false
	}
	for _, a := range r.people {
		if a.Affiliation == Owner {
			return false
		}
	}
	return true
}
