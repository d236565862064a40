package app

import (
	"testing"
	"time"

	"foyer/xmppd/archive"

	"github.com/google/uuid"
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
