package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/etag"
	"github.com/google/uuid"
)

// conversationLists are what the chat lists: one's conversations, those that can be found, and
// messages.
type conversationLists struct {
	*pages
	members *models.People
	lists   *budget.KeyedSemaphore
}

func (s *conversationLists) searchRoutes(xmpp fiber.Router) { xmpp.Get("/search", s.searchMessages) }

func (s *conversationLists) chatRoutes(xmpp fiber.Router) {
	xmpp.Get("/conversations", etag.New(), s.conversations) // pages ask often, and most of the time nothing is new
	xmpp.Get("/find", s.findConversations)
}

// The chat's list of conversations: what the browser does not know yet when a page is
// loaded, or signed in to for the first time.

// How much of it is there at once.
const (
	maxConversations = 100    // people
	maxListed        = 10_000 // people, of a list that was scrolled to its end
	maxLookedAt      = 1100   // people, of whom something unread is looked for, listed or not
	maxOwnRooms      = 500
	maxFound         = 8  // people, and rooms
	maxNamed         = 50 // people who are asked for by their user names; TOGETHER in names.js
	maxPreview       = 120

	maxConcurrentLists = 2 // of one account: what is unread is counted for each
)

// headerTime has the milliseconds since 1970 by the site's clock: what a browser knows of a conversation
// and what the site tells are in one order by time, and a browser's clock may be wrong. Not in the
// answer itself, which is the same (ETag) while nothing is new.
const headerTime = "Foyer-Time"

// newLists bounds how many lists of conversations are made at once. No bound for all accounts
// together: the database's pool has its own.
func newLists(recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "lists of conversations of one account at once"}, 1<<30, maxConcurrentLists, recorder)
}

// Conversation is a person or a room in the chat's list.
type Conversation struct {
	JID     string    `json:"jid"`
	Name    string    `json:"name"`
	Picture string    `json:"picture,omitempty"`
	Room    bool      `json:"room,omitempty"`
	Private bool      `json:"private,omitempty"` // a room by invitation
	About   string    `json:"about,omitempty"`   // what a room is about
	Last    *LastLine `json:"last,omitempty"`

	CanFollow bool `json:"canFollow,omitempty"` // a room of which one is told what is said without entering

	Unread    int    `json:"unread,omitempty"`    // what others said since one read there, 100 at most
	Mentioned int    `json:"mentioned,omitempty"` // in rooms, of these those that are to the person
	Read      string `json:"read,omitempty"`      // between people, the id of the message up to which it was read, where that is known
}

// LastLine is the latest message of a conversation, in one line.
type LastLine struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Mine bool      `json:"mine,omitempty"`
	By   string    `json:"by,omitempty"` // in rooms
	Text string    `json:"text"`
	Kind string    `json:"kind,omitempty"` // "file", "encrypted", "deleted"; else it is text
}

// ConversationMessage is the latest message between two people, or in a room.
type ConversationMessage struct {
	With   string // user name of the other, or name of the room
	Room   bool
	Mine   bool
	By     string // in rooms, the name that its author had there
	ID     uuid.UUID
	Stanza []byte
	Unread int    // what others said since it was read, 100 at most
	Read   string // id of the message up to which it was read; empty: not known
}

// conversations: GET /xmpp/conversations?further= — whom one talks with and the rooms one
// belongs to, the latest first: of people a hundred and so many further ones, and whoever else has
// written something that is unread.
func (s *conversationLists) conversations(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	ctx, me := c.UserContext(), v.account.Username
	release, err := s.lists.Acquire(ctx, me, 1)
	if err != nil {
		return err
	}
	defer release()
	list, more, err := s.conversationsOf(ctx, me, maxConversations+min(max(c.QueryInt("further"), 0), maxListed-maxConversations))
	if err != nil {
		return err
	}
	answer := fiber.Map{"conversations": list}
	if more {
		answer["more"] = true
	}
	c.Set(headerTime, strconv.FormatInt(time.Now().UnixMilli(), 10))
	return c.JSON(answer)
}

// conversationsOf are somebody's, with what was said last and what is unread, those with so many people; and whether
// a longer list has more.
func (s *conversationLists) conversationsOf(ctx context.Context, me string, people int) ([]Conversation, bool, error) {
	rooms, err := s.chat.Rooms(ctx, me, RoomQuery{Joined: true, Max: maxOwnRooms})
	if err != nil && !errors.Is(err, ErrChatUnreachable) {
		return nil, false, err
	}
	names := make([]string, len(rooms))
	for i, r := range rooms {
		names[i] = r.Name
	}
	latest, more, err := s.chat.Latest(ctx, me, LatestQuery{Max: people, UnreadScan: max(0, maxLookedAt-people), Rooms: names})
	if err != nil {
		return nil, false, err
	}
	unread, err := s.chat.Unread(ctx, me, maxOwnRooms)
	if err != nil {
		return nil, false, err
	}
	list, err := s.withPeople(ctx, me, latest)
	if err != nil {
		return nil, false, err
	}
	said := make(map[string]ConversationMessage, len(rooms))
	for _, m := range latest {
		if m.Room {
			said[m.With] = m
		}
	}
	for _, r := range rooms {
		entry := s.roomConversation(r)
		if m, ok := said[r.Name]; ok {
			entry.Last = lastLine(m)
		}
		entry.Unread, entry.Mentioned = unread[r.Name].Messages, unread[r.Name].Mentioned
		list = append(list, entry)
	}
	slices.SortStableFunc(list, func(a, b Conversation) int { return b.at().Compare(a.at()) })
	return list, more && people < maxListed, nil
}

