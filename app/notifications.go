package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"foyer/app/push"
	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
)

// notifications keep of what somebody wants to be told, and where.
type notifications struct {
	*pages
	notified *models.Notifications
	members  *models.People
	lists    *budget.KeyedSemaphore
}

func (s *notifications) chatRoutes(xmpp fiber.Router) {
	xmpp.Get("/conversations/settings", s.showConversationSettings)
	xmpp.Post("/conversations/settings", s.saveConversationSettings)
	xmpp.Post("/push", s.subscribePush)
	xmpp.Delete("/push", s.unsubscribePush)
}

// newPush makes what tells people of messages while no page is open.
func (s *Server) newPush(key []byte, saw func(user string, at time.Time) bool) (*push.Service, error) {
	contact := s.cfg.BaseURL
	if !strings.HasPrefix(contact, "https:") {
		contact = "webmaster@" + s.cfg.Domain
	}
	return push.New(push.Config{
		Store: s.db.Notifications, Accounts: s.db.Accounts, Key: key, Contact: contact, Domain: s.cfg.Domain, HasSeen: saw,
		Recorder: s.limits, Logger: s.log, Loopback: s.cfg.Development(),
	})
}

// ownJSON reads a request of one of this site's pages, which no form of another could make.
func ownJSON(c *fiber.Ctx, into any) (*requestSession, error) {
	v := viewer(c)
	if v == nil {
		return nil, errNotSignedIn
	}
	if !c.Is("json") {
		return nil, &Error{Code: Invalid, Public: "This takes JSON."}
	}
	if hasEscapedNUL(c.Body()) {
		return nil, errNoText
	}
	if err := c.BodyParser(into); err != nil {
		return nil, &Error{Code: Invalid, Public: "That could not be read.", Err: err}
	}
	return v, nil
}

// subscription is what a browser's PushSubscription is as JSON; the keys in base64url.
type subscription struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256DH base64URL `json:"p256dh"`
		Auth   base64URL `json:"auth"`
	} `json:"keys"`
}

// base64URL is bytes in base64url, as browsers write keys (RFC 8291 §3.2).
type base64URL []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *base64URL) UnmarshalText(text []byte) (err error) {
	*u, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(string(text), "="))
	return err
}

var errNoPush = &Error{Code: NotFound, Public: "This site does not send notifications while its pages are closed."}

// subscribePush: POST /xmpp/push — where this browser is reached while no page is open.
func (s *notifications) subscribePush(c *fiber.Ctx) error {
	var body subscription
	v, err := ownJSON(c, &body)
	if err != nil {
		return err
	}
	if !s.chat.SupportsPush() {
		return errNoPush
	}
	p := models.PushSubscription{
		SessionID: v.session.ID, AccountID: v.account.ID, Endpoint: body.Endpoint, P256DH: body.Keys.P256DH, Auth: body.Keys.Auth,
	}
	if err := s.push.Check(p); err != nil {
		return &Error{Code: Invalid, Public: "This browser's push service cannot be reached from here.", Err: err}
	}
	err = s.notified.SavePushSubscription(c.UserContext(), p)
	if errors.Is(err, models.ErrNotFound) {
		return errNotSignedIn
	}
	if err != nil {
		return err
	}
	s.push.Subscribed(v.account.Username)
	if err := s.chat.SetPushEnabled(c.UserContext(), v.account.Username, true); err != nil {
		// Pages subscribe again whenever they are loaded.
		s.log.Warn("the chat server was not asked to tell of somebody's messages; that is tried again when they come to the site", "user", v.account.Username, "err", err)
	}
	return c.SendStatus(http.StatusNoContent)
}

// unsubscribePush: DELETE /xmpp/push
func (s *notifications) unsubscribePush(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	if err := s.notified.RemovePushSubscription(c.UserContext(), v.session.ID, ""); err != nil {
		return err
	}
	if err := s.unwatch(c.UserContext(), v.account.Username); err != nil {
		// What it tells is refused, after which it tells no more.
		s.log.Info("the chat server was not asked to tell no more of somebody's messages", "user", v.account.Username, "err", err)
	}
	return c.SendStatus(http.StatusNoContent)
}

// unwatch lets the chat server tell no more of somebody's messages, unless a browser is reached still. One that
// subscribed meanwhile may have been watched for in vain: who looks again afterwards sees it.
func (s *notifications) unwatch(ctx context.Context, user string) error {
	elsewhere, err := s.notified.WantsPush(ctx, user)
	if err != nil || elsewhere {
		return err
	}
	if err := s.chat.SetPushEnabled(ctx, user, false); err != nil {
		return err
	}
	if elsewhere, err = s.notified.WantsPush(ctx, user); err != nil || !elsewhere {
		return err
	}
	return s.chat.SetPushEnabled(ctx, user, true)
}

