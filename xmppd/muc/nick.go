package muc

import (
	"foyer/internal/stream"
)

// renameLocked changes an occupant's nickname, for all its clients (XEP-0045 §7.6): it
// goes under the old one, with 303, and comes under the new.
func (r *room) renameLocked(m *member, p *stream.Element, asked string) error {
	nick, key, err := prepareNick(asked)
	if err != nil {
		return err
	}
	o := m.occupant
	if other := r.occupants.byNick[key]; (other != nil && other != o) || r.affiliations.reservedForOtherLocked(key, o.user) {
		return errNickTaken
	}
	m.presence = p
	if nick == o.nick {
		o.showLocked(m)
		r.occupants.announceLocked(o, codeNickAltered)
		return nil
	}
	r.occupants.announceGoneLocked(o, o.all, departure{codes: []string{codeNickChanged}, nick: nick})
	delete(r.occupants.byNick, o.key)
	o.nick, o.key, o.jid = nick, key, r.jid+"/"+nick
	r.occupants.byNick[key] = o
	o.showLocked(m)
	if nick != asked {
		r.occupants.announceLocked(o, codeNickAltered)
	} else {
		r.occupants.announceLocked(o)
	}
	return nil
}
