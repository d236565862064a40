package xmppgw

import (
	"sync"
	"time"

	"foyer/internal/stream"

	"golang.org/x/time/rate"
)

// Addresses whose rate is remembered; beyond that the idle ones are forgotten.
const maxAddresses = 10_000

// admission bounds how many streams an address or account has, and how fast an
// address opens them (RFC 6120 §13.12). Its memory is bounded.
type admission struct {
	cfg Config

	mu    *sync.Mutex
	addrs map[string]*visitor
	users map[string]int
}

type visitor struct {
	open int
	rate *rate.Limiter
	seen time.Time
}

func newAdmission(cfg Config) admission {
	return admission{cfg: cfg, mu: new(sync.Mutex), addrs: make(map[string]*visitor), users: make(map[string]int)}
}

func (a admission) enter(addr, user string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.addrs[addr]
	if v == nil {
		a.prune()
		v = &visitor{rate: rate.NewLimiter(rate.Limit(a.cfg.CreateRate), a.cfg.CreateBurst)}
		a.addrs[addr] = v
	}
	v.seen = time.Now()
	switch {
	case v.open >= a.cfg.PerAddress:
		return &stream.Error{Condition: stream.PolicyViolation, Text: "too many streams from this address"}
	case user != "" && a.users[user] >= a.cfg.PerUser:
		return &stream.Error{Condition: stream.PolicyViolation, Text: "too many streams of this account"}
	case !v.rate.Allow():
		return &stream.Error{Condition: stream.PolicyViolation, Text: "streams are opened too fast; wait a moment"}
	}
	v.open++
	if user != "" {
		a.users[user]++
	}
	return nil
}

// prune forgets addresses without streams, once there are too many.
func (a admission) prune() {
	if len(a.addrs) < maxAddresses {
		return
	}
	for addr, v := range a.addrs {
		if v.open == 0 && time.Since(v.seen) > time.Second {
			delete(a.addrs, addr)
		}
	}
}

// newShaper returns what slows a stream that sends too much: nothing is dropped
// (RFC 6120 §13.12). A burst of a few of the largest stanzas is free.
func (g *Gateway) newShaper() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(g.cfg.Rate), 4*g.cfg.Limits.Bytes)
}

func (a admission) leave(addr, user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v := a.addrs[addr]; v != nil {
		v.open--
	}
	if user == "" {
		return
	}
	if a.users[user]--; a.users[user] <= 0 {
		delete(a.users, user)
	}
}
