package archive

import (
	"hash/maphash"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// maxRecentIDs is how many of the messages that no archive has are known again.
const maxRecentIDs = 10_000

// recentIDs knows the latest messages that passed and that no archive has, by hashes of whose
// they are and of their ids, until the program ends.
type recentIDs struct {
	seed   maphash.Seed
	mu     sync.Mutex
	known  map[uint64]bool
	latest []uint64 // a ring, as long as it may become
	next   int
}

func newRecentIDs() *recentIDs {
	return &recentIDs{seed: maphash.MakeSeed(), known: make(map[uint64]bool)}
}

func (u *recentIDs) hash(owner, with, id string) uint64 {
	var h maphash.Hash
	h.SetSeed(u.seed)
	for _, part := range []string{owner, with, id} {
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

func (u *recentIDs) add(owner, with, id string) {
	h := u.hash(owner, with, id)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known[h] {
		return
	}
	u.known[h] = true
	if len(u.latest) < maxRecentIDs {
		u.latest = append(u.latest, h)
		return
	}
	delete(u.known, u.latest[u.next])
	u.latest[u.next] = h
	u.next = (u.next + 1) % maxRecentIDs
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

// NoteUnarchived notes a message that was delivered and that no archive has, as IsDuplicate is asked
// about it: clients send again what says something, and nothing else.
func (a *Archive) NoteUnarchived(owner, with string, m *stream.Element) {
	if m.ID != "" && saysSomething(m) {
		a.recentIDs.add(owner, with, m.ID)
	}
}
