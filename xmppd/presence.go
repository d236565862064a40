package xmppd

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

const nsVCardUpdate = "vcard-temp:x:update"

// Directed presence that is tracked for one session; more is refused.
const maxDirected = 1000

// maxPresence is the maximum size of a presence in bytes. It is kept, and sent to whoever may see it, so
// that it is bounded more tightly than what goes to one (RFC 6120 §13.12, S-06).
const maxPresence = 16 << 10

// handlePresence handles presence from the client (RFC 6121 §3, §4).
func (s *session) handlePresence(ctx context.Context, p *stream.Element) error {
	if len(p.Raw) > maxPresence {
		return errStanzaTooLarge
	}
	if p.To == "" {
		switch p.Type {
		case "":
			return s.broadcast(ctx, p)
		case "unavailable":
			s.broadcastUnavailable(ctx, p)
			return nil
		case "error", "probe":
			return nil
		}
		return stanza.ErrBadRequest
	}
	to, err := stanza.ParseAddress(p.To)
	switch {
	case err != nil:
		return err
	case to.Domain != s.server.domain:
		return s.presenceToService(ctx, p, to)
	case p.Type == "" || p.Type == "unavailable":
		return s.direct(ctx, p, to)
	case isSubscription(p.Type):
		return s.handleSubscription(ctx, p, to)
	case p.Type == "probe":
		return s.probe(ctx, to)
	case p.Type == "error":
		return nil
	}
	return stanza.ErrBadRequest // RFC 6121 §4.7.1
}

// broadcast handles initial and later presence (RFC 6121 §4.2.2, §4.4.2).
func (s *session) broadcast(ctx context.Context, p *stream.Element) error {
	priority, err := priorityOf(p)
	if err != nil {
		return err
	}
	own, err := s.stamp(ctx, p)
	if err != nil {
		return err
	}
	if err := s.server.SpendFanOut(ctx, s.user, len(own.Raw), s.server.presenceAudience(ctx, s.user)); err != nil {
		return err
	}
	initial, arrived := s.setPresence(own, priority)
	s.toSubscribers(ctx, own.Raw)
	if initial {
		if err := s.receivePresences(ctx); err != nil {
			return err
		}
		var cancel context.CancelFunc
		ctx, cancel = s.server.Renewed(ctx)
		defer cancel()
	}
	if arrived {
		if err := s.arrive(ctx); err != nil {
			return err
		}
	}
	for _, w := range s.server.mounted.presence {
		w.Available(ctx, s, own)
	}
	return nil
}

// setPresence notes what is broadcast. It reports whether the session was not
// available before, and whether messages to the bare JID begin to come here.
func (s *session) setPresence(own *stream.Element, priority int8) (initial, arrived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	initial = s.presence == nil
	s.presence, s.priority = own, priority
	if priority < 0 {
		s.reachable = time.Time{}
		return initial, false
	}
	return initial, s.reachable.IsZero()
}

// priorityOf reads the priority (RFC 6121 §4.7.2.3, S-44).
func priorityOf(p *stream.Element) (int8, error) {
	c, ok := p.Find(stream.NSClient, "priority")
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(c.Text()), 10, 8)
	if err != nil {
		return 0, stanza.ErrBadRequest
	}
	return int8(n), nil
}

// stamp sets from, and the hash of the site's picture (XEP-0153 §4.1, XEP-0398
// §4). A client that sends an empty photo has none to show, and is left alone.
func (s *session) stamp(ctx context.Context, p *stream.Element) (*stream.Element, error) {
	if x, ok := p.Find(nsVCardUpdate, "x"); ok {
		photo, ok := x.Find(nsVCardUpdate, "photo")
		s.setFlag(func(s *session) *bool { return &s.ownPhoto }, ok && photo.Text() == "")
	}
	return s.stampAgain(ctx, p)
}

