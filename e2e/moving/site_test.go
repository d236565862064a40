package moving

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/app/cli"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"

	"github.com/google/uuid"
)

const (
	domain = "moving.test"
	rooms  = "conference." + domain
)

// picture is one, as the site keeps it.
var picture = []byte("\x89PNG\r\n\x1a\n not looked into here")

// site is a site with people, rooms and what they have said.
type site struct {
	size   size
	t      testing.TB
	db     *models.DB
	url    string
	people []string
	rooms  []string                   // those that last
	said   map[string][]archive.Entry // by owner, in order
	last   uint64                     // of the ids, as the archive's writer counts
}

// size is how large a site is: what each writes to the next, and what is said in each room.
type size struct{ people, rooms, perPair, perRoom int }

// remembered is how many archives of people a test compares, and how many rooms'.
const remembered = 3

func newSite(t testing.TB, n size) *site {
	t.Helper()
	s := &site{size: n, t: t, url: cluster.DB(t), said: make(map[string][]archive.Entry)}
	var err error
	if s.db, err = models.Open(t.Context(), models.Options{URL: s.url, SiteConns: 2, ChatConns: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.db.Close)
	s.must(s.db.Migrate(t.Context()))
	for i := range n.people {
		name := fmt.Sprintf("person%03d", i)
		s.people = append(s.people, name)
		s.must(s.db.Accounts.CreateAccount(t.Context(), &models.Account{Username: name, Name: "Person " + fmt.Sprint(i), PasswordHash: "none"}))
	}
	s.belongings()
	s.makeRooms(n.rooms)
	s.talk(n)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) jid(i int) string { return s.people[i] + "@" + domain }

func (s *site) stores() xmppd.Stores { return s.db.Stores(domain, models.RosterNone) }

// belongings gives the first people what people may have.
func (s *site) belongings() {
	s.t.Helper()
	ctx, stores := s.t.Context(), s.stores()
	for i, c := range s.contacts() {
		_, err := stores.Roster.UpdateContact(ctx, s.people[0], s.jid(i+1), func(kept *xmppd.Contact) (bool, error) {
			c.JID = kept.JID
			*kept = c
			return true, nil
		})
		s.must(err)
	}
	s.must(stores.Blocks.Block(ctx, s.people[0], []string{s.jid(7), "spam.example"}))
	s.must(stores.Private.SetPrivate(ctx, s.people[0], stream.Name{Space: "urn:notes", Local: "notes"}, []byte(`<notes xmlns="urn:notes"><note at="2">été &amp; café</note></notes>`)))
	s.must(stores.Prefs.SetPrefs(ctx, s.people[1], archive.Prefs{Default: archive.Roster, Always: []string{s.jid(0)}, Never: []string{s.jid(4)}}))
	s.must(stores.VCards.SetVCard(ctx, s.people[1], xmppd.VCard{Name: "Bérénice", Extra: []byte(`<ORG xmlns="vcard-temp"><ORGNAME>Foyer</ORGNAME></ORG>`), Photo: picture, PhotoType: "image/png"}))
	for device := range 3 {
		s.publish(1, fmt.Sprintf("eu.siacs.conversations.axolotl.bundles:%d", device+1), "current", pep.NodeConfig{Access: pep.AccessOpen, MaxItems: 1}, bundle(device+1))
	}
	s.publish(1, "eu.siacs.conversations.axolotl.devicelist", "current", pep.NodeConfig{Access: pep.AccessOpen, MaxItems: 1}, devices)
	for i := range 3 {
		s.publish(0, "urn:xmpp:bookmarks:1", fmt.Sprintf("room%02d@%s", i, rooms), pep.NodeConfig{Access: pep.AccessWhitelist, MaxItems: 1000, SendLast: pep.SendNever},
			fmt.Sprintf(`<conference xmlns="urn:xmpp:bookmarks:1" name="Room %d" autojoin="true"><nick>me</nick></conference>`, i))
	}
	s.must(stores.Offline.AddOffline(ctx, s.people[2], xmppd.OfflineMessage{ID: uuid.Must(uuid.NewV7()), Stamp: offlineAt,
		Stanza: []byte(`<message xmlns="jabber:client" from="` + s.jid(0) + `/phone" to="` + s.jid(2) + `" type="chat" id="off1"><body>while you were away</body></message>`)}))
}

var offlineAt = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

const devices = `<list xmlns="eu.siacs.conversations.axolotl"><device id="1"/><device id="2"/><device id="3"/></list>`

func bundle(device int) string {
	return fmt.Sprintf(`<bundle xmlns="eu.siacs.conversations.axolotl"><identityKey>key%d</identityKey></bundle>`, device)
}

// contacts are those of the first person: the second is the first of them.
func (s *site) contacts() []xmppd.Contact {
	return []xmppd.Contact{
		{Name: "Bée <b>", Groups: []string{"Friends", "Work & play"}, Subscription: xmppd.SubscriptionBoth, Listed: true},
		{Subscription: xmppd.SubscriptionTo, Listed: true},
		{Subscription: xmppd.SubscriptionFrom, Listed: true, Approved: true},
		{Subscription: xmppd.SubscriptionNone, Ask: true, Listed: true},
		{Subscription: xmppd.SubscriptionNone, Request: []byte(`<presence xmlns="jabber:client" type="subscribe" from="` + s.jid(5) + `" to="` + s.jid(0) + `"/>`)},
	}
}

func (s *site) publish(person int, node, id string, c pep.NodeConfig, payload string) {
	s.t.Helper()
	c.Persist, c.Payloads, c.NotifyRetract = true, true, true
	if c.SendLast == "" {
		c.SendLast = pep.SendOnPresence
	}
	_, err := s.db.PubsubStore().UpdateNode(s.t.Context(), s.people[person], node, []pep.Item{{ID: id, Payload: []byte(payload)}}, func(n *pep.Node, _ bool) (bool, error) {
		n.Config = c
		return true, nil
	})
	s.must(err)
}

// makeRooms makes rooms, the first of them for members only; and one that lasts as long as
// somebody is in it.
func (s *site) makeRooms(n int) {
	s.t.Helper()
	for i := range n + 1 {
		name := fmt.Sprintf("room%02d", i)
		r := muc.Room{Name: name, Creator: s.people[0], Settings: muc.Settings{
			Title: "Room " + fmt.Sprint(i) + ` é"`, Description: "What <we> say", Persistent: i < n, Public: i > 0, MembersOnly: i == 0, Moderated: i == 1,
			NonAnonymous: i == 1, ChangeSubject: true, Private: muc.Anyone, Archive: true, MaxOccupants: 500,
		}}
		people := []muc.Affiliated{{User: s.people[0], Affiliation: muc.Owner}, {User: s.people[1], Affiliation: muc.Member, Nick: "bee"},
			{User: s.people[2], Affiliation: muc.Admin}, {User: s.people[3], Affiliation: muc.Outcast, Reason: "rudé \"words\""}}
		s.must(s.db.RoomStore().Create(s.t.Context(), r, people, 1000))
		s.must(s.db.RoomStore().SetSubject(s.t.Context(), name, muc.Subject{Text: "Sübject", Nick: "me", At: offlineAt}))
		if i < n {
			s.rooms = append(s.rooms, name)
		}
	}
}

// id is the next of the archive's ids (archive/id.go).
func (s *site) id(at time.Time) uuid.UUID {
	s.last = max(uint64(at.UnixMilli())<<12, s.last+1)
	var id uuid.UUID
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], s.last<<4)
	copy(id[:6], head[:6])
	id[6], id[7] = 0x70|byte(s.last>>8)&0x0f, byte(s.last)
	binary.BigEndian.PutUint64(id[8:], s.last)
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// talk lets everybody write to the next, and the first four into rooms: a message in
// each third of a second, except some that are within one millisecond.
func (s *site) talk(n size) {
	s.t.Helper()
	at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	ticks := 0
	tick := func() time.Time {
		if ticks++; ticks%10 != 3 {
			at = at.Add(333 * time.Millisecond)
		}
		return at
	}
	var batch []archive.Entry
	keep := func(entries ...archive.Entry) {
		batch = append(batch, entries...)
		for _, e := range entries {
			if s.compares(e.Owner) {
				s.said[e.Owner] = append(s.said[e.Owner], e)
			}
		}
		if len(batch) >= 4000 {
			s.must(s.stores().Archive.Append(s.t.Context(), batch))
			batch = batch[:0]
		}
	}
	for k := range n.perPair {
		for i := range s.people {
			keep(s.direct(i, (i+1)%len(s.people), k, tick())...)
		}
	}
	for k := range n.perRoom {
		for r := range n.rooms + 1 {
			keep(s.groupchat(r, k%3, k, tick()))
		}
	}
	s.must(s.stores().Archive.Append(s.t.Context(), batch))
}