// showConversationSettings: GET /xmpp/conversations/settings — what somebody chose for
// their conversations, and how they want to be told of messages.
func (s *notifications) showConversationSettings(c *fiber.Ctx) error {
	v := viewer(c)
	if v == nil {
		return errNotSignedIn
	}
	release, err := s.lists.Acquire(c.UserContext(), v.account.Username, 1)
	if err != nil {
		return err
	}
	defer release()
	list, err := s.notified.ConversationSettings(c.UserContext(), v.account.ID)
	if err != nil {
		return err
	}
	n, err := s.notified.NotificationSettings(c.UserContext(), v.account.ID)
	if err != nil {
		return err
	}
	pushed, err := s.notified.HasPushSubscription(c.UserContext(), v.session.ID)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{
		"conversations": append([]models.ConversationSettings{}, list...),
		"text":          n.ShowText, "sound": n.Sound, "quietFrom": n.QuietFrom, "quietUntil": n.QuietUntil, "zone": n.Zone, "pushed": pushed,
	})
}

// saveConversationSettings: POST /xmpp/conversations/settings — {jid, level, pinned}; what is
// left out stays as it is.
func (s *notifications) saveConversationSettings(c *fiber.Ctx) error {
	var body struct {
		JID    string                    `json:"jid"`
		Pinned *bool                     `json:"pinned"`
		Level  *models.NotificationLevel `json:"level"`
	}
	v, err := ownJSON(c, &body)
	if err != nil {
		return err
	}
	at, err := stanza.ParseAddress(body.JID)
	if err != nil || at.User == "" || at.Resource != "" || (at.Domain != s.cfg.Domain && at.Domain != s.cfg.RoomsDomain()) {
		return &Error{Code: Invalid, Public: "That is not a conversation on this site.", Err: err}
	}
	if body.Level != nil && *body.Level != "" && !s.canBeLevel(at, *body.Level) {
		return &Error{Code: Invalid, Public: "There is no such level of notifications."}
	}
	if err := s.setConversation(c.UserContext(), v.account, at, body.Pinned, body.Level); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// canBeLevel reports whether there is such a level of notifications for a conversation: what is
// said to one person alone is as good as a mention.
func (s *notifications) canBeLevel(at stanza.Address, level models.NotificationLevel) bool {
	return level.Valid() && (at.Domain == s.cfg.RoomsDomain() || level != models.NotifyMentions)
}

// setConversation keeps what somebody chose for a conversation; nil: as it is.
func (s *notifications) setConversation(ctx context.Context, a models.Account, at stanza.Address, pinned *bool, level *models.NotificationLevel) error {
	err := s.notified.SetConversationSettings(ctx, a.ID, at.String(), pinned, level)
	if errors.Is(err, models.ErrTooMany) {
		return &Error{Code: Conflict, Public: "You have reached the limit of conversations with settings of their own.", Err: err}
	}
	if err != nil || level == nil || at.Domain != s.cfg.RoomsDomain() {
		return err
	}
	return s.chat.SetNotificationLevel(ctx, a.Username, at.User, *level)
}

// NotificationsForm is the part of the settings page on notifications.
type NotificationsForm struct {
	formErrors
	ShowText, Sound       bool
	QuietFrom, QuietUntil string // 22:00; empty: none
	Own                   []OwnLevel
}

// OwnLevel is a conversation of which somebody is notified otherwise than of others.
type OwnLevel struct {
	JID, Name string
	Room      bool
	Level     models.NotificationLevel
	Was       models.NotificationLevel // when the page was loaded
}

// maxOwnLevels is how many are listed.
const maxOwnLevels = 200

// defaultLevel is of which messages people are notified who never chose.
func defaultLevel(room bool) models.NotificationLevel {
	if room {
		return models.NotifyMentions
	}
	return models.NotifyAll
}

// ownLevels are the conversations with a level of their own: people first, by name. Those
// that somebody cannot see any more are left out.
func (s *notifications) ownLevels(ctx context.Context, a models.Account) ([]OwnLevel, error) {
	chosen, err := s.notified.ConversationSettings(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	var users, rooms []string
	levels := make(map[string]models.NotificationLevel)
	for _, c := range chosen {
		name, domain, _ := strings.Cut(c.JID, "@")
		room := domain == s.cfg.RoomsDomain()
		switch levels[c.JID] = c.Level; {
		case c.Level == "" || c.Level == defaultLevel(room) || len(users)+len(rooms) >= maxOwnLevels:
		case room:
			rooms = append(rooms, name)
		default:
			users = append(users, name)
		}
	}
	list, err := s.namedPeople(ctx, users)
	if err != nil {
		return nil, err
	}
	named, err := s.namedRooms(ctx, a.Username, rooms)
	list = append(list, named...)
	for i := range list {
		list[i].Level, list[i].Was = levels[list[i].JID], levels[list[i].JID]
	}
	return list, err
}

func (s *notifications) namedPeople(ctx context.Context, users []string) (list []OwnLevel, err error) {
	accounts, err := s.members.PeopleNamed(ctx, users)
	for _, a := range accounts {
		list = append(list, OwnLevel{JID: a.Username + "@" + s.cfg.Domain, Name: a.Name})
	}
	slices.SortFunc(list, byName)
	return list, err
}

func (s *notifications) namedRooms(ctx context.Context, viewer string, rooms []string) (list []OwnLevel, err error) {
	if len(rooms) == 0 {
		return nil, nil
	}
	found, err := s.chat.Rooms(ctx, viewer, RoomQuery{Joined: true, Max: maxOwnRooms})
	if errors.Is(err, ErrChatUnreachable) {
		err = nil
	}
	for _, r := range found {
		if slices.Contains(rooms, r.Name) {
			list = append(list, OwnLevel{JID: s.roomJID(r.Name), Name: r.Title, Room: true})
		}
	}
	slices.SortFunc(list, byName)
	return list, err
}

func byName(a, b OwnLevel) int { return strings.Compare(a.Name, b.Name) }

// saveOwnLevels keeps what was chosen in that list; what is as it was when the page was loaded is left alone: the chat
// may have another by now.
func (s *notifications) saveOwnLevels(c *fiber.Ctx, a models.Account) error {
	own, err := s.ownLevels(c.UserContext(), a)
	if err != nil {
		return err
	}
	for _, o := range own {
		level := s.chosenLevel(c, o)
		at, err := stanza.ParseAddress(o.JID)
		if err != nil || level == o.Level || level == levelBefore(c, o) {
			continue
		}
		if err := s.setConversation(c.UserContext(), a, at, nil, &level); err != nil {
			return err
		}
	}
	return nil
}

// levelBefore is what the page had that the form comes from; empty: it does not say.
func levelBefore(c *fiber.Ctx, o OwnLevel) models.NotificationLevel {
	return models.NotificationLevel(c.FormValue("was:" + o.JID))
}

// chosenLevel is what the form says of a conversation; the level that it has, where it says none.
func (s *notifications) chosenLevel(c *fiber.Ctx, o OwnLevel) models.NotificationLevel {
	level := models.NotificationLevel(c.FormValue("level:" + o.JID))
	at, err := stanza.ParseAddress(o.JID)
	if err != nil || !s.canBeLevel(at, level) {
		return o.Level
	}
	return level
}

// fillNotifications says how somebody wants to be told.
func (s *notifications) fillNotifications(c *fiber.Ctx, form *NotificationsForm) error {
	var err error
	if form.Own, err = s.ownLevels(c.UserContext(), viewer(c).account); err != nil {
		return err
	}
	if len(form.Errors) > 0 { // what was chosen with what is wrong is shown again
		for i, o := range form.Own {
			form.Own[i].Level, form.Own[i].Was = s.chosenLevel(c, o), cmp.Or(levelBefore(c, o), o.Was)
		}
		return nil
	}
	n, err := s.notified.NotificationSettings(c.UserContext(), viewer(c).account.ID)
	form.ShowText, form.Sound, form.QuietFrom, form.QuietUntil = n.ShowText, n.Sound, clock(n.QuietFrom), clock(n.QuietUntil)
	return err
}

// saveNotifications: POST /settings/notifications
func (s *settingsPages) saveNotifications(c *fiber.Ctx) error {
	form := NotificationsForm{
		ShowText: c.FormValue("text") != "", Sound: c.FormValue("sound") != "", QuietFrom: c.FormValue("from"), QuietUntil: c.FormValue("until"),
	}
	n := models.NotificationSettings{ShowText: form.ShowText, Sound: form.Sound, Zone: c.FormValue("zone", "UTC")}
	var fromErr, untilErr error
	n.QuietFrom, fromErr = minuteOfDay(form.QuietFrom)
	n.QuietUntil, untilErr = minuteOfDay(form.QuietUntil)
	if fromErr != nil || untilErr != nil || (n.QuietFrom == nil) != (n.QuietUntil == nil) {
		form.fail("quiet", "Enter both times, such as 22:00 and 07:00, or neither.")
	}
	if _, err := time.LoadLocation(n.Zone); err != nil || n.Zone == "Local" {
		n.Zone = "UTC"
	}
	if len(form.Errors) > 0 {
		return s.renderSettings(c, http.StatusUnprocessableEntity, SettingsPage{Notifications: form})
	}
	if err := s.notified.SetNotificationSettings(c.UserContext(), viewer(c).account.ID, n); err != nil {
		return err
	}
	if err := s.notices.saveOwnLevels(c, viewer(c).account); err != nil {
		return err
	}
	return s.done(c, "notifications", "notifications")
}

// minuteOfDay reads a time such as 22:00; nothing is nil.
func minuteOfDay(typed string) (*int16, error) {
	if typed == "" {
		return nil, nil
	}
	t, err := time.Parse("15:04", typed)
	if err != nil {
		return nil, err
	}
	minute := int16(t.Hour()*60 + t.Minute())
	return &minute, nil
}

func clock(minute *int16) string {
	if minute == nil {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", *minute/60, *minute%60)
}

// serviceWorker: GET /sw.js — the script that shows notifications while no page is open. It
// stands here and not under /static because its place is its scope; browsers look for a new one
// by themselves.
func (s *installPages) serviceWorker(c *fiber.Ctx) error {
	raw, err := fs.ReadFile(s.assets.files, "js/sw.js")
	if err != nil {
		return err
	}
	c.Set("Cache-Control", "no-cache")
	c.Set("Content-Type", mediaType("sw.js"))
	return c.Send(raw)
}
