package muc

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Registering with a room (XEP-0045 §7.10): somebody reserves a nickname. Where
// everybody may enter and speak that makes a member too. In a moderated room it
// does not: clients register by themselves, and membership gives voice. Where only
// members may enter, those who are none are told to ask.

const nsRegister = "jabber:iq:register"

func handleRegisterGet(_ context.Context, r *room, c xmppd.Client, _ stream.Child) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.mayRegisterLocked(c.User()); err != nil {
		return nil, err
	}
	dst := []byte(`<query xmlns="` + nsRegister + `">`)
	nick := r.affiliations.byUser[c.User()].Nick
	if nick != "" {
		dst = append(append(append(dst, `<registered/><username>`...), stream.Escape(nick)...), `</username>`...)
	}
	f := stanza.NewForm("form", stanza.NSMUC+"#register")
	f.Title("Your nickname in this room")
	f.Text("muc#register_roomnick", "Nickname", nick)
	return append(append(dst, f.Payload()...), `</query>`...), nil
}

// mayRegisterLocked: outcasts never, and strangers not where only members or those with
// the password may enter.
func (r *room) mayRegisterLocked(user string) error {
	a := r.affiliations.ofLocked(user)
	switch {
	case a == Outcast:
		return stanza.ErrForbidden
	case r.state == ending:
		return errEnding
	case r.state != open || (a == None && r.settings.MembersOnly) || !r.knowsPasswordLocked(user):
		return stanza.ErrNotAllowed
	}
	return nil
}

func handleRegisterSet(ctx context.Context, r *room, c xmppd.Client, query stream.Child) ([]byte, error) {
	if _, ok := query.Find(nsRegister, "remove"); ok {
		return nil, r.register(ctx, c, "", "")
	}
	x, ok := query.Find(stanza.NSDataForms, "x")
	if !ok {
		return nil, stanza.ErrBadRequest
	}
	sent, err := stanza.ParseForm(x, stanza.NSMUC+"#register")
	if err != nil {
		return nil, err
	}
	asked := sent.Get("muc#register_roomnick")
	if asked == "" {
		return nil, stanza.ErrBadRequest
	}
	nick, key, err := prepareNick(asked)
	if err != nil {
		return nil, err
	}
	return nil, r.register(ctx, c, nick, key)
}

// register keeps the nickname, or gives it up with a membership that came of it.
func (r *room) register(ctx context.Context, c xmppd.Client, nick, key string) error {
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	user := c.User()
	r.mu.Lock()
	err = r.mayRegisterLocked(user)
	if o := r.occupants.byNick[key]; err == nil && nick != "" && (r.affiliations.reservedForOtherLocked(key, user) || (o != nil && o.user != user)) {
		err = errNickTaken
	}
	before, moderated := r.affiliations.ofLocked(user), r.settings.Moderated
	r.mu.Unlock()
	if err != nil {
		return err
	}
	e := Affiliated{User: user, Affiliation: before, Nick: nick}
	switch {
	case nick != "" && before == None && !moderated:
		e.Affiliation = Member
	case nick == "" && before == Member:
		e.Affiliation = None
	}
	if err := r.affiliate(ctx, []Affiliated{e}); err != nil {
		return err
	}
	r.mu.Lock()
	r.changeAffiliationLocked(e)
	r.affiliationChangedLocked(e, before, departure{})
	r.mu.Unlock()
	r.endIfStillEmpty(ctx)
	return nil
}
