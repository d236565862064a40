package budget

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// KeyedSemaphore divides a whole, such as bytes of memory or slots of a decoder: each name
// may hold its share of it at once, and all together no more than the whole.
type KeyedSemaphore struct {
	limit    Limit
	recorder Recorder
	whole    *semaphore.Weighted
	total    int64
	each     int64

	mu    sync.Mutex
	names map[string]*holder // those that hold something, or wait
}

// holder is what one name holds.
type holder struct {
	share *semaphore.Weighted
	users int // calls that hold or wait
}

// NewKeyedSemaphore returns a KeyedSemaphore of total units, of which each name may hold so many.
func NewKeyedSemaphore(limit Limit, total, each int64, recorder Recorder) *KeyedSemaphore {
	each = min(each, total)
	return &KeyedSemaphore{
		limit: limit, recorder: recorder, total: total, each: each,
		whole: semaphore.NewWeighted(total), names: make(map[string]*holder),
	}
}

// Acquire takes n units for the name, and waits for them until ctx ends. It waits
// for the name's own share first, so that what it has waiting is never in the way
// of others by more than that. More than the share is never had: n counts as the
// share then. release gives the units back; it may be called more than once.
func (s *KeyedSemaphore) Acquire(ctx context.Context, name string, n int64) (release func(), err error) {
	n = min(n, s.each)
	h := s.enter(name)
	if !h.share.TryAcquire(n) {
		limitHit(s.recorder, s.limit, name)
		if err := h.share.Acquire(ctx, n); err != nil {
			s.leave(name, h)
			return nil, err
		}
	}
	if err := s.whole.Acquire(ctx, n); err != nil {
		h.share.Release(n)
		s.leave(name, h)
		return nil, err
	}
	return s.release(name, h, n), nil
}

// TryAcquire takes n units for the name if they are free now.
func (s *KeyedSemaphore) TryAcquire(name string, n int64) (release func(), ok bool) {
	h := s.enter(name)
	if !h.share.TryAcquire(n) {
		s.leave(name, h)
		limitHit(s.recorder, s.limit, name)
		return nil, false
	}
	if !s.whole.TryAcquire(n) {
		h.share.Release(n)
		s.leave(name, h)
		limitHit(s.recorder, s.limit, name)
		return nil, false
	}
	return s.release(name, h, n), true
}

func (s *KeyedSemaphore) release(name string, h *holder, n int64) func() {
	return sync.OnceFunc(func() {
		s.whole.Release(n)
		h.share.Release(n)
		s.leave(name, h)
	})
}

func (s *KeyedSemaphore) enter(name string) *holder {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.names[name]
	if h == nil {
		h = &holder{share: semaphore.NewWeighted(s.each)}
		s.names[name] = h
	}
	h.users++
	return h
}

func (s *KeyedSemaphore) leave(name string, h *holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(s.names, name)
	}
}
