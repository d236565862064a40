// Package xmppgw is the gateway: it turns WebSocket (RFC 7395), BOSH (XEP-0124,
// XEP-0206) and, for native clients, TCP (RFC 6120) into streams, knows from the
// site's cookie who is calling, and hands each stream to a stream.Server, such as the
// embedded one (xmppd).
package xmppgw

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// ErrNoSession is returned by an Authenticator when a request has no site
// session, or one that ended.
var ErrNoSession = errors.New("xmppgw: no site session")

// Header reads the headers of an HTTP request; names are case-insensitive.
type Header interface{ Get(name string) string }

// Authenticator is what the gateway asks of the site.
type Authenticator interface {
	// FromRequest returns the site session behind a request that came from the TCP peer
	// of that address: from its cookie, and what else is in Config.Proofs. Most BOSH
	// requests pass nothing else of the site, so that it has to check all there is.
	// ErrNoSession: nobody is signed in. Any other error: the database cannot
	// be asked; the client should come back.
	FromRequest(ctx context.Context, h Header, peer string) (stream.Identity, error)
}

// Config is what a Gateway needs. Zero limits take the documented default.
type Config struct {
	Domain  string // XMPP_DOMAIN; empty with Domains
	Auth    Authenticator
	Server  stream.Server
	Logger  *slog.Logger
	BaseURL func() string                      // the site's public URL, known once it listens
	Origin  func(string) Trust                 // how far the pages are trusted that an Origin header names
	Address func(h Header, peer string) string // the client's IP behind trusted proxies; peer is the TCP peer's
	Secure  func(h Header, peer string) bool   // whether the client came over TLS, as a trusted proxy tells; nil: not known

	// Proofs names the headers, besides Cookie, on which the answer of Auth depends, as
	// does then the peer's address.
	Proofs []string

	// Domains are several domains, prepared (RFC 7622 §3.2), each with its server, over
	// WebSocket and BOSH. There is no site then: Domain, Auth and Server are not set, and
	// cookies mean nothing.
	Domains map[string]stream.Server

	// Gone are domains, prepared, that were served once: clients hear host-gone (RFC 6120
	// §4.9.3.5, XEP-0124 §17.2) instead of host-unknown.
	Gone map[string]bool

	// Routes are the addresses of each domain's own server, as Route writes them, that a BOSH
	// client may name as its route (XEP-0124 §7.1); with any other it is refused. A route
	// chooses nothing. Nil: it is not looked at.
	Routes map[string][]string

	// SeeOther is the base URL of another site of which new streams are told, while
	// it is not empty (RFC 7395 §3.6.1, XEP-0124 §17.2). Where this site has https,
	// so must that: otherwise it is not told.
	SeeOther string

	// Compress lets BOSH answers be compressed for clients that take that, and their
	// requests be. Who sees the lengths of what travels and can have a client sent
	// something may then guess what else is in the same answer (RFC 7525 §3.3).
	Compress bool

	Mode     string // names in Stats how the site's pages sign in
	External bool   // a site session may sign in by SASL EXTERNAL (XMPP_LOGIN session, prebind)
	Password bool   // browsers may use SASL PLAIN (XMPP_LOGIN token, signed, password)
	NoSCRAM  bool   // native clients may have passwords that only PLAIN can prove (XMPP_LOGIN password)

	Limits          stream.Limits   // of one stanza
	Queue           int             // bytes queued towards one client; default 4 MiB
	MaxWait         time.Duration   // BOSH wait; default and most 59 s (nginx gives up at 60)
	Inactivity      time.Duration   // BOSH session without a request; default 60 s
	PrebindUnused   time.Duration   // prebound session nobody attached to; default 30 s
	Recheck         time.Duration   // how long a BOSH request's cookies need not be checked again; default 30 s
	Unauthenticated time.Duration   // time to sign in; default 30 s
	FinalPolls      time.Duration   // that Shutdown waits for BOSH clients between two requests; default 1 s
	Ping            time.Duration   // between WebSocket pings; default 25 s
	WriteTimeout    time.Duration   // for which a client may take nothing of what is written; default 20 s
	Rate            int             // bytes per second that a stream may send; more is read more slowly; default 256 KiB
	Stanzas         int             // stanzas per second, likewise; default 1000
	Idle            time.Duration   // of a TCP stream before white space is sent over it (RFC 6120 §4.6.1); default 2 min
	PerAddress      int             // streams per client address; default 10,000
	PerUser         int             // streams per account; default 100
	CreateRate      float64         // new streams per second and address; default 200
	CreateBurst     int             // and at once; default 6,000
	Recorder        budget.Recorder // is told which of the last four are met; nil: nobody

	Refusals *budget.Refusals // what an address or an account is refused; nil: that is not bounded

	portable bool // for tests: wait as on a system without epoll
}

