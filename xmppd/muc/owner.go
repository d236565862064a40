package muc

import (
	"context"
	"errors"
	"strconv"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// The room's configuration (XEP-0045 §10.1, §10.2, S-89).

// Bounds of what a configuration holds, in bytes.
const (
	maxTitle       = 256 // as many characters as pages allow, in any script (app/rooms.go)
	maxDescription = 2000
	maxPassword    = 200
	maxLang        = 35 // RFC 5646 §4.4.1
)

// handleConfigGet gives the owner the form (§10.2).
func handleConfigGet(_ context.Context, r *room, c xmppd.Client, _ stream.Child) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.affiliations.ofLocked(c.User()) != Owner {
		return nil, stanza.ErrForbidden
	}
	return append(append([]byte(`<query xmlns="`+nsOwner+`">`), r.configFormLocked()...), `</query>`...), nil
}

func (r *room) configFormLocked() []byte {
	s := r.settings
	f := stanza.NewForm("form", nsRoomConfig)
	f.Title("Settings of the room")
	field := func(name string) string { return "muc#roomconfig_" + name }
	f.Text(field("roomname"), "Name", s.Title)
	f.Text(field("roomdesc"), "What it is about", s.Description)
	f.Text(field("lang"), "Language", s.Lang)
	f.Bool(field("persistentroom"), "Keep the room when nobody is in it", s.Persistent)
	f.Bool(field("publicroom"), "Show it in the list of rooms", s.Public)
	f.Bool(field("membersonly"), "Only members may come in", s.MembersOnly)
	f.Bool(field("allowinvites"), "Members may invite", s.Invites)
	f.Bool(field("moderatedroom"), "Only those with voice may speak", s.Moderated)
	f.Bool(field("changesubject"), "Everybody may change the subject", s.ChangeSubject)
	f.Bool(field("passwordprotectedroom"), "A password is needed", s.Password != "")
	f.Field("text-private", field("roomsecret"), "The password", s.Password)
	f.Choice("list-single", field("whois"), "Who sees people's addresses", []string{whois(s.NonAnonymous)},
		[2]string{"moderators", "Moderators"}, [2]string{"anyone", "Everybody"})
	f.Choice("list-single", field("allowpm"), "Who may send private messages", []string{string(s.Private)},
		[2]string{string(Anyone), "Everybody"}, [2]string{string(Participants), "Those with voice"},
		[2]string{string(Moderators), "Moderators"}, [2]string{string(Nobody), "Nobody"})
	f.Text(field("maxusers"), "Most people at once", strconv.Itoa(s.MaxOccupants))
	f.Bool(field("enablearchiving"), "Keep what is said", s.Archive)
	f.Bool(field("enablelogging"), "Show it on pages of the site, also to those who are not signed in", s.Readable) // §15.5.3
	return f.Payload()
}

func whois(everybody bool) string {
	if everybody {
		return "anyone"
	}
	return "moderators"
}

// handleOwnerSet configures the room, or ends it. Converse configures a new room
// with an empty form that names no FORM_TYPE (§10.1.2).
func handleOwnerSet(ctx context.Context, r *room, c xmppd.Client, query stream.Child) ([]byte, error) {
	if d, ok := query.Find(nsOwner, "destroy"); ok {
		return nil, r.handleDestroy(ctx, c, d)
	}
	x, ok := query.Find(stanza.NSDataForms, "x")
	if !ok {
		return nil, stanza.ErrBadRequest
	}
	sent, err := stanza.ParseForm(x, nsRoomConfig)
	if err != nil {
		return nil, err
	}
	switch sent.Type {
	case "cancel":
		return nil, r.cancel(ctx, c)
	case "submit":
		return nil, r.configure(ctx, c, sent)
	}
	return nil, stanza.ErrBadRequest
}

// cancel ends a room that was never configured; else nothing changes (§10.1.3).
func (r *room) cancel(ctx context.Context, c xmppd.Client) error {
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.mu.Lock()
	owner, isNew, over := r.affiliations.ofLocked(c.User()) == Owner, r.state == locked, r.state == ending
	if owner && isNew {
		r.dissolveLocked(departure{after: []byte("<destroy/>")})
	}
	r.mu.Unlock()
	switch {
	case over:
		return errEnding
	case !owner:
		return stanza.ErrForbidden
	case isNew:
		r.svc.forget(r)
	}
	return nil
}

// configure stores the settings, and opens a new room with them.
func (r *room) configure(ctx context.Context, c xmppd.Client, sent stanza.Submission) error {
	done, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.mu.Lock()
	settings, state, err := r.settings, r.state, error(nil)
	switch {
	case r.affiliations.ofLocked(c.User()) != Owner:
		err = stanza.ErrForbidden
	case state == ending: // it is not to be stored again
		err = errEnding
	}
	kept := Room{Name: r.name, Creator: r.creator}
	var people []Affiliated
	for _, a := range r.affiliations.byUser {
		people = append(people, a)
	}
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if err := r.svc.read(&settings, sent); err != nil {
		return err
	}
	kept.Settings = settings
	if err := r.svc.keepSettings(ctx, state, kept, people); err != nil {
		return err
	}
	r.mu.Lock()
	before := r.settings
	r.settings, r.state = settings, open
	if state == open || settings != before { // an instant room is as its creator found it (§10.1.2)
		r.settingsChangedLocked(before)
	}
	r.mu.Unlock()
	if state == locked {
		r.svc.configured(r)
	}
	r.endIfStillEmpty(ctx)
	return nil
}

