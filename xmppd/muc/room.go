package muc

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// Role is what an occupant may do in a room while it is there (XEP-0045 §5.1).
type Role string

// The roles.
const (
	RoleModerator   Role = "moderator"
	RoleParticipant Role = "participant"
	RoleVisitor     Role = "visitor"
	RoleNone        Role = "none"
)

// room is a room in memory:
//
//	loading ──found──▶ open ──destroyed, or temporary and empty──▶ ending ──▶ ended
//	   │                ▲                                             ▲
//	   └──not found     └──configured── locked ──cancelled, or empty──┘
//
// A persistent room that is empty for a while goes from open to ended without
// anything being deleted: it is only unloaded.
type room struct {
	svc      *Service
	name     string        // localpart
	jid      string        // bare
	loaded   chan struct{} // closed when loading is over
	err      error         // of loading
	givenUp  bool          // the error is that of who loaded it, who had no more time
	ended    chan struct{} // closed when the room is out of memory
	changing chan struct{} // holds one word while what is kept is being changed
	counted  bool          // among its creator's rooms that are not configured; under Service.mu

	archive   roomArchive
	pins      pins
	dedupLock sayings

	mu           sync.Mutex
	state        roomState
	creator      string // localpart
	settings     Settings
	subject      Subject
	subjectBy    string // occupant id of who set it; empty: the room has been out of memory since
	affiliations affiliations
	occupants    occupants
	queue        messageQueue
	activity     activityNotifier
}

type roomState int

const (
	locked roomState = iota // new, and not configured (XEP-0045 §10.1)
	open
	ending
)

// occupant is a person under a nickname, with one or more clients (XEP-0045
// §7.2.8).
type occupant struct {
	room           *room
	nick           string
	key            string // by which nicknames are compared
	jid            string // room@service/nick
	user           string // localpart of the account
	bare           string // its bare JID
	id             string // XEP-0421
	role           Role
	hats           []byte
	asked          time.Time // for voice, last
	presenceMember *member   // whose presence is the occupant's
	all            []*member // in the order they came

	// The occupant's presence, cut where it differs from one recipient to the
	// next: behind the element's name, and behind its payload.
	head    []byte
	item    []byte // muc#user, without the real address
	itemJID []byte // and with it
}

// member is one client in a room.
type member struct {
	client              xmppd.Client
	occupant            *occupant
	presence            *stream.Element // as sent last
	to                  []byte          // the to attribute of what it is sent
	blocks              xmppd.Blocked   // by its account, of the addresses here (blocked.go)
	index               int             // in occupants.members
	buffering           bool            // occupants and history are being sent: what happens comes after them
	buffered            [][]byte        // what happened meanwhile
	collectingOccupants bool            // what is sent now goes into occupantsToSend
	occupantsToSend     [][]byte        // the occupants' presence that is still to be sent
}

func newRoom(s *Service, name string) *room {
	r := &room{
		svc: s, name: name, jid: name + "@" + s.cfg.Domain,
		loaded: make(chan struct{}), ended: make(chan struct{}), changing: make(chan struct{}, 1),
		affiliations: newAffiliations(), occupants: newOccupants(),
	}
	r.archive = roomArchive{owner: r.jid, archive: s.archive, log: s.log, timeout: s.cfg.StoreTimeout}
	r.queue = messageQueue{mu: &r.mu, archive: s.archive}
	r.pins.room, r.activity.room = r, r
	return r
}

// rank orders affiliations.
func (a Affiliation) rank() int {
	switch a {
	case Owner:
		return 4
	case Admin:
		return 3
	case Member:
		return 2
	case None:
		return 1
	}
	return 0
}

// defaultRoleLocked is the role that an affiliation comes in with (XEP-0045 §5.1.2).
func (r *room) defaultRoleLocked(a Affiliation) Role {
	switch {
	case a == Owner || a == Admin:
		return RoleModerator
	case a == None && r.settings.Moderated:
		return RoleVisitor
	}
	return RoleParticipant
}

// existsFor reports whether an account may know that the room is there: before it
// is configured only its creator does (§10.1.1).
func (r *room) existsFor(user string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state != locked || user == r.creator
}

// mayEnterLocked reports why an account may not enter, apart from a password
// (XEP-0045 §7.2.6, §7.2.7).
func (r *room) mayEnterLocked(user string) error {
	switch r.affiliations.ofLocked(user) {
	case Outcast:
		return errBanned
	case None:
		if r.settings.MembersOnly {
			return errMembersOnly
		}
	}
	return nil
}

// knowsPasswordLocked reports whether an account has shown the password, or needs none:
// invitations carry it, and the archive and membership are behind it.
func (r *room) knowsPasswordLocked(user string) bool {
	return r.settings.Password == "" || r.affiliations.ofLocked(user).rank() >= Member.rank() || len(r.occupants.ofUserLocked(user)) > 0
}

// removeLocked takes a client out of the room, and its occupant with the last one.
func (r *room) removeLocked(m *member) {
	r.occupants.removeLocked(m)
	r.svc.joined.remove(m.client, r)
}

// seesAddressesLocked reports whether an occupant sees real addresses (S-88).
func (o *occupant) seesAddressesLocked() bool {
	return o.room.settings.NonAnonymous || o.role == RoleModerator
}

// showLocked takes m's presence for the occupant's.
func (o *occupant) showLocked(m *member) {
	o.presenceMember = m
	raw := m.presence.Edit().Set("to", "").Set("id", "").Set("from", o.jid).Drop(o.room.svc.mayNotSay(o.bare)).
		Append(occupantID(o.id), o.hats).Bytes()
	o.head = raw[len("<presence"):bytes.LastIndex(raw, []byte("</"))]
	o.describeLocked()
}

// describeLocked renews what presence says of role and affiliation (S-88).
func (o *occupant) describeLocked() {
	a := o.room.affiliations.ofLocked(o.user)
	o.item = item(nil, a, o.role, "", "")
	o.itemJID = item(nil, a, o.role, o.presenceMember.client.JID(), "")
}

// item appends a muc#user element that is still open, with one item.
func item(dst []byte, a Affiliation, role Role, jid, nick string) []byte {
	dst = append(dst, `<x xmlns="`+stanza.NSMUCUser+`"><item`...)
	dst = stanza.AppendAttr(dst, "affiliation", string(a))
	dst = stanza.AppendAttr(dst, "role", string(role))
	dst = stanza.AppendAttr(dst, "jid", jid)
	return append(stanza.AppendAttr(dst, "nick", nick), "/>"...)
}

// isReserved reports whether a child of a client's stanza is something that only
// the room says, or has it anywhere inside (XEP-0045 §17.3, XEP-0421 §4, S-91): Converse
// looks for most of it at any depth.
func isReserved(c stream.Child) bool {
	return c.Has(func(n stream.Name) bool {
		return strings.HasPrefix(n.Space, stanza.NSMUC) || n.Space == stanza.NSOccupantID || n.Space == nsHats
	})
}
