package app

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"foyer/internal/budget"
	"foyer/internal/names"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/unicode/norm"
)

// roomPages show rooms and who is in them, invite into them and end them.
type roomPages struct {
	*pages
	members *models.People
	people  *peoplePages
	lists   *budget.KeyedSemaphore
}

func (s *roomPages) chatRoutes(xmpp fiber.Router) {
	xmpp.Get("/rooms/:name/people", s.roomPeople)
	xmpp.Post("/rooms/:name/invite", s.inviteFromChat)
	xmpp.Get("/rooms", s.listRooms)
	xmpp.Post("/rooms", s.makeRoomFromChat)
}

func (s *roomPages) routes(web fiber.Router) {
	web.Get("/rooms", s.requireMember, s.showRooms)
	web.Get("/rooms/:name", s.requireMember, s.showRoom)
	web.Post("/rooms/:name/invite", s.requireMember, s.invite)
	web.Post("/rooms/:name/delete", s.requireMember, s.deleteRoom)
}

// Rooms: people make them by name and never see an address.

// Bounds of the form, in characters, and of the room's panel in the chat
// (static/js/chat/room/bounds.js). A room may hold more, said by other means (xmppd/muc);
// lists show no more than this well.
const (
	maxRoomName  = 60
	maxRoomAbout = 200
)

// How many rooms pages list.
const (
	roomsPerPage = 50
	homeOwnRooms = 12
	homeBusy     = 6
	homeAnyRooms = 6 // where one has few
)

// showRooms: GET /rooms — those one may know of, page by page, or those that were
// looked for.
func (s *roomPages) showRooms(c *fiber.Ctx) error {
	return s.renderRooms(c, http.StatusOK, RoomsPage{})
}

func (s *roomPages) renderRooms(c *fiber.Ctx, status int, data RoomsPage) error {
	data.Typed = strings.TrimSpace(c.Query("q"))
	rooms, next, err := s.roomsPage(c.UserContext(), viewer(c).account.Username, data.Typed, c.Query("after"))
	if data.RoomsUnavailable = errors.Is(err, ErrChatUnreachable); err != nil && !data.RoomsUnavailable {
		return err
	}
	data.Rooms, data.Next = s.roomRows(rooms), next
	p := s.page(c, "rooms", "Rooms")
	p.Data = data
	return s.render(c.Status(status), "rooms", p)
}

// roomsPage is a page of the rooms that somebody may know of, or those that were looked for,
// and what stands for the room that the next page comes after; empty: there is none. That has its title, too,
// so that the next page is known when that room is not there any more.
func (s *roomPages) roomsPage(ctx context.Context, user, typed, after string) (rooms []ChatRoom, next string, err error) {
	name, title, _ := strings.Cut(after, "/") // which no name has (RFC 7622 §3.3.1)
	rooms, err = s.chat.Rooms(ctx, user, RoomQuery{Typed: typed, After: name, AfterTitle: title, Max: roomsPerPage + 1})
	if len(rooms) > roomsPerPage {
		rooms = rooms[:roomsPerPage]
		if typed == "" {
			last := rooms[roomsPerPage-1]
			next = last.Name + "/" + last.Title
		}
	}
	return rooms, next, err
}

// homeRooms are one's own rooms, then the busy ones; and some others where that is
// not much.
func (s *roomPages) homeRooms(ctx context.Context, user string) ([]RoomRow, error) {
	own, err := s.chat.Rooms(ctx, user, RoomQuery{Own: true, Max: homeOwnRooms})
	if err != nil {
		return nil, err
	}
	busy, err := s.chat.BusyRooms(ctx, user, homeBusy)
	if err != nil {
		return nil, err
	}
	list := addRooms(own, busy)
	if len(list) < homeAnyRooms {
		others, err := s.chat.Rooms(ctx, user, RoomQuery{Max: homeAnyRooms})
		if err != nil {
			return nil, err
		}
		list = addRooms(list, others)
	}
	return s.roomRows(list), nil
}

// addRooms adds the rooms that are not in the list.
func addRooms(list, more []ChatRoom) []ChatRoom {
	for _, r := range more {
		if !slices.ContainsFunc(list, func(l ChatRoom) bool { return l.Name == r.Name }) {
			list = append(list, r)
		}
	}
	return list
}