// at is when something was said last; before everything else if nothing was.
func (c Conversation) at() time.Time {
	if c.Last == nil {
		return time.Time{}
	}
	return c.Last.At
}

// with adds what was said last, and how much of it is unread.
func (c *Conversation) with(m ConversationMessage) {
	c.Last, c.Unread, c.Read = lastLine(m), m.Unread, m.Read
}

// withPeople are the conversations with people whom the site has.
func (s *conversationLists) withPeople(ctx context.Context, me string, latest []ConversationMessage) ([]Conversation, error) {
	var users []string
	said := make(map[string]ConversationMessage, len(latest))
	for _, m := range latest {
		if !m.Room && m.With != me {
			users = append(users, m.With)
			said[m.With] = m
		}
	}
	accounts, err := s.members.PeopleNamed(ctx, users)
	if err != nil {
		return nil, err
	}
	list := make([]Conversation, 0, len(accounts))
	for _, a := range accounts {
		entry := s.personConversation(a)
		entry.with(said[a.Username])
		list = append(list, entry)
	}
	return list, nil
}

func (s *conversationLists) personConversation(a models.Account) Conversation {
	p := s.person(a)
	return Conversation{JID: p.JID, Name: p.Name, Picture: p.AvatarURL}
}

func (s *conversationLists) roomConversation(r ChatRoom) Conversation {
	return Conversation{JID: s.roomJID(r.Name), Name: r.Title, Room: true, Private: r.Private, About: r.Description, CanFollow: r.CanFollow}
}

// findConversations: GET /xmpp/find?q= — people and rooms that one can talk with, by
// what is typed; GET /xmpp/find?user=&user= — the people who have these user names.
func (s *conversationLists) findConversations(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	ctx, typed := c.UserContext(), strings.TrimSpace(c.Query("q"))
	list := []Conversation{}
	var users []string
	for _, user := range c.Context().QueryArgs().PeekMulti("user") {
		if len(user) > 0 {
			users = append(users, preparedAt(s.cfg.Domain, string(user)))
		}
	}
	if len(users) > maxNamed {
		return &Error{Code: Invalid, Public: fmt.Sprintf("At most %d people can be asked for at once.", maxNamed)}
	}
	if len(users) > 0 {
		named, err := s.members.PeopleNamed(ctx, users)
		if err != nil {
			return err
		}
		for _, a := range named {
			list = append(list, s.personConversation(a))
		}
		return c.JSON(fiber.Map{"conversations": list})
	}
	if typed == "" {
		return c.JSON(fiber.Map{"conversations": list})
	}
	people, err := s.members.FindPeople(ctx, typed, maxFound+1)
	if err != nil {
		return err
	}
	for _, a := range people {
		if a.Username != v.account.Username && len(list) < maxFound {
			list = append(list, s.personConversation(a))
		}
	}
	rooms, err := s.chat.Rooms(ctx, v.account.Username, RoomQuery{Typed: typed, Max: maxFound})
	if err != nil && !errors.Is(err, ErrChatUnreachable) {
		return err
	}
	for _, r := range rooms {
		list = append(list, s.roomConversation(r))
	}
	return c.JSON(fiber.Map{"conversations": list})
}

// lastLine says a message in one line.
func lastLine(m ConversationMessage) *LastLine {
	sec, nsec := m.ID.Time().UnixTime()
	line := &LastLine{ID: m.ID.String(), At: time.Unix(sec, nsec).UTC(), Mine: m.Mine, By: m.By}
	el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)})
	if err != nil {
		return line // it is damaged; that there is one is true
	}
	line.Text, line.Kind = preview(el)
	return line
}

// preview is what a message says, and of what kind it is.
func preview(m *stream.Element) (text, kind string) {
	for _, ns := range []string{stanza.NSOldOMEMO, stanza.NSOMEMO} {
		if _, ok := m.Find(ns, "encrypted"); ok {
			return "", "encrypted"
		}
	}
	for _, name := range []string{"retract", "retracted"} { // XEP-0424 §3: its text is for other clients; §5
		if _, ok := m.Find(stanza.NSRetract, name); ok {
			return "", "deleted"
		}
	}
	text = strings.Join(strings.Fields(stanza.LineText(m)), " ")
	if name, ok := fileName(text); ok {
		return name, "file"
	}
	if len(text) > maxPreview {
		cut := maxPreview
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text, ""
}

// fileName is the name of the file that a message consists of: the address of one in an
// upload folder, this site's or another server's (XEP-0363). In the browser: addressIn (list/entries.js).
func fileName(text string) (string, bool) {
	if strings.ContainsFunc(text, unicode.IsSpace) { // url.Parse allows it in a path
		return "", false
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return "", false
	}
	folder, name := path.Split(u.Path)
	if !strings.Contains(folder, "/upload") {
		return "", false
	}
	if id, err := hex.DecodeString(name); err == nil && len(id) > 8 {
		return "", true // a name that no person gave
	}
	return name, name != ""
}
