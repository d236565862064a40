package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"foyer/app/auth"
	"foyer/app/remote"
	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppgw/relay"

	"github.com/google/uuid"
)

// upstreamChat is the Chat that is another XMPP server behind the gateway. Streams are the
// relay's; what pages ask for is done by the server's standard means (app/remote), as the
// person who asks: the server itself says what they may do. Who is around and who knows
// whom, it tells nobody but the person, whose page shows it.
type upstreamChat struct {
	*relay.Relay
	db      *models.DB
	auth    *auth.Service
	log     *slog.Logger
	domain  string
	rooms   string // where the rooms are
	service *remote.Service
	listed  *remote.Directory
	push    *upstreamPush // what people did not see, as the server tells it
	tokens  bool          // it takes the site's, so that the site does what people ask for there
}

var _ Chat = (*upstreamChat)(nil)

// newRelayed makes the link to the external server. Nothing is asked of it yet.
func (s *Server) newRelayed(ctx context.Context) (*upstreamChat, error) {
	upstream, err := relay.ParseUpstream(s.cfg.Upstream)
	if err != nil {
		return nil, err
	}
	roots, err := s.cfg.upstreamRoots()
	if err != nil {
		return nil, err
	}
	r := &upstreamChat{db: s.db, auth: s.auth, log: s.log, domain: s.cfg.Domain, rooms: s.cfg.RoomsDomain(), tokens: s.cfg.Login != LoginTyped}
	authority := upstreamAuthority{s.auth, func(user string) {
		s.accountChanges.add(models.EventChanged, user)
	}}
	r.Relay, err = relay.New(relay.Config{Domain: s.cfg.Domain, Upstream: upstream, Roots: roots, Authority: authority, Logger: s.log, PassPasswords: s.cfg.Login == LoginTyped, Links: s.cfg.maxConnections()})
	if err != nil {
		return nil, err
	}
	r.service = remote.NewService(r.dial, auth.ServiceUser)
	r.listed = remote.NewDirectory(r.service, r.rooms, s.db.External.ExternalRooms)
	if err := s.newUpstreamPush(ctx, r); err != nil {
		return nil, err
	}
	s.warnUnused()
	return r, nil
}

// upstreamRoots reads XMPP_UPSTREAM_CA; nil: those of the system.
func (c Config) upstreamRoots() (*x509.CertPool, error) {
	if c.UpstreamCA == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.UpstreamCA)
	if err != nil {
		return nil, fmt.Errorf("XMPP_UPSTREAM_CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("XMPP_UPSTREAM_CA: the file %s has no certificate in PEM; write the path of the authority's certificate, which begins with -----BEGIN CERTIFICATE-----", c.UpstreamCA)
	}
	return pool, nil
}

// upstreamAuthority is what the relay asks of the site.
type upstreamAuthority struct {
	*auth.Service
	signsIn func(user string) // is told of every sign-in
}

// Upstream implements relay.Authority.
func (a upstreamAuthority) Upstream(ctx context.Context, id stream.Identity) (user, secret string, err error) {
	user, secret, err = a.Service.Upstream(ctx, id)
	if errors.Is(err, auth.ErrNotPortable) {
		err = fmt.Errorf("%w: %w", sasl.AccountDisabled, err) // nothing to try again
	}
	if err == nil && user != auth.ServiceUser {
		a.signsIn(user)
	}
	return user, secret, err
}

// dial opens a stream of the site's own at the server, as somebody who is signed in to
// the site, or as the site itself.
func (r *upstreamChat) dial(ctx context.Context, user string) (remote.Conn, error) {
	id := stream.Identity{User: user}
	if user != auth.ServiceUser {
		var err error
		id.Session, err = r.db.Sessions.CurrentSession(ctx, user)
		if errors.Is(err, models.ErrNotFound) {
			err = errNotSignedIn
		}
		if err != nil {
			return nil, err
		}
	}
	return r.open(ctx, id, "", nil)
}

// open opens a stream of the site's own, with the resource that it asks for (empty: any);
// answer, if not nil, is what it answers with.
func (r *upstreamChat) open(ctx context.Context, id stream.Identity, resource string, answer func(*stream.Element) []byte) (remote.Conn, error) {
	conn, err := r.signIn(ctx, id, resource, answer)
	if err != nil && ctx.Err() == nil {
		// After a restart of the site, Prosody finds its way back by failing once.
		conn, err = r.signIn(ctx, id, resource, answer)
	}
	return conn, err
}

func (r *upstreamChat) signIn(ctx context.Context, id stream.Identity, resource string, answer func(*stream.Element) []byte) (remote.Conn, error) {
	user, secret, err := r.auth.Upstream(ctx, id)
	if err != nil {
		return nil, err
	}
	session, err := r.SignIn(ctx, user, resource, secret)
	var refused *relay.RefusedError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%w: %w", remote.ErrNotLetIn, err)
	case err != nil:
		return nil, remote.Unreachable(err)
	}
	return remote.NewConn(session, answer), nil
}

// Run implements Chat.
func (r *upstreamChat) Run(ctx context.Context) error {
	r.push.run(ctx)
	r.service.Close()
	return nil
}

// Shutdown implements Chat.
func (r *upstreamChat) Shutdown(ctx context.Context) {
	if err := r.Relay.Shutdown(ctx); err != nil {
		r.log.Warn("some streams to the chat server did not end in time", "err", err)
	}
}

// SearchMessages implements Chat. Each of the servers has its own way to search, or none.
func (r *upstreamChat) SearchMessages(context.Context, string, MessageSearch) (MessagesFound, error) {
	return MessagesFound{}, nil
}

