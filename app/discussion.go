package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"html/template"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"foyer/internal/budget"
	"foyer/internal/markup"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
)

// A room in a page: {{room "garden"}} in a template shows what is said there, as html, to
// everybody if its owners allow it, with a button that opens the room in the chat for those
// who are signed in. A page may have several.
//
// A template has no way to the database, nor to who looks at it: the function leaves a
// mark, and render puts the discussion in its place.

// Bounds of a page with discussions.
const (
	maxDiscussions  = 8 // on one page; more are left out
	discussionSize  = 30
	maxSaidBytes    = 4000 // of one message
	maxStartBytes   = 120  // of one that another answers
	discussionKnown = 3 * time.Second
	maxKnown        = 100 // pages of discussions, of the latest and of what was said earlier

	// Pages of what was said earlier: each id that somebody thinks of is another, and takes a query.
	earlierPerSecond, earlierBurst = 20, 400 // of one account or address
	earlierReads                   = 2       // of it at the same time
)

// Discussion is what was said in a room that everybody may read, the latest last.
type Discussion struct {
	Title, About string
	Messages     []DiscussionMessage
	Earlier      uuid.UUID // before which there is more; Nil: there is not
}

// DiscussionMessage is a message of a discussion.
type DiscussionMessage struct {
	ID     uuid.UUID
	By     string // a name, never an address
	At     time.Time
	Text   string
	Action bool   // Text is read after the author's name (XEP-0245)
	Styled bool   // marks in Text are styling (XEP-0393)
	File   string // the name of the file that is at Link, in the place of a text
	Link   string
	Edited bool
	// Deleted: it was taken back. Then there is neither a text nor, on a page that is everybody's, a name.
	Deleted bool
	// Answers is the message that this one answers, if the page shows it.
	Answers *DiscussionMessage

	answers string // the id of what it answers
}

// DiscussionPart is the data of "discussion".
type DiscussionPart struct {
	Discussion
	Key, JID string // of the room
	Readable bool   // what is said may be shown
	Known    bool   // the viewer may open it
	Me       bool   // somebody is signed in
	Page     string // the page's path
	Nth      int    // of this room on the page, from 1
	Older    bool   // not the latest is shown
	SignUp   bool
}

// roomMark stands for a discussion until the page is rendered. Its first part is random, so
// that no text of a page is taken for one.
func (s *pages) roomMark(name string) template.HTML {
	return template.HTML("<!--" + s.mark + base64.RawURLEncoding.EncodeToString([]byte(name)) + "-->")
}

// withDiscussions puts discussions in the place of their marks.
func (s *pages) withDiscussions(c *fiber.Ctx, p *Page, page []byte) ([]byte, error) {
	start := []byte("<!--" + s.mark)
	if !bytes.Contains(page, start) {
		return page, nil
	}
	var out bytes.Buffer
	shown := make(map[string]int) // how often, by room
	for n := 0; ; n++ {
		before, rest, found := bytes.Cut(page, start)
		out.Write(before)
		if !found {
			return out.Bytes(), nil
		}
		mark, after, _ := bytes.Cut(rest, []byte("-->"))
		page = after
		name, err := base64.RawURLEncoding.DecodeString(string(mark))
		if err != nil || n >= maxDiscussions {
			continue
		}
		part, err := s.discussion(c, p, string(name))
		if err != nil {
			return nil, err
		}
		shown[part.Key]++
		part.Nth = shown[part.Key]
		if err := s.views.Render(&out, "discussion", part); err != nil {
			return nil, err
		}
	}
}

// discussion is what the viewer may see of a room in a page. ?room=…&before=… asks for what
// was said earlier in one of them.
func (s *pages) discussion(c *fiber.Ctx, p *Page, name string) (DiscussionPart, error) {
	part := DiscussionPart{Key: name, JID: s.roomJID(name), Me: p.Me != nil, Page: c.Path(), SignUp: p.Signup}
	before := uuid.Max
	if id, err := uuid.Parse(c.Query("before")); err == nil && c.Query("room") == name {
		before, part.Older = id, true
	}
	d, err := s.discussions.get(c.UserContext(), s.chat, s.payer(c), name, before)
	switch {
	case err == nil:
		part.Discussion, part.Readable, part.Known = d, true, part.Me
		return part, nil
	case !errors.Is(err, ErrRoomRefused) && !errors.Is(err, ErrChatUnreachable):
		return part, err
	case p.Me == nil:
		return part, nil
	}
	room, err := s.chat.Room(c.UserContext(), viewer(c).account.Username, name)
	if errors.Is(err, ErrRoomRefused) || errors.Is(err, ErrChatUnreachable) {
		return part, nil
	}
	part.Title, part.About, part.Known = room.Title, room.Description, true
	return part, err
}