// stampAgain is stamp for a presence that may have been stamped before: an empty
// photo in it may be the server's word.
func (s *session) stampAgain(ctx context.Context, p *stream.Element) (*stream.Element, error) {
	edit := p.Edit().Set("from", s.full).SetLang(s.lang())
	if s.flag(func(s *session) *bool { return &s.ownPhoto }) {
		return edit.Element()
	}
	acc, err := s.server.stores.Accounts.Account(ctx, s.user)
	if err != nil {
		return nil, err
	}
	edit.Drop(func(c stream.Child) bool { return c.Name == stream.Name{Space: nsVCardUpdate, Local: "x"} })
	edit.Append([]byte(`<x xmlns="` + nsVCardUpdate + `"><photo>` + acc.AvatarHash + `</photo></x>`))
	return edit.Element()
}

func (s *session) lang() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peer.Lang
}

// toSubscribers sends presence to everybody who may see it and to the account's
// own available resources, this one included (RFC 6121 §4.2.2, S-40). It is
// serialised once.
func (s *session) toSubscribers(ctx context.Context, raw []byte) {
	for _, o := range s.account.available() {
		o.deliver(raw)
	}
	r, err := s.server.rosterOf(ctx, s.user)
	if err != nil {
		s.log.Error("presence was not broadcast", "err", err)
		return
	}
	for c := range r.contacts() {
		if c.hasFrom() && !c.Site {
			s.server.showPresence(ctx, s.full, c.JID, raw)
		}
	}
	for _, a := range s.server.followers.shownTo(s.user, s.bare) {
		s.server.showPresenceTo(ctx, s.full, a, raw)
	}
	s.server.toWatchers(ctx, s.full, raw)
}

// showPresence delivers a client's presence to a contact's available resources,
// unless either blocks the other (XEP-0191 §3, S-52).
func (srv *Server) showPresence(ctx context.Context, from, contact string, raw []byte) {
	a, err := stanza.ParseAddress(contact)
	if err != nil || a.Domain != srv.domain {
		return
	}
	srv.showPresenceTo(ctx, from, srv.lookup(a.User), raw)
}

// showPresenceTo is showPresence for an account; nil: one that is not online.
func (srv *Server) showPresenceTo(ctx context.Context, from string, a *account, raw []byte) {
	sessions := a.available()
	if len(sessions) == 0 || srv.EitherBlocks(ctx, localpart(from), a.user) {
		return
	}
	for _, o := range sessions {
		if !srv.clientBlocked(ctx, from, o) {
			o.deliver(raw)
		}
	}
}

// receivePresences gives a newly available resource what it may see: its
// contacts, its account's other resources, and requests that wait for an answer
// (RFC 6121 §4.2.2, §3.1.3, S-38, S-40).
func (s *session) receivePresences(ctx context.Context) error {
	for _, o := range s.account.available() {
		if p, _ := o.available(); p != nil && o != s {
			s.deliver(p.Raw)
		}
	}
	r, err := s.server.rosterOf(ctx, s.user)
	if err != nil {
		return err
	}
	for c := range r.contacts() {
		s.receiveContact(ctx, c)
	}
	return nil
}

// receiveContact gives a newly available resource what there is of one contact, at
// the pace at which it reads. If the stream is gone, that is kept for the next
// (XEP-0198 §5), or lost with the session.
func (s *session) receiveContact(ctx context.Context, c Contact) {
	_ = s.Ready(ctx)
	if ctx.Err() != nil { // the client took longer than a stanza may
		var cancel context.CancelFunc
		ctx, cancel = s.server.Renewed(ctx)
		defer cancel()
	}
	if c.hasTo() && (c.Listed || !c.Site) {
		if a, err := stanza.ParseAddress(c.JID); err == nil {
			s.server.currentPresence(ctx, a.User, s)
		}
	}
	if c.Request != nil {
		s.deliver(c.Request)
	}
}

