package archive

import (
	"hash/maphash"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// mostUnkept is how many of the messages that no archive has are known again.
const mostUnkept = 10_000

// unkept knows the latest messages that passed and that no archive has, by hashes of whose
// they are and of their ids, until the program ends.
type unkept struct {
	seed   maphash.Seed
	mu     sync.Mutex
	known  map[uint64]bool
	latest []uint64 // a ring, as long as it may become
	next   int
}

func newUnkept() *unkept { return &unkept{seed: maphash.MakeSeed(), known: make(map[uint64]bool)} }

func (u *unkept) hash(owner, with, id string) uint64 {
	var h maphash.Hash
	h.SetSeed(u.seed)
	for _, part := range []string{owner, with, id} {
		h.WriteString(part)
		h.WriteByte(0) // which XML forbids
	}
	return h.Sum64()
}

func (u *unkept) has(owner, with, id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[u.hash(owner, with, id)]
}

func (u *unkept) add(owner, with, id string) {
	h := u.hash(owner, with, id)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known[h] {
		return
	}
	u.known[h] = true
	if len(u.latest) < mostUnkept {
		u.latest = append(u.latest, h)
		return
	}
	delete(u.known, u.latest[u.next])
	u.latest[u.next] = h
	u.next = (u.next + 1) % mostUnkept
}

// MayComeAgain reports whether a message is known when it is sent again: an archive keeps it,
// or Passed notes it. While it is looked for and goes there its sender's others with that id
// have to wait.
func MayComeAgain(m *stream.Element) bool {
	return m.ID != "" && (ShouldArchive(m) || saysSomething(m))
}

func saysSomething(m *stream.Element) bool {
	_, subject := m.Find(stream.NSClient, "subject")
	return subject || stanza.BodyText(m) != ""
}

// Passed notes a message that was delivered and that no archive has, as AlreadySaid is asked
// about it: clients send again what says something, and nothing else.
func (a *Archive) Passed(owner, with string, m *stream.Element) {
	if m.ID != "" && saysSomething(m) {
		a.unkept.add(owner, with, m.ID)
	}
}
