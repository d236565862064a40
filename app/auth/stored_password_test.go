package auth

import "testing"

// Only the cookie that a session began with opens what was kept for it; it goes with the
// session, and the database does not have it.
func TestKeptPassword(t *testing.T) {
	s := newSite(t, nil)
	ctx := t.Context()
	s.account("alice")
	in, err := s.signIn("alice", testPassword)
	is(t, err, nil)
	other, err := s.signIn("alice", testPassword)
	is(t, err, nil)
	session, account, err := s.Session(ctx, in.Secret)
	is(t, err, nil)
	_, err = s.StoredPassword(ctx, session, in.Secret)
	is(t, err, ErrNotStored)

	is(t, s.StorePassword(ctx, in.Secret, "an earlier one"), nil)
	is(t, s.StorePassword(ctx, in.Secret, testPassword), nil)
	if kept, err := s.StoredPassword(ctx, session, in.Secret); kept != testPassword || err != nil {
		t.Errorf("%q %v", kept, err)
	}
	_, err = s.StoredPassword(ctx, session, other.Secret)
	is(t, err, ErrNotStored)

	// What is kept for one session is of no use to another, not even with its cookie.
	sealed, err := s.db.Sessions.StoredPassword(ctx, session.ID)
	is(t, err, nil)
	elsewhere, _, err := s.Session(ctx, other.Secret)
	is(t, err, nil)
	is(t, s.db.Sessions.StorePassword(ctx, elsewhere.ID, sealed), nil)
	_, err = s.StoredPassword(ctx, elsewhere, in.Secret)
	is(t, err, ErrNotStored)

	is(t, s.EndSession(ctx, account, session.ID), nil)
	_, err = s.StoredPassword(ctx, session, in.Secret)
	is(t, err, ErrNotStored)
	is(t, s.StorePassword(ctx, in.Secret, testPassword), ErrGone)
	is(t, s.db.Sessions.DeleteStoredPasswords(ctx), nil)
	_, err = s.db.Sessions.StoredPassword(ctx, elsewhere.ID)
	if err == nil {
		t.Error("it is still there")
	}
}
