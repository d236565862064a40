// Package relay is another XMPP server behind the gateway: a stream.Server, as the
// embedded one is, that carries each stream over TCP to Prosody, ejabberd, Openfire or
// any other (RFC 6120).
//
// The relay answers the client's SASL itself, as the site's cookie, token or password
// proves the caller. Then it signs in at the upstream on the caller's behalf, with a
// credential that the site makes for that one sign-in, and from there on carries
// complete, checked elements both ways. The client never learns the credential, and its
// own authzid never reaches the upstream.
//
// Without a site (PassSASL) nobody is known here: the client's own SASL goes through to
// the upstream, within bounds (pass_sasl.go).
//
//	client ──stream.Stream── conn ── side ──link── upstream
//	                                  │
//	                 passing (WebSocket, TCP) or managed (BOSH)
//
// Goroutines: Serve's own reads from the client; one more for each stream reads from the
// upstream; a link has a writer only while something is queued; one for all looks every
// few seconds after links that are silent. Everything that is queued is bounded, and
// who reads slowly slows down the other side.
//
// Locks: Relay's own, then a side's, then a queue's; none is held while anything is
// written, read or asked that could block.
package relay

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Authority is what the relay asks of the site. An error that is a sasl.Failure is what
// the client is told; any other means that the site could not tell.
type Authority interface {
	// Password verifies what a client's SASL PLAIN brought: a token or a password. user
	// is prepared. Unknown users and wrong passwords are both NotAuthorized, in equal
	// time.
	Password(ctx context.Context, user, password string, peer stream.Peer) (stream.Identity, error)

	// Current reports whether id still stands: its session neither ended nor expired,
	// its account neither blocked nor deleted. Else sasl.NotAuthorized.
	Current(ctx context.Context, id stream.Identity) error

	// Upstream returns a fresh credential for the upstream, good for one sign-in: the
	// account's name there and what goes into SASL PLAIN as its password. It is asked
	// as well for an identity that was just ended, to end what the upstream keeps for
	// it (hibernating.go); where that is refused, the upstream's own time ends it.
	Upstream(ctx context.Context, id stream.Identity) (user, secret string, err error)
}

// Config is what a Relay needs. Zero bounds take the documented default.
type Config struct {
	Domain    string // XMPP_DOMAIN, prepared; also the name that the upstream's certificate must carry
	Upstream  Upstream
	Roots     *x509.CertPool // authorities that may sign the upstream's certificate; nil: the system's
	Authority Authority
	Logger    *slog.Logger
	Resolver  Resolver // of SRV records; nil: the system's

	// PassPasswords: the upstream knows real passwords and nothing else. What the Authority
	// found good is the person's password there too, and is kept for as long as the
	// stream; where there is none, as with EXTERNAL, nobody gets in. Sessions that wait at
	// the upstream for somebody who signed out are left to its own time.
	PassPasswords bool

	// PassSASL: there is no site, and no Authority. The upstream's own mechanisms are
	// offered, and the client's SASL goes through to it (pass_sasl.go).
	PassSASL bool

	// Public: names lead to public addresses only, whatever the DNS says, except to what
	// Upstream names by its address or as localhost (resolved.go).
	Public bool

	Streams             int             // streams at once, signed in or not; default 1<<20
	SigningIn           int             // streams that have not signed in yet, with PassSASL, the others wait; default 1024
	SigningInPerAddress int             // likewise of one address; default 32
	FailuresPerAddress  int             // sign-ins that the upstream refuses one address within a quarter of an hour, with PassSASL; default 100
	Recorder            budget.Recorder // is told which of these are met; nil: nobody

	Limits        stream.Limits // of one element that the upstream sends; default 1 MiB
	Queue         int           // bytes queued towards the upstream for one stream; default 1 MiB
	Dialling      int           // streams that sign in at the same time, the others wait; default 32
	Links         int           // connections to the upstream, those that are held for lost clients included, which give way first; default 1,048,576
	DialTimeout   time.Duration // for one address to answer, TLS included; default 10 s
	SignInTimeout time.Duration // for a whole sign-in, the wait for a turn included; default 30 s
	StoreTimeout  time.Duration // for an answer of the site; default 10 s
	Stalled       time.Duration // for which the upstream may take nothing of what is written; default 30 s
	KeepAlive     time.Duration // of silence before a sign of life is sent or asked for; default 25 s
	Unacked       int           // bytes kept for one BOSH stream until the upstream acknowledges them; default 512 KiB, most half of Queue
	Backoff       time.Duration // before a lost link is resumed for BOSH, at first; the waits grow, and are spread; default 200 ms
	ResumeFor     time.Duration // most time for which a lost link is resumed for BOSH; default 5 min
	Hibernating   int           // streams of one account that may wait for resumption at the upstream, as far as the relay remembers; default 10
}

