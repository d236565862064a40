package muc

import (
	"time"

	"foyer/internal/stream"
	"foyer/xmppd"
)

// Asking for voice (XEP-0045 §7.13, §8.6): a visitor asks the room, the room asks
// its moderators, and one of them answers with the form that the room sent.

// How often one occupant may ask. Visitors are those who are kept from writing to
// everybody; they are not to write to the moderators instead.
const voiceEvery = time.Minute

// voice handles a form: a moderator's answer, or a request.
func (r *room) voice(c xmppd.Client, x stream.Child) error {
	sent, err := parseForm(x, nsRequest)
	if err != nil {
		return err
	}
	if sent.typ != "submit" || sent.fields["FORM_TYPE"] != nsRequest {
		return xmppd.ErrBadRequest
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.member(c)
	if m == nil {
		return errNotOccupant
	}
	if _, answer := sent.fields["muc#request_allow"]; answer {
		return r.answerVoice(m.occupant, sent)
	}
	return r.askForVoice(m, sent)
}

// askForVoice passes a request to the moderators (§7.13).
func (r *room) askForVoice(m *member, sent submission) error {
	o := m.occupant
	if role, ok := sent.fields["muc#role"]; ok && Role(role) != RoleParticipant {
		return errNotAcceptable
	}
	switch {
	case o.role != RoleVisitor:
		return errHasVoice
	case time.Since(o.asked) < voiceEvery:
		return errAskedAlready
	}
	payload := voiceForm(o.nick, m.client.JID())
	asked := false
	for _, to := range r.members {
		if to.occupant.role == RoleModerator {
			to.deliver("<message", r.question(payload))
			asked = true
		}
	}
	if !asked {
		return errNoModerator
	}
	o.asked = time.Now()
	return nil
}

// voiceForm is what a moderator fills in (§8.6).
func voiceForm(nick, jid string) []byte {
	f := newForm("form", nsRequest)
	f.title("May " + nick + " speak?")
	f.text("muc#role", "Requested role", string(RoleParticipant))
	f.field("jid-single", "muc#jid", "Address", jid)
	f.text("muc#roomnick", "Nickname", nick)
	f.boolean("muc#request_allow", "Let them speak", false)
	return f.bytes()
}

// question is a message from the room itself to one person, as deliver takes it.
func (r *room) question(payload []byte) []byte {
	dst := xmppd.AppendAttr([]byte(` xmlns="jabber:client"`), "from", r.jid)
	return append(append(append(dst, '>'), payload...), "</message>"...)
}

// answerVoice gives voice to who asked, if a moderator agrees (§8.6). The nickname
// may be somebody else's by now: the address must be the same.
func (r *room) answerVoice(moderator *occupant, sent submission) error {
	if moderator.role != RoleModerator {
		return xmppd.ErrForbidden
	}
	allow := false
	if err := sent.boolean("muc#request_allow", &allow); err != nil {
		return err
	}
	if !allow {
		return nil
	}
	jid, err := xmppd.ParseAddress(sent.fields["muc#jid"])
	if err != nil {
		return err
	}
	o := r.find(sent.fields["muc#roomnick"])
	if o == nil || o.bare != jid.Bare() {
		return xmppd.ErrItemNotFound
	}
	if o.role != RoleVisitor {
		return nil // another moderator was faster
	}
	r.giveRole(o, RoleParticipant)
	return nil
}
