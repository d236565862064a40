package archive

import (
	"container/list"
	"hash/maphash"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// How many of the messages that no archive has are known again: of all, and of one sender, so
// that whoever writes much does not make those of others forgotten.
const (
	maxRecentIDs     = 10_000
	maxRecentIDsEach = 200
)

// recentIDs knows the latest messages that passed and that no archive has, by hashes of whose
// they are and of their ids, until the program ends.
type recentIDs struct {
	seed   maphash.Seed
	mu     sync.Mutex
	known  map[uint64]bool
	all    list.List             // of *recentID, the oldest first
	bySent map[uint64]*list.List // the same, by the hash of who sent it
}

// recentID is a message, with its places in both lists.
type recentID struct {
	hash, sender uint64
	inAll, inOwn *list.Element
}

func newRecentIDs() *recentIDs {
	return &recentIDs{seed: maphash.MakeSeed(), known: make(map[uint64]bool), bySent: make(map[uint64]*list.List)}
}

func (u *recentIDs) hash(parts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(u.seed)
	for _, part := range parts {
		h.WriteString(part)
		h.WriteByte(0) // which XML forbids
	}
	return h.Sum64()
}

func (u *recentIDs) has(owner, with, id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[u.hash(owner, with, id)]
}

func (u *recentIDs) add(sender, owner, with, id string) {
	r := &recentID{hash: u.hash(owner, with, id), sender: u.hash(sender)}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known[r.hash] {
		return
	}
	own := u.bySent[r.sender]
	switch {
	case own != nil && own.Len() >= maxRecentIDsEach:
		u.forgetLocked(own.Front())
	case u.all.Len() >= maxRecentIDs:
		u.forgetLocked(u.all.Front())
	}
	if own = u.bySent[r.sender]; own == nil { // it may just have lost its last
		own = list.New()
		u.bySent[r.sender] = own
	}
	u.known[r.hash] = true
	r.inAll, r.inOwn = u.all.PushBack(r), own.PushBack(r)
}

func (u *recentIDs) forgetLocked(oldest *list.Element) {
	r := oldest.Value.(*recentID)
	own := u.bySent[r.sender]
	delete(u.known, r.hash)
	u.all.Remove(r.inAll)
	if own.Remove(r.inOwn); own.Len() == 0 {
		delete(u.bySent, r.sender)
	}
}

// MayComeAgain reports whether a message is known when it is sent again: an archive keeps it,
// or NoteUnarchived notes it. While it is looked for and goes there its sender's others with that id
// have to wait.
func MayComeAgain(m *stream.Element) bool {
	return m.ID != "" && (ShouldArchive(m) || saysSomething(m))
}

func saysSomething(m *stream.Element) bool {
	_, subject := m.Find(stream.NSClient, "subject")
	return subject || stanza.BodyText(m) != ""
}

// NoteUnarchived notes a message of a sender (a bare JID) that was delivered and that no archive
// has, as IsDuplicate is asked about it: clients send again what says something, and nothing else.
func (a *Archive) NoteUnarchived(sender, owner, with string, m *stream.Element) {
	if m.ID != "" && saysSomething(m) {
		a.recentIDs.add(sender, owner, with, m.ID)
	}
}
