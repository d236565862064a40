package app

import (
	"context"
	"sync"
	"time"

	"foyer/models"
)

// accountChanges is what the chat is still to be told of accounts. Those who see an
// account may be many, and no request waits for them; an account that changes again
// meanwhile is told of once. It is safe for concurrent use.
type accountChanges struct {
	mu      sync.Mutex
	waiting map[models.Event]struct{}
	order   []models.Event
	wake    chan struct{}
}

func newAccountChanges() *accountChanges {
	return &accountChanges{waiting: make(map[models.Event]struct{}), wake: make(chan struct{}, 1)}
}

func (ac *accountChanges) add(kind models.EventKind, user string) {
	ac.mu.Lock()
	defer ac.mu.Unlock()
	e := models.Event{Kind: kind, User: user}
	if _, there := ac.waiting[e]; there {
		return
	}
	ac.waiting[e] = struct{}{}
	ac.order = append(ac.order, e)
	select {
	case ac.wake <- struct{}{}:
	default: // it is awake
	}
}

// take returns the oldest, in the order in which they came.
func (ac *accountChanges) take() (models.Event, bool) {
	ac.mu.Lock()
	defer ac.mu.Unlock()
	if len(ac.order) == 0 {
		ac.order = nil
		return models.Event{}, false
	}
	e := ac.order[0]
	ac.order = ac.order[1:]
	delete(ac.waiting, e)
	return e, true
}

// How long the chat may take to tell everybody of one account.
const changeTimeout = 30 * time.Second

// tellChanges tells the chat of changed accounts until ctx ends.
func (s *Server) tellChanges(ctx context.Context) {
	for {
		select {
		case <-s.accountChanges.wake:
		case <-ctx.Done():
			return
		}
		for e, ok := s.accountChanges.take(); ok; e, ok = s.accountChanges.take() {
			s.tellChange(ctx, e)
		}
	}
}

func (s *Server) tellChange(ctx context.Context, e models.Event) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	switch e.Kind {
	case models.EventRemoved:
		s.chat.AccountRemoved(ctx, e.User)
	case models.EventGroups:
		s.chat.GroupsChanged(ctx, e.User)
	default:
		s.chat.AccountChanged(ctx, e.User)
		s.seedRoomOf(ctx, e.User)
	}
}