// Abilities implements Chat.
func (r *upstreamChat) Abilities() ChatAbilities { return ChatAbilities{Rooms: r.tokens} }

// ChatStats implements Chat.
func (r *upstreamChat) ChatStats() ChatStats {
	st := r.Stats()
	return ChatStats{SessionsBound: st.SignedIn, SessionsResumed: st.Resumed, Sessions: st.Streams}
}

// SupportsPush implements Chat.
func (r *upstreamChat) SupportsPush() bool { return r.push.offered.Load() }

// SetPushEnabled implements Chat. It signs in as the person.
func (r *upstreamChat) SetPushEnabled(ctx context.Context, user string, on bool) error {
	if err := r.bounded(ctx, "done:"+user, doneForPerMinute, time.Minute); err != nil {
		return err
	}
	if on {
		return asUpstreamError(r.push.enable(ctx, user))
	}
	return asUpstreamError(r.push.disable(ctx, user))
}

// SetNotificationLevel implements Chat: there people's apps keep it.
func (r *upstreamChat) SetNotificationLevel(context.Context, string, string, models.NotificationLevel) error {
	return nil
}

// Online implements Chat.
func (r *upstreamChat) Online(context.Context, string, []string) (map[string]bool, error) {
	return nil, nil
}

// Around implements Chat.
func (r *upstreamChat) Around(context.Context, string, int) ([]string, error) { return nil, nil }

// Contacts implements Chat: anybody may be written to.
func (r *upstreamChat) Contacts(_ context.Context, _ string, users []string) (map[string]ContactState, error) {
	states := make(map[string]ContactState, len(users))
	for _, u := range users {
		states[u] = IsContact
	}
	return states, nil
}

// ContactRequests implements Chat: they reach people in the chat.
func (r *upstreamChat) ContactRequests(context.Context, string, int) ([]string, error) {
	return nil, nil
}

// AskContact implements Chat.
func (r *upstreamChat) AskContact(context.Context, string, string) error { return ErrContactRefused }

// AnswerContact implements Chat.
func (r *upstreamChat) AnswerContact(context.Context, string, string, bool) error {
	return ErrContactRefused
}

// GroupsChanged implements Chat: rosters and rooms are the server's, and it has groups of its
// own.
func (r *upstreamChat) GroupsChanged(context.Context, string) {}

// AccountRemoved implements Chat.
func (r *upstreamChat) AccountRemoved(_ context.Context, user string) {
	r.End(stream.Scope{User: user}, errSignedOut)
}

// AccountChanged implements Chat: the server is given the person's name and picture, if
// it has others, once they are signed in somewhere.
func (r *upstreamChat) AccountChanged(ctx context.Context, user string) {
	err := r.tellProfile(ctx, user)
	if err != nil && !errors.Is(err, models.ErrNotFound) && ctx.Err() == nil {
		r.log.Warn("the chat server was not given somebody's name and picture; that is tried again when they sign in", "user", user, "err", err)
	}
}

func (r *upstreamChat) tellProfile(ctx context.Context, user string) error {
	p, err := r.db.External.UntoldProfile(ctx, user)
	if err != nil {
		return err
	}
	if _, err := r.db.Sessions.CurrentSession(ctx, user); err != nil {
		return err
	}
	err = remote.Dial(r.dial).With(ctx, user, func(s *remote.Session) error {
		return s.SetProfile(ctx, remote.Profile{Name: p.Name, Photo: p.Photo, PhotoType: p.PhotoType})
	})
	if err != nil {
		return err
	}
	return r.db.External.ProfileTold(ctx, user, p)
}

// Latest implements Chat: the archive is the server's.
func (r *upstreamChat) Latest(context.Context, string, LatestQuery) ([]ConversationMessage, bool, error) {
	return nil, false, nil
}

// Unread implements Chat.
func (r *upstreamChat) Unread(context.Context, string, int) (map[string]UnreadCount, error) {
	return nil, nil // rooms are entered, and counted by the page
}

// Discussion implements Chat.
func (r *upstreamChat) Discussion(context.Context, string, uuid.UUID, int) (Discussion, error) {
	return Discussion{}, ErrRoomRefused // its rooms have no such setting
}

// asUnreachable is asUpstreamError for lists of rooms: a server that refuses to tell them, as one
// without a room service does, is for pages the same as one that is away.
func asUnreachable(err error) error {
	var refusal *remote.Refusal
	if errors.As(err, &refusal) {
		return unreachableError{err}
	}
	return asUpstreamError(err)
}

// unreachableError is an ErrChatUnreachable that says why in the words of what it wraps: a server that does
// not answer is mended in another way than one that does not let the site in.
type unreachableError struct{ error }

func (unreachableError) Is(target error) bool { return target == ErrChatUnreachable }
func (s unreachableError) Unwrap() error      { return s.error }

// errNameNotCarried is for people whose account is older than the server behind the site.
var errNameNotCarried = &Error{Code: Forbidden, Public: "The chat cannot use your user name because of a letter such as ß. Ask the people who run this site for an account with another name."}

// asUpstreamError turns what app/remote returns into the site's errors.
func asUpstreamError(err error) error {
	var refusal *remote.Refusal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, remote.ErrTaken):
		return ErrRoomTaken
	case errors.Is(err, remote.ErrRefused), errors.As(err, &refusal):
		return fmt.Errorf("%w: %w", ErrRoomRefused, err)
	case errors.Is(err, remote.ErrUnreachable), errors.Is(err, remote.ErrNotLetIn):
		return unreachableError{err}
	case errors.Is(err, auth.ErrNotPortable):
		return errNameNotCarried
	}
	return err
}