func (s *roomPages) roomRows(rooms []ChatRoom) []RoomRow {
	rows := make([]RoomRow, 0, len(rooms))
	for _, r := range rooms {
		rows = append(rows, s.roomRow(r))
	}
	return rows
}

func (s *roomPages) roomRow(r ChatRoom) RoomRow {
	return RoomRow{
		Key: r.Name, JID: s.roomJID(r.Name), Name: r.Title, Description: r.Description,
		Private: r.Private, Member: r.Member, Owner: r.Owner, Orphan: r.Orphan, Here: here(r),
	}
}

// here says how many people are in a room, as the head of the chat says it (static/js/chat/header.js).
func here(r ChatRoom) string {
	switch {
	case r.Occupants == 0:
		return "Nobody is here right now"
	case r.Occupants == 1 && r.Entered:
		return "Only you are here"
	case r.Occupants == 1:
		return "1 person here"
	}
	return strconv.Itoa(r.Occupants) + " people here"
}

func (s *site) roomJID(name string) string { return name + "@" + s.cfg.RoomsDomain() }

// makeRoom: POST /rooms — a new room, which then opens in the chat.
func (s *homePages) makeRoom(c *fiber.Ctx) error {
	form := RoomForm{Name: c.FormValue("name"), About: c.FormValue("about"), Private: c.FormValue("who") == "invited"}
	name, err := s.rooms.makeAs(c.UserContext(), viewer(c).account.Username, &form)
	if len(form.Errors) > 0 {
		return s.renderHome(c, madeStatus(err), HomePage{Room: form})
	}
	if err != nil {
		return err
	}
	c.Cookie(s.cookie(s.madeRoomCookie(), url.QueryEscape(name)))
	return c.Redirect("/", http.StatusSeeOther)
}

// makeAs makes the room that somebody's form asks for, and returns its name. What people can
// mend, or can only wait for, it notes in the form.
func (s *roomPages) makeAs(ctx context.Context, owner string, form *RoomForm) (name string, err error) {
	form.check()
	if len(form.Errors) > 0 {
		return "", nil
	}
	name = roomName(form.Name)
	err = s.chat.CreateRoom(ctx, owner, NewRoom{Name: name, Title: form.Name, Description: form.About, Private: form.Private})
	switch {
	case errors.Is(err, ErrTooManyRooms):
		form.fail("", "You have made as many rooms as you may. Delete one that you no longer need.")
	case errors.Is(err, ErrChatUnreachable):
		form.fail("", "The chat is not responding. Please try again in a moment.")
	}
	return name, err
}

// madeStatus is the status of an answer with a form that something is wrong with.
func madeStatus(err error) int {
	if errors.Is(err, ErrChatUnreachable) {
		return http.StatusServiceUnavailable
	}
	return http.StatusUnprocessableEntity
}

func (s *homePages) madeRoomCookie() string { return s.cookieName() + "-room" }

// takeMadeRoom is the address of the room that the viewer has just made, for the page
// to open. It comes in a cookie that only our answer can have set: an address that
// somebody else's page links to opens nothing.
func (s *homePages) takeMadeRoom(c *fiber.Ctx) string {
	name, err := url.QueryUnescape(readCookie(c, s.madeRoomCookie()))
	if err != nil || name == "" || c.Method() == fiber.MethodHead { // which shows no page
		return ""
	}
	s.dropCookie(c, s.madeRoomCookie())
	return s.roomJID(name)
}

// check tidies what was typed, as a room's settings in the chat do, and says what is wrong
// with the rest.
func (f *RoomForm) check() {
	var err error
	if f.Name, err = RoomTitle(f.Name); err != nil {
		f.fail("name", err.Error())
	}
	if f.About = names.Line(f.About); utf8.RuneCountInString(f.About) > maxRoomAbout {
		f.fail("about", "Please describe it in fewer words.")
	}
}

