package muc

import (
	"context"
	"errors"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Invitations that go through the room (XEP-0045 §7.8.2, S-90). Those that people
// send each other directly (XEP-0249) are no matter of the room.

// maxInvitees is the maximum number of people in one invitation.
const maxInvitees = 50

// invitation handles a message that invites, or declines.
func (r *room) invitation(ctx context.Context, c xmppd.Client, x stream.Child) error {
	var invites []stream.Child
	for el := range x.Children() {
		switch el.Name {
		case stream.Name{Space: stanza.NSMUCUser, Local: "invite"}:
			invites = append(invites, el)
		case stream.Name{Space: stanza.NSMUCUser, Local: "decline"}:
			return r.decline(ctx, c, el)
		}
	}
	if len(invites) == 0 || len(invites) > maxInvitees {
		return stanza.ErrBadRequest
	}
	for _, el := range invites {
		if err := r.invite(ctx, c, el); err != nil {
			return err
		}
	}
	return nil
}

// invite sends one invitation on, in the room's name.
func (r *room) invite(ctx context.Context, c xmppd.Client, el stream.Child) error {
	to, reason, err := r.svc.invited(el, "to")
	if err != nil {
		return err
	}
	return r.inviteOne(ctx, func() error { return r.mayInviteLocked(c) }, c.JID(), to, reason, continuedBy(el))
}

// Invite invites an account into a room, on behalf of somebody who belongs to it
// and need not be there. Errors: a *stanza.Error for what is not allowed, or
// for a room or an account that is not there; else the store's.
func (s *Service) Invite(ctx context.Context, name, inviter, invitee string) error {
	name, err := s.prepareName(name)
	if err != nil {
		return err
	}
	to := stanza.Address{User: invitee, Domain: s.server.Domain()}
	from := stanza.Address{User: inviter, Domain: s.server.Domain()}
	return s.withRoom(ctx, name, func(r *room) error {
		return r.inviteOne(ctx, func() error { return r.mayInviteAsLocked(inviter) }, from.Bare(), to, "", continued{})
	})
}

// inviteOne invites somebody if may, which is called with the lock held, returns no
// error. Where only members may enter, the person invited becomes one (§7.8.2).
func (r *room) inviteOne(ctx context.Context, may func() error, from string, to stanza.Address, reason string, chat continued) error {
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.mu.Lock()
	if err = may(); r.state == ending {
		err = errEnding
	}
	before := r.affiliations.ofLocked(to.User)
	admit := r.settings.MembersOnly && before == None
	password, nick := r.settings.Password, r.affiliations.byUser[to.User].Nick
	r.mu.Unlock()
	switch {
	case err != nil:
		return err
	case before == Outcast:
		return stanza.ErrForbidden
	}
	for _, by := range []string{from, r.jid} { // the room is who would write
		if blocked, err := r.svc.server.Blocks(ctx, to.User, by); err != nil || blocked {
			return err // and so makes no member
		}
	}
	if admit {
		e := Affiliated{User: to.User, Affiliation: Member, Nick: nick}
		if err := r.affiliate(ctx, []Affiliated{e}); err != nil {
			return err
		}
		r.mu.Lock()
		r.changeAffiliationLocked(e)
		r.affiliationChangedLocked(e, before, departure{})
		r.mu.Unlock()
	}
	err = r.sendInvite(ctx, from, to, reason, password, chat)
	if errors.Is(err, stanza.ErrServiceUnavailable) {
		return errUnknownAccount
	}
	return err
}

// mayInviteLocked: occupants, but where only members may enter just those whom the room
// lets (§7.8.2, §9.3).
func (r *room) mayInviteLocked(c xmppd.Client) error {
	m := r.occupants.memberLocked(c)
	if m == nil {
		return errNotOccupant
	}
	if r.state != open {
		return stanza.ErrForbidden
	}
	return r.mayInviteAsLocked(c.User())
}

// mayInviteAsLocked reports whether an account may invite, wherever it is.
func (r *room) mayInviteAsLocked(user string) error {
	a := r.affiliations.ofLocked(user)
	switch {
	case a.rank() >= Admin.rank():
		return nil
	case r.state != open, a == Outcast, r.settings.MembersOnly && (a != Member || !r.settings.Invites), !r.knowsPasswordLocked(user):
		return stanza.ErrForbidden
	}
	return nil
}

// invited reads whom a message is about.
func (s *Service) invited(el stream.Child, attr string) (stanza.Address, string, error) {
	jid, _ := el.Attr(attr)
	to, err := stanza.ParseAddress(jid)
	if err != nil {
		return to, "", err
	}
	if to.User == "" || !s.ours(to) {
		return to, "", errUnknownAccount
	}
	reason, err := reasonIn(el, stanza.NSMUCUser)
	return to, reason, err
}

// sendInvite sends an invitation from the room. Clients that know direct
// invitations only find one in it too.
func (r *room) sendInvite(ctx context.Context, from string, to stanza.Address, reason, password string, chat continued) error {
	dst := append(stanza.AppendAttr([]byte(`<x xmlns="`+stanza.NSMUCUser+`"><invite`), "from", from), '>')
	dst = append(append(append(dst, itemReason("", reason)...), chat.element()...), `</invite>`...)
	if password != "" {
		dst = append(append(append(dst, `<password>`...), stream.Escape(password)...), `</password>`...)
	}
	dst = stanza.AppendAttr(append(dst, `</x><x xmlns="`+stanza.NSConference+`"`...), "jid", r.jid)
	dst = stanza.AppendAttr(stanza.AppendAttr(dst, "password", password), "reason", reason)
	dst = chat.appendAttrs(dst)
	r.svc.invitations.add(invitation{room: r.name, inviter: userOf(from), invitee: to.User}, time.Now())
	return r.writeFor(ctx, from, to, append(dst, "/>"...))
}

// decline tells somebody that their invitation was declined (§7.8.2). It takes an
// invitation: a room writes to nobody for a stranger, and once for each.
func (r *room) decline(ctx context.Context, c xmppd.Client, el stream.Child) error {
	to, reason, err := r.svc.invited(el, "to")
	if err != nil {
		return err
	}
	r.mu.Lock()
	banned := r.affiliations.ofLocked(c.User()) == Outcast
	r.mu.Unlock()
	if !r.svc.invitations.take(invitation{room: r.name, inviter: to.User, invitee: c.User()}, time.Now()) || banned {
		return errNotInvited
	}
	dst := stanza.AppendAttr([]byte(`<x xmlns="`+stanza.NSMUCUser+`"><decline`), "from", c.Bare())
	dst = append(append(append(dst, '>'), itemReason("", reason)...), `</decline></x>`...)
	return r.writeFor(ctx, c.JID(), to, dst)
}

// writeFor sends a message of the room to an account on somebody's behalf. Those
// who block that person get nothing, and that is no error: a room is no way around
// a block (XEP-0191 §3). The server sees to those who block the room.
func (r *room) writeFor(ctx context.Context, behalf string, to stanza.Address, payload []byte) error {
	if blocked, err := r.svc.server.Blocks(ctx, to.User, behalf); err != nil || blocked {
		return err
	}
	raw := stanza.AppendAttr(stanza.AppendAttr([]byte(`<message xmlns="jabber:client"`), "from", r.jid), "to", to.Bare())
	raw = append(append(append(raw, '>'), payload...), "</message>"...)
	el, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	if err != nil {
		return err
	}
	return r.svc.server.Send(ctx, el)
}

// inviteNewMembers tells people that a members-only room is open to them now
// (§9.3). That they learn of it later, or never, is no failure of the change.
func (r *room) inviteNewMembers(ctx context.Context, c xmppd.Client, entries []Affiliated) {
	r.mu.Lock()
	var to []stanza.Address
	for _, e := range entries {
		if r.settings.MembersOnly && r.state == open && e.Affiliation == Member && len(r.occupants.ofUserLocked(e.User)) == 0 {
			to = append(to, stanza.Address{User: e.User, Domain: r.svc.server.Domain()})
		}
	}
	r.mu.Unlock()
	for _, a := range to {
		err := r.sendInvite(ctx, c.JID(), a, "", "", continued{})
		var refused *stanza.Error
		if err != nil && !errors.As(err, &refused) {
			r.svc.log.Error("a new member was not told", "room", r.jid, "err", err)
		}
	}
}
