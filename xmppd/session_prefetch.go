package xmppd

import (
	"context"
	"errors"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// A client that has bound a resource asks for its roster and sends presence next. What
// that needs of the stores is read along with the last look at its identity, in one
// journey, so that a crowd that signs in costs little.

// confirmIdentity asks the site whether the identity of a session that was just registered still
// stands: it may have been ended since it was checked; End sees the session from here
// on.
func (c *conn) confirmIdentity(ctx context.Context, a *account) error {
	if c.server.stores.SessionData == nil || a.rosterCached() {
		return c.checkIdentity(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	kept := a.kept.Load()
	changes := a.cached(func() {})
	got, err := c.server.stores.SessionData.SessionData(ctx, c.identity)
	if errors.Is(err, ErrNotFound) {
		err = sasl.NotAuthorized
	}
	if err != nil {
		return c.identityError(err)
	}
	r, acc := newRoster(got.Contacts, got.Complete), got.Account // a copy: what was read is not kept
	a.cache(changes, func() {
		c.server.rosters.setLocked(a, r)
		a.blocks = c.server.blocklists.newList(got.Blocked)
		a.prefs = c.server.rules(got.Prefs)
		a.account = &acc
		a.waits = waiting{read: true, some: got.Waiting, kept: kept}
	})
	return nil
}

// checkIdentity asks the site whether the identity still stands.
func (c *conn) checkIdentity(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	return c.identityError(c.server.cfg.Authority.Current(ctx, c.identity))
}

// identityError is how a stream ends whose identity does not stand, or cannot be
// checked; nil where it stands.
func (c *conn) identityError(err error) error {
	switch {
	case errors.Is(err, sasl.NotAuthorized):
		return &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"}
	case err != nil:
		c.log().Error("sign-in could not be checked", "err", err)
		return stream.ErrDisconnected
	}
	return nil
}

// rosterCached reports whether an account's roster is in memory already.
func (a *account) rosterCached() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.roster != nil
}

// waiting is what was last read of an account's offline messages.
type waiting struct {
	read bool
	some bool
	kept uint64 // account.kept before it was read
}

// hasNoOffline reports whether no message waits for the account, as far as is known
// without asking.
func (a *account) hasNoOffline() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.waits.read && !a.waits.some && a.waits.kept == a.kept.Load()
}

// accountOf returns an account's entry in the directory, from memory while it is
// online.
func (srv *Server) accountOf(ctx context.Context, user string) (Account, error) {
	a := srv.registry.lookup(user)
	var changes uint64
	if a != nil {
		var cached *Account
		if changes = a.cached(func() { cached = a.account }); cached != nil {
			return *cached, nil
		}
	}
	acc, err := srv.stores.Accounts.Account(ctx, user)
	if err == nil && a != nil {
		a.cache(changes, func() { a.account = &acc })
	}
	return acc, err
}
