package muc

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// What ends a presence after its muc#user element was left open.
var endOfPresence = []byte("</x></presence>")

// Status codes (XEP-0045 §15.6).
const (
	codeNonAnonymous  = "100"
	codeSelf          = "110"
	codeConfigured    = "104"
	codeArchived      = "170"
	codeNotArchived   = "171"
	codeNowNonAnon    = "172"
	codeNowSemiAnon   = "173"
	codeCreated       = "201"
	codeNickAltered   = "210"
	codeBanned        = "301"
	codeNickChanged   = "303"
	codeKicked        = "307"
	codeAffiliation   = "321"
	codeNowMembers    = "322"
	codeShutdown      = "332"
	codeTechnicalFail = "333"
)

func appendCodes(dst []byte, codes ...string) []byte {
	for _, c := range codes {
		dst = append(append(append(dst, `<status code="`...), c...), `"/>`...)
	}
	return dst
}

// handlePresence handles presence to a room: entering, leaving, and whatever an
// occupant shows (XEP-0045 §7).
func (s *Service) handlePresence(ctx context.Context, c xmppd.Client, p *stream.Element, to stanza.Address) error {
	switch p.Type {
	case "":
		return s.available(ctx, c, p, to)
	case "unavailable":
		if r := s.inMemory(to.User); r != nil {
			r.leave(ctx, c, p)
		}
		return nil
	case "error":
		return s.bounced(ctx, c, p, to)
	case "probe":
		return nil
	}
	return stanza.ErrBadRequest
}

// available handles presence that has no type. Only with muc's x does it mean to
// enter (§7.2.1); from somebody who is not in the room, but thinks so, it is
// answered as if it had been removed (§7.2.18, S-80).
func (s *Service) available(ctx context.Context, c xmppd.Client, p *stream.Element, to stanza.Address) error {
	x, wants := p.Find(stanza.NSMUC, "x")
	if r := s.inMemory(to.User); r != nil && !wants {
		if there, err := r.update(c, p, to.Resource); there {
			return err
		}
	}
	if !wants {
		from := stanza.AppendAttr([]byte(`<presence xmlns="jabber:client" type="unavailable"`), "from", to.String())
		dst := append(stanza.AppendAttr(from, "to", c.JID()), '>')
		dst = appendCodes(item(dst, None, RoleNone, "", ""), codeSelf, codeKicked, codeTechnicalFail)
		c.Deliver(append(dst, endOfPresence...))
		return nil
	}
	return asJoinError(s.join(ctx, c, p, to, x))
}

// inMemory returns a room that is loaded, or nil.
func (s *Service) inMemory(name string) *room {
	s.mu.Lock()
	r := s.rooms[name]
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	select {
	case <-r.loaded:
		return r
	default: // nobody is in it yet
		return nil
	}
}

// update shows an occupant's new presence to everybody (§7.7), or changes the
// nickname (§7.6). It reports false for somebody who is not there.
func (r *room) update(c xmppd.Client, p *stream.Element, nick string) (there bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.occupants.memberLocked(c)
	if m == nil {
		return false, nil
	}
	if nick == "" {
		return true, errNoNick
	}
	if nick != m.occupant.nick {
		return true, r.renameLocked(m, p, nick)
	}
	m.presence = p
	m.occupant.showLocked(m)
	r.occupants.announceLocked(m.occupant)
	return true, nil
}

// showLocked shows one occupant to this client; own are the codes for its own clients.
func (m *member) showLocked(o *occupant, own []byte) {
	switch {
	case m.hidesLocked(o):
	case m.occupant == o:
		m.deliverLocked("<presence", o.head, o.itemJID, own, endOfPresence)
	case m.occupant.seesAddressesLocked():
		m.deliverLocked("<presence", o.head, o.itemJID, endOfPresence)
	default:
		m.deliverLocked("<presence", o.head, o.item, endOfPresence)
	}
}

// departure is what is said of an occupant that goes.
type departure struct {
	status []byte // the client's own words, as elements
	codes  []string
	nick   string // the new one, with 303
	inside []byte // within the item: actor and reason
	after  []byte // behind the item: where to go instead
}

// unavailableLocked is the presence of an occupant that goes: behind its name, up to
// the codes; with the real address, or without.
func (o *occupant) unavailableLocked(d departure, jid string) []byte {
	dst := stanza.AppendAttr([]byte(` xmlns="jabber:client" type="unavailable"`), "from", o.jid)
	dst = append(append(append(dst, '>'), d.status...), occupantID(o.id)...)
	role := RoleNone
	if d.nick != "" {
		role = o.role
	}
	dst = append(dst, `<x xmlns="`+stanza.NSMUCUser+`"><item`...)
	dst = stanza.AppendAttr(dst, "affiliation", string(o.room.affiliations.ofLocked(o.user)))
	dst = stanza.AppendAttr(dst, "role", string(role))
	dst = stanza.AppendAttr(stanza.AppendAttr(dst, "jid", jid), "nick", d.nick)
	if len(d.inside) == 0 {
		dst = append(dst, "/>"...)
	} else {
		dst = append(append(append(dst, '>'), d.inside...), "</item>"...)
	}
	return appendCodes(append(dst, d.after...), d.codes...)
}
