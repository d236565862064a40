package app

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// statuses asks for a page so many times at once, as a browser that is signed in, and tells what came.
func (b *browser) statuses(path string, times int) <-chan int {
	got := make(chan int, times)
	for range times {
		req, err := http.NewRequest(http.MethodGet, b.base+path, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, c := range b.cookies {
			req.AddCookie(c)
		}
		go func() {
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			if err != nil {
				b.t.Error(err)
				got <- 0
				return
			}
			resp.Body.Close()
			got <- resp.StatusCode
		}()
	}
	return got
}

// One account that asks for 200 pages at once, each of which takes long, is in nobody else's way: it has so many
// connections to the database, and no more.
func TestTurns(t *testing.T) {
	const asked = 200
	s, base := startChanged(t, nil, func(s *Server) { s.accountLimit.timeout = 300 * time.Millisecond })
	alice, bob := signedInAs(t, base, "alice"), signedInAs(t, base, "bob")
	conn, err := pgx.Connect(t.Context(), s.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		t.Fatal(err)
	}
	got := alice.statuses("/settings/files", asked)
	for range asked - maxConcurrentPerAccount {
		if status := <-got; status != http.StatusTooManyRequests {
			t.Errorf("beyond her turns: %d", status)
		}
	}
	alice.get("/people").wants(429, "Please wait a moment")
	alice.get("/xmpp/rooms").wants(429, `{"error":"Too many requests at once. Please try again in a moment."}`)
	began := time.Now()
	bob.get("/people").wants(200, "Alice Adler")
	bob.get("/xmpp/find?q=alice").wants(200, "alice@localhost")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("bob waited %v", took)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range maxConcurrentPerAccount {
		if status := <-got; status != http.StatusOK {
			t.Errorf("in her turn: %d", status)
		}
	}
	alice.get("/people").wants(200, "Bob Baker")
}

// What tabs ask for when they are opened is answered, however much at once, and nobody is told that it waited; what is beyond
// all that may wait is refused at once.
func TestTurns_OneTab(t *testing.T) {
	s, base := start(t, nil)
	alice := signedInAs(t, base, "alice")
	got := alice.statuses("/people", 60)
	for range cap(got) {
		if status := <-got; status != http.StatusOK {
			t.Error(status)
		}
	}
	if met := s.limits.Take(); len(met) > 0 {
		t.Errorf("met %+v", met)
	}
	leave, ok := s.accountLimit.queued.TryAcquire("alice", maxQueuedPerAccount)
	if !ok {
		t.Fatal("places are left taken")
	}
	defer leave()
	alice.get("/people").wants(429, "Please wait a moment")
	if met := s.limits.Take(); len(met) != 1 || met[0].Last != "alice" {
		t.Errorf("met %+v", met)
	}
	newBrowser(t, base).get("/articles/garden").wants(200, "")
}

// heldPanels is a Chat that tells who is in a room when it is told to.
type heldPanels struct {
	Chat
	listing, list chan struct{}
}

func (h heldPanels) RoomPeople(ctx context.Context, viewer, name string) ([]RoomPerson, error) {
	h.listing <- struct{}{}
	<-h.list
	return h.Chat.RoomPeople(ctx, viewer, name)
}

// An account has so many lists of people in rooms made at once, and others theirs.
func TestRoomPeople_Bounded(t *testing.T) {
	held := heldPanels{listing: make(chan struct{}), list: make(chan struct{})}
	s, base := startChanged(t, nil, func(s *Server) { held.Chat, s.chat = s.chat, &held })
	alice := signedInAs(t, base, "alice")
	got := alice.statuses("/xmpp/rooms/lobby/people", maxConcurrentPanels)
	for range maxConcurrentPanels {
		<-held.listing
	}
	if _, ok := s.rooms.lists.TryAcquire("alice", 1); ok {
		t.Error("one more is made")
	}
	if release, ok := s.rooms.lists.TryAcquire("bob", 1); !ok {
		t.Error("somebody else waits")
	} else {
		release()
	}
	close(held.list)
	for range maxConcurrentPanels {
		if status := <-got; status != http.StatusOK {
			t.Error(status)
		}
	}
}
