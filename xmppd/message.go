package xmppd

import (
	"context"
	"errors"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// handleMessage is the way of a message from a client (RFC 6121 §8.5), in numbered steps
// whose order matters. What an archive keeps is in Postgres before anybody is told of it, and when
// this returns, so that everybody can rely on it. What none keeps was passed on by then.
func (s *session) handleMessage(ctx context.Context, m *stream.Element) error {
	// 1. Find the recipient.
	to, err := s.messageAddress(m)
	if err != nil {
		return err
	}
	// 2. Take out what is for the sender's account itself (displayed.go).
	if m, err = s.takeDisplayed(ctx, m); err != nil {
		return err
	}
	// 3. What is for a service, such as a room, goes on there.
	if there, err := s.toService(ctx, m, to); there {
		return err
	}
	if to.Domain != s.server.domain {
		return stanza.ErrRemoteServerNotFound
	}
	// 4. Strip what only the server may say.
	asSent := m
	if m, err = s.stampMessage(m, to); err != nil {
		return err
	}
	if to.User == "" {
		return messageToServer(m)
	}
	// 5. Refuse what is blocked, and what nobody is there for.
	if err := s.checkBlocked(ctx, to); err != nil {
		return err
	}
	if err := s.server.checkRecipient(ctx, to.User); err != nil {
		return err
	}
	// 6. Choose the recipient's resources.
	route, err := s.server.routeMessage(m, to)
	if err != nil || route.drop && !archive.ShouldArchive(m) {
		return err
	}
	// 7. Drop what is sent again, and came the first time. That it is, tells a delay
	// which step 4 may have taken out. The first may be under way to the archive still, on a stream
	// that was lost.
	if archive.MayComeAgain(m) {
		unlock, err := s.server.dedupLock.Lock(ctx, s.bare+" "+to.Bare()+" "+m.ID)
		if err != nil { // the first takes its time
			return archive.ErrBusy
		}
		defer unlock()
	}
	if again, err := s.server.archive.IsDuplicateBetween(ctx, s.bare, to.Bare(), asSent); err != nil || again {
		return err
	}
	// 8. Store it in both archives; who writes to each other gets on each other's roster.
	d := &delivery{sender: s, message: m, from: s.address(), to: to, route: route}
	if err := s.server.archiveMessage(ctx, d); err != nil {
		return err
	}
	if d.isArchived() {
		s.server.addToRosters(ctx, s.user, to.User)
	}
	// 9. Deliver it or keep it for later, copy it, tell the site.
	if err := s.server.deliverMessage(ctx, d); err != nil || d.isArchived() {
		return err
	}
	s.server.archive.NoteUnarchived(s.bare, s.bare, to.Bare(), asSent)
	return nil
}

// checkRecipient returns service-unavailable when there is no such account (RFC 6121
// §8.5.1, S-23). One with a session exists.
func (srv *Server) checkRecipient(ctx context.Context, user string) error {
	if srv.registry.lookup(user) != nil {
		return nil
	}
	_, err := srv.stores.Accounts.Account(ctx, user)
	if errors.Is(err, ErrNotFound) {
		return stanza.ErrServiceUnavailable
	}
	return err
}

// messageAddress is the recipient; without one it is the sender (RFC 6120
// §10.3.1).
func (s *session) messageAddress(m *stream.Element) (stanza.Address, error) {
	if m.To == "" {
		return stanza.Address{User: s.user, Domain: s.server.domain}, nil
	}
	to, err := stanza.ParseAddress(m.To)
	if err != nil {
		return stanza.Address{}, err
	}
	return to, nil
}

// messageToServer: the domain itself reads no messages.
func messageToServer(m *stream.Element) error {
	if m.Type == "error" || m.Type == "headline" {
		return nil
	}
	return stanza.ErrServiceUnavailable
}

// stampMessage sets from and the stream's language, and removes what the client
// cannot say: stanza-ids in the name of either archive (XEP-0359 §5, S-53) and
// delays in the server's (XEP-0203 §4).
func (s *session) stampMessage(m *stream.Element, to stanza.Address) (*stream.Element, error) {
	edit := m.Edit().Set("from", s.full).SetLang(s.lang())
	if m.To == "" {
		edit.Set("to", s.bare)
	}
	edit.Drop(func(c stream.Child) bool {
		return stanza.IsIDBy(c, s.bare, to.Bare()) || stanza.IsDelayBy(c, s.server.domain)
	})
	return edit.Element()
}

// route is where a message goes at the recipient's side.
type route struct {
	to      []*session
	offline bool // nobody is there: keep it
	drop    bool // RFC 6121 says: silently ignored
}

// routeMessage applies RFC 6121 §8.5, Table 1 (S-24 to S-30).
func (srv *Server) routeMessage(m *stream.Element, to stanza.Address) (route, error) {
	kind := stanza.MessageType(m)
	if to.Resource != "" {
		if target := srv.registry.session(to); target != nil {
			return route{to: []*session{target}}, nil
		}
		switch kind {
		case "chat": // §8.5.3.2.1: as if sent to the bare JID
		case "error":
			return route{drop: true}, nil
		default:
			return route{}, stanza.ErrServiceUnavailable
		}
	}
	reachable := srv.registry.lookup(to.User).reachable()
	switch kind {
	case "groupchat":
		return route{}, stanza.ErrServiceUnavailable
	case "error":
		return route{drop: true}, nil
	case "headline":
		return route{to: reachable, drop: len(reachable) == 0}, nil
	}
	return route{to: reachable, offline: len(reachable) == 0}, nil
}

// reachable returns the resources that messages to the bare JID go to: those
// with a priority that is not negative (RFC 6121 §8.5.2.1.1), once they have
// what waited for them.
func (a *account) reachable() []*session {
	var out []*session
	for _, s := range a.available() {
		if s.reachableAt(time.Now()) {
			out = append(out, s)
		}
	}
	return out
}

// delivery is one message on its way to an account, from a client or from a service.
type delivery struct {
	sender       *session // nil: a service
	message      *stream.Element
	from, to     stanza.Address
	route        route
	mine, theirs uuid.UUID // its ids in the sender's archive and in the recipient's; zero where it is not kept
}

// isArchived reports whether the message is in one of the archives.
func (d *delivery) isArchived() bool { return d.mine != uuid.Nil || d.theirs != uuid.Nil }

// betweenTwo reports whether the message goes from one account, or a service, to another
// account: it is no note to oneself.
func (d *delivery) betweenTwo() bool { return d.sender == nil || d.sender.user != d.to.User }

// archiveMessage stores the message for those of the two sides that want it, and sets its
// ids. A service has no archive of its own here, and takes nothing back: what one of its
// messages retracts would be anybody's who sends through the same address.
func (srv *Server) archiveMessage(ctx context.Context, d *delivery) error {
	if !archive.ShouldArchive(d.message) {
		return nil
	}
	retraction, err := srv.retraction(ctx, d)
	if err != nil {
		return err
	}
	keepTheirs, err := srv.archivesFor(ctx, d, d.to.User, d.from)
	keepMine := false
	if err == nil && d.sender != nil && d.betweenTwo() { // a note to oneself is stored once (XEP-0313 §6.2)
		keepMine, err = srv.archivesFor(ctx, d, d.sender.user, d.to)
	}
	if err != nil || !keepMine && !keepTheirs {
		return err
	}
	entry := archive.Received(d.message, d.to.Bare(), d.from)
	entry.Retracts = retraction
	entries := make([]archive.Entry, 0, 2)
	if keepTheirs {
		entries = append(entries, entry)
	}
	if keepMine {
		entry.Owner, entry.With, entry.Resource, entry.Outgoing = d.from.Bare(), d.to.Bare(), d.to.Resource, true
		entries = append(entries, entry)
	}
	id, err := srv.archive.Store(ctx, entries...)
	if keepTheirs {
		d.theirs = id
	}
	if keepMine {
		d.mine = id
	}
	return err
}

// retraction finds what a message of a client takes back; nil: nothing.
func (srv *Server) retraction(ctx context.Context, d *delivery) (*archive.Retraction, error) {
	if d.sender == nil {
		return nil, nil
	}
	return srv.archive.Retraction(ctx, d.message, d.from.Bare(), d.to.Bare())
}

// archivesFor reports whether user's archive takes a message from or to that address. It
// takes a client's retraction whatever the preferences say.
func (srv *Server) archivesFor(ctx context.Context, d *delivery, user string, with stanza.Address) (bool, error) {
	if id, err := archive.RetractedID(d.message); err == nil && id != "" && d.message.ID != "" && d.sender != nil {
		return true, nil
	}
	return srv.ArchivesWith(ctx, user, with)
}

// deliverMessage gives a message to the recipient's resources, or keeps it when there are
// none; then it copies it to the others of both sides (XEP-0280), and tells the site of
// it. It serialises once for each archive, however many resources there are.
//
// The copies come last: of a message that cannot be kept for later (XEP-0160 §3) the sender
// hears service-unavailable, and no other device shows it as sent or received.
func (srv *Server) deliverMessage(ctx context.Context, d *delivery) error {
	raw, at := withStanzaID(d.message, d.to.Bare(), d.theirs), time.Now()
	for _, t := range d.route.to {
		t.deliver(raw)
	}
	if d.route.offline && storesOffline(d.message) {
		if err := srv.offline.keep(ctx, d.to.User, raw, d.theirs); err != nil {
			return err
		}
	}
	srv.sendCarbons(d, raw)
	if d.betweenTwo() {
		srv.notify(d.to.User, d.message, at)
	}
	return nil
}
