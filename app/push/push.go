// Package push tells people of messages while no page of theirs is looked at: web push (RFC
// 8030), encrypted for the browser alone (RFC 8291), signed with the site's own key (RFC 8292).
//
// Nothing here is on a message's way: the chat server puts what may interest into a bounded
// queue, which costs it a look into a map for everybody else. One goroutine takes it from
// there, after a while in which the person may have come back; each notification is sent by
// a goroutine of its own, in its turn. Push services are what browsers name, and may be as
// slow as they like: an account's notifications wait for those of the same account.
package push

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/budget"
	"foyer/models"
)

// Bounds. What is beyond them is not told; it waits in the chat.
const (
	maxQueued          = 4096             // messages that wait to be looked at
	ofOneSaid          = 256              // of them, those that one account wrote
	maxSending         = 2048             // notifications that are sent, or wait for their turn
	ofOne              = 256              // of them, those for one account
	maxConcurrentSends = 32               // that are sent at the same time
	ofOneOnce          = 4                // of them, those for one account
	maxWaiting         = 1024             // notifications that wait to be tried again
	ofOneAgain         = 64               // of them, those for one account
	grace              = 3 * time.Second  // somebody who loads a page is back by then
	roomKnown          = 30 * time.Second // whom to tell of a room
	maxRooms           = 1024             // of which that is kept
	linesOnce          = 10               // of the log about one account's notifications; and then one in 10 s
	askedFor           = 128              // people of a room whom one question to the database is about
	maxIdle            = 64               // connections to push services that are kept for the next notification
	sendTime           = 15 * time.Second
	askTime            = 10 * time.Second // a question to the database
)

// perAccount: one notification every 2 s, and 60 at once.
var perAccount = budget.Limit{Name: "push notifications of one account"}

// Store is what the service needs of the database; it is models.Notifications.
type Store interface {
	SubscribedToPush(ctx context.Context) ([]string, error)
	PushAudiences(ctx context.Context, users []string, conversation, room, occupant string) (map[string]models.PushAudience, error)
	PushRoom(ctx context.Context, name, jid string) (models.PushRoom, error)
	RemovePushSubscription(ctx context.Context, sessionID, endpoint string) error
}

// Accounts are the people by name; it is models.Accounts.
type Accounts interface {
	AccountByName(ctx context.Context, user string) (models.Account, error)
}

// bounded is what the service asks. All wait for the answer to one message's question, and so it is not
// waited for as long as the connection may take to say that it is dead.
type bounded struct {
	store    Store
	accounts Accounts
}

func (b bounded) SubscribedToPush(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return b.store.SubscribedToPush(ctx)
}

func (b bounded) PushAudiences(ctx context.Context, users []string, conversation, room, occupant string) (map[string]models.PushAudience, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return b.store.PushAudiences(ctx, users, conversation, room, occupant)
}

func (b bounded) PushRoom(ctx context.Context, name, jid string) (models.PushRoom, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return b.store.PushRoom(ctx, name, jid)
}

func (b bounded) RemovePushSubscription(ctx context.Context, sessionID, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return b.store.RemovePushSubscription(ctx, sessionID, endpoint)
}

func (b bounded) AccountByName(ctx context.Context, user string) (models.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return b.accounts.AccountByName(ctx, user)
}

// Config is what a Service needs.
type Config struct {
	Store    Store
	Accounts Accounts
	Key      []byte // 32 bytes that never change; the site's key pair follows from them
	Contact  string // whom a push service may write to: an https URL, or an e-mail address (RFC 8292 §2.1)
	Domain   string // of the people
	Recorder budget.Recorder
	Logger   *slog.Logger

	// HasSeen reports whether somebody has seen what was sent to them at a time, or sees it
	// now. It is asked after Grace.
	HasSeen func(user string, at time.Time) bool

	Loopback bool           // push services may be on this machine, without TLS: for development and tests
	Roots    *x509.CertPool // authorities of push services; nil: those of the system
	Grace    time.Duration  // zero: 3 s; negative: none
}

