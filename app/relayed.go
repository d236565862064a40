package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/app/remote"
	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppgw/relay"
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
}

var _ Chat = (*relayed)(nil)

// newRelayed makes the link to the external server. Nothing is asked of it yet.
func (s *Server) newRelayed() (*relayed, error) {
	upstream, err := relay.ParseUpstream(s.cfg.Upstream)
	if err != nil {
		return nil, err
	}
	roots, err := s.cfg.upstreamRoots()
	if err != nil {
		return nil, err
	}
	r := &relayed{db: s.db, auth: s.auth, log: s.log, domain: s.cfg.Domain, rooms: s.cfg.RoomsDomain()}
	authority := upstreamAuthority{s.auth, func(user string) {
		s.accountChanges.add(models.EventChanged, user)
	}}
	r.Relay, err = relay.New(relay.Config{Domain: s.cfg.Domain, Upstream: upstream, Roots: roots, Authority: authority, Logger: s.log, PassPasswords: s.cfg.Login == LoginTyped, Links: s.cfg.mostConnections()})
	if err != nil {
		return nil, err
	}
	r.service = remote.NewService(r.dial, auth.ServiceUser)
	r.listed = remote.NewDirectory(r.service, r.rooms, s.db.ExternalRooms)
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
		id.Session, err = r.db.StandingSession(ctx, user)
		if errors.Is(err, models.ErrNotFound) {
			err = errNotSignedIn
		}
		if err != nil {
			return nil, err
		}
	}
	conn, err := r.signIn(ctx, id)
	if err != nil && ctx.Err() == nil {
		// After a restart of the site, Prosody finds its way back by failing once.
		conn, err = r.signIn(ctx, id)
	}
	return conn, err
}

func (r *relayed) signIn(ctx context.Context, id stream.Identity) (remote.Conn, error) {
	user, secret, err := r.auth.Upstream(ctx, id)
	if err != nil {
		return nil, err
	}
	session, err := r.SignIn(ctx, user, secret)
	var refused *relay.RefusedError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%w: %w", remote.ErrNotLetIn, err)
	case err != nil:
		return nil, remote.Away(err)
	}
	return remote.NewConn(session), nil
}

// Run implements Chat.
func (r *relayed) Run(ctx context.Context) error {
	<-ctx.Done()
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
func (r *relayed) Abilities() ChatAbilities { return ChatAbilities{} }

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
	p, err := r.db.UntoldProfile(ctx, user)
	if err != nil {
		return err
	}
	if _, err := r.db.StandingSession(ctx, user); err != nil {
		return err
	}
	err = remote.Dial(r.dial).With(ctx, user, func(s *remote.Session) error {
		return s.SetProfile(ctx, remote.Profile{Name: p.Name, Photo: p.Photo, PhotoType: p.PhotoType})
	})
	if err != nil {
		return err
	}
	return r.db.ProfileTold(ctx, user, p)
}

// Rooms implements Chat.
func (r *relayed) Rooms(ctx context.Context, viewer string, q RoomQuery) ([]ChatRoom, error) {
	list, err := r.listed.Rooms(ctx)
	if err != nil {
		return nil, asSilence(err)
	}
	if q.After != "" {
		at := slices.IndexFunc(list, func(room remote.Room) bool { return room.Name == q.After })
		list = list[at+1:]
	}
	me := r.address(viewer)
	var found []ChatRoom
	for _, room := range list {
		if !room.MayKnow(me) || (q.Own && room.Affiliations[me] == "") || !matches(room.Title, q.Typed) {
			continue
		}
		if found = append(found, asChatRoom(room, me)); len(found) == q.Max {
			break
		}
	}
	return found, nil
}

// matches reports whether a title has all words of what was typed.
func matches(title, typed string) bool {
	title = strings.ToLower(title)
	for _, word := range strings.Fields(strings.ToLower(typed)) {
		if !strings.Contains(title, word) {
			return false
		}
	}
	return true
}

func asChatRoom(room remote.Room, viewer string) ChatRoom {
	return ChatRoom{
		Name: room.Name, Title: room.Title, Description: room.Description, Occupants: room.Occupants, Private: room.MembersOnly,
		Member: room.Affiliations[viewer] != "", Owner: room.Affiliations[viewer] == "owner",
	}
}

func (r *relayed) address(user string) string { return user + "@" + r.domain }

func (r *relayed) roomAddress(name string) (string, error) {
	a, err := stanza.ParseAddress(name + "@" + r.rooms)
	if err != nil || a.User != name || strings.ContainsRune(name, '/') {
		return "", ErrRoomRefused
	}
	return a.Bare(), nil
}

// Room implements Chat.
func (r *relayed) Room(ctx context.Context, viewer, name string) (ChatRoom, error) {
	room, err := r.room(ctx, viewer, name)
	return asChatRoom(room, r.address(viewer)), err
}

// room looks at a room that viewer may know of.
func (r *relayed) room(ctx context.Context, viewer, name string) (remote.Room, error) {
	if _, err := r.roomAddress(name); err != nil {
		return remote.Room{}, err
	}
	room, err := r.listed.Room(ctx, name)
	if err != nil {
		return remote.Room{}, asRelayedError(err)
	}
	if !room.MayKnow(r.address(viewer)) {
		return remote.Room{}, ErrRoomRefused
	}
	return room, nil
}

