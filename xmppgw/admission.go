package xmppgw

import (
	"context"
	"net/netip"
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

	mu     *sync.Mutex
	addrs  map[string]*visitor // by network
	users  map[string]int
	pruned *time.Time
}

type visitor struct {
	open int
	rate *rate.Limiter
	seen time.Time
}

func newAdmission(cfg Config) admission {
	return admission{cfg: cfg, mu: new(sync.Mutex), addrs: make(map[string]*visitor), users: make(map[string]int), pruned: new(time.Time)}
}

func (a admission) enter(addr, user string) error {
	addr = network(addr)
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.addrs[addr]
	if v == nil {
		if !a.prune() {
			return &stream.Error{Condition: stream.ResourceConstraint, Text: "too many newcomers; wait a moment"}
		}
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

// prune makes room for another address: it forgets those without streams, once
// there are too many, and looks for them once a second at most. It reports false
// when there is no room.
func (a admission) prune() bool {
	if now := time.Now(); len(a.addrs) >= maxAddresses && now.Sub(*a.pruned) > time.Second {
		*a.pruned = now
		for addr, v := range a.addrs {
			if v.open == 0 && now.Sub(v.seen) > time.Second {
				delete(a.addrs, addr)
			}
		}
	}
	return len(a.addrs) < 2*maxAddresses
}

// network is what one client can hold of addresses: of IPv6, 64 bits are its own
// choice.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil || ip.Unmap().Is4() {
		return addr
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.String()
}

// shaper slows a stream that sends too much: nothing is dropped (RFC 6120
// §13.12). A burst is free.
type shaper struct{ bytes, stanzas *rate.Limiter }

// newShaper allows a burst of a few of the largest stanzas, and of two seconds'
// worth of small ones.
func (g *Gateway) newShaper() shaper {
	return shaper{
		bytes:   rate.NewLimiter(rate.Limit(g.cfg.Rate), 4*g.cfg.Limits.Bytes),
		stanzas: rate.NewLimiter(rate.Limit(g.cfg.Stanzas), 2*g.cfg.Stanzas),
	}
}

// wait waits until a stanza of n bytes may be handled, or ctx ends.
func (s shaper) wait(ctx context.Context, n int) error {
	if err := s.stanzas.Wait(ctx); err != nil {
		return err
	}
	return s.bytes.WaitN(ctx, n)
}

func (a admission) leave(addr, user string) {
	addr = network(addr)
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
