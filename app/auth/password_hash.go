package auth

import (
	"context"

	"github.com/alexedwards/argon2id"
)

// params are OWASP's first choice for argon2id with little memory: 19 MiB, two
// passes, one lane.
var params = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher hashes and checks passwords, a bounded number at once, so that
// sign-ins cannot exhaust memory. It is safe for concurrent use.
type hasher struct {
	slots chan struct{}
	dummy string // the hash of nobody's password
}

// newHasher returns a hasher that works on at most n at once; each takes 19
// MiB.
func newHasher(n int) (*hasher, error) {
	dummy, err := argon2id.CreateHash("nobody", params)
	if err != nil {
		return nil, err
	}
	return &hasher{slots: make(chan struct{}, n), dummy: dummy}, nil
}

func (h *hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns what is stored of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return argon2id.CreateHash(password, params)
}

// check compares a password with a stored hash. An empty hash stands for an
// account that does not exist: it takes as long and fails. renew reports that
// the hash is of an older make and should be replaced.
func (h *hasher) check(ctx context.Context, password, hash string) (ok, renew bool, err error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	exists := hash != ""
	if !exists {
		hash = h.dummy
	}
	ok, used, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, err
	}
	return ok && exists, *used != *params, nil
}