// BusyRooms implements Chat.
func (r *relayed) BusyRooms(ctx context.Context, viewer string, max int) ([]ChatRoom, error) {
	list, err := r.listed.Rooms(ctx)
	if err != nil {
		return nil, asSilence(err)
	}
	me := r.address(viewer)
	var busy []ChatRoom
	for _, room := range list {
		if room.Occupants > 0 && !room.MembersOnly && room.MayKnow(me) {
			busy = append(busy, asChatRoom(room, me))
		}
	}
	slices.SortStableFunc(busy, func(a, b ChatRoom) int { return b.Occupants - a.Occupants })
	return busy[:min(len(busy), max)], nil
}

// What one person may have done at the server: each costs a sign-in there.
const (
	doneForPerMinute = 60
	madePerDay       = 50 // rooms
)

var errTooMuchDone = &Error{Code: TooMany, Public: "You have asked for that too often. Please try again later."}

func (r *relayed) bounded(ctx context.Context, key string, most int, window time.Duration) error {
	wait, err := r.db.Attempt(ctx, "upstream:"+key, most, window)
	if err == nil && wait > 0 {
		err = errTooMuchDone
	}
	return err
}

// as does something at the server as somebody who asked for it.
func (r *relayed) as(ctx context.Context, user string, do func(*remote.Session) error) error {
	if err := r.bounded(ctx, "done:"+user, doneForPerMinute, time.Minute); err != nil {
		return err
	}
	return remote.Dial(r.dial).With(ctx, user, do)
}

// CreateRoom implements Chat.
func (r *relayed) CreateRoom(ctx context.Context, owner string, n NewRoom) error {
	jid, err := r.roomAddress(n.Name)
	if err != nil {
		return err
	}
	if err := r.bounded(ctx, "rooms:"+owner, madePerDay, 24*time.Hour); err != nil {
		return err
	}
	// Noted first: a room that nobody is told of could not be found again.
	added, err := r.db.AddExternalRoom(ctx, n.Name)
	if err != nil {
		return err
	}
	err = r.as(ctx, owner, func(s *remote.Session) error {
		return s.CreateRoom(ctx, jid, owner, remote.NewRoom{Title: n.Title, Description: n.Description, Private: n.Private})
	})
	if err = asRelayedError(err); err != nil {
		if added && (errors.Is(err, ErrRoomTaken) || errors.Is(err, ErrRoomRefused)) {
			err = errors.Join(err, r.db.RemoveExternalRoom(ctx, n.Name)) // the site did not make it
		}
		return err
	}
	r.listed.Put(remote.Room{
		Name: n.Name, Title: n.Title, Description: n.Description, MembersOnly: n.Private, Hidden: n.Private,
		Affiliations: map[string]string{r.address(owner): "owner"},
	})
	return nil
}

// Invite implements Chat.
func (r *relayed) Invite(ctx context.Context, name, inviter, invitee string) error {
	room, err := r.room(ctx, inviter, name)
	if err != nil {
		return err
	}
	jid, err := r.roomAddress(name)
	if err != nil {
		return err
	}
	err = r.as(ctx, inviter, func(s *remote.Session) error {
		return s.Invite(ctx, room, jid, r.address(invitee))
	})
	if err != nil {
		return asRelayedError(err)
	}
	_, err = r.listed.Room(ctx, name) // who belongs to it now
	return asRelayedError(err)
}

// DestroyRoom implements Chat.
func (r *relayed) DestroyRoom(ctx context.Context, name, owner string) error {
	jid, err := r.roomAddress(name)
	if err != nil {
		return err
	}
	err = r.as(ctx, owner, func(s *remote.Session) error { return s.DestroyRoom(ctx, jid) })
	if err != nil {
		return asRelayedError(err)
	}
	r.listed.Forget(name)
	return r.db.RemoveExternalRoom(ctx, name)
}

// Latest implements Chat: the archive is the server's.
func (r *relayed) Latest(context.Context, string, int, []string) ([]ConversationMessage, error) {
	return nil, nil
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
var errNameNotCarried = &Error{Code: Forbidden, Public: "The chat cannot write your user name as it is, because of a letter such as ß. Ask those who run this site for an account with another name."}

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

// CheckUpstream signs in to the external chat server, as the site itself does. The
// error says what to mend.
func CheckUpstream(ctx context.Context, cfg Config, service *auth.Service) error {
	upstream, err := relay.ParseUpstream(cfg.Upstream)
	if err != nil {
		return err
	}
	roots, err := cfg.upstreamRoots()
	if err != nil {
		return err
	}
	authority := upstreamAuthority{service, func(string) {}}
	r, err := relay.New(relay.Config{Domain: cfg.Domain, Upstream: upstream, Roots: roots, Authority: authority, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { _ = r.Shutdown(context.WithoutCancel(ctx)) }() // it has no streams to wait for
	if err := r.Check(ctx); err != nil {
		return err
	}
	_, secret, err := service.Upstream(ctx, stream.Identity{User: auth.ServiceUser})
	if err != nil {
		return err
	}
	session, err := r.SignIn(ctx, auth.ServiceUser, secret)
	var refused *relay.RefusedError
	if errors.As(err, &refused) {
		return fmt.Errorf("a token of the site does not sign in there; docs/SERVERS.md has the server's settings: %w", err)
	}
	if err != nil {
		return err
	}
	_ = session.Close()
	return session.Conn().Close()
}