// currentPresence delivers the presence of each of user's resources to s.
func (srv *Server) currentPresence(ctx context.Context, user string, s *session) {
	sessions := srv.lookup(user).available()
	if len(sessions) == 0 || srv.EitherBlocks(ctx, user, s.user) {
		return
	}
	for _, o := range sessions {
		if p, _ := o.available(); p != nil && !srv.clientBlocked(ctx, o.full, s) {
			s.deliver(p.Raw)
		}
	}
}

// presenceTo sends the current presence of each of user's resources to a
// contact.
func (srv *Server) presenceTo(ctx context.Context, user, contact string) {
	for _, o := range srv.lookup(user).available() {
		if p, _ := o.available(); p != nil {
			srv.showPresence(ctx, o.full, contact, p.Raw)
		}
	}
}

// unavailableTo makes user's resources disappear from a contact's sight.
func (srv *Server) unavailableTo(_ context.Context, user, contact string) {
	a, err := stanza.ParseAddress(contact)
	if err != nil || a.Domain != srv.domain {
		return
	}
	for _, o := range srv.lookup(user).available() {
		raw := unavailable(o.full, contact)
		for _, t := range srv.lookup(a.User).available() {
			t.deliver(raw)
		}
	}
}

func unavailable(from, to string) []byte {
	dst := stanza.AppendAttr([]byte(`<presence xmlns="jabber:client" type="unavailable"`), "from", from)
	return append(stanza.AppendAttr(dst, "to", to), "/>"...)
}

// broadcastUnavailable handles the client's going unavailable; the session
// stays, and gets what is sent to its full JID (RFC 6121 §4.5.2, S-44).
func (s *session) broadcastUnavailable(ctx context.Context, p *stream.Element) {
	status := ""
	if c, ok := p.Find(stream.NSClient, "status"); ok {
		status = c.Text()
	}
	s.leave(ctx, p.Edit().Set("from", s.full).SetLang(s.lang()).Bytes(), status)
}

// goOffline makes a session that ended disappear, exactly once (S-42).
func (s *session) goOffline(ctx context.Context) { s.leave(ctx, unavailable(s.full, ""), "") }

func (s *session) leave(ctx context.Context, raw []byte, status string) {
	s.mu.Lock()
	was := s.presence != nil
	s.presence, s.priority, s.reachable = nil, 0, time.Time{}
	directed := s.directed
	s.directed = make(map[string]struct{})
	s.mu.Unlock()
	if was {
		if len(s.account.available()) == 0 {
			s.server.departures.note(s.user, departure{time.Now(), status})
		}
		s.toSubscribers(ctx, raw)
	}
	for _, w := range s.server.mounted.presence {
		w.Unavailable(s)
	}
	s.leaveServices(ctx, raw)
	for jid := range directed {
		// Those who saw it by subscription have been told already.
		if a, err := stanza.ParseAddress(jid); err == nil && !(was && s.server.broadcastsTo(ctx, s.user, a)) {
			s.server.deliverDirected(ctx, s.full, a, raw)
		}
	}
}

// broadcastsTo reports whether what user broadcasts goes to an account.
func (srv *Server) broadcastsTo(ctx context.Context, user string, to stanza.Address) bool {
	if srv.followers.shows(srv.lookup(to.User), user+"@"+srv.domain) {
		return true
	}
	r, err := srv.rosterOf(ctx, user)
	if err != nil {
		return false
	}
	e, ok := r.entry(to.Bare())
	c := e.contact()
	return ok && c.hasFrom() && !c.Site
}

// direct sends presence to one entity and remembers it (RFC 6121 §4.6, S-43).
func (s *session) direct(ctx context.Context, p *stream.Element, to stanza.Address) error {
	if to.User == "" {
		return nil // the server itself has no use for presence
	}
	jid := to.String()
	s.mu.Lock()
	if p.Type == "unavailable" {
		delete(s.directed, jid)
	} else if len(s.directed) >= maxDirected {
		s.mu.Unlock()
		return stanza.ErrResourceConstraint
	} else {
		s.directed[jid] = struct{}{}
	}
	s.mu.Unlock()
	own, err := s.stampDirected(ctx, p)
	if err != nil {
		return err
	}
	s.server.deliverDirected(ctx, s.full, to, own)
	return nil
}

