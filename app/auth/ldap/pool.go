package ldap

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"foyer/app/auth"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// How connections are kept.
const (
	maxIdle      = time.Minute     // directories and firewalls end those that rest
	looksAfter   = 2 * time.Second // one that rested as long is asked whether it still works
	firstWait    = time.Second     // until a server that failed is tried again; twice as long each time
	maxRetryWait = 30 * time.Second
)

// server is one of LDAP_URL.
type server struct {
	address
	roots *x509.CertPool

	// Guarded by the pool's lock.
	failures int
	until    time.Time // it is left alone; zero: it works
}

// pool is the connections to a directory: a bounded number, to the first of its servers
// that answers. Each carries one question at a time. It is safe for concurrent use.
type pool struct {
	cfg   Config
	log   *slog.Logger
	slots chan struct{}
	now   func() time.Time

	mu      sync.Mutex
	servers []*server
	idle    []*conn // the one used last at the end
	closed  bool
}

func newPool(cfg Config) (*pool, error) {
	p := &pool{cfg: cfg, log: cfg.Logger, slots: make(chan struct{}, cfg.PoolSize), now: time.Now}
	for _, raw := range cfg.URLs {
		a, err := cfg.parseURL(raw)
		if err != nil {
			return nil, err
		}
		p.servers = append(p.servers, &server{address: a, roots: cfg.Roots})
	}
	return p, nil
}

// asPerson signs somebody in on a connection, and runs ask there. Errors: what bound
// returns; auth.ErrUnreachable.
func (p *pool) asPerson(ctx context.Context, dn, password string, ask func(*conn) error) error {
	c, err := p.take(ctx, false)
	if err != nil {
		return err
	}
	defer p.put(c)
	if err := c.bind(ctx, dn, password); err != nil {
		return p.classifyError(c, err)
	}
	return p.classifyError(c, ask(c))
}

// asService runs ask on a connection on which the site has signed in. Where the
// connection failed, it is run once more on another: questions change nothing.
func (p *pool) asService(ctx context.Context, ask func(*conn) error) error {
	again, err := p.askOnce(ctx, ask)
	if !again || ctx.Err() != nil {
		return err
	}
	if _, second := p.askOnce(ctx, ask); second != nil {
		return errors.Join(err, second)
	}
	return nil
}

func (p *pool) askOnce(ctx context.Context, ask func(*conn) error) (again bool, _ error) {
	c, err := p.take(ctx, true)
	if err != nil {
		return false, err
	}
	defer p.put(c)
	if err := p.bindService(ctx, c); err != nil {
		return c.broken && c.blame, err
	}
	err = p.classifyError(c, ask(c))
	return c.broken && c.blame, err
}

// bindService signs the site in, if it is not on this connection.
func (p *pool) bindService(ctx context.Context, c *conn) error {
	if c.as == p.cfg.serviceDN() {
		return nil
	}
	err := c.bind(ctx, p.cfg.BindDN, p.cfg.BindPassword)
	if err == nil || c.broken {
		return p.classifyError(c, err)
	}
	p.log.Error("the directory does not let the site in; check LDAP_BIND_DN and LDAP_BIND_PASSWORD", "server", c.server.raw, "as", p.cfg.BindDN, "err", err)
	c.close()
	p.failed(c.server, err) // not again at once: the directory might lock the account
	return asUnreachable(errors.New("the directory does not let the site in"))
}

// serviceDN is what conn.as is when the site has signed in.
func (c Config) serviceDN() string {
	if c.BindDN == Anonymous {
		return ""
	}
	return c.BindDN
}

// classifyError tells whose failure an error is: one that no directory gave as its answer, or by which it says
// that it cannot serve now, is the server's failure.
func (p *pool) classifyError(c *conn, err error) error {
	busy := ldapv3.IsErrorAnyOf(err, ldapv3.LDAPResultBusy, ldapv3.LDAPResultUnavailable)
	if (c.broken && c.blame) || busy {
		p.failed(c.server, err)
		c.close()
	}
	var refusal auth.Refusal
	if err == nil || errors.Is(err, auth.ErrInvalidCredentials) || errors.As(err, &refusal) {
		return err
	}
	return asUnreachable(err)
}

