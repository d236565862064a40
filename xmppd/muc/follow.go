package muc

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// Room activity indicators (XEP-0437): a client that sends <rai/> in presence to the service
// is told of what is said in the rooms that its account belongs to, and that the client
// is not in. It sees nobody there, and nobody sees it: following 200 rooms costs one
// presence and one query, however many people are in them.
//
//	<presence to='conference.…'><rai xmlns='urn:xmpp:rai:0'/></presence>
//	<message from='conference.…'><rai xmlns='urn:xmpp:rai:0'><activity>garden@conference.…</activity></rai></message>
//
// A client that asks with <said xmlns='urn:foyer:said:0'/> inside <rai/> is told of every
// message, and what it says, beside the indicator, and again when the latest is corrected, or any
// is taken back (change='edited', 'deleted'); and when a room is given to it or taken from it, or
// keeps what is said no more, after which nothing of it is told (change='room'). Any other
// is told once for each room, until it has entered the room or asks again (§4.2). Who may
// not read a room's archive hears nothing of it.
//
// followers.mu is taken with room.mu held, never the other way.

const (
	nsRAI  = "urn:xmpp:rai:0"
	nsSaid = "urn:foyer:said:0"

	maxFollowed = 500     // rooms that one client is told of
	maxSaid     = 4 << 10 // bytes of a message's text

	// Who asks again and again waits: each room costs a look into its archive.
	archiveLookupsPerSecond = maxFollowed / 2
	archiveLookupsBurst     = 20 * maxFollowed
)

// follower is a client that is told of its account's rooms.
type follower struct {
	client xmppd.Client
	said   bool            // also what is said
	blocks xmppd.Blocked   // by its account, of the addresses here; under followers.mu
	rooms  []string        // under followers.mu
	told   map[string]bool // of which, without said; under followers.mu
}

// followers is who follows which rooms. The zero value is ready.
type followers struct {
	mu       sync.RWMutex
	byClient map[xmppd.Client]*follower
	byUser   map[string][]*follower
	byRoom   map[string][]*follower
}

// begin notes a client, which follows no room yet, in the place of what it asked before.
func (f *followers) begin(fo *follower) {
	f.end(fo.client)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byClient == nil {
		f.byClient, f.byUser, f.byRoom = make(map[xmppd.Client]*follower), make(map[string][]*follower), make(map[string][]*follower)
	}
	f.byClient[fo.client] = fo
	f.byUser[fo.client.User()] = append(f.byUser[fo.client.User()], fo)
}

func (f *followers) end(c xmppd.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fo := f.byClient[c]
	if fo == nil {
		return
	}
	delete(f.byClient, c)
	without(f.byUser, c.User(), fo)
	for _, name := range fo.rooms {
		without(f.byRoom, name, fo)
	}
}

// without takes a follower out of one of the lists.
func without(lists map[string][]*follower, key string, fo *follower) {
	list := lists[key]
	if i := slices.Index(list, fo); i >= 0 {
		last := len(list) - 1
		list[i], list[last] = list[last], nil
		lists[key] = list[:last]
	}
	if len(lists[key]) == 0 {
		delete(lists, key)
	}
}

// add lets a client follow rooms, unless it has ended meanwhile.
func (f *followers) add(fo *follower, names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byClient[fo.client] != fo {
		return
	}
	for _, name := range names {
		if len(fo.rooms) < maxFollowed && !slices.Contains(fo.rooms, name) {
			fo.rooms = append(fo.rooms, name)
			f.byRoom[name] = append(f.byRoom[name], fo)
		}
	}
}

// of returns who follows a room, and ofUser an account's clients that follow any.
func (f *followers) of(name string) []*follower {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Clone(f.byRoom[name])
}

func (f *followers) ofUser(user string) []*follower {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Clone(f.byUser[user])
}

func (f *followers) count(name string) int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.byRoom[name])
}

func (f *followers) has(c xmppd.Client) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.byClient[c] != nil
}

// setBlocks notes what a client's account blocks, and hides reports whether that is an address.
func (f *followers) setBlocks(c xmppd.Client, blocks xmppd.Blocked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fo := f.byClient[c]; fo != nil {
		fo.blocks = blocks
	}
}

func (f *followers) hides(fo *follower, a stanza.Address) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return fo.blocks.Has(a)
}

