package app

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// Search: messages of all one's conversations and rooms. People and rooms by name are in
// conversations.go.

// How much a search takes.
const (
	foundMessages   = 20
	maxSearchQuery  = 200 // characters
	snippetBefore   = 60  // runes before the first word that is found
	maxSnippetRunes = 240
)

// MessageSearch is what somebody looks for. Zero fields do not limit.
type MessageSearch struct {
	Text     string
	With     string // user name: only what was said with them
	Room     string // name: only what was said there
	Files    string // only files that are kept at this host, with Text in their names
	By       string // user name: only what they wrote; then Text and Files may be empty
	ByName   string // the name that By has: in rooms that do not say whose a name is, what was written under it
	From, To time.Time
	Before   uuid.UUID
	Max      int
}

// MessagesFound is a page of what was found, the newest first.
type MessagesFound struct {
	Messages []FoundMessage
	Next     uuid.UUID // what comes after this page is before this id; zero: nothing does
	Late     bool      // there was no time to look everywhere; Next goes on
}

// FoundMessage is a message in a conversation with somebody, or in a room.
type FoundMessage struct {
	With   string // user name of the other, or name of the room
	Room   bool
	Title  string // the room's
	Mine   bool
	By     string // in rooms, the name that its author had there
	ID     uuid.UUID
	Text   string
	Stanza []byte
}

// ErrSearchBusy: there are too many searches just now.
var ErrSearchBusy = errors.New("app: too many searches at once")

// FoundResult is what the page shows of a message.
type FoundResult struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Mine    bool      `json:"mine,omitempty"`
	JID     string    `json:"jid"` // of the conversation
	Name    string    `json:"name"`
	Picture string    `json:"picture,omitempty"`
	Room    bool      `json:"room,omitempty"`
	Address string    `json:"address"` // where it opens at this message
	File    bool      `json:"file,omitempty"`
	URL     string    `json:"url,omitempty"` // of the file
	Text    string    `json:"text"`
	Marks   [][2]int  `json:"marks,omitempty"` // where the words are in Text, in UTF-16 units, as [from, to)
}

// searchMessages: GET /xmpp/search?q=&with=&room=&by=&from=&to=&files=1&before=&max= —
// messages that one may read, newest first, with the words that are looked for; with by and no
// words, the latest that this account wrote.
func (s *conversationLists) searchMessages(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	if !s.chat.Abilities().Search {
		return &Error{Code: NotFound, Public: "The chat server of this site does not search messages."}
	}
	q, err := s.parseSearch(c)
	if err != nil {
		return err
	}
	if q.Text == "" && q.Files == "" && q.By == "" {
		return c.JSON(fiber.Map{"messages": []FoundResult{}})
	}
	if q.By != "" {
		named, err := s.members.PeopleNamed(c.UserContext(), []string{q.By})
		if err != nil {
			return err
		}
		for _, a := range named {
			q.ByName = a.Name
		}
	}
	found, err := s.chat.SearchMessages(c.UserContext(), v.account.Username, q)
	if errors.Is(err, ErrSearchBusy) {
		return &Error{Code: TooMany, Public: "Too many searches at once. Please try again in a moment."}
	}
	if err != nil {
		return err
	}
	results, err := s.foundResults(c.UserContext(), v.account, q, found.Messages)
	if err != nil {
		return err
	}
	answer := fiber.Map{"messages": results, "late": found.Late}
	if found.Next != uuid.Nil {
		answer["next"] = found.Next.String()
	}
	return c.JSON(answer)
}

var errBadSearch = &Error{Code: Invalid, Public: "That search cannot be read. Please start it again."}

// parseSearch reads what is looked for. Days are those of UTC unless the page says the time.
func (s *conversationLists) parseSearch(c *fiber.Ctx) (MessageSearch, error) {
	q := MessageSearch{Text: strings.TrimSpace(c.Query("q")), With: preparedAt(s.cfg.Domain, c.Query("with")), Room: preparedAt(s.cfg.RoomsDomain(), c.Query("room")), By: preparedAt(s.cfg.Domain, c.Query("by")), Max: foundMessages}
	named := q.Text + q.With + q.Room + q.By
	if utf8.RuneCountInString(q.Text) > maxSearchQuery || strings.ContainsRune(named, 0) || !utf8.ValidString(named) || (q.With != "" && q.Room != "") {
		return q, errBadSearch
	}
	if c.Query("files") == "1" {
		u, err := url.Parse(s.BaseURL())
		if err != nil {
			return q, err
		}
		q.Files = u.Host
	}
	for name, at := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := c.Query(name); text != "" {
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return q, errBadSearch
			}
			*at = t
		}
	}
	if text := c.Query("max"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > foundMessages {
			return q, errBadSearch
		}
		q.Max = n
	}
	if text := c.Query("before"); text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			return q, errBadSearch
		}
		q.Before = id
	}
	return q, nil
}

