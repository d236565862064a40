package app

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"foyer/internal/stanza"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// peoplePages show people, with who is around, and make contacts of them.
type peoplePages struct {
	*pages
	accounts *models.Accounts
	members  *models.People
}

func (s *peoplePages) chatRoutes(xmpp fiber.Router) { xmpp.Get("/people/:user", s.personCard) }

func (s *peoplePages) routes(web fiber.Router) {
	web.Get("/people", s.requireMember, s.showPeople)
	web.Post("/people/:user/contact", s.requireMember, s.askContact)
	web.Post("/people/:user/answer", s.requireMember, s.answerContact)
	web.Get("/avatars/:hash", s.requireMember, s.showAvatar)
}

// People as pages show them. No page lists more than its bound, however many there
// are.
const (
	peoplePerPage = 50
	foundPeople   = 30
	homeSmall     = 24 // members that home shows all of
	homePartners  = 10
	homeAround    = 10
	homeNewest    = 6
	shownRequests = 20
	enoughToFind  = 6 // people on a page for whom a search is worth its place
)

// showPeople: GET /people — everybody, page by page, or those that were looked for.
func (s *peoplePages) showPeople(c *fiber.Ctx) error {
	ctx, me := c.UserContext(), viewer(c).account
	data := PeoplePage{Typed: strings.TrimSpace(c.Query("q"))}
	var accounts []models.Account
	var err error
	if data.Typed != "" {
		accounts, err = s.members.FindPeople(ctx, data.Typed, foundPeople)
	} else {
		username, name, _ := strings.Cut(c.Query("after"), "/") // which no user name has
		accounts, err = s.members.After(ctx, username, name, peoplePerPage+1)
		if len(accounts) > peoplePerPage {
			accounts = accounts[:peoplePerPage]
			last := accounts[peoplePerPage-1]
			data.Next = last.Username + "/" + last.Name
		}
	}
	if err != nil {
		return err
	}
	if data.People, err = s.people(ctx, me, accounts); err != nil {
		return err
	}
	if data.Asking, err = s.asking(ctx, me); err != nil {
		return err
	}
	p := s.page(c, "people", "People")
	p.Data = data
	return s.render(c, "people", p)
}

// people shows accounts to somebody, without that person's own.
func (s *peoplePages) people(ctx context.Context, me models.Account, accounts []models.Account) ([]Person, error) {
	users := make([]string, 0, len(accounts))
	for _, a := range accounts {
		if a.ID != me.ID {
			users = append(users, a.Username)
		}
	}
	if len(users) == 0 {
		return nil, nil
	}
	online, err := s.chat.Online(ctx, me.Username, users)
	if err != nil {
		return nil, err
	}
	states, err := s.chat.Contacts(ctx, me.Username, users)
	if err != nil {
		return nil, err
	}
	told := s.chat.Abilities().Presence
	people := make([]Person, 0, len(users))
	for _, a := range accounts {
		if a.ID == me.ID {
			continue
		}
		p := s.person(a)
		p.Online, p.PresenceKnown = online[a.Username], told
		p.Known, p.RequestSent, p.RequestReceived = states[a.Username] == IsContact, states[a.Username] == RequestSent, states[a.Username] == RequestReceived
		people = append(people, p)
	}
	return people, nil
}

// asking returns who asks somebody to be a contact.
func (s *peoplePages) asking(ctx context.Context, me models.Account) ([]Person, error) {
	users, err := s.chat.ContactRequests(ctx, me.Username, shownRequests)
	if err != nil || len(users) == 0 {
		return nil, err
	}
	accounts, err := s.members.PeopleNamed(ctx, users)
	if err != nil {
		return nil, err
	}
	return s.people(ctx, me, accounts)
}

