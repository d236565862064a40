package muc

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"foyer/internal/stanza"

	"github.com/google/uuid"
)

// The people of a room, as the site's pages show them.

// Person is somebody who is in a room, belongs to it, or is banned from it.
type Person struct {
	User           string
	Affiliation    Affiliation
	Nick           string // in the room now, under this name; empty: not there
	AddressVisible bool   // the room shows whose address it is to who asks (XEP-0045 §5.2.1)
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

// Author returns who said what has that id in a room's archive, as user may see it, with the
// name that they had in the room then: they may have left since. Errors: as People; and
// stanza.ErrItemNotFound.
func (s *Service) Author(ctx context.Context, name, user string, id uuid.UUID) (author Person, err error) {
	if name, err = s.prepareName(name); err != nil {
		return Person{}, err
	}
	err = s.withRoom(ctx, name, func(r *room) error {
		author, err = r.author(ctx, user, id)
		return err
	})
	return author, err
}

func (r *room) author(ctx context.Context, user string, id uuid.UUID) (Person, error) {
	r.mu.Lock()
	seen, err := r.mayListOccupantsLocked(user)
	r.mu.Unlock()
	if err != nil {
		return Person{}, err
	}
	entry, ok, err := r.svc.archive.Entry(ctx, r.jid, id)
	if err != nil {
		return Person{}, err
	}
	address, err := stanza.ParseAddress(entry.With)
	if !ok || err != nil || entry.Resource == "" {
		return Person{}, stanza.ErrItemNotFound
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	affiliation := r.affiliations.ofLocked(address.User)
	if affiliation == Outcast && r.affiliations.ofLocked(user).rank() < Admin.rank() {
		affiliation = None // told to administrators alone (§9.2)
	}
	return Person{User: address.User, Affiliation: affiliation, Nick: entry.Resource, AddressVisible: seen || address.User == user}, nil
}

// mayListOccupantsLocked checks that user may know who is in the room, and returns whether the room
// shows whose addresses theirs are.
func (r *room) mayListOccupantsLocked(user string) (seen bool, err error) {
	if r.state == ending {
		return false, errEnding
	}
	if err := r.mayEnterLocked(user); err != nil {
		return false, err
	}
	if r.state != open || !r.knowsPasswordLocked(user) {
		return false, stanza.ErrForbidden
	}
	mine := r.affiliations.ofLocked(user)
	return r.settings.NonAnonymous || mine.rank() >= Admin.rank() || slices.ContainsFunc(r.occupants.ofUserLocked(user), (*occupant).seesAddressesLocked), nil
}

func (r *room) people(user string) ([]Person, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, err := r.mayListOccupantsLocked(user)
	if err != nil {
		return nil, err
	}
	mine := r.affiliations.ofLocked(user)
	people := make([]Person, 0, len(r.affiliations.byUser)+len(r.occupants.byNick))
	here := make(map[string]bool, len(r.occupants.byNick))
	for _, o := range r.occupants.byNick {
		here[o.user] = true
		people = append(people, Person{User: o.user, Affiliation: r.affiliations.ofLocked(o.user), Nick: o.nick, AddressVisible: seen || o.user == user})
	}
	for other, a := range r.affiliations.byUser {
		if here[other] || a.Affiliation == None || (a.Affiliation == Outcast && mine.rank() < Admin.rank()) {
			continue
		}
		people = append(people, Person{User: other, Affiliation: a.Affiliation, AddressVisible: seen || other == user})
	}
	return people, nil
}