// keepSettings stores a new room, or new settings.
func (s *Service) keepSettings(ctx context.Context, state roomState, kept Room, people []Affiliated) error {
	if state == open {
		err := s.store.Configure(ctx, kept.Name, kept.Settings)
		if errors.Is(err, ErrNotFound) {
			err = stanza.ErrItemNotFound
		}
		return err
	}
	err := s.store.Create(ctx, kept, people, s.cfg.RoomsPerUser)
	switch {
	case errors.Is(err, ErrTooMany):
		return errCreationBarred
	case errors.Is(err, ErrTaken):
		return errRoomTaken
	case errors.Is(err, ErrNoAccount): // somebody in the new room's affiliations
		return errUnknownAccount
	}
	return err
}

// tidy takes out of what people see in lists of rooms what nobody sees, and what changes
// how the rest is shown.
func (s *Settings) tidy() {
	s.Title, s.Description = names.Line(s.Title), names.Line(s.Description)
}

// read applies what was sent; fields that were not sent stay as they are.
func (s *Service) read(to *Settings, sent stanza.Submission) error {
	field := func(name string) string { return "muc#roomconfig_" + name }
	secured := to.Password != "" || sent.Get(field("roomsecret")) != ""
	public, people := to.Public, to.NonAnonymous
	err := errors.Join(
		sent.Text(field("roomname"), &to.Title, maxTitle),
		sent.Text(field("roomdesc"), &to.Description, maxDescription),
		sent.Text(field("lang"), &to.Lang, maxLang),
		sent.Text(field("roomsecret"), &to.Password, maxPassword),
		sent.Bool(field("persistentroom"), &to.Persistent),
		sent.Bool(field("publicroom"), &public),
		sent.Bool(field("membersonly"), &to.MembersOnly),
		sent.Bool(field("allowinvites"), &to.Invites),
		sent.Bool(field("moderatedroom"), &to.Moderated),
		sent.Bool(field("changesubject"), &to.ChangeSubject),
		sent.Bool(field("passwordprotectedroom"), &secured),
		sent.Bool(field("enablearchiving"), &to.Archive),
		sent.Bool(field("enablelogging"), &to.Readable),
		readAudience(sent, field("allowpm"), &to.Private),
		readEither(sent, field("whois"), &people, "anyone", "moderators"),
		readNumber(sent, field("maxusers"), &to.MaxOccupants, s.cfg.Occupants),
	)
	if err != nil {
		return errNotAcceptable
	}
	to.Public, to.NonAnonymous = public, people
	to.tidy()
	if !secured {
		to.Password = ""
	} else if to.Password == "" {
		return errNeedsPassword
	}
	to.Readable = to.Readable && to.Open() // a room that was closed does not become readable by being opened again
	return nil
}

// readAudience reads who may do something.
func readAudience(s stanza.Submission, name string, into *Audience) error {
	v, ok := s.Value(name)
	if !ok {
		return nil
	}
	switch a := Audience(v); a {
	case Anyone, Participants, Moderators, Nobody:
		*into = a
		return nil
	}
	return errNotAcceptable
}

// readEither reads a choice between two.
func readEither(s stanza.Submission, name string, is *bool, yes, no string) error {
	switch v, ok := s.Value(name); {
	case !ok:
	case v == yes:
		*is = true
	case v == no:
		*is = false
	default:
		return errNotAcceptable
	}
	return nil
}

// readNumber reads a positive number; more than most counts as most, and so does none.
func readNumber(s stanza.Submission, name string, into *int, most int) error {
	v, ok := s.Value(name)
	if !ok {
		return nil
	}
	if v == "" || v == "none" {
		*into = most
		return nil
	}
	n, err := stanza.ParseNumber(v, 63)
	if err != nil || n == 0 {
		return errNotAcceptable
	}
	*into = int(min(n, uint64(most)))
	return nil
}

// settingsChangedLocked tells those who are here what changed (§10.2.1), and puts out
// those who may not stay: 322 (§9.4).
func (r *room) settingsChangedLocked(before Settings) {
	codes := []string{codeConfigured}
	now := r.settings
	if before.Archive != now.Archive {
		codes = append(codes, either(now.Archive, codeArchived, codeNotArchived))
		r.activity.archiveChangedLocked()
	}
	if before.NonAnonymous != now.NonAnonymous {
		codes = append(codes, either(now.NonAnonymous, codeNowNonAnon, codeNowSemiAnon))
	}
	x := string(appendCodes([]byte(`<x xmlns="`+stanza.NSMUCUser+`">`), codes...)) + `</x>`
	r.occupants.toAllLocked(r.notice(x))
	if now.MembersOnly && !before.MembersOnly {
		r.expelStrangersLocked()
	}
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// expelStrangersLocked puts out everybody who is no member. All are out before anybody is
// told, so that those who go are not told of each other.
func (r *room) expelStrangersLocked() {
	gone := make(map[*occupant][]*member)
	for _, o := range r.occupants.byNick {
		if r.affiliations.ofLocked(o.user) == None {
			gone[o] = r.evictLocked(o)
		}
	}
	for o, own := range gone {
		r.occupants.announceGoneLocked(o, own, departure{codes: []string{codeNowMembers}})
	}
}
