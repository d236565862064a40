package app

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/unicode/norm"
)

// Rooms of the home page: people make them by name and never see an address.

// Bounds of the form, in characters.
const (
	maxRoomName  = 60
	maxRoomAbout = 200
	listedRooms  = 100
)

// roomRows are the rooms that a person may see.
func (s *Server) roomRows(ctx context.Context, user string) ([]RoomRow, error) {
	rooms, err := s.chat.Rooms(ctx, user, listedRooms)
	if err != nil {
		return nil, err
	}
	rows := make([]RoomRow, 0, len(rooms))
	for _, r := range rooms {
		row := RoomRow{Key: r.Name, JID: s.roomJID(r.Name), Name: r.Title, Description: r.Description, Private: r.Private, Orphan: r.Orphan, Here: "Nobody is here"}
		switch {
		case r.Occupants == 1:
			row.Here = "1 person here"
		case r.Occupants > 1:
			row.Here = strconv.Itoa(r.Occupants) + " people here"
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (s *Server) roomJID(name string) string { return name + "@" + s.cfg.RoomsDomain() }

// makeRoom: POST /rooms — a new room, which then opens in the chat.
func (s *Server) makeRoom(c *fiber.Ctx) error {
	form := RoomForm{Name: strings.TrimSpace(c.FormValue("name")), About: strings.TrimSpace(c.FormValue("about")), Private: c.FormValue("who") == "invited"}
	form.check()
	if len(form.Errors) > 0 {
		return s.renderHome(c, http.StatusUnprocessableEntity, HomePage{Room: form})
	}
	name := roomName(form.Name)
	err := s.chat.CreateRoom(c.UserContext(), viewer(c).account.Username,
		NewRoom{Name: name, Title: form.Name, Description: form.About, Private: form.Private})
	if errors.Is(err, ErrTooManyRooms) {
		form.fail("", "You have made as many rooms as one person may. Close one that is not needed any more.")
		return s.renderHome(c, http.StatusUnprocessableEntity, HomePage{Room: form})
	}
	if err != nil {
		return err
	}
	return c.Redirect("/?room="+url.QueryEscape(name), http.StatusSeeOther)
}

func (f *RoomForm) check() {
	switch {
	case f.Name == "":
		f.fail("name", "Give the room a name.")
	case utf8.RuneCountInString(f.Name) > maxRoomName || hasControls(f.Name):
		f.fail("name", "Please choose a shorter name, on one line.")
	}
	if utf8.RuneCountInString(f.About) > maxRoomAbout || hasControls(f.About) {
		f.fail("about", "Please say it in fewer words, on one line.")
	}
}

func hasControls(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
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

// askedRoom is the room that a page was asked to open, as /?room=NAME does.
func (s *Server) askedRoom(c *fiber.Ctx) string {
	name := c.Query("room")
	if name == "" || strings.ContainsAny(name, "@/ ") {
		return ""
	}
	return s.roomJID(name)
}

// invite: POST /rooms/:name/invite — somebody else may come in, and is told.
func (s *Server) invite(c *fiber.Ctx) error {
	invitee, err := s.db.AccountByName(c.UserContext(), c.FormValue("user"))
	if errors.Is(err, models.ErrNotFound) {
		return &Error{Code: NotFound, Public: "There is nobody by that name."}
	}
	if err != nil {
		return err
	}
	err = s.chat.Invite(c.UserContext(), c.Params("name"), viewer(c).account.Username, invitee.Username)
	if errors.Is(err, ErrRoomRefused) {
		return &Error{Code: Forbidden, Public: "You cannot invite " + invitee.Name + " to this room.", Err: err}
	}
	if err != nil {
		return err
	}
	s.flash(c, "invited")
	return c.Redirect("/", http.StatusSeeOther)
}
