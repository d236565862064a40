package muc

import (
	"context"
	"crypto/subtle"
	"errors"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// joinRequest is what a client asks for that wants to enter.
type joinRequest struct {
	client   xmppd.Client
	presence *stream.Element
	nick     string
	key      string
	asked    string // the nickname as it was asked for
	password string
	history  historyRequest
	hats     []byte
}

// join lets a client into a room, which is made if there is none (XEP-0045 §7.2,
// §10.1), also under the name of one that was destroyed: of that nothing is kept
// (§10.9). Apps make rooms by joining, and whoever deletes one may make it again; a
// name that stays barred would be a list that those who make and delete rooms can
// make grow. The site's pages ask what is there before they join, and make
// none (static/js/chat/room/roomEnd.js).
func (s *Service) join(ctx context.Context, c xmppd.Client, p *stream.Element, to stanza.Address, x stream.Child) error {
	e := joinRequest{client: c, presence: p, asked: to.Resource}
	var err error
	if e.nick, e.key, err = prepareNick(to.Resource); err != nil {
		return err
	}
	if password, ok := x.Find(stanza.NSMUC, "password"); ok {
		e.password = password.Text()
	}
	if e.history, err = parseHistory(x); err != nil {
		return err
	}
	if e.hats, err = s.hatsOf(ctx, c.User()); err != nil {
		return err
	}
	if e.history.blocks, err = s.server.BlockedAt(ctx, c.User(), s.cfg.Domain); err != nil {
		return err
	}
	for {
		r, err := s.roomOrNew(ctx, to.User, c.User())
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if err = r.takeover(ctx, c.User()); err == nil {
			err = r.enter(ctx, e)
			s.followers.seen(c, r.name)
		}
		if err == nil {
			s.applyLaterBlocks(ctx, r, e)
		}
		if !errors.Is(err, errEnding) {
			r.endIfEmpty(ctx) // a new room that its creator could not enter
			return err
		}
		select {
		case <-r.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// roomOrNew returns the room, or a new one. Neither a room nor an error: try
// again.
func (s *Service) roomOrNew(ctx context.Context, name, user string) (*room, error) {
	r, err := s.room(ctx, name)
	if errors.Is(err, stanza.ErrItemNotFound) {
		return s.create(ctx, name, user)
	}
	return r, err
}

// prepareNick checks a nickname by the rule for all names, and returns it as it is
// used and as it is compared (XEP-0045 §17.1). One that is altered is told of with
// 210.
func prepareNick(nick string) (prepared, key string, err error) {
	if nick == "" {
		return "", "", errNoNick // §7.2.1
	}
	if prepared, err = names.Prepare(nick); err != nil {
		return "", "", nickRefused(err)
	}
	key, err = names.Key(prepared)
	return prepared, key, err
}

// enter lets a client in, and shows it around: everybody's presence, its own, the
// history, the subject; what happens meanwhile comes after that (§7.1, S-77).
func (r *room) enter(ctx context.Context, e joinRequest) error {
	if err := e.client.Ready(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	m, err := r.admitLocked(e)
	if err != nil {
		r.mu.Unlock()
		return err
	}
	history := e.history.wanted() && r.settings.Archive && r.state == open
	if m.buffering = m.buffering || history; m.buffering {
		cut := r.queue.last
		r.mu.Unlock()
		r.sendOccupants(ctx, m)
		if history {
			r.archive.giveHistory(ctx, m, e.history, cut)
		}
		r.mu.Lock()
	}
	defer r.mu.Unlock()
	if r.occupants.memberLocked(e.client) == m {
		m.client.Deliver(r.subjectForLocked(m))
		m.releaseHeldLocked()
	}
	return nil
}

// sendOccupants shows a member the occupants, as long as not all have been shown, at the
// pace at which the client reads. If its stream is gone, that is kept for the next
// one, or lost with the session.
func (r *room) sendOccupants(ctx context.Context, m *member) {
	for more := true; more; {
		_ = m.client.Ready(ctx)
		r.mu.Lock()
		for size := 0; len(m.occupantsToSend) > 0 && size < burst; m.occupantsToSend = m.occupantsToSend[1:] {
			m.client.Deliver(m.occupantsToSend[0])
			size += len(m.occupantsToSend[0])
		}
		more = len(m.occupantsToSend) > 0
		r.mu.Unlock()
	}
}

// releaseHeldLocked sends what had to wait for the occupants and the history.
func (m *member) releaseHeldLocked() {
	m.buffering = false
	for _, raw := range m.occupantsToSend {
		m.client.Deliver(raw)
	}
	for _, raw := range m.buffered {
		m.client.Deliver(raw)
	}
	m.occupantsToSend, m.buffered = nil, nil
}

// goneLocked stops holding back stanzas for a member that has left, who need not see
// any more who is in the room.
func (m *member) goneLocked() {
	m.occupantsToSend = nil
	m.releaseHeldLocked()
}

// admitLocked checks everything that may keep a client out, takes it in, and shows the
// occupants to it and it to them. A client that is in already, and asks again, also under
// another nickname, sees everything again (§7.2.1, §17.3, S-80).
func (r *room) admitLocked(e joinRequest) (*member, error) {
	m := r.occupants.memberLocked(e.client)
	renamed := m != nil && m.occupant.nick != e.nick
	if renamed {
		if err := r.renameLocked(m, e.presence, e.asked); err != nil {
			return nil, err
		}
	}
	created := r.state == locked && len(r.occupants.members) == 0
	if m == nil {
		if err := r.mayJoinLocked(e); err != nil {
			return nil, err
		}
		if !r.svc.joined.add(e.client, r, r.svc.cfg.RoomsPerSession) {
			return nil, errTooManyJoined
		}
		m = r.seatLocked(e)
	}
	m.presence = e.presence
	o := m.occupant
	o.hats = e.hats
	o.showLocked(m)
	m.buffering = r.occupants.presenceSizeLocked() > burst
	m.collectingOccupants = m.buffering
	for _, other := range r.occupants.byNick {
		if other != o {
			m.showLocked(other, nil)
		}
	}
	for _, other := range r.occupants.members {
		if other != m && !renamed { // else they were told
			other.showLocked(o, appendCodes(nil, codeSelf))
		}
	}
	m.showLocked(o, appendCodes(nil, r.joinCodesLocked(e, o, created)...))
	m.collectingOccupants = false
	return m, nil
}

// burst is how many bytes are sent at once to a client that is ready.
const burst = 512 << 10

// mayJoinLocked applies §7.2.5 to §7.2.9, with each error as clients expect it (S-79).
func (r *room) mayJoinLocked(e joinRequest) error {
	user := e.client.User()
	switch {
	case r.state == ending:
		return errEnding
	case r.state == locked && user != r.creator:
		return errNotSetUp // §10.1.1
	}
	if err := r.mayEnterLocked(user); err != nil {
		return err
	}
	if !r.hasPasswordLocked(e) {
		return errNotAuthorized
	}
	o := r.occupants.byNick[e.key]
	if o != nil && o.user == user {
		return nil // another client under the same nickname
	}
	if o != nil || r.affiliations.reservedForOtherLocked(e.key, user) {
		return errNickTaken
	}
	if a := r.affiliations.ofLocked(user); len(r.occupants.byNick) >= r.settings.MaxOccupants && a != Owner && a != Admin || len(r.occupants.members) >= 2*r.svc.cfg.Occupants {
		return errFull
	}
	return nil
}

// hasPasswordLocked reports whether somebody has the password, if one is needed. Owners need
// not type it: they choose it (§10.2).
func (r *room) hasPasswordLocked(e joinRequest) bool {
	return r.settings.Password == "" || r.affiliations.ofLocked(e.client.User()) == Owner ||
		subtle.ConstantTimeCompare([]byte(r.settings.Password), []byte(e.password)) == 1
}

// seatLocked makes a place for a client, and an occupant unless there is one.
func (r *room) seatLocked(e joinRequest) *member {
	o := r.occupants.byNick[e.key]
	if o == nil {
		bare := e.client.Bare()
		user := e.client.User()
		o = &occupant{
			room: r, nick: e.nick, key: e.key, jid: r.jid + "/" + e.nick, user: user, bare: bare,
			id: r.occupantIDOf(bare), role: r.defaultRoleLocked(r.affiliations.ofLocked(user)),
		}
		r.occupants.byNick[e.key] = o
	}
	m := &member{client: e.client, occupant: o, to: stanza.AppendAttr(nil, "to", e.client.JID()), blocks: e.history.blocks}
	r.occupants.addLocked(m)
	return m
}

// joinCodesLocked are the codes of the presence that tells a client that it is in
// (§7.2.2, §7.2.3, §7.2.12, §10.1.1, S-78). The nickname is not quite what was asked for
// when it was prepared, or when another client of the person is there under one that is
// compared as the same, such as "anna" for "Anna".
func (r *room) joinCodesLocked(e joinRequest, o *occupant, created bool) []string {
	codes := []string{codeSelf}
	if r.settings.NonAnonymous {
		codes = append(codes, codeNonAnonymous)
	}
	if r.settings.Archive {
		codes = append(codes, codeArchived)
	}
	if created {
		codes = append(codes, codeCreated)
	}
	if o.nick != e.asked {
		codes = append(codes, codeNickAltered)
	}
	return codes
}
