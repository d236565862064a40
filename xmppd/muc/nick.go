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
	if other := r.occupants[key]; (other != nil && other != o) || r.reservedForLocked(key, o.user) {
		return errNickTaken
	}
	m.presence = p
	if nick == o.nick {
		o.showLocked(m)
		r.announceLocked(o, codeNickAltered)
		return nil
	}
	r.sayGoneLocked(o, o.all, departure{codes: []string{codeNickChanged}, nick: nick})
	delete(r.occupants, o.key)
	o.nick, o.key, o.jid = nick, key, r.jid+"/"+nick
	r.occupants[key] = o
	o.showLocked(m)
	if nick != asked {
		r.announceLocked(o, codeNickAltered)
	} else {
		r.announceLocked(o)
	}
	return nil
}