// payer is who pays for what is asked on behalf of a request: the account, or the address of a visitor.
func (s *site) payer(c *fiber.Ctx) string {
	if v := viewer(c); v != nil {
		return v.account.Username
	}
	return budget.Network(s.address(c))
}

// discussions keeps what pages show of rooms for a moment: many visitors cost one query, those at the same time
// included. What was said earlier is kept apart, so that somebody who reads on and on does not push out the
// latest, and whoever does so pays for it.
type discussions struct {
	rate  *budget.Rate           // of pages of what was said earlier
	reads *budget.KeyedSemaphore // of those at the same time

	reading         singleflight.Group
	mu              sync.Mutex
	latest, earlier map[discussionPage]knownDiscussion
}

func newDiscussions(recorder budget.Recorder) *discussions {
	return &discussions{
		rate:   budget.NewRate(budget.Limit{Name: "earlier pages of discussions for one address or account"}, earlierPerSecond, earlierBurst, recorder),
		reads:  budget.NewKeyedSemaphore(budget.Limit{Name: "earlier pages of discussions for one address or account at once"}, 1<<30, earlierReads, nil),
		latest: make(map[discussionPage]knownDiscussion), earlier: make(map[discussionPage]knownDiscussion),
	}
}

// discussionPage is what was said in a room before a message; before uuid.Max: the latest.
type discussionPage struct {
	room   string
	before uuid.UUID
}

type knownDiscussion struct {
	Discussion
	err   error // ErrRoomRefused
	until time.Time
}

// get returns a page of a discussion, for which payer pays if nobody has just asked for it.
func (d *discussions) get(ctx context.Context, chat Chat, payer, name string, before uuid.UUID) (Discussion, error) {
	page := discussionPage{name, before}
	if k, ok := d.find(page); ok {
		return k.Discussion, k.err
	}
	if before != uuid.Max {
		done, err := d.reads.Acquire(ctx, payer, 1)
		if err != nil {
			return Discussion{}, errTooManyRequests
		}
		defer done()
		if err := d.rate.Wait(ctx, payer, 1); err != nil {
			return Discussion{}, errTooManyRequests
		}
	}
	read := d.reading.DoChan(name+"/"+before.String(), func() (any, error) {
		if k, ok := d.find(page); ok {
			return k, nil // read by who was before, just now
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout) // others wait for it as well
		defer cancel()
		k := knownDiscussion{until: time.Now().Add(discussionKnown)}
		if k.Discussion, k.err = chat.Discussion(ctx, name, before, discussionSize); k.err != nil && !errors.Is(k.err, ErrRoomRefused) {
			return nil, k.err
		}
		d.keep(page, k)
		return k, nil
	})
	select {
	case r := <-read:
		if r.Err != nil {
			return Discussion{}, r.Err
		}
		k := r.Val.(knownDiscussion)
		return k.Discussion, k.err
	case <-ctx.Done():
		return Discussion{}, ctx.Err()
	}
}

// kept is where a page is kept.
func (d *discussions) kept(page discussionPage) map[discussionPage]knownDiscussion {
	if page.before == uuid.Max {
		return d.latest
	}
	return d.earlier
}

func (d *discussions) find(page discussionPage) (knownDiscussion, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k, ok := d.kept(page)[page]
	return k, ok && time.Now().Before(k.until)
}

// keep keeps a page, in the place of the one that was read first: all are good for the same time.
func (d *discussions) keep(page discussionPage, k knownDiscussion) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := d.kept(page)
	if _, again := kept[page]; !again && len(kept) >= maxKnown {
		first := page
		for p, other := range kept {
			if first == page || other.until.Before(kept[first].until) {
				first = p
			}
		}
		delete(kept, first)
	}
	kept[page] = k
}

