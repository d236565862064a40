package muc

import (
	"foyer/internal/stream"
)

// rename changes an occupant's nickname, for all its clients (XEP-0045 §7.6): it
// goes under the old one, with 303, and comes under the new.
func (r *room) rename(m *member, p *stream.Element, asked string) error {
	nick, key, err := prepareNick(asked)
	if err != nil {
		return err
	}
	o := m.occupant
	if other := r.occupants[key]; (other != nil && other != o) || r.reservedFor(key, o.user) {
		return errNickTaken
	}
	m.presence = p
	if nick == o.nick {
		o.show(m)
		r.announce(o, codeNickAltered)
		return nil
	}
	r.sayGone(o, o.all, departure{codes: []string{codeNickChanged}, nick: nick})
	delete(r.occupants, o.key)
	o.nick, o.key, o.jid = nick, key, r.jid+"/"+nick
	r.occupants[key] = o
	o.show(m)
	if nick != asked {
		r.announce(o, codeNickAltered)
	} else {
		r.announce(o)
	}
	return nil
}