// Gateway serves /xmpp-websocket and /http-bind. It is safe for concurrent use.
type Gateway struct {
	cfg           Config
	log           *slog.Logger
	admit         admission
	reorderBudget *budget.KeyedSemaphore // of BOSH requests that came before their turn
	inboxes       *budget.KeyedSemaphore // of what came over BOSH and waits to be handled
	ctx           context.Context        // ends with Shutdown
	cancel        context.CancelFunc
	served        sync.WaitGroup
	ping          []byte // the frame that asks a WebSocket's peer for a sign of life
	began         time.Time
	polled        pollers      // of BOSH connections that wait
	asked         atomic.Int64 // BOSH requests without an answer
	batcher       writeBatcher // streams on which something waits
	failed        budget.Lines // what could not be done, in the log

	stopping atomic.Bool // Shutdown has begun

	mu       sync.Mutex
	streams  map[carrier]struct{}
	sessions map[string]*boshSession // by sid
	totals   totals
	closed   bool
}

// carrier is a stream of any transport, with what the gateway knows of it.
type carrier interface {
	stream.Stream
	info() *stream.Peer
	counted() *traffic
	reason() error // why it ended, after that
}

// New returns a Gateway.
func New(cfg Config) (*Gateway, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	g := &Gateway{
		cfg:           cfg,
		log:           cfg.Logger,
		admit:         newAdmission(cfg),
		reorderBudget: newReorderBudget(cfg.Recorder),
		inboxes:       newInboxes(cfg.Recorder),
		began:         time.Now(),
		ctx:           ctx,
		cancel:        cancel,
		streams:       make(map[carrier]struct{}),
		sessions:      make(map[string]*boshSession),
		totals:        newTotals(),
		ping:          appendFrame(nil, opPing, nil),
	}
	g.polled = newPollers(cfg.portable)
	g.served.Go(g.pingAll)
	return g, nil
}

