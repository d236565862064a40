package app

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"foyer/internal/budget"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// What the chat's panel of a room and its cards of people ask the site for.

// Bounds of these.
const (
	maxRoomPeople       = 5000 // listed at once, of those who belong to a room and are not there
	maxSharedRooms      = 20
	maxConcurrentPanels = 2 // of one account: a list of as many people is a megabyte
)

// newRoomLists bounds how many lists of people in rooms are made at once.
func newRoomLists(recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "lists of people in rooms of one account at once"}, 1<<30, maxConcurrentPanels, recorder)
}

// RoomMember is somebody in the panel of a room.
type RoomMember struct {
	JID         string `json:"jid"`
	Name        string `json:"name"`
	Picture     string `json:"picture,omitempty"`
	Affiliation string `json:"standing"`       // "owner", "admin", "member", "none"; "outcast": banned
	Nick        string `json:"nick,omitempty"` // in the room now, under this name
}

// roomPeople: GET /xmpp/rooms/:name/people?nick=&said= — who is in a room or belongs to it, with
// names and pictures; with nick only who is there under that name; with said, the id of a message in
// the room's archive, only who said it. A server that tells only people themselves is asked by the page.
func (s *roomPages) roomPeople(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	release, err := s.lists.Acquire(c.UserContext(), v.account.Username, 1)
	if err != nil {
		return err
	}
	defer release()
	people, nick, err := s.peopleAskedFor(c, v.account.Username)
	if errors.Is(err, ErrRoomRefused) {
		return errNoRoom
	}
	if err != nil {
		return err
	}
	people = listedFirst(people)
	users := make([]string, len(people))
	for i, p := range people {
		users[i] = p.User
	}
	accounts, err := s.members.PeopleNamed(c.UserContext(), users)
	if err != nil {
		return err
	}
	members := s.roomMembers(people, accounts)
	if nick != "" {
		members = slices.DeleteFunc(members, func(m RoomMember) bool { return m.Nick != nick })
	}
	return c.JSON(fiber.Map{"people": members})
}

// peopleAskedFor returns whom a request is for, and the name that they have to go by, if it is for one.
func (s *roomPages) peopleAskedFor(c *fiber.Ctx, viewer string) (people []RoomPerson, nick string, err error) {
	room := param(c, "name")
	if said := c.Query("said"); said != "" {
		id, err := uuid.Parse(said)
		if err != nil {
			return nil, "", ErrRoomRefused
		}
		people, err := s.chat.RoomAuthor(c.UserContext(), viewer, room, id)
		if err != nil || len(people) == 0 {
			return nil, "", err
		}
		return people, people[0].Nick, nil
	}
	if people, err = s.chat.RoomPeople(c.UserContext(), viewer, room); err != nil {
		return nil, "", err
	}
	if nick = c.Query("nick"); nick != "" {
		people = slices.DeleteFunc(people, func(p RoomPerson) bool { return p.Nick != nick })
	}
	return people, nick, nil
}