func (s *session) stampDirected(ctx context.Context, p *stream.Element) ([]byte, error) {
	if p.Type == "unavailable" {
		return p.Edit().Set("from", s.full).SetLang(s.lang()).Bytes(), nil
	}
	own, err := s.stamp(ctx, p)
	if err != nil {
		return nil, err
	}
	return own.Raw, nil
}

// deliverDirected delivers to a full JID, or to all available resources of a
// bare one (RFC 6121 §8.5.2.1.2, §8.5.3.1).
func (srv *Server) deliverDirected(ctx context.Context, from string, to stanza.Address, raw []byte) {
	if user := localpart(from); user != to.User && srv.EitherBlocks(ctx, user, to.User) {
		return
	}
	sessions := srv.lookup(to.User).available()
	if to.Resource != "" {
		sessions = nil
		if o := srv.session(to); o != nil {
			sessions = []*session{o}
		}
	}
	for _, o := range sessions {
		if !srv.clientBlocked(ctx, from, o) {
			o.deliver(raw)
		}
	}
}

// probe answers a presence probe (RFC 6121 §4.3.2, S-41); client probes never
// cause errors.
func (s *session) probe(ctx context.Context, to stanza.Address) error {
	if to.User != s.user && !s.server.subscribedFrom(ctx, to.User, s.bare) {
		s.deliver(subscriptionBytes(to.Bare(), s.bare, "unsubscribed"))
		return nil
	}
	found := false
	for _, o := range s.server.lookup(to.User).available() {
		if p, _ := o.available(); p != nil && (to.Resource == "" || o.resource == to.Resource) && !s.server.EitherBlocks(ctx, to.User, s.user) && !s.server.clientBlocked(ctx, o.full, s) {
			s.deliver(p.Raw)
			found = true
		}
	}
	if !found {
		s.deliver(unavailable(to.Bare(), s.bare))
	}
	return nil
}

// AccountChanged tells the server of a new account, or that an account's name or
// picture changed.
func (srv *Server) AccountChanged(ctx context.Context, user string) {
	srv.vcards.forget(user)
	srv.rostersChanged(ctx, user)
	acc, err := srv.stores.Accounts.Account(ctx, user)
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			srv.log.Error("a changed picture was not announced", "user", user, "err", err)
		}
		return
	}
	for _, s := range srv.lookup(user).available() {
		s.announcePicture(ctx, acc.AvatarHash)
	}
	for _, w := range srv.mounted.profiles {
		w.ProfileChanged(ctx, acc)
	}
}

// announcePicture broadcasts the session's presence again if its hash changed.
func (s *session) announcePicture(ctx context.Context, hash string) {
	p, _ := s.available()
	if p == nil {
		return
	}
	if x, ok := p.Find(nsVCardUpdate, "x"); ok {
		if photo, ok := x.Find(nsVCardUpdate, "photo"); ok && photo.Text() == hash {
			return
		}
	}
	own, err := s.stampAgain(ctx, p)
	if err != nil {
		s.log.Error("a changed picture was not announced", "err", err)
		return
	}
	s.mu.Lock()
	if s.presence != p { // the client spoke meanwhile, with the new hash
		s.mu.Unlock()
		return
	}
	s.presence = own
	s.mu.Unlock()
	s.toSubscribers(ctx, own.Raw)
}