func (c *Config) check() error {
	site, domains := c.Domain != "" && c.Auth != nil && c.Server != nil, len(c.Domains) > 0
	none := c.Domain == "" && c.Auth == nil && c.Server == nil
	if c.BaseURL == nil || c.Origin == nil || !((site && !domains) || (domains && none)) {
		return errors.New("xmppgw: Config needs BaseURL, Origin, and either Domain, Auth and Server or Domains alone")
	}
	for domain, server := range c.Domains {
		if prepared, err := stanza.PrepareDomain(domain); err != nil || prepared != domain || server == nil {
			return fmt.Errorf("xmppgw: %q of Domains is not prepared (RFC 7622 §3.2), or has no server", domain)
		}
	}
	for domain := range c.Gone {
		if prepared, err := stanza.PrepareDomain(domain); err != nil || prepared != domain || domain == c.Domain || c.Domains[domain] != nil {
			return fmt.Errorf("xmppgw: %q of Gone is not prepared (RFC 7622 §3.2), or is served", domain)
		}
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Address == nil {
		c.Address = func(_ Header, peer string) string { return peer }
	}
	if c.Secure == nil {
		c.Secure = func(Header, string) bool { return false }
	}
	if c.Limits.Bytes == 0 {
		c.Limits = stream.DefaultLimits
	}
	c.Queue = cmp.Or(c.Queue, 4<<20)
	c.MaxWait = cmp.Or(c.MaxWait, 59*time.Second)
	c.MaxWait = min(c.MaxWait, 59*time.Second)
	c.Inactivity = cmp.Or(c.Inactivity, 60*time.Second)
	c.PrebindUnused = cmp.Or(c.PrebindUnused, 30*time.Second)
	c.Recheck = cmp.Or(c.Recheck, 30*time.Second)
	c.Unauthenticated = cmp.Or(c.Unauthenticated, 30*time.Second)
	c.FinalPolls = cmp.Or(c.FinalPolls, time.Second)
	c.Ping = cmp.Or(c.Ping, 25*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, writeTimeout)
	c.Idle = cmp.Or(c.Idle, 2*time.Minute)
	c.Rate = cmp.Or(c.Rate, 256<<10)
	c.Stanzas = cmp.Or(c.Stanzas, 1000)
	c.PerAddress = cmp.Or(c.PerAddress, 10_000)
	c.PerUser = cmp.Or(c.PerUser, 100)
	c.CreateRate = cmp.Or(c.CreateRate, 200)
	c.CreateBurst = cmp.Or(c.CreateBurst, 6000)
}

// listSeparator tells whether a field may come in several lines, and how they are
// put together: cookies may (RFC 9113 §8.2.3), and so may lists (RFC 9110 §5.3), to
// which each proxy may add. Of the others the first line counts, but nothing is
// hidden from who reads a proof of a person.
func listSeparator(name string) (separator string, list bool) {
	switch name {
	case "Cookie":
		return "; ", true
	case "Origin", "X-Forwarded-Proto", "Accept-Encoding":
		return "", false
	}
	return ", ", true
}

// allowedOrigin returns the Origin of a request if its pages are trusted, or
// "".
func (g *Gateway) allowedOrigin(h Header) string {
	if origin := h.Get("Origin"); origin != "" && g.cfg.Origin(origin) != TrustNone {
		return origin
	}
	return ""
}

// caller is what an HTTP request says about who opens a stream.
type caller struct {
	addr     string // the client's, behind trusted proxies
	origin   string // empty: no browser
	trust    Trust  // in the pages of the origin
	secure   bool   // over TLS
	identity stream.Identity
}

// errForeignOrigin is the answer to a page of another site.
var errForeignOrigin = errors.New("xmppgw: foreign origin")

// callerOf tells where a request comes from. A foreign Origin is refused.
func (g *Gateway) callerOf(h Header, peer string) (caller, error) {
	c := caller{addr: g.cfg.Address(h, peer), origin: h.Get("Origin"), secure: g.cfg.Secure(h, peer)}
	if c.origin == "" {
		return c, nil
	}
	if c.trust = g.cfg.Origin(c.origin); c.trust == TrustNone {
		return c, errForeignOrigin
	}
	return c, nil
}

// identify tells who is calling. Without an Origin the client is no browser, and a
// cookie proves nothing, no more than one that a page of another site sends.
func (g *Gateway) identify(ctx context.Context, h Header, peer string) (caller, error) {
	c, err := g.callerOf(h, peer)
	if err != nil || c.trust != TrustCookies || g.cfg.Auth == nil {
		return c, err
	}
	c.identity, err = g.cfg.Auth.FromRequest(ctx, h, peer)
	if errors.Is(err, ErrNoSession) {
		err = nil
	}
	return c, err
}

// peer describes the caller to the server.
func (g *Gateway) peer(c *caller, t stream.Transport) *stream.Peer {
	native := c.origin == ""
	return &stream.Peer{
		Conn:      rand.Text()[:10],
		Transport: t,
		Addr:      c.addr,
		Domain:    g.cfg.Domain,
		Identity:  c.identity,
		External:  g.cfg.External && !c.identity.IsZero(),
		Native:    native,
		Password:  (native || c.trust == TrustTokens || g.cfg.Password) && g.private(c.addr),
		MaxBytes:  g.cfg.Limits.Bytes,
		Idle:      g.idle(t),
	}
}

// idle is how long a peer may be silent: after that a WebSocket or a BOSH session
// ends, and a TCP stream is probed.
func (g *Gateway) idle(t stream.Transport) time.Duration {
	switch t {
	case stream.BOSH:
		return g.cfg.Inactivity
	case stream.TCP:
		return g.cfg.Idle
	}
	return g.maxSilence()
}

// private reports whether passwords may travel: over TLS, or within the machine
// (RFC 6120 §13.8.3).
func (g *Gateway) private(addr string) bool {
	if strings.HasPrefix(g.cfg.BaseURL(), "https:") {
		return true
	}
	ip, err := netip.ParseAddr(addr)
	return err == nil && ip.Unmap().IsLoopback()
}

// track registers a stream until release is called. The error is a stream
// condition for the client.
func (g *Gateway) track(c carrier) (release func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, &stream.Error{Condition: stream.SystemShutdown}
	}
	peer := c.info()
	leave, err := g.admit.enter(peer.Addr, peer.Identity.User)
	if err != nil {
		return nil, err
	}
	g.streams[c] = struct{}{}
	g.served.Add(1)
	return func() {
		g.mu.Lock()
		delete(g.streams, c)
		g.totals.leaveLocked(c)
		g.mu.Unlock()
		g.logEnd(c)
		leave()
		g.served.Done()
	}, nil
}

// expire ends the stream when the site session behind it expires. Converse
// comes back, meets no EXTERNAL, and stops.
func expire(c carrier) (stop func() bool) {
	at := c.info().Identity.Expires
	if at.IsZero() {
		return func() bool { return false }
	}
	return time.AfterFunc(time.Until(at), func() { c.Close(errSignedOut) }).Stop
}
