package muc

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"

	"github.com/google/uuid"
)

// Who is what in a room: voice, kick, ban, membership, administrators, owners
// (XEP-0045 §8, §9, §10.3 to §10.8, S-87, S-88).

// maxListChanges is the maximum number of changes in one request, and maxReason the
// maximum length of a reason in bytes, as it is written in XML.
const (
	maxListChanges = 100
	maxReason      = 1000
)

// change is one item of a request: a role for a nickname, or an affiliation for
// an account.
type change struct {
	nick        string
	user        string
	role        Role
	affiliation Affiliation
	reason      string
	newNick     *string // reserved with a membership (§9.3); empty: none is any more (§9.5); nil: nothing is said of it
}

// parseChanges reads the items. One that names both a role and an affiliation,
// or neither, is refused (S-88).
func (r *room) parseChanges(query stream.Child) ([]change, error) {
	var out []change
	for it := range query.Children() {
		if it.Name != (stream.Name{Space: nsAdmin, Local: "item"}) {
			continue
		}
		c, err := r.parseChange(it)
		if err != nil {
			return nil, err
		}
		if out = append(out, c); len(out) > maxListChanges {
			return nil, stanza.ErrResourceConstraint
		}
	}
	if len(out) == 0 {
		return nil, stanza.ErrBadRequest
	}
	return out, nil
}

func (r *room) parseChange(it stream.Child) (change, error) {
	var c change
	role, hasRole := it.Attr("role")
	affiliation, hasAffiliation := it.Attr("affiliation")
	if hasRole == hasAffiliation {
		return c, stanza.ErrBadRequest
	}
	var err error
	if c.reason, err = reasonIn(it, nsAdmin); err != nil {
		return c, err
	}
	nick, hasNick := it.Attr("nick")
	if hasRole {
		c.role, c.nick = Role(role), nick
		if !hasNick || !slices.Contains([]Role{RoleModerator, RoleParticipant, RoleVisitor, RoleNone}, c.role) {
			return c, stanza.ErrBadRequest
		}
		return c, nil
	}
	c.affiliation = Affiliation(affiliation)
	if !slices.Contains([]Affiliation{Owner, Admin, Member, None, Outcast}, c.affiliation) {
		return c, stanza.ErrBadRequest
	}
	jid, hasJID := it.Attr("jid")
	if !hasJID {
		return r.changeByNick(c, nick)
	}
	a, err := stanza.ParseAddress(jid)
	if err != nil {
		return c, err
	}
	if a.User == "" || !r.svc.ours(a) {
		return c, errUnknownAccount
	}
	c.user = a.User
	if hasNick {
		c.newNick = &nick
	}
	return c, nil
}

// reasonIn returns the reason in an element, which is in the namespace; empty: there is none.
func reasonIn(el stream.Child, space string) (string, error) {
	reason, ok := el.Find(space, "reason")
	if !ok {
		return "", nil
	}
	text := reason.Text()
	if len(text) > maxReason || len(stream.Escape(text)) > maxReason {
		return "", errTooLarge
	}
	return text, nil
}

// changeByNick: some clients name whom they ban by nickname only.
func (r *room) changeByNick(c change, nick string) (change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.occupants.findLocked(nick)
	if o == nil {
		return c, stanza.ErrItemNotFound
	}
	c.user = o.user
	return c, nil
}

// ours reports whether an address is an account's of this server: rooms live
// below the server's domain.
func (s *Service) ours(a stanza.Address) bool { return a.Domain == s.server.Domain() }

// handleListSet changes roles or affiliations, all of them or none.
func handleListSet(ctx context.Context, r *room, c xmppd.Client, query stream.Child) ([]byte, error) {
	changes, err := r.parseChanges(query)
	if err != nil {
		return nil, err
	}
	if changes[0].role != "" {
		return nil, r.changeRoles(ctx, c, changes)
	}
	return nil, r.changeAffiliations(ctx, c, changes)
}

// changeRoles changes what occupants may do while they are here (§8.2 to §8.5,
// §9.6 to §9.8).
func (r *room) changeRoles(ctx context.Context, c xmppd.Client, changes []change) error {
	r.mu.Lock()
	actor, err := r.moderatorLocked(c)
	for i := 0; err == nil && i < len(changes); i++ {
		err = r.mayChangeRoleLocked(actor, changes[i])
	}
	if err == nil {
		for _, ch := range changes {
			r.setRoleLocked(actor, ch)
		}
	}
	r.mu.Unlock()
	r.endIfEmpty(ctx)
	return err
}