// saidInRoom turns a room's messages, the latest first, into what a page shows, the latest
// last: corrections in the place of what they correct, files by their names.
func saidInRoom(list, later []models.RoomMessage, max int) Discussion {
	var d Discussion
	if len(list) > max {
		list = list[:max]
		d.Earlier = list[max-1].ID
	}
	type key struct{ author, id string }
	corrections := make(map[key][]byte) // the latest of each: they come first
	for _, m := range slices.Concat(later, list) {
		if k := (key{m.Author, m.Corrects}); m.Corrects != "" && corrections[k] == nil {
			corrections[k] = m.Stanza
		}
	}
	shown := make(map[string]*DiscussionMessage)
	for _, m := range slices.Backward(list) {
		if m.Corrects != "" {
			continue
		}
		said := saidBy(m)
		said.Answers = shown[said.answers]
		if newer := corrections[key{m.Author, m.StanzaID}]; m.StanzaID != "" && newer != nil {
			said.read(newer)
			said.Edited = !said.Deleted
		}
		if said.Text != "" || said.Deleted {
			d.Messages = append(d.Messages, said)
			shown[m.ID.String()] = &said
		}
	}
	return d
}

// saidBy is a message as it was first said.
func saidBy(m models.RoomMessage) DiscussionMessage {
	sec, nsec := m.ID.Time().UnixTime()
	said := DiscussionMessage{ID: m.ID, By: cmp.Or(m.Nick, "Somebody"), At: time.Unix(sec, nsec).UTC()}
	said.read(m.Stanza)
	return said
}

// read takes the text of a message; none: there is nothing to show but that it was deleted, if it was.
func (s *DiscussionMessage) read(raw []byte) {
	s.Text, s.File, s.Link, s.Action, s.Deleted = "", "", "", false, false
	el, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	if err != nil {
		return
	}
	if _, kind := preview(el); kind == "encrypted" || kind == "deleted" {
		_, s.Deleted = el.Find(stanza.NSRetract, "retracted") // what stands in its place, not what took it back
		return
	}
	s.Text, s.Styled = stanza.MarkedText(el)
	s.Text = stanza.CutText(strings.TrimSpace(s.Text), maxSaidBytes)
	if name, ok := fileName(s.Text); ok {
		s.File, s.Link = cmp.Or(name, "File"), s.Text
	} else if does, ok := stanza.Action(s.Text); ok {
		s.Text, s.Action = does, true
	}
	s.answers = stanza.AnsweredID(el)
}

// HTML is what was said, with its styling, and links in the place of addresses of the web.
func (s DiscussionMessage) HTML() template.HTML {
	if s.Styled {
		return markup.Styled(s.Text)
	}
	return markup.Linked(s.Text)
}

// Start is the beginning of it in one line, for who answers it.
func (s DiscussionMessage) Start() string {
	text := cmp.Or(s.File, s.Text)
	if s.Styled && s.File == "" {
		text = stanza.Unstyled(text)
	}
	if s.Action {
		text = s.By + " " + text
	}
	return stanza.CutText(strings.Join(strings.Fields(text), " "), maxStartBytes)
}

// EarlierPath is where a page shows what was said before.
func (p DiscussionPart) EarlierPath() string {
	q := url.Values{"room": {p.Key}, "before": {p.Earlier.String()}}
	return path.Clean(p.Page) + "?" + q.Encode() + "#" + p.Anchor()
}

// LatestPath is where it shows the latest.
func (p DiscussionPart) LatestPath() string { return path.Clean(p.Page) + "#" + p.Anchor() }

// Anchor names the part in the page.
func (p DiscussionPart) Anchor() string { return p.nth("room") + url.PathEscape(p.Key) }

// Said names a message in the page.
func (p DiscussionPart) Said(id uuid.UUID) string { return p.nth("said") + id.String() }

// nth begins the name of a part: a page may have a room twice, and no id.
func (p DiscussionPart) nth(kind string) string {
	if p.Nth > 1 {
		kind += strconv.Itoa(p.Nth)
	}
	return kind + "-"
}