// shouldNotify reports whether a client is to be told of a room, and notes that it is.
func (f *followers) shouldNotify(fo *follower, name string) bool {
	if fo.said {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fo.told[name] {
		return false
	}
	if fo.told == nil {
		fo.told = make(map[string]bool)
	}
	fo.told[name] = true
	return true
}

// seen notes that a client has entered a room: it is told again of what comes after it left.
func (f *followers) seen(c xmppd.Client, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fo := f.byClient[c]; fo != nil {
		delete(fo.told, name)
	}
}

// follow handles presence to the service itself (XEP-0437 §4.1).
func (s *Service) follow(ctx context.Context, c xmppd.Client, p *stream.Element) error {
	rai, wants := p.Find(nsRAI, "rai")
	if p.Type == "unavailable" {
		s.followers.end(c)
		return nil
	}
	if p.Type != "" || !wants {
		return nil // nobody is told of the service's presence
	}
	_, said := rai.Find(nsSaid, "said")
	fo := &follower{client: c, said: said}
	// First follow, then look: a change of the lists in between is not missed.
	s.followers.begin(fo)
	if err := s.followBlocks(ctx, c); err != nil {
		return err
	}
	list, err := s.store.Followed(ctx, c.User(), s.server.Domain(), s.cfg.Domain, maxFollowed)
	if err != nil {
		return err
	}
	var names, unread []string
	for _, r := range list {
		names = append(names, r.Name)
		if r.Unread {
			unread = append(unread, r.Name)
			s.followers.shouldNotify(fo, r.Name)
		}
	}
	s.followers.add(fo, names...)
	if len(unread) > 0 {
		c.Deliver(s.indicator(c, nil, unread...)) // §4.2: what there is already
	}
	return s.archiveLookups.Wait(ctx, c.User(), 1+len(list)) // before the client's next stanza
}

// indicator is a message that tells of rooms.
func (s *Service) indicator(c xmppd.Client, said []byte, names ...string) []byte {
	dst := stanza.AppendAttr([]byte(`<message xmlns="jabber:client"`), "from", s.cfg.Domain)
	dst = append(stanza.AppendAttr(dst, "to", c.JID()), `><rai xmlns="`+nsRAI+`">`...)
	for _, name := range names {
		dst = append(stream.AppendEscaped(append(dst, "<activity>"...), name+"@"+s.cfg.Domain), "</activity>"...)
	}
	return append(append(append(dst, "</rai>"...), said...), "</message>"...)
}

// latestMessage is the latest message of a room that said something, for those who follow it.
type latestMessage struct {
	id       uuid.UUID // in the archive; Nil: it is not known, or was taken back
	author   string    // localpart
	nick     string
	stanzaID string
}

// activityNotifier tells those who follow a room of what is said in it. It is guarded by the room's
// lock.
type activityNotifier struct {
	room   *room
	latest latestMessage // what they were told last
}

// latestMessageOf is the newest entry of a room's archive, if it says something.
func latestMessageOf(e archive.Entry) latestMessage {
	m, err := stream.Parse(e.Stanza, stream.Limits{Bytes: len(e.Stanza)})
	if err != nil {
		return latestMessage{}
	}
	if text, _ := stanza.NewText(m); text == "" {
		return latestMessage{}
	}
	user, _, _ := strings.Cut(e.With, "@")
	return latestMessage{id: e.ID, author: user, nick: e.Resource, stanzaID: e.StanzaID}
}

// messageLocked tells those who follow the room of a message that is in its archive.
func (ac *activityNotifier) messageLocked(o *occupant, m *stream.Element, id uuid.UUID) {
	if id == uuid.Nil {
		return
	}
	if corrects := stanza.CorrectedID(m); corrects != "" {
		if n := ac.latest; n.id != uuid.Nil && n.author == o.user && n.stanzaID == corrects {
			ac.tellChangeLocked(messageSummary{id: n.id, by: n.nick, text: stanza.LineText(m), encrypted: stanza.IsEncrypted(m), change: "edited"})
		}
		return
	}
	text, encrypted := stanza.NewText(m)
	if text == "" {
		return
	}
	ac.latest = latestMessage{id: id, author: o.user, nick: o.nick, stanzaID: m.ID}
	ac.tellLocked(o.user, messageSummary{id: id, by: o.nick, answers: stanza.AnsweredNick(m), named: stanza.Named(m), text: stanza.LineText(m), encrypted: encrypted}, func(fo *follower) bool {
		return ac.room.svc.followers.shouldNotify(fo, ac.room.name)
	})
}

// retractedLocked tells those who follow the room that messages were taken back: the latest one, if it is
// among these, else one of them, so that who had it unread counts again.
func (ac *activityNotifier) retractedLocked(ids []uuid.UUID) {
	if n := ac.latest; n.id != uuid.Nil && slices.Contains(ids, n.id) {
		ac.tellChangeLocked(messageSummary{id: n.id, by: n.nick, change: "deleted"})
		ac.latest = latestMessage{}
	} else if len(ids) > 0 {
		ac.tellLocked("", messageSummary{id: ids[0], change: "deleted"}, func(fo *follower) bool { return fo.said })
	}
}

// tellChangeLocked tells what the latest message says now; only to those who were told what it said.
func (ac *activityNotifier) tellChangeLocked(s messageSummary) {
	ac.tellLocked(ac.latest.author, s, func(fo *follower) bool { return fo.said })
}

// tellLocked tells followers that may read it, and are not in the room, what an author says.
func (ac *activityNotifier) tellLocked(author string, s messageSummary, concerns func(*follower) bool) {
	list := ac.room.svc.followers.of(ac.room.name)
	if len(list) == 0 {
		return
	}
	others := s.payload()
	s.mine = true
	own := s.payload()
	from := stanza.Address{User: ac.room.name, Domain: ac.room.svc.cfg.Domain, Resource: s.by}
	for _, fo := range list {
		user := fo.client.User()
		if user != author && ac.room.svc.followers.hides(fo, from) {
			continue // nothing of whom its account blocks (blocked.go)
		}
		if ac.room.occupants.memberLocked(fo.client) != nil || !ac.room.mayReadLocked(user) || !concerns(fo) {
			continue
		}
		payload := others
		switch {
		case !fo.said:
			payload = nil
		case user == author:
			payload = own
		}
		fo.client.Deliver(ac.room.svc.indicator(fo.client, payload, ac.room.name))
	}
}

// mayReadLocked reports whether an account may read what is said without entering first: those
// who belong to the room, and everybody where anybody may enter.
func (r *room) mayReadLocked(user string) bool {
	a := r.affiliations.ofLocked(user)
	return a.rank() >= Member.rank() || a == None && !r.settings.MembersOnly && r.settings.Password == "" && r.state == open
}

// messageSummary is what a message says, for clients that ask for it.
type messageSummary struct {
	id        uuid.UUID
	by        string
	answers   string // whose message it answers, by nickname; "": nobody's
	named     []string
	text      string
	encrypted bool   // the text is for those who cannot read it
	mine      bool   // it is the recipient's own
	change    string // "edited", "deleted"; "": it is new
}

func (s messageSummary) payload() []byte {
	dst := stanza.AppendAttr([]byte(`<said xmlns="`+nsSaid+`"`), "id", s.id.String())
	dst = stanza.AppendAttr(dst, "by", s.by)
	if s.answers != "" {
		dst = stanza.AppendAttr(dst, "answers", s.answers)
	}
	if len(s.named) > 0 {
		named := make([]string, len(s.named))
		for i, name := range s.named {
			named[i] = url.PathEscape(name)
		}
		dst = stanza.AppendAttr(dst, "named", strings.Join(named, " "))
	}
	if s.change != "" {
		dst = stanza.AppendAttr(dst, "change", s.change)
	}
	if s.mine {
		dst = append(dst, ` mine="true"`...)
	}
	if s.encrypted {
		return append(dst, ` encrypted="true"/>`...)
	}
	return append(stream.AppendEscaped(append(dst, '>'), stanza.CutText(s.text, maxSaid)), "</said>"...)
}

// changeAffiliationLocked notes an account's affiliation that has changed. Its clients that follow
// their rooms follow this one from now on, or are told to look which they still have.
func (r *room) changeAffiliationLocked(a Affiliated) {
	before := r.affiliations.ofLocked(a.User).rank() >= Member.rank()
	r.affiliations.setLocked(a)
	now := a.Affiliation.rank() >= Member.rank()
	if before == now {
		return
	}
	for _, fo := range r.svc.followers.ofUser(a.User) {
		if now {
			r.svc.followers.add(fo, r.name)
		}
		r.activity.notifyRoomChanged(fo)
	}
}

// notifyRoomChanged tells a follower that what the room is to it has changed.
func (ac *activityNotifier) notifyRoomChanged(fo *follower) {
	if fo.said {
		fo.client.Deliver(ac.room.svc.indicator(fo.client, []byte(`<said xmlns="`+nsSaid+`" change="room"/>`), ac.room.name))
	}
}

// archiveChangedLocked tells those who follow the room that it tells of what is said from now on, or
// does no more: only what is in its archive is told.
func (ac *activityNotifier) archiveChangedLocked() {
	for _, fo := range ac.room.svc.followers.of(ac.room.name) {
		if ac.room.occupants.memberLocked(fo.client) == nil && ac.room.mayReadLocked(fo.client.User()) {
			ac.notifyRoomChanged(fo)
		}
	}
}