// moderatorLocked returns the occupant that a client is, if it is one.
func (r *room) moderatorLocked(c xmppd.Client) (*occupant, error) {
	m := r.occupants.memberLocked(c)
	if m == nil {
		return nil, errNotHere
	}
	if m.occupant.role != RoleModerator {
		return nil, stanza.ErrForbidden
	}
	return m.occupant, nil
}

// mayChangeRoleLocked: moderators kick, and give and take voice; only administrators make
// and unmake moderators; nobody kicks those above them, and the role that comes
// with an affiliation cannot be taken (§8.2, §8.4, §9.6, §9.7, S-87).
func (r *room) mayChangeRoleLocked(actor *occupant, ch change) error {
	if ch.affiliation != "" {
		return stanza.ErrBadRequest
	}
	o := r.occupants.findLocked(ch.nick)
	if o == nil {
		return stanza.ErrItemNotFound
	}
	mine, theirs := r.affiliations.ofLocked(actor.user).rank(), r.affiliations.ofLocked(o.user).rank()
	switch {
	case ch.role == o.role:
		return nil
	case ch.role == RoleNone && theirs <= mine:
		return nil
	case ch.role == RoleNone, theirs >= Admin.rank(), ch.role == RoleVisitor && theirs > mine:
		return stanza.ErrNotAllowed
	case (ch.role == RoleModerator || o.role == RoleModerator) && mine < Admin.rank():
		return stanza.ErrForbidden
	}
	return nil
}

func (r *room) setRoleLocked(actor *occupant, ch change) {
	o := r.occupants.findLocked(ch.nick)
	if o == nil || o.role == ch.role {
		return
	}
	if ch.role == RoleNone {
		o.role = RoleNone
		r.expelLocked(o, departure{codes: []string{codeKicked}, inside: itemReason(actor.nick, ch.reason)})
		return
	}
	r.giveRoleLocked(o, ch.role)
}

// giveRoleLocked changes a role and shows it. A new moderator is shown everybody again:
// with real addresses now (§7.2.4, S-88), which it takes to ban somebody.
func (r *room) giveRoleLocked(o *occupant, role Role) {
	before := o.seesAddressesLocked()
	o.role = role
	o.describeLocked()
	if !before && o.seesAddressesLocked() {
		for _, m := range o.all {
			r.showOthersLocked(m)
		}
	}
	r.occupants.announceLocked(o)
}

// showOthersLocked shows a member all other occupants, at the pace at which its client reads if
// they are many; what happens meanwhile comes after that.
func (r *room) showOthersLocked(m *member) {
	paced := !m.buffering && r.occupants.presenceSizeLocked() > burst // one that is entering is shown them in turn anyway
	if paced {
		m.buffering, m.collectingOccupants = true, true
	}
	for _, other := range r.occupants.byNick {
		if other != m.occupant {
			m.showLocked(other, nil)
		}
	}
	if !paced {
		return
	}
	m.collectingOccupants = false
	go func() {
		r.sendOccupants(context.Background(), m) // it ends with the client's stream, at the latest
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.occupants.memberLocked(m.client) == m {
			m.releaseHeldLocked()
		}
	}()
}

// itemReason is the inside of an item: who did it, and why (§8.2).
func itemReason(actor, reason string) []byte {
	var dst []byte
	if actor != "" {
		dst = append(stanza.AppendAttr([]byte("<actor"), "nick", actor), "/>"...)
	}
	if reason != "" {
		dst = append(append(append(dst, "<reason>"...), stream.Escape(reason)...), "</reason>"...)
	}
	return dst
}

// changeAffiliations changes lasting relations: first in the store, then in the
// room.
func (r *room) changeAffiliations(ctx context.Context, c xmppd.Client, changes []change) error {
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.mu.Lock()
	entries, err := r.newEntriesLocked(c.User(), changes)
	stored := r.state == open
	switch {
	case r.state == ending:
		err = errEnding
	case err == nil && !stored && r.affiliations.lenAfterLocked(entries) > r.svc.cfg.Affiliations: // the store counts the others
		err = errTooManyListed
	}
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if stored {
		if err := r.affiliate(ctx, entries); err != nil {
			return err
		}
	}
	r.mu.Lock()
	actor := ""
	if m := r.occupants.memberLocked(c); m != nil {
		actor = m.occupant.nick
	}
	for i, e := range entries {
		before := r.affiliations.ofLocked(e.User)
		r.changeAffiliationLocked(e)
		r.affiliationChangedLocked(e, before, departure{inside: itemReason(actor, changes[i].reason)})
	}
	r.mu.Unlock()
	r.inviteNewMembers(ctx, c, entries)
	r.endIfStillEmpty(ctx)
	return nil
}

