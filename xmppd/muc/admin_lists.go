package muc

import (
	"context"
	"slices"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// The lists of a room: who has an affiliation, who has a role (XEP-0045 §8.5, §9.2,
// §9.5, §10.5).

// fullList is how long a list is, in bytes, when what may be left out of the rest is: reasons,
// nicknames that are kept, addresses beside nicknames. What is left is bounded by the number of
// people, and a client's queue takes it.
const fullList = 1 << 20

// handleListGet answers with the people of one affiliation or role (§8.5, §9.2,
// §9.5, §10.5). Converse asks for members, administrators and owners on entering.
func handleListGet(_ context.Context, r *room, c xmppd.Client, query stream.Child) ([]byte, error) {
	it, ok := query.Find(nsAdmin, "item")
	if !ok {
		return nil, stanza.ErrBadRequest
	}
	role, hasRole := it.Attr("role")
	affiliation, hasAffiliation := it.Attr("affiliation")
	if hasRole == hasAffiliation {
		return nil, stanza.ErrBadRequest
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	dst := []byte(`<query xmlns="` + nsAdmin + `">`)
	if hasRole {
		if !slices.Contains([]Role{RoleModerator, RoleParticipant, RoleVisitor}, Role(role)) {
			return nil, stanza.ErrBadRequest // nobody here has the role none (§5.1)
		}
		if _, err := r.moderatorLocked(c); err != nil {
			return nil, err
		}
		return append(r.roleListLocked(dst, Role(role)), `</query>`...), nil
	}
	if err := r.mayListLocked(c, Affiliation(affiliation)); err != nil {
		return nil, err
	}
	return append(r.affiliations.appendListLocked(dst, Affiliation(affiliation), r.svc.server.Domain()), `</query>`...), nil
}

// mayListLocked: administrators see who is a member and who is banned, owners every list;
// where addresses are public, members and occupants see who belongs to the room, too (§5.2.1,
// §9.2, §9.5, §10.5, §10.8).
func (r *room) mayListLocked(c xmppd.Client, a Affiliation) error {
	if !slices.Contains([]Affiliation{Owner, Admin, Member, Outcast}, a) {
		return stanza.ErrBadRequest
	}
	mine := r.affiliations.ofLocked(c.User())
	switch {
	case mine == Owner, mine == Admin && (a == Member || a == Outcast):
		return nil
	case r.settings.NonAnonymous && a != Outcast && (mine == Admin || mine == Member || r.occupants.memberLocked(c) != nil):
		return nil
	}
	return stanza.ErrForbidden
}

func (r *room) roleListLocked(dst []byte, role Role) []byte {
	var found []*occupant
	for _, o := range r.occupants.byNick {
		if o.role == role {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(x, y *occupant) int { return strings.Compare(x.nick, y.nick) })
	for _, o := range found {
		dst = stanza.AppendAttr(append(dst, "<item"...), "affiliation", string(r.affiliations.ofLocked(o.user)))
		dst = stanza.AppendAttr(stanza.AppendAttr(dst, "role", string(role)), "nick", o.nick)
		if len(dst) < fullList {
			dst = stanza.AppendAttr(dst, "jid", o.presenceMember.client.JID())
		}
		dst = append(dst, "/>"...)
	}
	return dst
}