// Relay is a stream.Server that carries streams to another XMPP server. It is safe for
// concurrent use.
type Relay struct {
	cfg           Config
	log           *slog.Logger
	ctx           context.Context // ends with Shutdown
	cancel        context.CancelFunc
	turns         chan struct{} // one for each sign-in under way
	linkSlots     chan struct{} // one for each link
	conns         connSet
	hibernating   hibernatingSet
	activeClients activeClients
	counters      counters
	outage        outage       // of the upstream
	failed        budget.Lines // what could not be done, in the log
	missing       outage       // of credentials: the site's own fault, or a person's whom the upstream cannot have
	backoff       targetBackoff
	signIns       latency                // of sign-ins that worked
	answers       latency                // of answers whether something came
	streams       *budget.KeyedSemaphore // of the domain
	signingIn     *budget.KeyedSemaphore // of an address, with PassSASL
	failures      *budget.Rate           // likewise
	tls, direct   *tls.Config            // after STARTTLS, and from the first byte

	mu     sync.Mutex
	work   sync.WaitGroup // in the background
	closed bool           // nothing more is begun
}

var _ stream.Server = (*Relay)(nil)

type counters struct{ signedIn, refused, failed, lost, resumed atomic.Int64 }

// New returns a Relay. It dials nothing before it has somebody to serve (Check does).
func New(cfg Config) (*Relay, error) {
	if cfg.Domain == "" || cfg.Upstream.IsZero() || (cfg.Authority == nil) != cfg.PassSASL {
		return nil, errors.New("relay: Config needs Domain, Upstream, and an Authority or PassSASL")
	}
	if domain, err := stanza.PrepareDomain(cfg.Domain); err != nil || domain != cfg.Domain {
		return nil, fmt.Errorf("relay: Domain %q is not prepared (RFC 7622 §3.2)", cfg.Domain)
	}
	cfg.setDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Relay{cfg: cfg, log: cfg.Logger, ctx: ctx, cancel: cancel, turns: make(chan struct{}, cfg.Dialling), linkSlots: make(chan struct{}, cfg.Links)}
	r.hibernating.perUser = cfg.Hibernating
	r.tls, r.direct = tlsConfigs(cfg)
	r.streams = budget.NewKeyedSemaphore(budget.Limit{Name: "streams of one domain", Setting: "GATEWAY_STREAMS_PER_DOMAIN"}, int64(cfg.Streams), int64(cfg.Streams), cfg.Recorder)
	r.signingIn, r.failures = newSignInBounds(cfg)
	r.start(r.probeSilent)
	return r, nil
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	c.Streams = cmp.Or(c.Streams, 1<<20)
	c.SigningIn = cmp.Or(c.SigningIn, 1024)
	c.SigningInPerAddress = cmp.Or(c.SigningInPerAddress, 32)
	c.FailuresPerAddress = cmp.Or(c.FailuresPerAddress, 100)
	c.Limits.Bytes = cmp.Or(c.Limits.Bytes, 1<<20)
	c.Queue = cmp.Or(c.Queue, 1<<20)
	c.Dialling = cmp.Or(c.Dialling, 32)
	c.Links = cmp.Or(c.Links, 1<<20)
	c.DialTimeout = cmp.Or(c.DialTimeout, 10*time.Second)
	c.SignInTimeout = cmp.Or(c.SignInTimeout, 30*time.Second)
	c.StoreTimeout = cmp.Or(c.StoreTimeout, 10*time.Second)
	c.Stalled = cmp.Or(c.Stalled, 30*time.Second)
	c.KeepAlive = cmp.Or(c.KeepAlive, 25*time.Second)
	c.Unacked = min(cmp.Or(c.Unacked, 512<<10), c.Queue/2)
	c.Backoff = cmp.Or(c.Backoff, 200*time.Millisecond)
	c.ResumeFor = cmp.Or(c.ResumeFor, 5*time.Minute)
	c.Hibernating = cmp.Or(c.Hibernating, 10)
}