// foundResults are messages as the page shows them, without those that only their devices
// can read.
func (s *conversationLists) foundResults(ctx context.Context, me models.Account, q MessageSearch, messages []FoundMessage) ([]FoundResult, error) {
	var users []string
	for _, m := range messages {
		if !m.Room {
			users = append(users, m.With)
		}
	}
	accounts, err := s.members.PeopleNamed(ctx, users)
	if err != nil {
		return nil, err
	}
	results, words := []FoundResult{}, searchWords(q.Text)
	for _, m := range messages {
		sec, nsec := m.ID.Time().UnixTime()
		r := FoundResult{ID: m.ID.String(), At: time.Unix(sec, nsec).UTC(), Mine: m.Mine, Who: m.By, Room: m.Room}
		if m.Room {
			r.JID, r.Name, r.Address = s.roomJID(m.With), m.Title, "/chat/room/"
		} else {
			i := slices.IndexFunc(accounts, func(a models.Account) bool { return a.Username == m.With })
			if i < 0 {
				continue // the account is gone, and its conversation with it
			}
			p := s.person(accounts[i])
			r.JID, r.Name, r.Picture, r.Who, r.Address = p.JID, p.Name, p.AvatarURL, p.Name, "/chat/with/"
		}
		if m.Mine {
			r.Who = me.Name
		}
		r.Address += url.PathEscape(m.With) + "?at=" + r.ID
		if el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)}); err == nil {
			text, kind := preview(el)
			if kind == "encrypted" {
				continue
			}
			m.Text = stanza.LineText(el)
			if r.File = kind == "file"; r.File {
				r.URL, m.Text = strings.TrimSpace(m.Text), text
			} else if does, ok := stanza.Action(m.Text); ok {
				m.Text = r.Who + " " + does
			}
		}
		r.Text, r.Marks = snippet(m.Text, words)
		results = append(results, r)
	}
	return results, nil
}

// markedWords are the words that a search marks.
type markedWords struct {
	whole     []string
	beginning string // what others begin with; empty: none
}

func (w markedWords) has(word string) bool {
	return slices.Contains(w.whole, word) || (w.beginning != "" && strings.HasPrefix(word, w.beginning))
}

// searchWords are the words that a search marks: those that must not be there, and "or",
// are none.
func searchWords(q string) markedWords {
	var words []string
	for _, part := range strings.Fields(strings.ToLower(q)) {
		if strings.HasPrefix(part, "-") || part == "or" {
			continue
		}
		words = append(words, strings.FieldsFunc(part, notOfWord)...)
	}
	return markedWords{whole: words, beginning: beginning(q)}
}

// beginning is what others may begin with, of a search: its last letters, unless they are quoted, too few, or of what must
// not be there.
func beginning(q string) string {
	fields := strings.Fields(strings.ToLower(q))
	if len(fields) == 0 || strings.Count(q, `"`)%2 != 0 {
		return ""
	}
	last := fields[len(fields)-1]
	letters := last[strings.LastIndexFunc(last, notOfWord)+1:]
	if strings.HasPrefix(last, "-") || !models.BeginsWord(letters) {
		return ""
	}
	return letters
}

func notOfWord(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '_'
}

// snippet is the part of a text that has the first of the words, on one line, and where
// the words are in it.
func snippet(text string, words markedWords) (string, [][2]int) {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	found := marked(runes, words)
	from := 0
	if len(found) > 0 {
		from = max(found[0][0]-snippetBefore, 0)
	}
	for from > 0 && from < found[0][0] && runes[from-1] != ' ' {
		from++
	}
	to := min(from+maxSnippetRunes, len(runes))
	out, before := string(runes[from:to]), 0
	if from > 0 {
		out, before = "…"+out, 1
	}
	if to < len(runes) {
		out += "…"
	}
	var marks [][2]int
	units := func(a, b int) int { return len(utf16.Encode(runes[a:b])) }
	for _, m := range found {
		if m[1] <= to {
			marks = append(marks, [2]int{before + units(from, m[0]), before + units(from, m[1])})
		}
	}
	return out, marks
}

// marked is where whole words of a text are among words.
func marked(runes []rune, words markedWords) (found [][2]int) {
	for i := 0; i < len(runes); {
		if notOfWord(runes[i]) {
			i++
			continue
		}
		end := i
		for end < len(runes) && !notOfWord(runes[end]) {
			end++
		}
		if words.has(strings.ToLower(string(runes[i:end]))) {
			found = append(found, [2]int{i, end})
		}
		i = end
	}
	return found
}
