package muc

import (
	"context"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Asking for voice (XEP-0045 §7.13, §8.6): a visitor asks the room, the room asks
// its moderators, and one of them answers with the form that the room sent.

// How often one occupant may ask. Visitors are those who are kept from writing to
// everybody; they are not to write to the moderators instead.
const voiceEvery = time.Minute

// voice handles a form: a moderator's answer, or a request.
func (r *room) voice(ctx context.Context, c xmppd.Client, x stream.Child) error {
	sent, err := stanza.ParseForm(x, nsRequest)
	if err != nil {
		return err
	}
	if sent.Type != "submit" || sent.Get("FORM_TYPE") != nsRequest {
		return stanza.ErrBadRequest
	}
	if _, answer := sent.Value("muc#request_allow"); answer {
		r.mu.Lock()
		defer r.mu.Unlock()
		m := r.occupants.memberLocked(c)
		if m == nil {
			return errNotOccupant
		}
		return r.answerVoiceLocked(m.occupant, sent)
	}
	moderators, err := r.moderatorsFor(ctx, c)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.askForVoiceLocked(c, moderators, sent)
}

// moderatorsFor returns the accounts of the moderators who do not block somebody
// (XEP-0191 §3).
func (r *room) moderatorsFor(ctx context.Context, c xmppd.Client) (map[string]bool, error) {
	willing := make(map[string]bool)
	r.mu.Lock()
	for _, o := range r.occupants.byNick {
		if o.role == RoleModerator {
			willing[o.user] = true
		}
	}
	r.mu.Unlock()
	for user := range willing {
		blocked, err := r.svc.server.Blocks(ctx, user, c.JID())
		if err != nil {
			return nil, err
		}
		willing[user] = !blocked
	}
	return willing, nil
}

// askForVoiceLocked passes a request to those moderators (§7.13).
func (r *room) askForVoiceLocked(c xmppd.Client, moderators map[string]bool, sent stanza.Submission) error {
	m := r.occupants.memberLocked(c)
	if m == nil {
		return errNotOccupant
	}
	o := m.occupant
	if role, ok := sent.Value("muc#role"); ok && Role(role) != RoleParticipant {
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
	for _, to := range r.occupants.members {
		if to.occupant.role == RoleModerator && moderators[to.occupant.user] {
			to.deliverLocked("<message", r.question(payload))
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
	f := stanza.NewForm("form", nsRequest)
	f.Title("May " + nick + " speak?")
	f.Text("muc#role", "Requested role", string(RoleParticipant))
	f.Field("jid-single", "muc#jid", "Address", jid)
	f.Text("muc#roomnick", "Nickname", nick)
	f.Bool("muc#request_allow", "Let them speak", false)
	return f.Payload()
}

// question is a message from the room itself to one person, as deliver takes it.
func (r *room) question(payload []byte) []byte {
	dst := stanza.AppendAttr([]byte(` xmlns="jabber:client"`), "from", r.jid)
	return append(append(append(dst, '>'), payload...), "</message>"...)
}

// answerVoiceLocked gives voice to who asked, if a moderator agrees (§8.6). The nickname
// may be somebody else's by now: the address must be the same.
func (r *room) answerVoiceLocked(moderator *occupant, sent stanza.Submission) error {
	if moderator.role != RoleModerator {
		return stanza.ErrForbidden
	}
	allow := false
	if err := sent.Bool("muc#request_allow", &allow); err != nil {
		return err
	}
	if !allow {
		return nil
	}
	jid, err := stanza.ParseAddress(sent.Get("muc#jid"))
	if err != nil {
		return err
	}
	o := r.occupants.findLocked(sent.Get("muc#roomnick"))
	if o == nil || o.bare != jid.Bare() {
		return stanza.ErrItemNotFound
	}
	if o.role != RoleVisitor {
		return nil // another moderator was faster
	}
	r.giveRoleLocked(o, RoleParticipant)
	return nil
}
