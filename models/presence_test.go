package models

import (
	"slices"
	"testing"
)

// Whose presence a page may show is whose presence the chat sends (RFC 6121
// §4.2.2): in each mode, with contacts, without those who block (XEP-0191 §3.1).
func TestVisiblePresence(t *testing.T) {
	db, ctx := open(t), t.Context()
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin", "gone"} {
		db.person(t, name)
	}
	for _, sql := range []string{
		"INSERT INTO account_groups SELECT id, 'g' FROM accounts WHERE username IN ('alice', 'bob')",
		"INSERT INTO contacts (username, jid, subscription) VALUES ('alice', 'carol@h', 'to'), ('alice', 'dave@h', 'from'), ('alice', 'erin@h', 'both')",
		"INSERT INTO blocks (username, jid) VALUES ('erin', 'alice@h')",
		"UPDATE accounts SET blocked_at = now() WHERE username = 'gone'",
	} {
		if _, err := db.pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	for mode, want := range map[RosterMode][]string{
		RosterEveryone: {"bob", "carol", "dave"}, RosterGroups: {"bob", "carol"}, RosterNone: {"carol"},
	} {
		got, err := db.People.VisiblePresence(ctx, "h", mode, "alice", []string{"bob", "carol", "dave", "erin", "gone", "nobody"})
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v, want %v", mode, got, err, want)
		}
	}
}