// AccountRemoved tells the server that an account is gone or blocked: its
// streams end and it leaves the rosters.
func (srv *Server) AccountRemoved(ctx context.Context, user string) {
	srv.vcards.forget(user)
	srv.End(stream.Scope{User: user}, &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"})
	srv.departures.forget(user)
	for _, svc := range srv.services {
		if w, ok := svc.(AccountWatcher); ok {
			w.AccountRemoved(ctx, user)
		}
	}
	srv.rostersChanged(ctx, user)
}

// rostersChanged brings the rosters on which user is, or now should be, up to date,
// and pushes what changed. Its cost is that of those rosters.
func (srv *Server) rostersChanged(ctx context.Context, user string) {
	srv.forgetRoster(user)
	jid := user + "@" + srv.domain
	concerned := srv.followers.concerned(user)
	mates, err := srv.stores.Roster.Mates(ctx, user)
	if err != nil {
		srv.log.Error("new contacts were not told of an account", "user", user, "err", err)
	}
	for _, m := range mates {
		if a := srv.lookup(m); a != nil && !slices.Contains(concerned, a) {
			concerned = append(concerned, a)
		}
	}
	for batch := range slices.Chunk(concerned, contactBatch) {
		if err := srv.contactsChanged(ctx, batch, jid); err != nil {
			srv.log.Error("rosters could not be refreshed", "contact", user, "err", err)
		}
	}
}

// contactBatch is how many rosters are brought up to date by one query.
const contactBatch = 500

// contactsChanged brings one entry of several rosters up to date: many people may
// be online, and rosters are long.
func (srv *Server) contactsChanged(ctx context.Context, accounts []*account, jid string) error {
	ctx, cancel := context.WithTimeout(ctx, srv.cfg.StoreTimeout)
	defer cancel()
	users := make([]string, len(accounts))
	changes := make([]uint64, len(accounts))
	before := make([]*roster, len(accounts))
	for i, a := range accounts {
		users[i] = a.user
		changes[i] = a.cached(func() { before[i] = a.roster })
	}
	now, err := srv.stores.Roster.ContactsOf(ctx, jid, users)
	for i, a := range accounts {
		if err != nil {
			a.forget()
			continue
		}
		c, found := now[a.user]
		if before[i] == nil { // whatever was known of it is out of date already
			if pushErr := srv.pushContact(ctx, a.user, jid); pushErr != nil {
				srv.log.Error("a roster could not be refreshed", "user", a.user, "err", pushErr)
			}
			continue
		}
		c.JID = jid
		srv.replaceContact(ctx, a, changes[i], before[i], c, found)
	}
	return err
}

// replaceContact puts one entry, as the store has it now, into a's roster.
func (srv *Server) replaceContact(ctx context.Context, a *account, changes uint64, old *roster, c Contact, found bool) {
	now := old.with(c, found)
	srv.replaceRoster(a, changes, now)
	before, _ := old.find(c.JID)
	if (before.Listed || c.Listed) && now.version() != old.version() {
		a.pushItem(now, c.JID)
	}
	if found && c.hasTo() && c.Listed && !(before.hasTo() && before.Listed) {
		for _, s := range a.available() {
			srv.currentPresence(ctx, localpart(c.JID), s)
		}
	}
}

// nowTalking puts two members who begin to talk on each other's rosters, where the
// site's rosters hold those whom a person talks with. It costs a query only then.
func (srv *Server) nowTalking(ctx context.Context, x, y string) {
	if !srv.cfg.Open || x == y {
		return
	}
	for _, pair := range [][2]string{{x, y}, {y, x}} {
		a, jid := srv.lookup(pair[0]), pair[1]+"@"+srv.domain
		if a == nil {
			continue
		}
		var r *roster
		a.cached(func() { r = a.roster })
		if r == nil || r.whole {
			continue
		}
		if _, known := r.entry(jid); known {
			continue
		}
		if err := srv.contactsChanged(ctx, []*account{a}, jid); err != nil {
			srv.log.Error("a new contact was not put on a roster", "user", a.user, "err", err)
		}
	}
}