// RoomTitle tidies what people call a room: it takes out what nobody sees, and makes one line of
// it. The error is a sentence for people.
func RoomTitle(typed string) (string, error) {
	title := names.Line(typed)
	switch {
	case title == "":
		return "", &Error{Code: Invalid, Public: "Give the room a name."}
	case utf8.RuneCountInString(title) > maxRoomName:
		return title, &Error{Code: Invalid, Public: "Please choose a shorter name."}
	}
	return title, nil
}

// hasControls reports whether a text has characters that nobody sees and that change
// how the rest is shown, or that begin another line.
func hasControls(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || (unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && !names.IsPart(r))
	})
}

// maxRoomSlug is the maximum length of what a room's address takes from its name.
const maxRoomSlug = 32

// roomName makes the local part of an address out of what people type: something
// to recognise it by in a log, and something that no other room has.
func roomName(title string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == ' ' || r == '-' || r == '_' || r == '.':
			return '-'
		}
		return -1
	}, strings.ToLower(norm.NFKD.String(title)))
	slug = strings.Trim(strings.Join(strings.FieldsFunc(slug, func(r rune) bool { return r == '-' }), "-"), "-")
	if len(slug) > maxRoomSlug {
		slug = strings.TrimRight(slug[:maxRoomSlug], "-")
	}
	if slug == "" {
		slug = "room"
	}
	return slug + "-" + strings.ToLower(rand.Text()[:8])
}

// param is a part of the request's path, decoded: rooms are named in any script.
func param(c *fiber.Ctx, name string) string {
	value, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return ""
	}
	return value
}

var errNoRoom = &Error{Code: NotFound, Public: "There is no such room, or it is not open to you."}

// showRoom: GET /rooms/:name — one room, and whom to invite.
func (s *roomPages) showRoom(c *fiber.Ctx) error {
	return s.renderRoom(c, RoomPage{Typed: strings.TrimSpace(c.Query("q"))})
}

// renderRoom shows a room with what the page at hand brings.
func (s *roomPages) renderRoom(c *fiber.Ctx, data RoomPage) error {
	me := viewer(c).account
	room, err := s.chat.Room(c.UserContext(), me.Username, param(c, "name"))
	if errors.Is(err, ErrRoomRefused) {
		return errNoRoom
	}
	if err != nil {
		return err
	}
	data.RoomRow = s.roomRow(room)
	if data.Typed != "" {
		accounts, err := s.members.FindPeople(c.UserContext(), data.Typed, foundPeople)
		if err != nil {
			return err
		}
		if data.Found, err = s.people.people(c.UserContext(), me, accounts); err != nil {
			return err
		}
	}
	p := s.page(c, "room", room.Title)
	p.Data = data
	return s.render(c, "room", p)
}

func roomPath(name string) string { return "/rooms/" + url.PathEscape(name) }

// invite: POST /rooms/:name/invite — somebody else may come in, and is told.
func (s *roomPages) invite(c *fiber.Ctx) error {
	name := param(c, "name")
	if err := s.inviteAs(c.UserContext(), viewer(c).account.Username, name, c.FormValue("user")); err != nil {
		return err
	}
	s.flash(c, "invited")
	return c.Redirect(roomPath(name), http.StatusSeeOther)
}

// inviteAs invites somebody into a room on behalf of a person.
func (s *roomPages) inviteAs(ctx context.Context, inviter, room, user string) error {
	invitee, err := s.people.named(ctx, user)
	if err != nil {
		return err
	}
	err = s.chat.Invite(ctx, room, inviter, invitee.Username)
	if errors.Is(err, ErrRoomRefused) {
		return &Error{Code: Forbidden, Public: "You cannot invite " + invitee.Name + " to this room.", Err: err}
	}
	return err
}

// deleteRoom: POST /rooms/:name/delete — ends a room for good, with what was said
// there.
func (s *roomPages) deleteRoom(c *fiber.Ctx) error {
	err := s.chat.DestroyRoom(c.UserContext(), param(c, "name"), viewer(c).account.Username)
	if errors.Is(err, ErrRoomRefused) {
		return errNoRoom
	}
	if err != nil {
		return err
	}
	s.flash(c, "roomdeleted")
	return c.Redirect("/rooms", http.StatusSeeOther)
}
