package app

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// index: GET / — what visitors see, or the members' home.
func (s *Server) index(c *fiber.Ctx) error {
	if viewer(c) == nil {
		return s.render(c, "landing", s.page(c, "landing", s.cfg.SiteName))
	}
	return s.renderHome(c, http.StatusOK, HomePage{Open: s.takeMadeRoom(c)})
}

// renderHome shows some of the people and rooms of the site, with what the form at
// hand brings.
func (s *Server) renderHome(c *fiber.Ctx, status int, data HomePage) error {
	ctx, me := c.UserContext(), viewer(c).account
	var err error
	if data.Groups, data.All, err = s.homePeople(ctx, me); err != nil {
		return err
	}
	data.Find = !data.All || len(data.Groups[0].People) >= enoughToFind
	if data.Asking, err = s.asking(ctx, me); err != nil {
		return err
	}
	data.Rooms, err = s.homeRooms(ctx, me.Username)
	if data.Silent = errors.Is(err, ErrChatAway); err != nil && !data.Silent {
		return err
	}
	p := s.page(c, "home", "Home")
	p.Data = data
	return s.render(c.Status(status), "home", p)
}

// chatPage: GET /chat — the same chat at full size.
func (s *Server) chatPage(c *fiber.Ctx) error {
	return s.render(c, "chat", s.page(c, "chat", "Chat"))
}

// chatWith: GET /chat/with/:user — the chat, with the conversation with somebody open.
func (s *Server) chatWith(c *fiber.Ctx) error {
	other, err := s.other(c)
	if err != nil {
		return err
	}
	return s.render(c, "chat", s.page(c, "chat", other.Name))
}

// chatInRoom: GET /chat/room/:name — the chat, in a room.
func (s *Server) chatInRoom(c *fiber.Ctx) error {
	room, err := s.chat.Room(c.UserContext(), viewer(c).account.Username, param(c, "name"))
	switch {
	case errors.Is(err, ErrChatAway):
		room.Title = "Chat" // it comes back by itself, and the room with it
	case errors.Is(err, ErrRoomRefused):
		return errNoRoom
	case err != nil:
		return err
	}
	return s.render(c, "chat", s.page(c, "chat", room.Title))
}
