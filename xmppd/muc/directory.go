package muc

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"foyer/internal/stanza"
)

// What the site's pages do with rooms.

// Listed is a room as a page shows it.
type Listed struct {
	Listing
	Occupants int  // now
	Entered   bool // the account is one of them
}

// Directory returns rooms that an account may know of, by title. Those who
// may take over a room that nobody owns know of these too, where they are not looking
// for their own.
func (s *Service) Directory(ctx context.Context, w Wanted) ([]Listed, error) {
	if s.cfg.MayTakeOver != nil && !w.Own && !w.Joined {
		var err error
		if w.Orphans, err = s.cfg.MayTakeOver(ctx, w.User); err != nil {
			return nil, err
		}
	}
	if w.Name != "" {
		name, err := s.prepareName(w.Name)
		if err != nil {
			return nil, nil // no room is called that
		}
		w.Name = name
	}
	w.Domain, w.RoomsDomain = s.server.Domain(), s.cfg.Domain
	list, err := s.store.Visible(ctx, w)
	if err != nil {
		return nil, err
	}
	out := make([]Listed, 0, len(list))
	for _, l := range list {
		listed := Listed{Listing: l}
		listed.Occupants, listed.Entered = s.occupants(l.Name, w.User)
		out = append(out, listed)
	}
	return out, nil
}

// Readable returns a room that everybody may read on pages of the site: ErrNotFound for any
// other.
func (s *Service) Readable(ctx context.Context, name string) (Listing, error) {
	prepared, err := s.prepareName(name)
	if err != nil || prepared != name {
		return Listing{}, ErrNotFound
	}
	return s.store.Readable(ctx, name)
}

// Busy returns the rooms that anybody may enter in which the most people are now,
// at most max; without those that ban the account. No store is asked.
func (s *Service) Busy(user string, max int) []Listed {
	s.mu.Lock()
	rooms := slices.Collect(maps.Values(s.rooms))
	s.mu.Unlock()
	var out []Listed
	for _, r := range rooms {
		select {
		case <-r.loaded:
		default:
			continue
		}
		if l, ok := r.listed(user); ok {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(x, y Listed) int {
		return cmp.Or(cmp.Compare(y.Occupants, x.Occupants), cmp.Compare(x.Name, y.Name))
	})
	return out[:min(max, len(out))]
}

// Entered returns the rooms that an account is in now. No store is asked.
func (s *Service) Entered(user string) []string {
	var names []string
	for _, r := range s.loadedRooms() {
		select {
		case <-r.loaded:
		default:
			continue
		}
		r.mu.Lock()
		if r.state == open && len(r.occupants.ofUserLocked(user)) > 0 {
			names = append(names, r.name)
		}
		r.mu.Unlock()
	}
	return names
}

// listed shows a room that anybody may enter and somebody is in.
func (r *room) listed(user string) (Listed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.affiliations.byUser[user].Affiliation
	shown := r.err == nil && r.state == open && r.settings.Public && r.settings.Persistent && len(r.occupants.byNick) > 0 && own != Outcast
	l := Listing{Name: r.name, Title: r.settings.Title, Description: r.settings.Description, MembersOnly: r.settings.MembersOnly, NonAnonymous: r.settings.NonAnonymous, Affiliation: own}
	return Listed{Listing: l, Occupants: len(r.occupants.byNick), Entered: len(r.occupants.ofUserLocked(user)) > 0}, shown
}

// occupants counts who is in a room now, and says whether an account is among them.
func (s *Service) occupants(name, user string) (count int, entered bool) {
	r := s.inMemory(name)
	if r == nil {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.occupants.byNick), len(r.occupants.ofUserLocked(user)) > 0
}

// DefaultSettings are those of a new room: anybody may find it and enter.
func (s *Service) DefaultSettings() Settings { return s.defaultSettings() }

// CreateRoom makes a room that belongs to an account, as if it had been created and
// configured in the chat (XEP-0045 §10.1). Errors: ErrTaken, ErrTooMany,
// ErrNoAccount; a *stanza.Error for a name that is none.
func (s *Service) CreateRoom(ctx context.Context, name, creator string, settings Settings) error {
	name, err := s.prepareName(name)
	if err != nil {
		return err
	}
	settings.tidy()
	return s.store.Create(ctx, Room{Name: name, Creator: creator, Settings: settings},
		[]Affiliated{{User: creator, Affiliation: Owner}}, s.cfg.RoomsPerUser)
}

// prepareName returns a room's name as rooms are found by (RFC 7622 §3.3), whatever
// case and form somebody wrote it in.
func (s *Service) prepareName(name string) (string, error) {
	a, err := stanza.ParseAddress(name + "@" + s.cfg.Domain)
	if err == nil && (a.User == "" || a.Resource != "" || a.Domain != s.cfg.Domain) {
		err = stanza.ErrJIDMalformed
	}
	return a.User, err
}

// Destroy ends a room on behalf of an owner, who need not be in it (XEP-0045
// §10.9). A room that nobody owns may be destroyed by those who may take it over.
// Errors: a *stanza.Error for those who may not, or a room that is not there; else
// the store's.
func (s *Service) Destroy(ctx context.Context, name, user string) error {
	name, err := s.prepareName(name)
	if err != nil {
		return err
	}
	return s.withRoom(ctx, name, func(r *room) error {
		if err := r.takeover(ctx, user); err != nil {
			return err
		}
		return r.destroy(ctx, user, []byte("<destroy/>"))
	})
}
