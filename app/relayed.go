package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"foyer/app/auth"
	"foyer/app/remote"
	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppgw/relay"

	"github.com/google/uuid"
)

// relayed is the Chat that is another XMPP server behind the gateway. Streams are the
// relay's; what pages ask for is done by the server's standard means (app/remote), as the
// person who asks: the server itself says what they may do. Who is around and who knows
// whom, it tells nobody but the person, whose page shows it.
type relayed struct {
	*relay.Relay
	db      *models.DB
	auth    *auth.Service
	log     *slog.Logger
	domain  string
	rooms   string // where the rooms are
	service *remote.Service
	listed  *remote.Directory
	unseen  *unseen // what people did not see, as the server tells it
	tokens  bool    // it takes the site's, so that the site does what people ask for there
}

var _ Chat = (*relayed)(nil)

// newRelayed makes the link to the external server. Nothing is asked of it yet.
func (s *Server) newRelayed(ctx context.Context) (*relayed, error) {
	upstream, err := relay.ParseUpstream(s.cfg.Upstream)
	if err != nil {
		return nil, err
	}
	roots, err := s.cfg.upstreamRoots()
	if err != nil {
		return nil, err
	}
	r := &relayed{db: s.db, auth: s.auth, log: s.log, domain: s.cfg.Domain, rooms: s.cfg.RoomsDomain(), tokens: s.cfg.Login != LoginTyped}
	authority := upstreamAuthority{s.auth, func(user string) {
		s.accountChanges.add(models.EventChanged, user)
	}}
	r.Relay, err = relay.New(relay.Config{Domain: s.cfg.Domain, Upstream: upstream, Roots: roots, Authority: authority, Logger: s.log, PassPasswords: s.cfg.Login == LoginTyped, Links: s.cfg.mostConnections()})
	if err != nil {
		return nil, err
	}
	r.service = remote.NewService(r.dial, auth.ServiceUser)
	r.listed = remote.NewDirectory(r.service, r.rooms, s.db.External.ExternalRooms)
	if err := s.followUnseen(ctx, r); err != nil {
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

// Standing implements relay.Authority.
func (a upstreamAuthority) Standing(ctx context.Context, id stream.Identity) error {
	return a.Current(ctx, id)
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
func (r *relayed) dial(ctx context.Context, user string) (remote.Conn, error) {
	id := stream.Identity{User: user}
	if user != auth.ServiceUser {
		var err error
		id.Session, err = r.db.Sessions.StandingSession(ctx, user)
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
func (r *relayed) open(ctx context.Context, id stream.Identity, resource string, answer func(*stream.Element) []byte) (remote.Conn, error) {
	conn, err := r.signIn(ctx, id, resource, answer)
	if err != nil && ctx.Err() == nil {
		// After a restart of the site, Prosody finds its way back by failing once.
		conn, err = r.signIn(ctx, id, resource, answer)
	}
	return conn, err
}

func (r *relayed) signIn(ctx context.Context, id stream.Identity, resource string, answer func(*stream.Element) []byte) (remote.Conn, error) {
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
		return nil, remote.Away(err)
	}
	return remote.NewConn(session, answer), nil
}

// Run implements Chat.
func (r *relayed) Run(ctx context.Context) error {
	r.unseen.run(ctx)
	r.service.Close()
	return nil
}

// Shutdown implements Chat.
func (r *relayed) Shutdown(ctx context.Context) {
	if err := r.Relay.Shutdown(ctx); err != nil {
		r.log.Warn("some streams to the chat server did not end in time", "err", err)
	}
}

// SearchMessages implements Chat. Each of the servers has its own way to search, or none.
func (r *relayed) SearchMessages(context.Context, string, MessageSearch) (MessagesFound, error) {
	return MessagesFound{}, nil
}

// Abilities implements Chat.
func (r *relayed) Abilities() ChatAbilities { return ChatAbilities{Rooms: r.tokens} }

// Figures implements Chat.
func (r *relayed) Figures() ChatFigures {
	st := r.Stats()
	return ChatFigures{SessionsBound: st.SignedIn, SessionsResumed: st.Resumed, Sessions: st.Streams}
}

// Online implements Chat.
func (r *relayed) Online(context.Context, string, []string) (map[string]bool, error) {
	return nil, nil
}

// Around implements Chat.
func (r *relayed) Around(context.Context, string, int) ([]string, error) { return nil, nil }

// Contacts implements Chat: anybody may be written to.
func (r *relayed) Contacts(_ context.Context, _ string, users []string) (map[string]ContactState, error) {
	states := make(map[string]ContactState, len(users))
	for _, u := range users {
		states[u] = KnownPeople
	}
	return states, nil
}

// ContactRequests implements Chat: they reach people in the chat.
func (r *relayed) ContactRequests(context.Context, string, int) ([]string, error) { return nil, nil }

// AskContact implements Chat.
func (r *relayed) AskContact(context.Context, string, string) error { return ErrContactRefused }

// AnswerContact implements Chat.
func (r *relayed) AnswerContact(context.Context, string, string, bool) error {
	return ErrContactRefused
}

// GroupsChanged implements Chat: rosters and rooms are the server's, and it has groups of its
// own.
func (r *relayed) GroupsChanged(context.Context, string) {}

// AccountRemoved implements Chat.
func (r *relayed) AccountRemoved(_ context.Context, user string) {
	r.End(stream.Scope{User: user}, errSignedOut)
}

// AccountChanged implements Chat: the server is given the person's name and picture, if
// it has others, once they are signed in somewhere.
func (r *relayed) AccountChanged(ctx context.Context, user string) {
	err := r.tellProfile(ctx, user)
	if err != nil && !errors.Is(err, models.ErrNotFound) && ctx.Err() == nil {
		r.log.Warn("the chat server was not given somebody's name and picture; that is tried again when they sign in", "user", user, "err", err)
	}
}

func (r *relayed) tellProfile(ctx context.Context, user string) error {
	p, err := r.db.External.UntoldProfile(ctx, user)
	if err != nil {
		return err
	}
	if _, err := r.db.Sessions.StandingSession(ctx, user); err != nil {
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
func (r *relayed) Latest(context.Context, string, LatestQuery) ([]ConversationMessage, bool, error) {
	return nil, false, nil
}

// Unread implements Chat.
func (r *relayed) Unread(context.Context, string, int) (map[string]UnreadCount, error) {
	return nil, nil // rooms are entered, and counted by the page
}

// Discussion implements Chat.
func (r *relayed) Discussion(context.Context, string, uuid.UUID, int) (Discussion, error) {
	return Discussion{}, ErrRoomRefused // its rooms have no such setting
}

// asSilence is asRelayedError for lists of rooms: a server that refuses to tell them, as one
// without a room service does, is for pages the same as one that is away.
func asSilence(err error) error {
	var refusal *remote.Refusal
	if errors.As(err, &refusal) {
		return silence{err}
	}
	return asRelayedError(err)
}

// silence is an ErrChatAway that says why in the words of what it wraps: a server that does
// not answer is mended in another way than one that does not let the site in.
type silence struct{ error }

func (silence) Is(target error) bool { return target == ErrChatAway }
func (s silence) Unwrap() error      { return s.error }

// errNameNotCarried is for people whose account is older than the server behind the site.
var errNameNotCarried = &Error{Code: Forbidden, Public: "The chat cannot use your user name because of a letter such as ß. Ask the people who run this site for an account with another name."}

// asRelayedError turns what app/remote returns into the site's errors.
func asRelayedError(err error) error {
	var refusal *remote.Refusal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, remote.ErrTaken):
		return ErrRoomTaken
	case errors.Is(err, remote.ErrRefused), errors.As(err, &refusal):
		return fmt.Errorf("%w: %w", ErrRoomRefused, err)
	case errors.Is(err, remote.ErrAway), errors.Is(err, remote.ErrNotLetIn):
		return silence{err}
	case errors.Is(err, auth.ErrNotPortable):
		return errNameNotCarried
	}
	return err
}