// compares reports whether an archive is one of those that tests compare.
func (s *site) compares(owner string) bool {
	name, _, _ := strings.Cut(owner, "@")
	return slices.Contains(s.people[:remembered], name) || slices.Contains(s.rooms[:min(remembered, len(s.rooms))], name)
}

// direct is a message between two people, in the archives of both.
func (s *site) direct(from, to, k int, at time.Time) []archive.Entry {
	id, name, body := s.id(at), fmt.Sprintf("m%d-%d", from, k), fmt.Sprintf("message %d <é> & more", k)
	raw := []byte(`<message xmlns="jabber:client" from="` + s.jid(from) + `/phone" to="` + s.jid(to) + `" type="chat" id="` + name + `"><body>` +
		stream.Escape(body) + `</body><origin-id xmlns="urn:xmpp:sid:0" id="` + name + `"/></message>`)
	return []archive.Entry{
		{ID: id, Owner: s.jid(from), With: s.jid(to), Outgoing: true, StanzaID: name, Body: body, Stanza: raw},
		{ID: id, Owner: s.jid(to), With: s.jid(from), Resource: "phone", StanzaID: name, Body: body, Stanza: raw},
	}
}

// groupchat is a message in a room.
func (s *site) groupchat(room, from, k int, at time.Time) archive.Entry {
	jid, name, body := fmt.Sprintf("room%02d@%s", room, rooms), fmt.Sprintf("g%d", k), fmt.Sprintf("said %d", k)
	raw := []byte(`<message xmlns="jabber:client" from="` + jid + `/nick ` + fmt.Sprint(from) + `" type="groupchat" id="` + name + `"><body>` + body + `</body></message>`)
	return archive.Entry{ID: s.id(at), Owner: jid, With: s.jid(from), Resource: "nick " + fmt.Sprint(from), Outgoing: true, StanzaID: name, Body: body, Stanza: raw}
}

// export runs the command, and returns what it says.
func export(t testing.TB, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if err := cli.Run(context.Background(), append([]string{"chat", "export"}, args...), strings.NewReader(""), &out, &errOut); err != nil {
		t.Fatalf("foyer chat export %s: %v\n%s", strings.Join(args, " "), err, &errOut)
	}
	return out.String()
}
