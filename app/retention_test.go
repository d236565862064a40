package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// XEP-0313 §3.2 (S-63): people's messages and rooms' each go by their own
// setting, and are counted.
func TestRetention(t *testing.T) {
	s, _ := start(t, map[string]string{"ARCHIVE_RETENTION": "1d", "ROOM_ARCHIVE_RETENTION": "30d"})
	store := s.db.Stores(s.cfg.Domain, s.cfg.Roster).Archive
	var entries []archive.Entry
	for _, owner := range []string{"alice@localhost", "room@conference.localhost"} {
		entries = append(entries, archive.Entry{ID: uuid.Must(uuid.NewV7()), Owner: owner, With: "bob@localhost", Stanza: []byte("<message/>")})
	}
	if err := store.Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		later         time.Duration
		people, rooms int64
	}{{time.Hour, 0, 0}, {25 * time.Hour, 1, 0}, {31 * 24 * time.Hour, 1, 1}} {
		if err := s.expire(t.Context(), time.Now().Add(c.later)); err != nil {
			t.Fatal(err)
		}
		if people, rooms := s.expired.people.Load(), s.expired.rooms.Load(); people != c.people || rooms != c.rooms {
			t.Errorf("%v later: %d and %d removed, want %d and %d", c.later, people, rooms, c.people, c.rooms)
		}
	}
}

// What is under a former domain goes by the same settings.
func TestRetention_FormerDomain(t *testing.T) {
	s, _ := start(t, map[string]string{"ARCHIVE_RETENTION": "1d", "ROOM_ARCHIVE_RETENTION": "30d"})
	for _, domain := range []string{"old.example", s.cfg.Domain} {
		if err := s.db.SetChatDomain(t.Context(), domain); err != nil {
			t.Fatal(err)
		}
	}
	var entries []archive.Entry
	for _, owner := range []string{"alice@old.example", "room@conference.old.example", "alice@elsewhere.example"} {
		entries = append(entries, archive.Entry{ID: uuid.Must(uuid.NewV7()), Owner: owner, With: "bob@old.example", Stanza: []byte("<message/>")})
	}
	if err := s.db.Stores(s.cfg.Domain, s.cfg.Roster).Archive.Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	if err := s.expire(t.Context(), time.Now().Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if people, rooms := s.expired.people.Load(), s.expired.rooms.Load(); people != 1 || rooms != 1 {
		t.Errorf("%d and %d removed", people, rooms)
	}
}

// Nothing is removed by a clock that may be wrong.
func TestRetention_WrongClock(t *testing.T) {
	s, _ := start(t, nil)
	now := time.Now()
	if err := checkClock(t.Context(), s.db, now, clockSet(now.Add(-time.Hour), now)); err != nil {
		t.Error(err)
	}
	if err := checkClock(t.Context(), s.db, now.Add(30*24*time.Hour), 0); err == nil || !strings.Contains(err.Error(), "the database's are 7") {
		t.Errorf("ahead of the database: %v", err)
	}
	if err := checkClock(t.Context(), s.db, now, time.Hour); err == nil || !strings.Contains(err.Error(), "was set by 1h0m0s") {
		t.Errorf("set meanwhile: %v", err)
	}
}

// Files neither: not soon after the start, and not while the clock is doubted. What was deleted goes all the same.
func TestRetention_Files(t *testing.T) {
	s, _ := start(t, map[string]string{"UPLOAD_RETENTION": "1h"})
	for _, name := range []string{"old.png", "deleted.png"} {
		put(t, s.slot(t, "alice", name, 1, "").Put, []byte("1")).is(t, 201)
	}
	conn, err := pgx.Connect(t.Context(), s.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "UPDATE uploads SET created_at = now() - interval '2 hours'"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "UPDATE uploads SET state = 'deleted', expires_at = now() WHERE name = 'deleted.png'"); err != nil {
		t.Fatal(err)
	}
	removed := func(want int64, when string) {
		t.Helper()
		s.uploads.RemoveDeleted(t.Context())
		if n := s.uploads.Stats().Removed; n != want {
			t.Errorf("%s: %d files are gone, not %d", when, n, want)
		}
	}
	removed(1, "after the start")
	s.clock.began = time.Now().Add(-time.Hour)
	s.clock.set, s.clock.setBy = time.Now().Add(-30*time.Minute), 100*24*time.Hour
	removed(1, "when the clock was set")
	s.clock.set = time.Now().Add(-retentionEvery)
	removed(2, "an hour later")
}

// What waits for somebody goes in its time even if the archive cannot be cleared.
func TestRetention_OneFails(t *testing.T) {
	s, _ := start(t, map[string]string{"ARCHIVE_RETENTION": "1d", "ROOM_ARCHIVE_RETENTION": "30d"})
	offline := s.db.Stores(s.cfg.Domain, s.cfg.Roster).Offline
	if err := offline.AddOffline(t.Context(), "alice", xmppd.OfflineMessage{ID: uuid.Must(uuid.NewV7()), Stamp: time.Now(), Stanza: []byte("<message/>")}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), s.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "ALTER TABLE archive RENAME TO elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := s.expire(t.Context(), time.Now().Add(48*time.Hour)); err == nil {
		t.Error("all is well")
	}
	if left, err := offline.Offline(t.Context(), "alice"); err != nil || len(left) != 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}