// homePeople chooses whom the home page shows: everybody while they are few, else
// those one talks with, some who are around, and the newest.
func (s *peoplePages) homePeople(ctx context.Context, me models.Account) (groups []PeopleGroup, all bool, err error) {
	around, err := s.chat.Around(ctx, me.Username, homeAround)
	if err != nil {
		return nil, false, err
	}
	h, err := s.members.HomePeople(ctx, s.cfg.Domain, me.Username, around, homeSmall+2)
	if err != nil {
		return nil, false, err
	}
	if len(h.First) <= homeSmall+1 { // the viewer is one of them
		people, err := s.people(ctx, me, h.First)
		return []PeopleGroup{{People: people}}, true, err
	}
	parts := []struct {
		title    string
		accounts []models.Account
		max      int
	}{{"You talk with", h.Partners, homePartners}, {"Around now", h.Around, homeAround}, {"New here", h.Newest, homeNewest}}
	seen := map[int64]bool{me.ID: true}
	var chosen []models.Account
	var ends []int
	for _, part := range parts {
		room := len(chosen) + part.max
		for _, a := range part.accounts {
			if !seen[a.ID] && len(chosen) < room {
				seen[a.ID] = true
				chosen = append(chosen, a)
			}
		}
		ends = append(ends, len(chosen))
	}
	people, err := s.people(ctx, me, chosen)
	if err != nil {
		return nil, false, err
	}
	from := 0
	for i, part := range parts {
		if ends[i] > from {
			groups = append(groups, PeopleGroup{part.title, people[from:ends[i]]})
		}
		from = ends[i]
	}
	return groups, false, nil
}

// other is the person that a page's address names.
func (s *peoplePages) other(c *fiber.Ctx) (models.Account, error) {
	return s.named(c.UserContext(), param(c, "user"))
}

// preparedAt is a name as accounts or rooms at a domain are called, in whatever case and form it
// was typed (RFC 7622 §3.3); what is none stays as it is, and nobody is called that.
func preparedAt(domain, typed string) string {
	if at, err := stanza.ParseAddress(typed + "@" + domain); err == nil && at.Domain == domain && at.Resource == "" {
		return at.User
	}
	return typed
}

// named is the person whom a user name means, if they may sign in.
func (s *peoplePages) named(ctx context.Context, name string) (models.Account, error) {
	a, err := s.accounts.AccountByName(ctx, preparedAt(s.cfg.Domain, name))
	if errors.Is(err, models.ErrNotFound) || (err == nil && a.BlockedAt != nil) {
		err = &Error{Code: NotFound, Public: "Nobody has that name."}
	}
	return a, err
}

// askContact: POST /people/:user/contact — asks somebody to be a contact.
func (s *peoplePages) askContact(c *fiber.Ctx) error {
	other, err := s.other(c)
	if err != nil {
		return err
	}
	err = s.chat.AskContact(c.UserContext(), viewer(c).account.Username, other.Username)
	return s.contactDone(c, other, "asked", err)
}

// answerContact: POST /people/:user/answer — accepts or declines a request.
func (s *peoplePages) answerContact(c *fiber.Ctx) error {
	other, err := s.other(c)
	if err != nil {
		return err
	}
	accept, flash := c.FormValue("answer") == "accept", "declined"
	if accept {
		flash = "accepted"
	}
	err = s.chat.AnswerContact(c.UserContext(), viewer(c).account.Username, other.Username, accept)
	if errors.Is(err, ErrNoRequest) {
		flash, err = "norequest", nil // in another tab meanwhile, or by who asked
	}
	return s.contactDone(c, other, flash, err)
}

func (s *peoplePages) contactDone(c *fiber.Ctx, other models.Account, flash string, err error) error {
	if errors.Is(err, ErrContactRefused) {
		return &Error{Code: Forbidden, Public: "You and " + other.Name + " cannot become contacts right now.", Err: err}
	}
	if err != nil {
		return err
	}
	s.flash(c, flash)
	return c.Redirect("/people", http.StatusSeeOther)
}