// listedFirst bounds a list of people: those who are there, who looks after the room, who is
// banned, and then the others, as many as are listed.
func listedFirst(people []RoomPerson) []RoomPerson {
	if len(people) <= maxRoomPeople {
		return people
	}
	last := func(p RoomPerson) int {
		if p.Nick == "" && p.Affiliation == "member" {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(people, func(a, b RoomPerson) int { return last(a) - last(b) })
	return people[:maxRoomPeople]
}

// roomMembers are people with their accounts. Where a room does not show whose account
// somebody is, the site says it only of those who go by their own name there, on a site
// whose members all know of each other (XEP-0045 §4.2, semi-anonymous rooms). Somebody who
// belongs to the room and is there under another name is listed as if they were not there:
// an account that went from the list when a name came would be known by it.
func (s *roomPages) roomMembers(people []RoomPerson, accounts []models.Account) []RoomMember {
	byUser := make(map[string]models.Account, len(accounts))
	for _, a := range accounts {
		byUser[a.Username] = a
	}
	open := s.cfg.Roster == models.RosterEveryone
	list := make([]RoomMember, 0, len(people))
	for _, p := range people {
		a, ok := byUser[p.User]
		if !ok || (!p.AddressVisible && !open) {
			continue
		}
		if !p.AddressVisible && p.Nick != a.Name {
			if p.Nick = ""; p.Affiliation == "none" {
				continue
			}
		}
		shown := s.person(a)
		list = append(list, RoomMember{JID: shown.JID, Name: shown.Name, Picture: shown.AvatarURL, Affiliation: p.Affiliation, Nick: p.Nick})
	}
	// Who is there has gone first: the order says no more than the list does.
	slices.SortStableFunc(list, func(a, b RoomMember) int {
		return cmp.Or(strings.Compare(a.JID, b.JID), strings.Compare(b.Nick, a.Nick))
	})
	said := ""
	return slices.DeleteFunc(list, func(m RoomMember) bool {
		again := m.Nick == "" && m.JID == said // under their own name as well, or under several others
		said = m.JID
		return again
	})
}

// siteAdmin is what people read of somebody who runs the site, in rooms and on cards.
const siteAdmin = "Site admin"

// PersonCard is what the chat shows of somebody besides what it knows itself.
type PersonCard struct {
	JID     string       `json:"jid"`
	Name    string       `json:"name"`
	Picture string       `json:"picture,omitempty"`
	Role    string       `json:"role,omitempty"` // on the site
	Rooms   []SharedRoom `json:"rooms"`          // that both belong to
}

// SharedRoom is a room that two people belong to, as far as it shows whose accounts people are.
type SharedRoom struct {
	JID     string `json:"jid"`
	Name    string `json:"name"`
	Address string `json:"address"`
}

// personCard: GET /xmpp/people/:user — who somebody is, and the rooms that one shares with
// them.
func (s *peoplePages) personCard(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	other, err := s.other(c)
	if err != nil {
		return err
	}
	p := s.person(other)
	card := PersonCard{JID: p.JID, Name: p.Name, Picture: p.AvatarURL}
	if p.Admin {
		card.Role = siteAdmin
	}
	if card.Rooms, err = s.sharedRooms(c, v.account.Username, other.Username); err != nil {
		return err
	}
	return c.JSON(card)
}

func (s *peoplePages) sharedRooms(c *fiber.Ctx, me, other string) ([]SharedRoom, error) {
	shared := []SharedRoom{}
	mine, err := s.chat.Rooms(c.UserContext(), me, RoomQuery{Own: true, Max: maxOwnRooms})
	if err != nil || len(mine) == 0 {
		return shared, withoutChat(err)
	}
	theirs, err := s.chat.Rooms(c.UserContext(), other, RoomQuery{Own: true, Max: maxOwnRooms})
	if err != nil {
		return shared, withoutChat(err)
	}
	open := s.cfg.Roster == models.RosterEveryone
	for _, r := range mine {
		both := (open || r.ShowsAddresses) && slices.ContainsFunc(theirs, func(t ChatRoom) bool { return t.Name == r.Name })
		if both && len(shared) < maxSharedRooms {
			shared = append(shared, SharedRoom{JID: s.roomJID(r.Name), Name: r.Title, Address: "/chat/room/" + url.PathEscape(r.Name)})
		}
	}
	return shared, nil
}

// withoutChat leaves out what a chat server that does not answer would have told.
func withoutChat(err error) error {
	if errors.Is(err, ErrChatUnreachable) {
		return nil
	}
	return err
}

// inviteFromChat: POST /xmpp/rooms/:name/invite — {user}
func (s *roomPages) inviteFromChat(c *fiber.Ctx) error {
	var body struct {
		User string `json:"user"`
	}
	v, err := ownJSON(c, &body)
	if err != nil {
		return err
	}
	if err := s.inviteAs(c.UserContext(), v.account.Username, param(c, "name"), body.User); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
