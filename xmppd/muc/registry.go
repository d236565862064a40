package muc

import (
	"context"
	"errors"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/xmppd"
)

// Rooms come into memory when they are first needed, and leave it when they have
// been empty for a while.

// room returns the room with that name; item-not-found when there is none.
func (s *Service) room(ctx context.Context, name string) (*room, error) {
	for {
		s.mu.Lock()
		r := s.rooms[name]
		if r == nil {
			r = newRoom(s, name)
			s.rooms[name] = r
			s.mu.Unlock()
			s.load(ctx, r)
		} else {
			s.mu.Unlock()
		}
		select {
		case <-r.loaded:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if r.givenUp && ctx.Err() == nil {
			continue // who loaded it went away, or could not wait any longer, and nobody else did
		}
		return r, r.err
	}
}

// withRoom does something with the room with that name. If the room leaves memory
// meanwhile, do is called again, with what comes after it.
func (s *Service) withRoom(ctx context.Context, name string, do func(*room) error) error {
	for {
		r, err := s.room(ctx, name)
		if err != nil {
			return err
		}
		if err = do(r); !errors.Is(err, errEnding) {
			return err
		}
		select {
		case <-r.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// load reads the room from the store.
func (s *Service) load(ctx context.Context, r *room) {
	r.err = r.read(ctx)
	if errors.Is(r.err, ErrNotFound) {
		r.err = stanza.ErrItemNotFound
	}
	if r.err != nil {
		r.givenUp = ctx.Err() != nil && !errors.Is(r.err, stanza.ErrItemNotFound)
		s.forget(r)
	}
	close(r.loaded)
}

func (r *room) read(ctx context.Context) error {
	kept, people, err := r.svc.store.Room(ctx, r.name)
	if err != nil {
		return err
	}
	last, err := r.svc.archive.Last(ctx, r.jid)
	if err != nil {
		return err
	}
	r.state, r.creator, r.settings, r.subject, r.queue.last = open, kept.Creator, kept.Settings, kept.Subject, last.ID
	r.pins.any, r.activity.latest = kept.Pins > 0, latestMessageOf(last)
	for _, a := range people {
		r.affiliations.setLocked(a)
	}
	return nil
}

// create makes a new room in memory; it is stored when it is configured (XEP-0045
// §10.1). No room and no error: somebody else was faster.
func (s *Service) create(ctx context.Context, name, creator string) (*room, error) {
	if s.cfg.Reserved != nil && s.cfg.Reserved(name) {
		return nil, errReserved
	}
	n, err := s.store.Created(ctx, creator)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[name] != nil {
		return nil, nil
	}
	if n+s.unconfiguredByCreator[creator] >= s.cfg.RoomsPerUser {
		return nil, errCreationBarred
	}
	s.unconfiguredByCreator[creator]++
	r := newRoom(s, name)
	r.counted = true
	r.state, r.creator, r.settings = locked, creator, s.defaultSettings()
	r.affiliations.setLocked(Affiliated{User: creator, Affiliation: Owner})
	close(r.loaded)
	s.rooms[name] = r
	return r, nil
}

// NewSettings are those of a new room where Config.Occupants is not set.
func NewSettings() Settings {
	return Settings{
		Persistent: true, Public: true, Invites: true, Private: Anyone, Archive: true,
		ChangeSubject: true, MaxOccupants: DefaultOccupants,
	}
}

// defaultSettings are those of a new room.
func (s *Service) defaultSettings() Settings {
	settings := NewSettings()
	settings.MaxOccupants = s.cfg.Occupants
	return settings
}

// configured notes that a new room is in the store, where it counts from now on.
func (s *Service) configured(r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncountLocked(r)
}

func (s *Service) uncountLocked(r *room) {
	if !r.counted {
		return
	}
	r.counted = false
	if s.unconfiguredByCreator[r.creator]--; s.unconfiguredByCreator[r.creator] == 0 {
		delete(s.unconfiguredByCreator, r.creator)
	}
}

// forget takes a room out of memory.
func (s *Service) forget(r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncountLocked(r)
	if s.rooms[r.name] == r {
		delete(s.rooms, r.name)
		close(r.ended)
	}
}

// loadedRooms returns the rooms in memory.
func (s *Service) loadedRooms() []*room {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		out = append(out, r)
	}
	return out
}

// How often Run looks around, and how long after the start temporary rooms that
// nobody came back to are deleted.
const (
	lookEvery = time.Minute
	grace     = time.Hour
)

// Run does the background work until ctx ends: it unloads rooms that have been
// empty for a while, and deletes temporary rooms that were left behind when the
// program ended.
func (s *Service) Run(ctx context.Context) error {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	started, swept := time.Now(), false
	for {
		select {
		case now := <-t.C:
			s.unload(now)
			s.invitations.expire(now)
			if !swept && now.Sub(started) > grace {
				swept = s.deleteLeftTemporary(ctx)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// unload takes the rooms out of memory that have been empty since long before
// now.
func (s *Service) unload(now time.Time) {
	for _, r := range s.loadedRooms() {
		select {
		case <-r.loaded:
		default:
			continue
		}
		r.mu.Lock()
		idle := r.state == open && len(r.occupants.members) == 0 && len(r.queue.waiting) == 0 && len(r.changing) == 0 && now.Sub(r.occupants.idleSince) >= s.cfg.Idle
		if idle {
			r.state = ending
		}
		r.mu.Unlock()
		if idle {
			s.forget(r)
		}
	}
}

// deleteLeftTemporary deletes what temporary rooms left behind. It reports whether that is
// done.
func (s *Service) deleteLeftTemporary(ctx context.Context) bool {
	var keep []string
	for _, r := range s.loadedRooms() {
		keep = append(keep, r.name)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StoreTimeout)
	defer cancel()
	if err := s.store.DeleteTemporary(ctx, s.cfg.Domain, keep); err != nil {
		s.log.Error("temporary rooms were not deleted", "err", err)
		return false
	}
	return true
}

// joined knows which rooms each client is in.
type joined struct {
	mu    sync.Mutex
	rooms map[xmppd.Client]map[*room]struct{}
}

// add notes a room, unless that would be more than most.
func (j *joined) add(c xmppd.Client, r *room, most int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	in := j.rooms[c]
	if _, there := in[r]; there {
		return true
	}
	if len(in) >= most {
		return false
	}
	if in == nil {
		in = make(map[*room]struct{})
		j.rooms[c] = in
	}
	in[r] = struct{}{}
	return true
}

func (j *joined) remove(c xmppd.Client, r *room) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.rooms[c], r)
	if len(j.rooms[c]) == 0 {
		delete(j.rooms, c)
	}
}

// of returns the rooms that a client is in.
func (j *joined) of(c xmppd.Client) []*room {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]*room, 0, len(j.rooms[c]))
	for r := range j.rooms[c] {
		out = append(out, r)
	}
	return out
}
