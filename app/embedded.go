package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"foyer/app/pictures"
	"foyer/internal/stanza"
	"foyer/models"
	"foyer/xmppd"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"

	"github.com/google/uuid"
)

// embedded is the Chat that runs within the site: xmppd, with the services that
// are mounted on it.
type embedded struct {
	*xmppd.Server
	rooms     *muc.Service
	published *pep.Service
	db        *models.DB
	log       *slog.Logger
	domain    string
	roster    models.RosterMode
}

var _ Chat = (*embedded)(nil)

// newEmbedded makes the chat server with its services.
func (s *Server) newEmbedded(ctx context.Context) (*embedded, error) {
	stores := s.db.Stores(s.cfg.Domain, s.cfg.Roster)
	stores.VCards = vcards{stores.VCards, s.pictures}
	var server *xmppd.Server
	pushKey, err := s.db.SiteKey(ctx, "push")
	if err != nil {
		return nil, err
	}
	if s.push, err = s.newPush(pushKey, func(user string, at time.Time) bool { return server.HasSeen(user, at) }); err != nil {
		return nil, err
	}
	server, err = xmppd.New(xmppd.Config{
		Domain: s.cfg.Domain, Authority: s.auth, Stores: stores, FAST: s.auth.FAST(), Notifier: s.push, Logger: s.log, Name: s.cfg.SiteName, Version: Version,
		Open: s.cfg.Roster == models.RosterEveryone, Groups: s.cfg.Roster == models.RosterGroups, ArchiveRate: int(s.cfg.ArchiveRate), Recorder: s.limits,
	})
	if err != nil {
		return nil, err
	}
	key, err := s.db.SiteKey(ctx, "occupants")
	if err != nil {
		return nil, err
	}
	rooms, err := muc.New(muc.Config{
		Domain: s.cfg.RoomsDomain(), Server: server, Store: s.db.RoomStore(), Key: key, Hats: s.hats, MayTakeOver: s.isAdmin, OnMessage: s.push.RoomMessage,
		Reserved: s.isReserved, Recorder: s.limits, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	server.Mount(rooms)
	eventing, err := pep.New(pep.Config{Server: server, Store: s.db.PubsubStore(), Accounts: stores.Accounts, VCards: stores.VCards, Logger: s.log})
	if err != nil {
		return nil, err
	}
	if err := server.MountOnAccounts(eventing); err != nil {
		return nil, err
	}
	if s.cfg.UploadMaxSize > 0 {
		server.Mount(xmppd.NewUploads("upload."+s.cfg.Domain, int64(s.cfg.UploadMaxSize), s.uploads))
	}
	return &embedded{Server: server, rooms: rooms, published: eventing, db: s.db, log: s.log, domain: s.cfg.Domain, roster: s.cfg.Roster}, nil
}

// vcards checks the pictures of vCards and of personal eventing as those of the
// settings are checked.
type vcards struct {
	xmppd.VCardStore
	pictures *pictures.Decoder
}

// SetVCard implements xmppd.VCardStore.
func (v vcards) SetVCard(ctx context.Context, user string, card xmppd.VCard) (err error) {
	if card.Photo, card.PhotoType, err = v.checked(ctx, user, card.Photo); err != nil {
		return err
	}
	return v.VCardStore.SetVCard(ctx, user, card)
}

// SetPhoto implements xmppd.VCardStore.
func (v vcards) SetPhoto(ctx context.Context, user, before string, photo []byte, _ string) (hash string, err error) {
	photo, mediaType, err := v.checked(ctx, user, photo)
	if err != nil {
		return "", err
	}
	return v.VCardStore.SetPhoto(ctx, user, before, photo, mediaType)
}

// checked is a picture as it is kept; none stays none. It may have to wait for its turn.
func (v vcards) checked(ctx context.Context, user string, photo []byte) (data []byte, mediaType string, err error) {
	if len(photo) == 0 {
		return nil, "", nil
	}
	data, mediaType, err = v.pictures.Square(ctx, user, photo)
	if err != nil && ctx.Err() == nil {
		err = pictureRefused(err)
	}
	return data, mediaType, err
}

// pictureRefused says by XMPP what is wrong with a picture, in the words of the settings: a client
// tries the same one again only where that helps (RFC 6120 §8.3.2).
func pictureRefused(err error) error {
	refused := *stanza.ErrNotAcceptable
	if errors.Is(err, pictures.ErrTooMany) {
		refused = *stanza.ErrResourceConstraint
	}
	if said, ok := errors.AsType[*Error](pictureError(err)); ok {
		refused.Text = said.Public
	}
	return &refused
}

// hats shows in every room who runs the site (XEP-0317).
func (s *Server) hats(ctx context.Context, user string) ([]muc.Hat, error) {
	if admin, err := s.isAdmin(ctx, user); err != nil || !admin {
		return nil, err
	}
	return []muc.Hat{{URI: "urn:foyer:hats:admin", Title: siteAdmin}}, nil
}

// isAdmin reports whether somebody runs the site. Admins look after rooms that
// nobody owns any more.
func (s *Server) isAdmin(ctx context.Context, user string) (bool, error) {
	a, err := s.db.Accounts.AccountByName(ctx, user)
	return a.Admin, err
}

// Run implements Chat.
func (e *embedded) Run(ctx context.Context) error {
	var rooms sync.WaitGroup
	rooms.Go(func() { _ = e.rooms.Run(ctx) })
	rooms.Go(func() { e.settleGroupRooms(ctx, nil) }) // what changed while nobody listened
	defer rooms.Wait()
	return e.Server.Run(ctx)
}

// GroupsChanged implements Chat.
func (e *embedded) GroupsChanged(ctx context.Context, user string) {
	if user == "" {
		e.settleGroupRooms(ctx, nil)
		return
	}
	e.Server.GroupsChanged(ctx, user)
	e.settleGroupRooms(ctx, []string{user})
}

// settleGroupRooms lets people into the rooms of their groups, and puts out those who left
// them; nil users: of all. What fails is done at the next change, or the next start.
func (e *embedded) settleGroupRooms(ctx context.Context, users []string) {
	changes, err := e.db.GroupRooms.GroupRoomChanges(ctx, users)
	if err != nil && ctx.Err() == nil {
		e.log.Error("the rooms of groups were not settled", "err", err)
	}
	for _, c := range changes {
		if err := e.settleGroupRoom(ctx, c); err != nil && ctx.Err() == nil {
			e.log.Error("the room of a group has not the members of the group", "room", c.Room, "user", c.Username, "err", err)
		}
	}
}

func (e *embedded) settleGroupRoom(ctx context.Context, c models.GroupRoomChange) error {
	if c.In {
		// Noted first: somebody let in without a note would stay for ever.
		err := e.db.GroupRooms.NoteGroupRoomMember(ctx, c.Room, c.Username)
		if err == nil {
			err = e.rooms.SetMember(ctx, c.Room, c.Username, true)
		}
		if errors.Is(err, models.ErrNotFound) {
			err = nil
		}
		return err
	}
	if err := e.rooms.SetMember(ctx, c.Room, c.Username, false); err != nil {
		return err
	}
	return e.db.GroupRooms.ForgetGroupRoomMember(ctx, c.Room, c.Username)
}

// Shutdown implements Chat. People leave their rooms first (XEP-0045 §11.2).
func (e *embedded) Shutdown(ctx context.Context) {
	e.rooms.Shutdown()
	e.Server.Shutdown(ctx)
}

// Abilities implements Chat.
func (e *embedded) Abilities() ChatAbilities {
	return ChatAbilities{Presence: true, Contacts: true, Rooms: true, Uploads: true, Search: true, Follow: true, Unread: true}
}

// SupportsPush implements Chat.
func (e *embedded) SupportsPush() bool { return true }

// SetPushEnabled implements Chat: the server asks for every message (xmppd.Notifier).
func (e *embedded) SetPushEnabled(context.Context, string, bool) error { return nil }

// SetNotificationLevel implements Chat.
func (e *embedded) SetNotificationLevel(ctx context.Context, user, room string, level models.NotificationLevel) error {
	return asChatError(e.published.SetLevel(ctx, user, room+"@"+e.rooms.Domain(), level.InBookmarks()), ErrRoomRefused)
}

// ChatStats implements Chat.
func (e *embedded) ChatStats() ChatStats {
	st := e.Stats()
	return ChatStats{
		SessionsBound: st.SessionsBound, SessionsResumed: st.SessionsResumed, RosterGets: st.RosterGets,
		Archived: st.Archived, Sessions: st.Sessions,
	}
}

// Online implements Chat. Only those who are there are looked up.
func (e *embedded) Online(ctx context.Context, viewer string, users []string) (map[string]bool, error) {
	online := make(map[string]bool)
	var others []string
	for _, u := range users {
		switch {
		case !e.Server.Online(u):
		case u == viewer:
			online[u] = true
		default:
			others = append(others, u)
		}
	}
	if len(others) == 0 {
		return online, nil
	}
	visible, err := e.db.People.VisiblePresence(ctx, e.domain, e.roster, viewer, others)
	for _, u := range visible {
		online[u] = true
	}
	return online, err
}

// Contacts implements Chat.
func (e *embedded) Contacts(ctx context.Context, viewer string, users []string) (map[string]ContactState, error) {
	list, err := e.db.People.ContactStates(ctx, e.domain, e.roster, viewer, users)
	if err != nil {
		return nil, err
	}
	states := make(map[string]ContactState, len(list))
	for user, c := range list {
		switch {
		case c.Known:
			states[user] = IsContact
		case c.RequestReceived:
			states[user] = RequestReceived
		case c.RequestSent:
			states[user] = RequestSent
		}
	}
	return states, nil
}

// ContactRequests implements Chat.
func (e *embedded) ContactRequests(ctx context.Context, viewer string, max int) ([]string, error) {
	if e.roster == models.RosterEveryone {
		return nil, nil // nobody needs to ask
	}
	return e.db.People.ContactRequests(ctx, e.domain, viewer, max)
}

// AskContact implements Chat.
func (e *embedded) AskContact(ctx context.Context, user, other string) error {
	return asChatError(e.Server.AskContact(ctx, user, other), ErrContactRefused)
}

// AnswerContact implements Chat.
func (e *embedded) AnswerContact(ctx context.Context, user, other string, accept bool) error {
	err := e.Server.AnswerContact(ctx, user, other, accept)
	if errors.Is(err, stanza.ErrItemNotFound) {
		return ErrNoRequest
	}
	return asChatError(err, ErrContactRefused)
}

// Rooms implements Chat.
func (e *embedded) Rooms(ctx context.Context, viewer string, q RoomQuery) ([]ChatRoom, error) {
	list, err := e.rooms.Directory(ctx, muc.Wanted{User: viewer, Own: q.Own, Joined: q.Joined, Typed: q.Typed, After: q.After, AfterTitle: q.AfterTitle, Max: q.Max})
	return chatRooms(list), err
}

// Room implements Chat.
func (e *embedded) Room(ctx context.Context, viewer, name string) (ChatRoom, error) {
	if name == "" {
		return ChatRoom{}, ErrRoomRefused // Wanted without a name is any room
	}
	list, err := e.rooms.Directory(ctx, muc.Wanted{User: viewer, Name: name, Max: 1})
	switch {
	case err != nil:
		return ChatRoom{}, err
	case len(list) == 0:
		return ChatRoom{}, ErrRoomRefused
	}
	return chatRooms(list)[0], nil
}

// RoomPeople implements Chat.
func (e *embedded) RoomPeople(ctx context.Context, viewer, name string) ([]RoomPerson, error) {
	list, err := e.rooms.People(ctx, name, viewer)
	if err != nil {
		return nil, asRoomError(err)
	}
	return roomPeople(list), nil
}

// RoomAuthor implements Chat.
func (e *embedded) RoomAuthor(ctx context.Context, viewer, name string, said uuid.UUID) ([]RoomPerson, error) {
	author, err := e.rooms.Author(ctx, name, viewer, said)
	if err != nil {
		return nil, asRoomError(err)
	}
	return roomPeople([]muc.Person{author}), nil
}

func roomPeople(list []muc.Person) []RoomPerson {
	people := make([]RoomPerson, len(list))
	for i, p := range list {
		people[i] = RoomPerson{User: p.User, Affiliation: string(p.Affiliation), Nick: p.Nick, AddressVisible: p.AddressVisible}
	}
	return people
}

// BusyRooms implements Chat.
func (e *embedded) BusyRooms(_ context.Context, viewer string, max int) ([]ChatRoom, error) {
	return chatRooms(e.rooms.Busy(viewer, max)), nil
}

func chatRooms(list []muc.Listed) []ChatRoom {
	rooms := make([]ChatRoom, 0, len(list))
	for _, r := range list {
		rooms = append(rooms, ChatRoom{
			Name: r.Name, Title: cmp.Or(r.Title, r.Name), Description: r.Description, Occupants: r.Occupants, Entered: r.Entered,
			Private: r.MembersOnly, Orphan: r.Orphan, CanFollow: r.CanFollow, Owner: r.Affiliation == muc.Owner,
			Member:         r.Affiliation == muc.Owner || r.Affiliation == muc.Admin || r.Affiliation == muc.Member,
			ShowsAddresses: r.NonAnonymous || r.Affiliation == muc.Owner || r.Affiliation == muc.Admin,
		})
	}
	return rooms
}

// CreateRoom implements Chat.
func (e *embedded) CreateRoom(ctx context.Context, owner string, r NewRoom) error {
	settings := e.rooms.DefaultSettings()
	settings.Title, settings.Description = r.Title, r.Description
	settings.MembersOnly, settings.Public = r.Private, !r.Private
	// Encryption needs to know who reads along (XEP-0384 §5.8).
	settings.NonAnonymous = r.Private
	settings.Readable = r.Readable && settings.Open()
	return asRoomError(e.rooms.CreateRoom(ctx, r.Name, owner, settings))
}

// Invite implements Chat.
func (e *embedded) Invite(ctx context.Context, room, inviter, invitee string) error {
	return asRoomError(e.rooms.Invite(ctx, room, inviter, invitee))
}

// DestroyRoom implements Chat.
func (e *embedded) DestroyRoom(ctx context.Context, room, owner string) error {
	return asRoomError(e.rooms.Destroy(ctx, room, owner))
}

// Latest implements Chat.
func (e *embedded) Latest(ctx context.Context, viewer string, q LatestQuery) ([]ConversationMessage, bool, error) {
	jids := make([]string, len(q.Rooms))
	for i, name := range q.Rooms {
		jids[i] = name + "@" + e.rooms.Domain()
	}
	read, err := e.db.Conversations.ReadUpTo(ctx, e.domain, viewer)
	if err != nil {
		return nil, false, err
	}
	list, more, err := e.db.Conversations.LatestMessages(ctx, e.domain, viewer, q.Max, q.UnreadScan, jids, read)
	messages := make([]ConversationMessage, len(list))
	for i, m := range list {
		name, domain, _ := strings.Cut(m.With, "@")
		messages[i] = ConversationMessage{
			With: name, Room: domain == e.rooms.Domain(), Mine: m.Outgoing || m.Author == viewer+"@"+e.domain,
			By: m.Nick, ID: m.ID, Stanza: m.Stanza, Unread: m.Unread,
		}
		if id, ok := read[m.With]; ok {
			messages[i].Read = id.String()
		}
	}
	return messages, more, err
}

// Unread implements Chat.
func (e *embedded) Unread(ctx context.Context, viewer string, max int) (map[string]UnreadCount, error) {
	list, err := e.db.Conversations.UnreadRooms(ctx, e.domain, e.rooms.Domain(), viewer, max)
	counts := make(map[string]UnreadCount, len(list))
	for _, r := range list {
		counts[r.Name] = UnreadCount{Messages: r.Unread, Mentioned: r.Mentioned}
	}
	return counts, err
}

// Discussion implements Chat.
func (e *embedded) Discussion(ctx context.Context, room string, before uuid.UUID, max int) (Discussion, error) {
	listing, err := e.rooms.Readable(ctx, room)
	if errors.Is(err, muc.ErrNotFound) {
		return Discussion{}, ErrRoomRefused
	}
	if err != nil {
		return Discussion{}, asChatError(err, ErrRoomRefused)
	}
	list, later, err := e.db.Conversations.RoomMessages(ctx, room+"@"+e.rooms.Domain(), before, max+1)
	d := saidInRoom(list, later, max)
	d.Title, d.About = cmp.Or(listing.Title, listing.Name), listing.Description
	return d, err
}

// asRoomError turns the chat server's errors into the site's.
func asRoomError(err error) error {
	switch {
	case errors.Is(err, muc.ErrTaken):
		return ErrRoomTaken
	case errors.Is(err, muc.ErrTooMany):
		return ErrTooManyRooms
	}
	return asChatError(err, ErrRoomRefused)
}

// asChatError turns what the chat server refuses into one of the site's errors.
func asChatError(err, refusal error) error {
	var refused *stanza.Error
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", refusal, err)
	}
	return err
}