// affiliate stores entries.
func (r *room) affiliate(ctx context.Context, entries []Affiliated) error {
	err := r.svc.store.Affiliate(ctx, r.name, r.svc.cfg.Affiliations, entries)
	switch {
	case errors.Is(err, ErrNoAccount):
		return errUnknownAccount
	case errors.Is(err, ErrTooMany):
		return errTooManyListed
	case errors.Is(err, ErrNotFound):
		return stanza.ErrItemNotFound
	}
	return err
}

// newEntriesLocked checks every change and returns the entries as they will be.
func (r *room) newEntriesLocked(user string, changes []change) ([]Affiliated, error) {
	mine := r.affiliations.ofLocked(user)
	if mine.rank() < Admin.rank() {
		return nil, stanza.ErrForbidden
	}
	after := make(map[string]Affiliation)
	out := make([]Affiliated, 0, len(changes))
	for _, ch := range changes {
		if ch.role != "" {
			return nil, stanza.ErrBadRequest
		}
		e := r.affiliations.byUser[ch.user]
		if e.Affiliation == "" {
			e.Affiliation = None
		}
		if err := mayAffiliate(user, mine, ch, e.Affiliation); err != nil {
			return nil, err
		}
		e.User, e.Affiliation, e.Reason = ch.user, ch.affiliation, ch.reason
		if err := reserveNick(&e, ch); err != nil {
			return nil, err
		}
		out, after[ch.user] = append(out, e), ch.affiliation
	}
	if r.affiliations.reservedTwiceLocked(out) {
		return nil, errNickTaken
	}
	if !r.affiliations.ownedAfterLocked(after) {
		return nil, errNoLastOwnerLeft // §10.6
	}
	return out, nil
}

// mayAffiliate: administrators rule over members, owners over all; nobody bans
// themselves (§9.1, §10, S-87).
func mayAffiliate(user string, mine Affiliation, ch change, before Affiliation) error {
	switch {
	case ch.affiliation == Outcast && ch.user == user:
		return errSelfBan
	case mine == Owner:
		return nil
	case before.rank() >= Admin.rank() && ch.affiliation == Outcast:
		return stanza.ErrNotAllowed // §9.1
	case before.rank() >= Admin.rank() || ch.affiliation.rank() >= Admin.rank():
		return stanza.ErrForbidden // §10.3, §10.4, §10.6, §10.7
	}
	return nil
}

// affiliationChangedLocked shows what a new affiliation does. Those who are here may be
// put out, else their role changes with it (§9.1, §9.4, §10.3); of those who are not,
// everybody is told who may see addresses (§9.3).
func (r *room) affiliationChangedLocked(e Affiliated, before Affiliation, d departure) {
	if e.Affiliation == before {
		return
	}
	occupants := r.occupants.ofUserLocked(e.User)
	if len(occupants) == 0 {
		r.noticeAffiliationLocked(e)
	}
	for _, o := range occupants {
		switch {
		case e.Affiliation == Outcast:
			d.codes = []string{codeBanned}
			r.expelLocked(o, d)
		case e.Affiliation == None && r.settings.MembersOnly:
			d.codes = []string{codeAffiliation}
			r.expelLocked(o, d)
		default:
			r.giveRoleLocked(o, r.defaultRoleLocked(e.Affiliation))
		}
	}
}

// noticeAffiliationLocked tells those who may see addresses of somebody who is not here
// (§9.3).
func (r *room) noticeAffiliationLocked(e Affiliated) {
	rest := stanza.AppendAttr([]byte(` xmlns="jabber:client"`), "from", r.jid)
	rest = append(stanza.AppendAttr(rest, "id", uuid.NewString()), '>')
	rest = item(rest, e.Affiliation, RoleNone, e.User+"@"+r.svc.server.Domain(), e.Nick)
	rest = append(rest, "</x></message>"...)
	for _, m := range r.occupants.members {
		if m.occupant.seesAddressesLocked() {
			m.deliverLocked("<message", rest)
		}
	}
}
