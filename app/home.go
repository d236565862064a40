package app

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v2"
)

// homePages are what one sees first, with the form for a new room; and the chat at full size.
type homePages struct {
	*pages
	people *peoplePages
	rooms  *roomPages
}

func (s *homePages) routes(web fiber.Router) {
	web.Get("/", s.index)
	if s.cfg.showsExample() {
		web.Get("/articles/garden", s.article)
	}
	web.Get("/chat", s.requireMember, s.chatPage)
	web.Get("/chat/with/:user", s.requireMember, s.chatWith)
	web.Get("/chat/room/:name", s.requireMember, s.chatInRoom)
	web.Post("/rooms", s.requireMember, s.makeRoom)
	web.Post("/theme", s.setTheme)
}

// index: GET / — what visitors see, or the members' home.
func (s *homePages) index(c *fiber.Ctx) error {
	if viewer(c) == nil {
		return s.render(c, "landing", s.page(c, "landing", s.cfg.SiteName))
	}
	return s.renderHome(c, http.StatusOK, HomePage{Open: s.takeMadeRoom(c)})
}

// renderHome shows some of the people and rooms of the site, with what the form at
// hand brings.
func (s *homePages) renderHome(c *fiber.Ctx, status int, data HomePage) error {
	ctx, me := c.UserContext(), viewer(c).account
	var err error
	if data.Groups, data.All, err = s.people.homePeople(ctx, me); err != nil {
		return err
	}
	data.Find = !data.All || len(data.Groups[0].People) >= enoughToFind
	if data.Asking, err = s.people.asking(ctx, me); err != nil {
		return err
	}
	data.Rooms, err = s.rooms.homeRooms(ctx, me.Username)
	if data.RoomsUnavailable = errors.Is(err, ErrChatUnreachable); err != nil && !data.RoomsUnavailable {
		return err
	}
	p := s.page(c, "home", "Home")
	p.Data = data
	return s.render(c.Status(status), "home", p)
}

// chatPage: GET /chat — the same chat at full size.
func (s *homePages) chatPage(c *fiber.Ctx) error {
	return s.render(c, "chat", s.page(c, "chat", "Chat"))
}

// chatWith: GET /chat/with/:user — the chat, with the conversation with somebody open.
func (s *homePages) chatWith(c *fiber.Ctx) error {
	other, err := s.people.other(c)
	if err != nil {
		return err
	}
	if other.Username != param(c, "user") {
		return moved(c, "/chat/with/"+url.PathEscape(other.Username))
	}
	return s.render(c, "chat", s.page(c, "chat", other.Name))
}

// chatInRoom: GET /chat/room/:name — the chat, in a room.
func (s *homePages) chatInRoom(c *fiber.Ctx) error {
	room, err := s.chat.Room(c.UserContext(), viewer(c).account.Username, param(c, "name"))
	switch {
	case errors.Is(err, ErrChatUnreachable):
		room.Title = "Chat" // it comes back by itself, and the room with it
	case errors.Is(err, ErrRoomRefused):
		return errNoRoom
	case err != nil:
		return err
	case room.Name != param(c, "name"):
		return moved(c, "/chat/room/"+url.PathEscape(room.Name))
	}
	return s.render(c, "chat", s.page(c, "chat", room.Title))
}

// moved sends the browser to the one address that a conversation has: the page's scripts read
// it, too, and there one with another case or form would be another conversation.
func moved(c *fiber.Ctx, path string) error {
	if query := string(c.Context().QueryArgs().QueryString()); query != "" {
		path += "?" + query
	}
	return c.Redirect(path, http.StatusSeeOther)
}
