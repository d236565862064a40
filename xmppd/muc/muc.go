// Package muc is group chat: XEP-0045 at a separate address, with an archive
// for each room (XEP-0313), moderation and retraction (XEP-0425, XEP-0424),
// occupant ids (XEP-0421) and hats (XEP-0317). One file per capability.
//
// Goroutines: none but Run, and one for each new moderator of a large room, until its client
// has been shown everybody. All else happens on the goroutine of the client that asked for it;
// rooms hold no goroutine while nothing happens.
//
// Locks: Service.mu (which rooms are in memory), then room.mu (all of a room's
// state), then joined.mu (which rooms a client is in) or followers.mu. None is held while a
// store is asked. What a room sends is queued for its clients, which never
// blocks, with room.mu held: so that everybody sees what happens in a room in
// the same order. A method whose name ends in Locked is called with room.mu held,
// whatever type it is of: a room, or a part of its state.
//
// A message's way: under room.mu the sender's right is checked, the stanza is
// made, put into the room's queue and handed to the archive's writer, which
// gives ids in the order it is handed entries. Without the lock the sender's
// goroutine waits until the message is in Postgres; any number of a room's
// messages may be on their way there, and share commits. Then, under the lock
// again, what is stored is delivered from the head of the queue on:
// the order for all occupants, the sender's echo included, is the archive's.
//
// A change of what is kept of a room (its configuration, its affiliations, its pins,
// its end) has room.changing while the store is asked. Messages and presence do not
// wait for that.
package muc

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"
)

// Namespaces.
const (
	nsAdmin      = stanza.NSMUC + "#admin"
	nsOwner      = stanza.NSMUC + "#owner"
	nsRoomConfig = stanza.NSMUC + "#roomconfig"
	nsRoomInfo   = stanza.NSMUC + "#roominfo"
	nsRequest    = stanza.NSMUC + "#request"
	nsHats       = "urn:xmpp:hats:0"
)

// DefaultOccupants is Config.Occupants where nothing else is said.
const DefaultOccupants = 2000

// Config is what a Service needs. Zero limits take the documented default.
type Config struct {
	Domain string // where the rooms are, such as conference.example.org
	Name   string // what people see in lists; default "Rooms"
	Server *xmppd.Server
	Store  Store
	Key    []byte // of occupant ids; never changes (XEP-0421 §5)
	Logger *slog.Logger

	// Recorder is told which accounts meet a limit of what they may ask for; nil: nobody.
	Recorder budget.Recorder

	// OnMessage is told of each message that everybody in a room has got, and who said it; it
	// must not block. nil: nobody is told.
	OnMessage func(GroupMessage)

	// Hats returns what an account wears in every room (XEP-0317); nil: nothing.
	Hats func(ctx context.Context, user string) ([]Hat, error)

	// MayTakeOver reports whether an account may take over rooms that nobody owns
	// any more: it becomes the owner by entering. nil: nobody may.
	MayTakeOver func(ctx context.Context, user string) (bool, error)

	// Reserved reports whether the site alone makes a room of that name (Service.CreateRoom, or its
	// store): nobody makes it by entering. It is asked by any goroutine. nil: no name is reserved.
	Reserved func(name string) bool

	RoomsPerUser    int           // rooms that one account may have created; default 50
	RoomsPerSession int           // rooms that one client may be in; default 200
	Occupants       int           // maximum of a room, and the default of its own bound; default DefaultOccupants
	Affiliations    int           // affiliations and reserved nicknames kept of a room; default 5000
	Idle            time.Duration // how long an empty room stays in memory; default 10 min
	StoreTimeout    time.Duration // how long work that no client waits for waits for the database; default 10 s
}

// Service is group chat at one domain. It is safe for concurrent use.
type Service struct {
	cfg     Config
	server  *xmppd.Server
	archive *archive.Archive
	store   Store
	log     *slog.Logger
	seal    *sealer
	joined  joined

	invitations    invitations
	followers      followers
	archiveLookups *budget.Rate // rooms that are looked into for an account that follows

	mu                    sync.Mutex
	rooms                 map[string]*room // by localpart: those in memory
	unconfiguredByCreator map[string]int   // by creator: rooms in memory that are not configured yet
}

var (
	_ xmppd.Service        = (*Service)(nil)
	_ xmppd.AccountWatcher = (*Service)(nil)
	_ xmppd.ChangeWatcher  = (*Service)(nil)
)

