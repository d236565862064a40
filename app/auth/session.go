package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"foyer/internal/budget"
	"foyer/models"
	"foyer/token"
)

// How long somebody stays signed in.
const (
	trustedLifetime = 30 * 24 * time.Hour
	sessionLifetime = 12 * time.Hour
)

// maxUserAgent is the maximum of a browser's description that is kept, in bytes.
const maxUserAgent = 400

// Device is where somebody signs in.
type Device struct {
	Client
	UserAgent string
	Trusted   bool // stays signed in, and keeps the chat's cache
}

// SignedIn is what somebody's browser gets.
type SignedIn struct {
	Secret  string    // for the session's cookie; only its hash is kept
	Expires time.Time // of the session

	// Device is the secret of another cookie, by which the browser is known at
	// later sign-ins, and when that ends.
	Device        string
	DeviceExpires time.Time
}

// SignIn finishes signing in: the source says who it is, and a session begins. Somebody who has
// no account yet gets one. Errors: those of Source.Finish; ErrInvalidCredentials too when something
// changed meanwhile; *ChooseNameError; ErrNoAccount; ErrBlocked.
func (s *Service) SignIn(ctx context.Context, source Source, a Answer, d Device) (SignedIn, error) {
	p, err := s.authenticate(ctx, "signin", source, a)
	if err == nil && p.account.ID == 0 {
		p, err = s.provision(ctx, p, "")
	}
	if errors.Is(err, errNameNeeded) {
		return SignedIn{}, s.askName(ctx, p)
	}
	if err != nil {
		return SignedIn{}, err
	}
	return s.startSession(ctx, p, d)
}

// startSession begins a session of an account that was proved: always with a new
// secret.
func (s *Service) startSession(ctx context.Context, p authenticated, d Device) (SignedIn, error) {
	lifetime := sessionLifetime
	if d.Trusted {
		lifetime = trustedLifetime
	}
	secret, hash := token.New()
	session := models.Session{
		AccountID: p.account.ID, SecretHash: hash, Trusted: d.Trusted,
		UserAgent: truncate(d.UserAgent, maxUserAgent), Address: d.Address, ExpiresAt: time.Now().Add(lifetime),
	}
	basis := p.basis()
	if p.person.SignOutHint != "" {
		var err error
		if basis.Identity.Hint, err = sealFor(secret, sealSignOut, []byte(p.person.SignOutHint), nil); err != nil {
			return SignedIn{}, err
		}
	}
	err := s.db.Sessions.CreateSession(ctx, &session, basis)
	if errors.Is(err, models.ErrStale) {
		err = ErrInvalidCredentials
	}
	if err != nil {
		return SignedIn{}, err
	}
	s.endUnused(ctx, p.account, session.ID)
	return SignedIn{
		Secret: secret, Expires: session.ExpiresAt,
		Device: s.throttle.remember(ctx, p.account, d.Client), DeviceExpires: time.Now().Add(deviceLifetime),
	}, nil
}

// sessionsOfAccount: who has so many signs in, and what was not used for the longest time is signed out.
var sessionsOfAccount = budget.Limit{Name: "sessions of one account"}

// endUnused signs out what an account has beyond its bound, now that a session has begun. If it
// fails, the next sign-in makes up for it.
func (s *Service) endUnused(ctx context.Context, account models.Account, begun string) {
	ids, err := s.db.Sessions.EndUnused(ctx, account.ID, begun)
	if err != nil {
		s.log.Warn("sessions that are not used were not ended", "user", account.Username, "err", err)
		return
	}
	if len(ids) > 0 && s.cfg.Recorder != nil {
		s.cfg.Recorder.LimitHit(sessionsOfAccount, account.Username)
	}
	s.ended(ctx, account.Username, ids)
}

func truncate(s string, n int) string {
	return strings.ToValidUTF8(s[:min(n, len(s))], "")
}

// Session returns the session that a cookie's secret stands for, and whose it is.
// ErrGone: it has ended or expired, or the account is blocked.
func (s *Service) Session(ctx context.Context, secret string) (models.Session, models.Account, error) {
	session, account, err := s.db.Sessions.SessionBySecret(ctx, token.Hash(secret))
	if errors.Is(err, models.ErrNotFound) {
		err = ErrGone
	}
	return session, account, err
}

// Touch notes that a session is in use.
func (s *Service) Touch(ctx context.Context, session models.Session) {
	if err := s.db.Sessions.TouchSession(ctx, session, time.Now()); err != nil {
		s.failed.Error(s.log, "session", "a session's last use was not noted", "err", err)
	}
}

// EndSession ends a session and every chat stream that stands on it. One that is
// not there is no error.
func (s *Service) EndSession(ctx context.Context, account models.Account, id string) error {
	return s.endBy(ctx, s.db.Sessions.EndSession, account, id)
}

// SignOut is EndSession of somebody who signs out where the session is. SignOutAt knows it for one more minute.
func (s *Service) SignOut(ctx context.Context, account models.Account, id string) error {
	return s.endBy(ctx, s.db.Sessions.SignOut, account, id)
}

func (s *Service) endBy(ctx context.Context, end func(context.Context, int64, string) error, account models.Account, id string) error {
	if !models.IsID(id) {
		return nil
	}
	if err := end(ctx, account.ID, id); err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	s.tell(ctx, models.EventEnded, account.Username, id)
	return nil
}

// EndOtherSessions ends all of an account's sessions but one.
func (s *Service) EndOtherSessions(ctx context.Context, account models.Account, keep string) error {
	ids, err := s.db.Sessions.EndSessions(ctx, account.ID, keep)
	if err != nil {
		return err
	}
	s.ended(ctx, account.Username, ids)
	return nil
}

// ended tells of sessions, app passwords and tokens that the database has ended.
func (s *Service) ended(ctx context.Context, username string, ids []string) {
	for _, id := range ids {
		s.tell(ctx, models.EventEnded, username, id)
	}
}
