package models

import (
	"testing"
	"time"

	"foyer/xmppd"
)

// XEP-0012 §4: the latest departure of each account is kept, and goes with the account.
func TestDepartures(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	db.person(t, "bob")
	s := db.Stores("h", RosterNone).LastActivity
	left := func(user string, second int64, status string) xmppd.LastActivity {
		return xmppd.LastActivity{User: user, At: time.Unix(second, 0), Status: status}
	}
	is(t, s.SaveLastActivity(ctx, []xmppd.LastActivity{left("alice", 10, "lunch"), left("nobody", 10, ""), left("bob", 20, "")}), nil)
	is(t, s.SaveLastActivity(ctx, []xmppd.LastActivity{left("alice", 5, "before that"), left("bob", 30, "again")}), nil)
	for _, want := range []xmppd.LastActivity{left("alice", 10, "lunch"), left("bob", 30, "again")} {
		if got, err := s.LastActivity(ctx, want.User); err != nil || !got.At.Equal(want.At) || got.Status != want.Status {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
	}
	_, err := s.LastActivity(ctx, "nobody")
	is(t, err, xmppd.ErrNotFound)
	is(t, db.Accounts.DeleteAccount(ctx, alice.ID, AnyVersion, "h"), nil)
	_, err = s.LastActivity(ctx, "alice")
	is(t, err, xmppd.ErrNotFound)
}