// New returns a Service; Server.Mount makes it reachable.
func New(cfg Config) (*Service, error) {
	if cfg.Domain == "" || cfg.Server == nil || cfg.Store == nil || len(cfg.Key) == 0 {
		return nil, errors.New("muc: Config needs Domain, Server, Store and Key")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Name == "" {
		cfg.Name = "Rooms"
	}
	cfg.RoomsPerUser = cmp.Or(cfg.RoomsPerUser, 50)
	cfg.RoomsPerSession = cmp.Or(cfg.RoomsPerSession, 200)
	cfg.Occupants = cmp.Or(cfg.Occupants, DefaultOccupants)
	cfg.Affiliations = cmp.Or(cfg.Affiliations, 5000)
	cfg.Idle = cmp.Or(cfg.Idle, 10*time.Minute)
	cfg.StoreTimeout = cmp.Or(cfg.StoreTimeout, 10*time.Second)
	seal, err := newSealer()
	if err != nil {
		return nil, err
	}
	return &Service{
		cfg: cfg, server: cfg.Server, archive: cfg.Server.Archive(), store: cfg.Store, log: cfg.Logger, seal: seal,
		joined: joined{rooms: make(map[xmppd.Client]map[*room]struct{})},
		rooms:  make(map[string]*room), unconfiguredByCreator: make(map[string]int),
		archiveLookups: budget.NewRate(budget.Limit{Name: "rooms looked into for one account"}, archiveLookupsPerSecond, archiveLookupsBurst, cfg.Recorder),
	}, nil
}

// Domain implements xmppd.Service.
func (s *Service) Domain() string { return s.cfg.Domain }

// Name implements xmppd.Service.
func (s *Service) Name() string { return s.cfg.Name }

// Bound of what a client may send to everybody in a room, in bytes.
const (
	maxMessage  = 64 << 10
	maxPresence = 8 << 10
)

// Handle implements xmppd.Service.
func (s *Service) Handle(ctx context.Context, c xmppd.Client, el *stream.Element, to stanza.Address) error {
	return inPlainWords(s.handle(ctx, c, el, to))
}

func (s *Service) handle(ctx context.Context, c xmppd.Client, el *stream.Element, to stanza.Address) error {
	if el.Name.Local == "iq" {
		if err := s.spend(ctx, c, el, to); err != nil {
			return err
		}
		return s.handleIQ(ctx, c, el, to)
	}
	if to.User == "" {
		switch {
		case el.Name.Local == "presence" && to.Resource == "":
			if err := s.spend(ctx, c, el, to); err != nil {
				return err
			}
			return s.follow(ctx, c, el)
		case el.Name.Local == "message" && el.Type != "error":
			return stanza.ErrServiceUnavailable
		}
		return nil
	}
	if el.Name.Local == "presence" {
		if len(el.Raw) > maxPresence {
			return errTooLarge
		}
		if err := s.spend(ctx, c, el, to); err != nil {
			return asJoinError(err)
		}
		return s.handlePresence(ctx, c, el, to)
	}
	if len(el.Raw) > maxMessage {
		return errTooLarge
	}
	if err := s.spend(ctx, c, el, to); err != nil {
		return err
	}
	return s.handleMessage(ctx, c, el, to)
}

// spend charges the sender's account with what a stanza may cause: everybody in the
// room may get one like it. Questions, answers and leaving are free.
func (s *Service) spend(ctx context.Context, c xmppd.Client, el *stream.Element, to stanza.Address) error {
	switch el.Type {
	case "get", "result", "error", "unavailable", "probe":
		return nil
	}
	recipients := 1
	private := el.Name.Local != "presence" && to.Resource != ""
	if el.Name.Local == "iq" && (private || !changesRoom(el.Child.Space)) {
		return nil // only changes of the room are told to everybody
	}
	size := len(el.Raw)
	if r := s.inMemory(to.User); r != nil && !private {
		r.mu.Lock()
		recipients += len(r.occupants.members)
		if m := r.occupants.memberLocked(c); m != nil && el.Child.Space == nsRegister {
			size = max(size, len(m.occupant.head)) // it is shown as a member, with the presence it has
		}
		r.mu.Unlock()
		if el.Name.Local == "message" || el.Child.Space == stanza.NSModerate {
			recipients += s.followers.count(to.User)
		}
	}
	return s.server.SpendFanOut(ctx, c.User(), size, recipients)
}

// changesRoom reports whether a request with a payload of that namespace changes what
// everybody in a room is told.
func changesRoom(space string) bool {
	switch space {
	case stanza.NSPubsub, nsRegister, stanza.NSModerate:
		return true
	}
	return strings.HasPrefix(space, stanza.NSMUC)
}

// Gone implements xmppd.Service: the client leaves every room (S-42), and follows none.
func (s *Service) Gone(ctx context.Context, c xmppd.Client, presence *stream.Element) {
	s.followers.end(c)
	for _, r := range s.joined.of(c) {
		r.leave(ctx, c, presence)
	}
}
