// Package auth is signing in: who somebody is, how they prove it, and what ends
// that. The website's pages ask it for sessions, chat servers ask it as their
// Authority; neither checks anything by itself.
//
//	source.go             where people come from: the interface of sources
//	local.go              the site's own accounts
//	form.go               one form: which source a typed name belongs to
//	redirect.go           the way to a source's own pages, and back
//	authenticate.go       a source proves who it is, and their account is found
//	identity.go           what a source says of people; new accounts for them
//	pending.go            whom a source has proved, while an answer of theirs is pending
//	choose_username.go    somebody without an account chooses a user name
//	link.go               an identity and an account that somebody has already
//	ending.go             what a source ends
//	recheck.go, sync.go   who is no longer there; what a directory and the site differ in
//	passkeys.go           passkeys of accounts: made, signed in by, removed
//	confirm.go            somebody who is signed in proves again who they are
//	account.go            accounts are made, get a new password, are deleted
//	session.go            who is signed in
//	password_check.go     the one place where an account's password is checked
//	password_hash.go      argon2id
//	hash_queue.go         a bounded number at once, and who is next
//	password_rules.go     what a new password must be like
//	throttle.go           how often somebody may guess
//	authority.go          what a chat server asks
//	upstream.go           and what signs people in to one that is not ours
//	delegated_auth.go     and what such a one asks
//	app_password.go, fast_token.go, token.go   and what it takes apart from passwords
//	seal.go               what is kept for one browser
//	stored_password.go      the typed password, for a server that knows no other
//	token_keys.go         keys of the tokens that an external chat server checks
//
// Everything that ends is written to the database first, and Config.Tell is told
// then. A write that rests on a check carries it as a condition: it changes nothing
// if what was checked does not hold any more.
package auth

import (
	"context"
	"log/slog"
	"time"

	"foyer/internal/budget"
	"foyer/models"
)

// Config is what a Service needs.
type Config struct {
	DB     *models.DB
	Domain string // of people's chat addresses
	Logger *slog.Logger

	SiteName string // refused as part of a password, and the local source's label

	TokenKey string // of signed tokens and FAST tokens; empty: the site makes one and keeps it in the database
	TokenAlg string // EdDSA or HS256

	// What is allowed from one address within a quarter of an hour.
	FailuresPerAddress int             // wrong passwords; default 300
	SignUpsPerAddress  int             // new accounts that are asked for; default 600
	Recorder           budget.Recorder // is told when one of them is met; nil: nobody

	CPU *budget.CPUSemaphore // hashes wait for their turn there; nil: for nobody but each other

	CheapHashes bool // what is stored of a password is quickly made, and quickly guessed: for tests

	// External: the chat server is another program, and tokens are for it.
	External bool

	// What chat servers take apart from temporary tokens and app passwords.
	SignedTokens bool
	Passwords    bool // the accounts' own

	// Servers is what other chat servers take, which ask DelegatedAuth.
	Servers Accepted

	// Sources are where people come from other than the site's own accounts, in the order of
	// the sign-in page. One of them at most takes the form (ByForm).
	Sources []Source

	// SourcePasswords: chat servers take the passwords of the source with the form, even where
	// they take no password of the site's own (Passwords).
	SourcePasswords bool

	// LocalAccounts says who signs in by a password of this site; empty: LocalAll.
	LocalAccounts LocalAccounts

	// ProvisionSources are the names of the sources whose people get an account when they sign in
	// for the first time. The others sign in to accounts that they are linked to. nil: all.
	ProvisionSources []string

	// Picture is told that a source has another picture of somebody; nil: nobody.
	Picture func(username, url string)

	// Tell is told what has ended or changed, after the database knows.
	Tell func(context.Context, models.Event)
}

// Service signs people in. It is safe for concurrent use.
type Service struct {
	cfg Config
	db  *models.DB
	log *slog.Logger
	now func() time.Time // time.Now, except in tests

	AppPasswords  *AppPasswords
	Passkeys      *Passkeys
	DelegatedAuth *DelegatedAuth // what other chat servers ask

	throttle  throttle
	failed    budget.Lines // what could not be noted, in the log
	dropped   budget.Lines // groups that cannot be kept, likewise
	passwords passwords
	tokenKeys *TokenKeys
	fast      fastTokens

	formKey     []byte
	redirectKey string // of redirects' cookies

	questions *hashQueue // about typed passwords, to other sources
}

// LocalAccounts says who signs in by a password of this site.
type LocalAccounts string

// Who does.
const (
	LocalAll    LocalAccounts = "all"
	LocalAdmins LocalAccounts = "admins" // those whom the operator made administrators
)

// maxConcurrentHashes is how many passwords are hashed at the same time, at most; each takes
// 19 MiB.
const maxConcurrentHashes = 4

// New returns a Service. The keys that it needs are in the database; they are
// made the first time.
func New(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, db: cfg.DB, log: cfg.Logger, now: time.Now, throttle: newThrottle(cfg)}
	s.passwords = passwords{accounts: cfg.DB.Accounts, log: cfg.Logger, throttle: &s.throttle, local: cfg.LocalAccounts}
	s.questions = newHashQueue(maxConcurrentChecks, cfg.Recorder)
	if err := checkSources(cfg.Sources); err != nil {
		return nil, err
	}
	s.passwords.hasher = newHasher(maxConcurrentHashes, cfg.hashing(), cfg.CPU, cfg.Recorder)
	var err error
	if s.formKey, err = s.db.SiteKey(ctx, "forms"); err != nil {
		return nil, err
	}
	saltKey, err := s.db.SiteKey(ctx, "scram")
	if err != nil {
		return nil, err
	}
	s.Passkeys = &Passkeys{s}
	s.AppPasswords = newAppPasswords(s.db, saltKey, cfg.Tell)
	redirects, err := s.db.SiteKey(ctx, "trips")
	if err != nil {
		return nil, err
	}
	s.redirectKey = string(redirects)
	secret := []byte(cfg.TokenKey)
	if len(secret) == 0 {
		if secret, err = s.db.SiteKey(ctx, "tokens"); err != nil {
			return nil, err
		}
	}
	if s.fast, err = newFastTokens(s.db.Tokens, secret); err != nil {
		return nil, err
	}
	if s.tokenKeys, err = newTokenKeys(cfg, secret); err != nil {
		return nil, err
	}
	s.DelegatedAuth = newDelegatedAuth(cfg, s.tokenKeys, s)
	return s, nil
}

// tell says that something has ended or changed. The database knows already.
func (s *Service) tell(ctx context.Context, kind models.EventKind, user, session string) {
	s.cfg.Tell(ctx, models.Event{Kind: kind, User: user, Session: session})
}