// Service tells people by web push. It is safe for concurrent use.
type Service struct {
	cfg    Config
	key    keyPair
	client *http.Client
	rate   *budget.Rate
	queue  chan message
	said   *budget.KeyedSemaphore // places in the queue, which who writes pays
	lines  *budget.Rate           // of the log, about what somebody else's push service answers

	places  *budget.KeyedSemaphore // of notifications that are sent, or wait for their turn
	slots   *budget.KeyedSemaphore // of those that are sent
	again   *budget.KeyedSemaphore // of those that wait to be tried again
	senders sync.WaitGroup
	deliver func(context.Context, job) // send, but in tests

	mu         sync.RWMutex
	subscribed map[string]uint64 // user names, and by times when they last subscribed; some may have ended since
	times      uint64            // that somebody subscribed
	anybody    atomic.Bool       // there is one

	rooms map[string]knownRoom // of the one goroutine that looks at messages
}

// New returns a Service; Run does its work.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Accounts == nil || cfg.HasSeen == nil {
		return nil, errors.New("push: Config needs Store, Accounts and Saw")
	}
	key, err := newKeyPair(cfg.Key)
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Grace == 0 {
		cfg.Grace = grace
	}
	ask := bounded{cfg.Store, cfg.Accounts}
	cfg.Store, cfg.Accounts = ask, ask
	s := &Service{
		cfg: cfg, key: key, client: newClient(cfg.Roots, cfg.Loopback),
		rate:  budget.NewRate(perAccount, 0.5, 60, cfg.Recorder),
		queue: make(chan message, maxQueued),
		said:  budget.NewKeyedSemaphore(budget.Limit{Name: "messages of one account that wait to be told by web push"}, maxQueued, ofOneSaid, cfg.Recorder),
		lines: budget.NewRate(budget.Limit{}, 0.1, linesOnce, nil), subscribed: make(map[string]uint64), rooms: make(map[string]knownRoom),
		places: budget.NewKeyedSemaphore(budget.Limit{Name: "push notifications of one account that wait to be sent"}, maxSending, ofOne, cfg.Recorder),
		slots:  budget.NewKeyedSemaphore(budget.Limit{}, maxConcurrentSends, ofOneOnce, nil),
		again:  budget.NewKeyedSemaphore(budget.Limit{Name: "push notifications of one account that wait to be sent again"}, maxWaiting, ofOneAgain, cfg.Recorder),
	}
	s.deliver = s.send
	return s, nil
}

// PublicKey is the site's key as pages need it (RFC 8292 §3.2), in base64url.
func (s *Service) PublicKey() string { return s.key.public }

// Subscribed tells that somebody has a subscription now.
func (s *Service) Subscribed(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times++
	s.subscribed[user] = s.times
	s.anybody.Store(true)
}

// Wants implements xmppd.Notifier.
func (s *Service) Wants(user string) bool {
	if !s.anybody.Load() {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.subscribed[user]
	return ok
}

// subscribedAt is when somebody subscribed last, by times; zero: never.
func (s *Service) subscribedAt(user string) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.subscribed[user]
}

// forget: somebody has no subscription any more, unless they subscribed since.
func (s *Service) forget(user string, at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscribed[user] == at {
		delete(s.subscribed, user)
	}
	s.anybody.Store(len(s.subscribed) > 0)
}

// Run does the service's work until ctx ends.
func (s *Service) Run(ctx context.Context) {
	s.load(ctx)
	defer s.senders.Wait()
	for {
		select {
		case m := <-s.queue:
			s.handle(ctx, m)
			m.leave()
		case <-ctx.Done():
			return
		}
	}
}

// load reads who has subscriptions; until the database is there.
func (s *Service) load(ctx context.Context) {
	for {
		users, err := s.cfg.Store.SubscribedToPush(ctx)
		if err == nil {
			for _, u := range users {
				s.Subscribed(u)
			}
			return
		}
		if ctx.Err() == nil {
			s.cfg.Logger.Warn("it is not known who is told by web push; trying again", "err", err)
		}
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return
		}
	}
}
