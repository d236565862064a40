package models

import (
	"context"
	"fmt"
	"testing"

	"foyer/xmppd/archive"
)

// TestSnapshot: people page by page, rosters as people see them, and nothing of what is
// written after it began.
func TestSnapshot(t *testing.T) {
	db, ctx := open(t), t.Context()
	for _, name := range []string{"alice", "bob", "carol"} {
		db.person(t, name)
	}
	db.talk(t, "alice", "bob", 2, 1, 3)
	s, err := db.Snapshot(ctx, "h", RosterEveryone)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err := s.Messages(ctx); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	db.person(t, "dave")
	db.talk(t, "alice", "dave", 4)
	var seen string
	for after := ""; ; {
		page, err := s.People(ctx, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, b := range page {
			seen += fmt.Sprint(b.User, len(b.Contacts), " ")
			after = b.User
		}
	}
	if seen != "alice2 bob2 carol2 " {
		t.Errorf("people and how many contacts each has: %s", seen)
	}
	seen = ""
	err = s.Archives(ctx, func(e archive.Entry) error {
		seen += fmt.Sprint(e.Owner, e.Time().Unix()-1_700_000_000, " ")
		return nil
	})
	if err != nil || seen != "alice@h1 alice@h2 alice@h3 bob@h1 bob@h2 bob@h3 " {
		t.Errorf("messages: %s, %v", seen, err)
	}
}

// A copy may take its time, at both ends.
func TestSnapshot_Patient(t *testing.T) {
	db := open(t)
	conn, err := db.connectPatient(t.Context())
	is(t, err, nil)
	defer conn.Close(context.Background())
	for _, name := range []string{"statement_timeout", "tcp_user_timeout"} {
		var value, from string
		is(t, conn.QueryRow(t.Context(), "SELECT setting, source FROM pg_settings WHERE name = $1", name).Scan(&value, &from), nil)
		if value != "0" || name == "tcp_user_timeout" && from != "session" {
			t.Errorf("%s is %s, as the %s says", name, value, from)
		}
	}
}