// start does something in the background. It reports false after Shutdown has begun.
func (r *Relay) start(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.work.Go(f)
	return true
}

// probeSilent sends or asks for signs of life where it is silent, until Shutdown.
func (r *Relay) probeSilent() {
	every := time.NewTicker(max(r.cfg.KeepAlive/5, time.Millisecond))
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			for _, c := range r.conns.all() {
				c.keepAlive(now)
			}
			r.hibernating.expire(now)
		case <-r.ctx.Done():
			return
		}
	}
}

// End implements stream.Server. Streams end at once, here and at the upstream; what waits
// there for resumption is ended in the background.
func (r *Relay) End(scope stream.Scope, reason error) {
	for _, c := range r.conns.matching(scope) {
		c.end(reason)
	}
	for _, p := range r.hibernating.take(scope) {
		r.endHibernating(p)
	}
}

// Identities returns what the streams stand on, those that wait for resumption
// included, each once, for the site to check whether it still stands.
func (r *Relay) Identities() []stream.Identity {
	seen := make(map[stream.Identity]struct{})
	for _, c := range r.conns.all() {
		if id := c.who(); !id.IsZero() {
			seen[id] = struct{}{}
		}
	}
	for _, id := range r.hibernating.identities() {
		seen[id] = struct{}{}
	}
	out := make([]stream.Identity, 0, len(seen))
	for id := range seen {
		out = append(out, id)
	}
	return out
}

// Shutdown ends every stream so that clients come back, takes no new ones, and waits
// until all have ended or ctx ends. What can be resumed at the upstream is left there.
func (r *Relay) Shutdown(ctx context.Context) error {
	for _, c := range r.conns.close() {
		c.end(&stream.Error{Condition: stream.SystemShutdown})
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	done := make(chan struct{})
	go func() {
		r.conns.served.Wait()
		r.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats counts what the relay did since the start, and what it has now.
type Stats struct {
	SignedIn    int64 // sign-ins at the upstream
	Refused     int64 // that the upstream refused
	Failed      int64 // that found no upstream, or an insecure or broken one
	Lost        int64 // links that were lost while they carried a stream
	Resumed     int64 // of those, resumed by the relay without the client's notice
	Streams     int64 // now
	Hibernating int64 // now waiting at the upstream for resumption, as far as the relay knows

	SignIns Latency // of sign-ins that worked: from dialling to the features behind them
	Answers Latency // from a stream's question whether something came (XEP-0198) to the answer
}

// Stats returns the counts.
func (r *Relay) Stats() Stats {
	return Stats{
		SignedIn: r.counters.signedIn.Load(), Refused: r.counters.refused.Load(), Failed: r.counters.failed.Load(),
		Lost: r.counters.lost.Load(), Resumed: r.counters.resumed.Load(),
		Streams: int64(len(r.conns.all())), Hibernating: int64(r.hibernating.len()),
		SignIns: r.signIns.read(), Answers: r.answers.read(),
	}
}
