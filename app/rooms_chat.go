package app

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// What the chat's list asks of rooms: which there are, and a new one. Pages have the same as
// forms (rooms.go).

// ListedRoom is a room that can be opened.
type ListedRoom struct {
	JID     string `json:"jid"`
	Name    string `json:"name"`
	About   string `json:"about,omitempty"`
	Here    string `json:"here"` // how many people are in it
	Private bool   `json:"private,omitempty"`
}

// listRooms: GET /xmpp/rooms?q=&after= — rooms that one may know of, by title, a page of
// them; with q those that it is in the title of.
func (s *roomPages) listRooms(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	rooms, next, err := s.roomsPage(c.UserContext(), v.account.Username, strings.TrimSpace(c.Query("q")), c.Query("after"))
	if err != nil {
		return err
	}
	list := make([]ListedRoom, 0, len(rooms))
	for _, r := range s.roomRows(rooms) {
		list = append(list, ListedRoom{JID: r.JID, Name: r.Name, About: r.Description, Here: r.Here, Private: r.Private})
	}
	answer := fiber.Map{"rooms": list}
	if next != "" {
		answer["next"] = next
	}
	return c.JSON(answer)
}

// makeRoomFromChat: POST /xmpp/rooms — {name, about, private}: a new room; {jid} of it, or
// {errors} by field.
func (s *roomPages) makeRoomFromChat(c *fiber.Ctx) error {
	var body struct {
		Name    string `json:"name"`
		About   string `json:"about"`
		Private bool   `json:"private"`
	}
	v, err := ownJSON(c, &body)
	if err != nil {
		return err
	}
	form := RoomForm{Name: body.Name, About: body.About, Private: body.Private}
	name, err := s.makeAs(c.UserContext(), v.account.Username, &form)
	if len(form.Errors) > 0 {
		return c.Status(madeStatus(err)).JSON(fiber.Map{"errors": form.Errors})
	}
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(fiber.Map{"jid": s.roomJID(name)})
}
