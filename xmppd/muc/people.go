package muc

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"foyer/internal/stanza"
)

// The people of a room, as the site's pages show them.

// Person is somebody who is in a room, belongs to it, or is banned from it.
type Person struct {
	User        string
	Affiliation Affiliation
	Nick        string // in the room now, under this name; empty: not there
	Seen        bool   // the room shows whose address it is to who asks (XEP-0045 §5.2.1)
}

// People returns those who are in a room or belong to it, as user may see them, by
// account; who is banned is told to administrators alone (§9.2). An account that is there
// under several names is listed once for each. Errors: a *stanza.Error for a room
// that is not there or that user may not enter; else the store's.
func (s *Service) People(ctx context.Context, name, user string) (people []Person, err error) {
	if name, err = s.prepareName(name); err != nil {
		return nil, err
	}
	err = s.withRoom(ctx, name, func(r *room) error {
		people, err = r.people(user)
		return err
	})
	slices.SortFunc(people, func(x, y Person) int {
		return cmp.Or(strings.Compare(x.User, y.User), strings.Compare(x.Nick, y.Nick))
	})
	return people, err
}

func (r *room) people(user string) ([]Person, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == ending {
		return nil, errEnding
	}
	if err := r.mayEnterLocked(user); err != nil {
		return nil, err
	}
	if r.state != open || !r.knowsPasswordLocked(user) {
		return nil, stanza.ErrForbidden
	}
	mine := r.affiliations.ofLocked(user)
	seen := r.settings.NonAnonymous || mine.rank() >= Admin.rank() || slices.ContainsFunc(r.occupants.ofUserLocked(user), (*occupant).seesAddressesLocked)
	people := make([]Person, 0, len(r.affiliations.byUser)+len(r.occupants.byNick))
	here := make(map[string]bool, len(r.occupants.byNick))
	for _, o := range r.occupants.byNick {
		here[o.user] = true
		people = append(people, Person{User: o.user, Affiliation: r.affiliations.ofLocked(o.user), Nick: o.nick, Seen: seen || o.user == user})
	}
	for other, a := range r.affiliations.byUser {
		if here[other] || a.Affiliation == None || (a.Affiliation == Outcast && mine.rank() < Admin.rank()) {
			continue
		}
		people = append(people, Person{User: other, Affiliation: a.Affiliation, Seen: seen || other == user})
	}
	return people, nil
}
