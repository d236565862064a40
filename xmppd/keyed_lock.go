package xmppd

import (
	"context"
	"sync"
)

// KeyedLock is a lock for each key, such as an account. Its zero value is ready.
type KeyedLock struct {
	mu    sync.Mutex
	byKey map[string]*keyLock // present while somebody holds it or waits for it
}

type keyLock struct {
	held  chan struct{} // full while it is held
	users int           // who hold it or wait for it
}

// Lock waits for the key's lock, or until ctx ends. It is not reentrant.
func (l *KeyedLock) Lock(ctx context.Context, key string) (unlock func(), err error) {
	k := l.enter(key)
	select {
	case k.held <- struct{}{}:
		return func() { <-k.held; l.leave(key, k) }, nil
	case <-ctx.Done():
		l.leave(key, k)
		return nil, ctx.Err()
	}
}

func (l *KeyedLock) enter(key string) *keyLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.byKey[key]
	if k == nil {
		k = &keyLock{held: make(chan struct{}, 1)}
		if l.byKey == nil {
			l.byKey = make(map[string]*keyLock)
		}
		l.byKey[key] = k
	}
	k.users++
	return k
}

func (l *KeyedLock) leave(key string, k *keyLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.byKey, key)
	}
}