// take returns a connection, when one is free: for the site preferably one on which it
// has signed in, and for a person preferably another. A site that is nobody there never has one
// on which somebody signed in: only one that nobody did is nobody's for certain.
func (p *pool) take(ctx context.Context, service bool) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, asUnreachable(errors.New("all connections to the directory are busy; LDAP_POOL says how many there are"))
	}
	for {
		c, spare := p.takeIdle(service)
		if spare != nil {
			spare.close()
		}
		if c == nil {
			break
		}
		if p.works(ctx, c) {
			return c, nil
		}
	}
	c, err := p.dial(ctx)
	if err != nil {
		<-p.slots
	}
	return c, err
}

// takeIdle takes a connection that nobody uses; nil: there is none that can be used. If a new one
// would then be one too many, spare makes room for it.
func (p *pool) takeIdle(service bool) (c, spare *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.cfg.serviceDN()
	best := len(p.idle) - 1
	if service && p.cfg.BindDN == Anonymous {
		best = -1
	}
	for i := len(p.idle) - 1; i >= 0; i-- {
		if (p.idle[i].as == mine) == service {
			best = i
			break
		}
	}
	if best >= 0 {
		c = p.idle[best]
		p.idle = slices.Delete(p.idle, best, best+1)
	} else if len(p.idle) > 0 && len(p.idle)+len(p.slots) > cap(p.slots) {
		spare = p.idle[0]
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	return c, spare
}

// works reports whether a connection that rested can be used. Somebody's password is not
// sent twice because it was not known whether the first time arrived.
func (p *pool) works(ctx context.Context, c *conn) bool {
	rested := p.now().Sub(c.idle)
	if rested < maxIdle && !c.l.IsClosing() {
		if rested < looksAfter {
			return true
		}
		if _, err := c.search(ctx, rootDSE("1.1")); isAnswer(err) {
			return true
		}
	}
	c.close()
	return false
}

// put gives a connection back.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	kept := !c.broken && !p.closed
	if kept {
		c.idle = p.now()
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !kept {
		c.close()
	}
	<-p.slots
}

// dial connects to the first server that can be reached. One that failed a moment ago is
// left alone for a while.
func (p *pool) dial(ctx context.Context) (*conn, error) {
	reason := errors.New("its servers failed a moment ago, and are tried again soon")
	for _, s := range p.servers {
		if !p.mayTry(s) {
			continue
		}
		within, cancel := context.WithTimeout(ctx, p.cfg.Timeout/time.Duration(len(p.servers)+1))
		c, err := s.dial(within, p.cfg.Timeout)
		cancel()
		if err == nil {
			p.reached(s)
			return c, nil
		}
		reason = err
		if ctx.Err() != nil {
			break // the visitor's time is over; that says nothing of the server
		}
		p.failed(s, err)
	}
	return nil, asUnreachable(reason)
}

func (p *pool) mayTry(s *server) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && !p.now().Before(s.until)
}

// reached notes that a server answers.
func (p *pool) reached(s *server) {
	p.mu.Lock()
	was := s.failures
	s.failures, s.until = 0, time.Time{}
	p.mu.Unlock()
	if was > 0 {
		p.log.Info("a server of the directory answers again", "server", s.raw)
	}
}

// failed notes that a server does not answer, for a while that doubles.
func (p *pool) failed(s *server, err error) {
	p.mu.Lock()
	if p.now().Before(s.until) { // noted by another connection
		p.mu.Unlock()
		return
	}
	s.failures++
	wait := min(firstWait<<min(s.failures-1, 10), maxRetryWait)
	s.until = p.now().Add(wait)
	p.mu.Unlock()
	p.log.Warn("a server of the directory does not answer as it should", "server", s.raw, "again_in", wait, "err", err)
}

func (p *pool) close() {
	p.mu.Lock()
	rest := p.idle
	p.closed, p.idle = true, nil
	p.mu.Unlock()
	for _, c := range rest {
		c.close()
	}
}
