// Package xmppd is the embedded XMPP server: RFC 6120 and 6121 for one domain
// whose accounts the site owns, with the extensions a web community needs, one
// file per capability.
//
// Goroutines: each stream is served by the one goroutine that calls Serve; it
// handles the stream's elements in order, to the end (RFC 6120 §10.1). Other
// goroutines reach a session only through its deliver method. One more
// goroutine commits the archive (package archive), and one for each client that
// resumed and missed more than a queue holds sends it the rest (resume.go).
//
// Locks: registry.mu, then account.mu, then session.mu or followers.mu; none is held
// while a store is asked or anything is written that could block. Outside them all,
// session.handling is held while one stanza is handled, so that a session
// changes streams only between stanzas; inside that, account.flushing is held
// while offline messages are delivered, so that each is once. A method whose name
// ends in Locked is called with its receiver's lock, else its comment says with which.
package xmppd

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// Config is what a Server needs. Zero limits take the documented default.
type Config struct {
	Domain    string // XMPP_DOMAIN, prepared (stanza.PrepareDomain)
	Authority Authority
	Stores    Stores
	FAST      FASTStore // nil: no XEP-0484
	Open      bool      // every account may see the presence of every other (ROSTER=everyone), on its roster or not
	Groups    bool      // an account may see the presence of those that the store says it shares a group with (ROSTER=groups), on its roster or not
	Notifier  Notifier  // nil: nobody
	Logger    *slog.Logger
	Name      string // what people see of the server (XEP-0092, XEP-0030 §3.1); default "Foyer"
	Version   string // told by XEP-0092

	Resources     int             // bound sessions per account; default 50
	Hibernating   int             // sessions per account that wait for resumption; default 10, the oldest is ended first
	ResumeTimeout time.Duration   // how long a lost stream may be resumed (XEP-0198 §5), and a closed tab looks present; default 45 s
	Unacked       int             // unacknowledged stanzas kept for one session; default 5000, which is more than a full room has people; beyond it ends
	UnackedBytes  int             // their size; default 16 MiB
	UnackedTotal  int             // size of those of all sessions of an account, in bytes; default 32 MiB, beyond which sessions end (unacked_limit.go)
	StoreTimeout  time.Duration   // how long a stanza waits for the database before its sender gets a wait error; default 10 s
	ArchivePage   int             // most results of one archive page; default 100
	FanOut        int             // bytes a second that are delivered to many for one account, twice as many at once; default 32 MiB (fanout.go)
	FanOutSaid    int             // bytes a second that one account sends to many, four times as many at once; default 512 KiB
	ArchiveRate   int             // bytes that one account may have stored a second; default 64 KiB; 256 times as much at once
	Recorder      budget.Recorder // is told which of the last three an account meets, and other limits of one account; nil: nobody
}

// Server is the embedded XMPP server. It is safe for concurrent use.
type Server struct {
	cfg      Config
	domain   string
	log      *slog.Logger
	stores   Stores
	archive  *archive.Archive
	iqs      map[iqKey]iqHandler
	vcards   vcardCache
	conns    connSet
	agents   []byte // key that resources are made with from clients' ids (bind2.go)
	ver      string // hash of the server's own capabilities (server_caps.go)
	counts   resumeCounts
	services []Service       // before the first Serve; read only then
	mounted  accountServices // likewise
	stats    counters
	spending spending

	registry     registry
	rosters      rosters
	changing     KeyedLock // by account: held while its roster changes, from counting what is there to storing more
	dedupLock    KeyedLock // by sender, recipient and id: held while a message is looked for in the archive, and goes there
	blocklists   blocklists
	offline      offlineMessages
	watches      watches
	lastActivity *lastActivityWriter
	fanOut       fanOut
	keepsAll     *archive.Rules // those of most accounts

	ending  sync.WaitGroup // sessions that end by themselves
	started time.Time
}

var _ stream.Server = (*Server)(nil)

// New returns a Server. Run must be called for it to store messages and departures.
func New(cfg Config) (*Server, error) {
	if cfg.Domain == "" || cfg.Authority == nil {
		return nil, errors.New("xmppd: Config needs Domain and Authority")
	}
	if domain, err := stanza.PrepareDomain(cfg.Domain); err != nil || domain != cfg.Domain {
		return nil, fmt.Errorf("xmppd: Domain %q is not prepared (RFC 7622 §3.2)", cfg.Domain)
	}
	cfg.setDefaults()
	srv := &Server{
		cfg:      cfg,
		domain:   cfg.Domain,
		log:      cfg.Logger,
		stores:   cfg.Stores,
		archive:  archive.New(cfg.Stores.Archive, cfg.ArchivePage, cfg.Logger, cfg.Recorder),
		iqs:      iqHandlers(),
		spending: newSpending(cfg.ArchiveRate, cfg.Recorder),
		agents:   []byte(rand.Text()),
		started:  time.Now(),
		keepsAll: archive.NewRules(archive.Prefs{Default: archive.Always}),
		fanOut:   newFanOut(cfg),

		lastActivity: newLastActivityWriter(cfg.Stores.LastActivity, cfg.StoreTimeout, cfg.Logger),

		mounted: accountServices{private: make(map[stream.Name]PrivateView)},
	}
	srv.registry = registry{
		domain: cfg.Domain, resources: cfg.Resources, followers: &srv.rosters.followers,
		accounts: make(map[string]*account), byResumption: make(map[string]*session),
	}
	srv.rosters = rosters{store: cfg.Stores.Roster, registry: &srv.registry}
	srv.blocklists = blocklists{domain: cfg.Domain, store: cfg.Stores.Blocks, registry: &srv.registry}
	srv.offline = offlineMessages{
		domain: cfg.Domain, store: cfg.Stores.Offline, registry: &srv.registry, log: cfg.Logger, timeout: cfg.StoreTimeout,
		isService: func(domain string) bool { return srv.service(domain) != nil },
	}
	var err error
	if srv.ver, err = srv.hashOwnInfo(); err != nil {
		return nil, err
	}
	return srv, nil
}

// Run does the server's background work until ctx ends; then it commits what is
// queued and returns.
func (srv *Server) Run(ctx context.Context) error {
	var departures sync.WaitGroup
	departures.Go(func() { srv.lastActivity.run(ctx) })
	defer departures.Wait()
	return srv.archive.Run(ctx)
}

func (c *Config) setDefaults() {
	c.Name = cmp.Or(c.Name, "Foyer")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Resources = cmp.Or(c.Resources, 50)
	c.Hibernating = cmp.Or(c.Hibernating, 10)
	c.ResumeTimeout = cmp.Or(c.ResumeTimeout, 45*time.Second)
	c.Unacked = cmp.Or(c.Unacked, 5000)
	c.UnackedBytes = cmp.Or(c.UnackedBytes, 16<<20)
	c.UnackedTotal = cmp.Or(c.UnackedTotal, 32<<20)
	c.StoreTimeout = cmp.Or(c.StoreTimeout, 10*time.Second)
	c.ArchivePage = cmp.Or(c.ArchivePage, 100)
	c.FanOut = cmp.Or(c.FanOut, 32<<20)
	c.FanOutSaid = cmp.Or(c.FanOutSaid, 512<<10)
	c.ArchiveRate = cmp.Or(c.ArchiveRate, 64<<10)
}

// Renewed returns a context in which a stanza has its time once more: after a wait
// for a client that reads slowly, which does not count (Client.Ready).
func (srv *Server) Renewed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), srv.cfg.StoreTimeout)
}

// storeContext bounds work that no client waits for.
func (srv *Server) storeContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), srv.cfg.StoreTimeout)
}
