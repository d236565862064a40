package muc

import (
	"time"

	"foyer/internal/names"
	"foyer/xmppd"
)

// occupants is who is in a room, by person and by client. Its room's lock guards it and
// each of them.
type occupants struct {
	byNick    map[string]*occupant // by the nickname's key
	members   []*member            // every client in the room
	byClient  map[xmppd.Client]*member
	idleSince time.Time // when the last occupant left
}

func newOccupants() occupants {
	return occupants{byNick: make(map[string]*occupant), byClient: make(map[xmppd.Client]*member), idleSince: time.Now()}
}

// findLocked returns the occupant with exactly that nickname, or nil.
func (oc *occupants) findLocked(nick string) *occupant {
	key, err := names.Key(nick)
	if err != nil {
		return nil
	}
	if o := oc.byNick[key]; o != nil && o.nick == nick {
		return o
	}
	return nil
}

// ofUserLocked returns the occupants that are one account.
func (oc *occupants) ofUserLocked(user string) []*occupant {
	var out []*occupant
	for _, o := range oc.byNick {
		if o.user == user {
			out = append(out, o)
		}
	}
	return out
}

// memberLocked returns a client's place in the room, or nil.
func (oc *occupants) memberLocked(c xmppd.Client) *member { return oc.byClient[c] }

func (oc *occupants) addLocked(m *member) {
	m.index = len(oc.members)
	oc.members = append(oc.members, m)
	oc.byClient[m.client] = m
	m.occupant.all = append(m.occupant.all, m)
}

// removeLocked takes a client out, and its occupant with the last one.
func (oc *occupants) removeLocked(m *member) {
	last := len(oc.members) - 1
	oc.members[m.index] = oc.members[last]
	oc.members[m.index].index = m.index
	oc.members[last] = nil
	oc.members = oc.members[:last]
	delete(oc.byClient, m.client)
	o := m.occupant
	for i, other := range o.all {
		if other == m {
			o.all = append(o.all[:i], o.all[i+1:]...)
			break
		}
	}
	if len(o.all) == 0 && oc.byNick[o.key] == o {
		delete(oc.byNick, o.key)
	}
	if len(oc.members) == 0 {
		oc.members, oc.idleSince = nil, time.Now()
	}
}

// toAllLocked sends a message to everybody; rest is all but its name.
func (oc *occupants) toAllLocked(rest []byte) {
	for _, m := range oc.members {
		m.deliverLocked("<message", rest)
	}
}

// toAllFromLocked is toAllLocked for what an occupant says.
func (oc *occupants) toAllFromLocked(o *occupant, rest []byte) {
	for _, m := range oc.members {
		if !m.hidesLocked(o) {
			m.deliverLocked("<message", rest)
		}
	}
}

// presenceSizeLocked is about how many bytes the presence of all occupants is.
func (oc *occupants) presenceSizeLocked() int {
	size := 0
	for _, o := range oc.byNick {
		size += len(o.head) + len(o.itemJID)
	}
	return size
}

// announceLocked shows an occupant's presence to everybody, its own clients included;
// those get the codes.
func (oc *occupants) announceLocked(o *occupant, codes ...string) {
	own := appendCodes(nil, append([]string{codeSelf}, codes...)...)
	for _, m := range oc.members {
		m.showLocked(o, own)
	}
}

// announceGoneLocked tells everybody in the room, and the clients given, that an occupant
// went (§7.14).
func (oc *occupants) announceGoneLocked(o *occupant, own []*member, d departure) {
	jid := o.presenceMember.client.JID()
	with, without := o.unavailableLocked(d, jid), o.unavailableLocked(d, "")
	self := appendCodes(nil, codeSelf)
	for _, m := range own {
		m.deliverLocked("<presence", with, self, endOfPresence)
	}
	for _, m := range oc.members {
		switch {
		case m.occupant == o: // told already
		case m.hidesLocked(o):
		case d.nick != "" && m.hidesNickLocked(o, d.nick): // for this one they go
			jid := jid
			if !m.occupant.seesAddressesLocked() {
				jid = ""
			}
			m.deliverLocked("<presence", o.unavailableLocked(departure{}, jid), endOfPresence)
		case m.occupant.seesAddressesLocked():
			m.deliverLocked("<presence", with, endOfPresence)
		default:
			m.deliverLocked("<presence", without, endOfPresence)
		}
	}
}
