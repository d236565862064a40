package xmppd

import (
	"context"
	"sync"
)

// turns lets the changes of one account's nodes happen one after the other, each
// from being stored to being told, so that everybody hears of them in the order
// in which they were stored. Its zero value is ready.
type turns struct {
	mu   sync.Mutex
	busy map[string]*turn // by localpart; present while somebody has or awaits it
}

type turn struct {
	token chan struct{} // full while taken
	users int
}

// take waits for the account's turn, or until ctx ends. It is not to be taken
// twice.
func (t *turns) take(ctx context.Context, user string) (release func(), err error) {
	u := t.enter(user)
	select {
	case u.token <- struct{}{}:
		return func() { <-u.token; t.leave(user, u) }, nil
	case <-ctx.Done():
		t.leave(user, u)
		return nil, ctx.Err()
	}
}

func (t *turns) enter(user string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.busy[user]
	if u == nil {
		u = &turn{token: make(chan struct{}, 1)}
		if t.busy == nil {
			t.busy = make(map[string]*turn)
		}
		t.busy[user] = u
	}
	u.users++
	return u
}

func (t *turns) leave(user string, u *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.users--; u.users == 0 {
		delete(t.busy, user)
	}
}
