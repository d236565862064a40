package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

const formRoomConfig = stanza.NSMUC + "#roomconfig"

// NewRoom is a room to be made.
type NewRoom struct {
	Title, Description string
	Private            bool // by invitation, not listed, and people see each other's addresses
}

// Errors of rooms.
var (
	ErrTaken   = errors.New("remote: there is such a room")
	ErrRefused = errors.New("remote: the room, or the server, does not allow that")
)

// asRoomError says that the server refuses something; other errors stay.
func asRoomError(err error) error {
	if isRefusal(err) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// CreateRoom makes a room that belongs to the account of the session: it enters, sets the
// room up, and leaves (XEP-0045 §10.1). ErrTaken, ErrRefused.
func (s *Session) CreateRoom(ctx context.Context, jid, nick string, r NewRoom) error {
	occupant := jid + "/" + nick
	presence := []byte(`<presence xmlns="` + stream.NSClient + `"`)
	presence = stanza.AppendAttr(presence, "to", occupant)
	presence = append(presence, `><x xmlns="`+stanza.NSMUC+`"><history maxstanzas="0"/></x></presence>`...)
	self, err := s.exchange(ctx, occupant, occupant, presence)
	if isRefusal(err, "conflict", "registration-required", "not-authorized", "forbidden") {
		return ErrTaken
	}
	if err != nil {
		return asRoomError(err)
	}
	defer s.leave(occupant)
	if !hasStatus(self, 201) {
		return ErrTaken
	}
	return asRoomError(s.configure(ctx, jid, r))
}

func (s *Session) leave(occupant string) {
	presence := stanza.AppendAttr([]byte(`<presence xmlns="`+stream.NSClient+`" type="unavailable"`), "to", occupant)
	_ = s.conn.Send(append(presence, "/>"...))
}

// isOwnPresence reports whether a room tells somebody of their own presence (XEP-0045
// §7.2.2).
func isOwnPresence(el *stream.Element) bool { return hasStatus(el, 110) }

func hasStatus(el *stream.Element, code int) bool {
	x, ok := el.Find(stanza.NSMUCUser, "x")
	if !ok {
		return false
	}
	for c := range x.Children() {
		if got, _ := c.Attr("code"); c.Name.Local == "status" && got == strconv.Itoa(code) {
			return true
		}
	}
	return false
}

// configure fills in what the room's form has of the settings (XEP-0045 §10.1.3). Each
// server has fields of its own for the archive.
func (s *Session) configure(ctx context.Context, jid string, r NewRoom) error {
	el, err := s.iq(ctx, "get", jid, `<query xmlns="`+nsMUCOwner+`"/>`)
	if err != nil {
		return err
	}
	query, _ := el.Find(nsMUCOwner, "query")
	x, ok := query.Find(stanza.NSDataForms, "x")
	if !ok {
		return &Refusal{Condition: "feature-not-implemented", Text: "the room has no form"}
	}
	offered, err := stanza.ParseForm(x, formRoomConfig)
	if err != nil {
		return err
	}
	whois := "moderators"
	if r.Private {
		whois = "anyone" // encryption needs to know who reads along (XEP-0384 §5.8)
	}
	form := stanza.NewForm("submit", formRoomConfig)
	for _, f := range []stanza.Field{
		{Name: "muc#roomconfig_roomname", Values: []string{r.Title}},
		{Name: "muc#roomconfig_roomdesc", Values: []string{r.Description}},
		{Name: "muc#roomconfig_persistentroom", Values: []string{"1"}},
		{Name: "muc#roomconfig_publicroom", Values: []string{stanza.FormatBool(!r.Private)}},
		{Name: "public_list", Values: []string{stanza.FormatBool(!r.Private)}}, // ejabberd
		{Name: "muc#roomconfig_membersonly", Values: []string{stanza.FormatBool(r.Private)}},
		{Name: "muc#roomconfig_whois", Values: []string{whois}},
		{Name: "muc#roomconfig_allowinvites", Values: []string{"1"}},
		{Name: "{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites", Values: []string{"1"}},
		{Name: "muc#roomconfig_enablearchiving", Values: []string{"1"}},
		{Name: "muc#roomconfig_enablelogging", Values: []string{"1"}},
		{Name: "mam", Values: []string{"1"}}, // ejabberd
	} {
		if _, ok := offered.Value(f.Name); ok {
			form.Field("", f.Name, "", f.Values...)
		}
	}
	return s.ask(ctx, "set", jid, `<query xmlns="`+nsMUCOwner+`">`+string(form.Payload())+`</query>`, nil)
}

// Invite lets somebody in where the room is for members, and tells them (XEP-0249). The
// account of the session has to be one that may do so: ErrRefused.
func (s *Session) Invite(ctx context.Context, room Room, jid, invitee string) error {
	if room.MembersOnly && room.Affiliations[invitee] == "" {
		item := stanza.AppendAttr([]byte(`<item affiliation="member"`), "jid", invitee)
		err := s.ask(ctx, "set", jid, `<query xmlns="`+nsMUCAdmin+`">`+string(item)+`/></query>`, nil)
		if isRefusal(err, "forbidden", "not-allowed") {
			return s.inviteAsMember(ctx, jid, invitee)
		}
		if err != nil {
			return asRoomError(err)
		}
	}
	message := stanza.AppendAttr([]byte(`<message xmlns="`+stream.NSClient+`"`), "to", invitee)
	message = stanza.AppendAttr(append(message, `><x xmlns="`+stanza.NSConference+`"`...), "jid", jid)
	if err := s.conn.Send(append(message, "/></message>"...)); err != nil {
		return Unreachable(err)
	}
	return s.flush(ctx)
}

// inviteAsMember lets the room itself invite (XEP-0045 §7.8.2): some let their members do
// that. Its refusal is a message, which comes before the answer to what is asked next.
func (s *Session) inviteAsMember(ctx context.Context, jid, invitee string) error {
	s.mu.Lock()
	s.refused = nil
	s.mu.Unlock()
	message := stanza.AppendAttr([]byte(`<message xmlns="`+stream.NSClient+`"`), "to", jid)
	message = stanza.AppendAttr(append(message, `><x xmlns="`+stanza.NSMUCUser+`"><invite`...), "to", invitee)
	if err := s.conn.Send(append(message, "/></x></message>"...)); err != nil {
		return Unreachable(err)
	}
	if err := s.ask(ctx, "get", jid, `<query xmlns="`+stanza.NSDiscoInfo+`"/>`, nil); err != nil {
		return asRoomError(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return asRoomError(s.refused)
}

// flush waits until the server has taken what was sent: it works in order, and answers
// even what it does not know.
func (s *Session) flush(ctx context.Context) error {
	err := s.ask(ctx, "get", "", `<ping xmlns="`+stanza.NSPing+`"/>`, nil)
	if isRefusal(err) {
		return nil
	}
	return err
}

// DestroyRoom ends a room for good (XEP-0045 §10.9), which its owners may: ErrRefused.
func (s *Session) DestroyRoom(ctx context.Context, jid string) error {
	return asRoomError(s.ask(ctx, "set", jid, `<query xmlns="`+nsMUCOwner+`"><destroy/></query>`, nil))
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
