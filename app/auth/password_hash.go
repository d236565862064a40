package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"foyer/internal/budget"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// params are OWASP's first choice for argon2id with little memory: 19 MiB, two
// passes, one lane.
var params = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func (c Config) hashing() argon2id.Params {
	p := params
	if c.CheapHashes {
		p.Memory, p.Iterations = 8, 1 // the least there is
	}
	return p
}

// hasher hashes and checks passwords, a bounded number at once, so that sign-ins
// cannot exhaust memory. It is safe for concurrent use.
type hasher struct {
	queue     *hashQueue
	servers   *hashQueue // in front of queue, for what other chat servers pass on
	processor *budget.CPUSemaphore
	params    argon2id.Params
	dummy     string // the hash of nobody's password
}

// newHasher returns a hasher that works on at most n at once; each takes 19 MiB.
func newHasher(n int, params argon2id.Params, p *budget.CPUSemaphore, m budget.Recorder) *hasher {
	return &hasher{queue: newHashQueue(n, m), servers: newHashQueue(n, m), processor: p, params: params, dummy: nobodysHash(params)}
}

// nobodysHash is what a password would be stored as, made without one: no password is right.
func nobodysHash(params argon2id.Params) string {
	random := func(n uint32) string {
		b := make([]byte, n)
		rand.Read(b)
		return base64.RawStdEncoding.EncodeToString(b)
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, params.Memory, params.Iterations, params.Parallelism,
		random(params.SaltLength), random(params.KeyLength))
}

// enter waits for a turn of a client, in the queue and then for the processor.
func (h *hasher) enter(ctx context.Context, client string, known bool) (release func(), err error) {
	leave, err := h.queue.enter(ctx, client, known)
	if err != nil {
		return nil, err
	}
	done, err := h.processor.Acquire(ctx)
	if err != nil {
		leave()
		return nil, err
	}
	return func() { done(); leave() }, nil
}

// enterFor waits for the turn of a guess at somebody's password. Those that other chat
// servers pass on would all be of one address: each account has a queue of its own, and all
// of them together are one client among those of the site, however many names are tried.
func (h *hasher) enterFor(ctx context.Context, username string, from Client, known bool) (release func(), err error) {
	if !from.Server {
		return h.enter(ctx, budget.Network(from.Address), known)
	}
	leave, err := h.servers.enter(ctx, username, false)
	if err != nil {
		return nil, err
	}
	done, err := h.enter(ctx, "other chat servers", false)
	if err != nil {
		leave()
		return nil, err
	}
	return func() { done(); leave() }, nil
}

// hash returns what is stored of a password, when it is the client's turn.
func (h *hasher) hash(ctx context.Context, password string, from Client) (string, error) {
	release, err := h.enter(ctx, budget.Network(from.Address), false)
	if err != nil {
		return "", err
	}
	defer release()
	return h.newHash(password)
}

// newHash is hash for a caller that has its turn in the queue.
func (h *hasher) newHash(password string) (string, error) {
	return argon2id.CreateHash(preparePassword(password), &h.params)
}

// preparePassword brings a password into the one form in which it is hashed, since keyboards write
// the same letters differently: NFC, with ASCII's space for others (RFC 8265 §4.2.2, OpaqueString).
// Nothing is refused here, however, and what is no text stays as it is.
func preparePassword(typed string) string {
	if !utf8.ValidString(typed) {
		return typed
	}
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, typed))
}

// compare compares a password with a stored hash; the caller has its turn in the
// queue. An empty hash stands for an account that does not exist: it takes as long
// and fails. renew reports that the hash is of an older make and should be
// replaced. A password that preparing changes is compared as it was typed as well: older
// hashes are of that.
func (h *hasher) compare(password, hash string) (ok, renew bool, err error) {
	prepared := preparePassword(password)
	ok, renew, err = h.compareBytes(prepared, hash)
	if err != nil || ok || prepared == password {
		return ok, renew, err
	}
	ok, _, err = h.compareBytes(password, hash)
	return ok, true, err
}

func (h *hasher) compareBytes(password, hash string) (ok, renew bool, err error) {
	exists := hash != ""
	if !exists {
		hash = h.dummy
	}
	ok, used, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, err
	}
	return ok && exists, *used != h.params, nil
}
