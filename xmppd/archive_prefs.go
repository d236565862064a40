package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// Message archive preferences (XEP-0441): what people want in their archives.
// They are applied when a message is archived, for each side's archive by that
// side's own.

// prefsOf returns an account's preferences, from the cache while it is online.
func (srv *Server) prefsOf(ctx context.Context, user string) (*archive.Rules, error) {
	a := srv.registry.lookup(user)
	var changes uint64
	if a != nil {
		var cached *archive.Rules
		if changes = a.cached(func() { cached = a.prefs }); cached != nil {
			return cached, nil
		}
	}
	p, err := srv.stores.Prefs.Prefs(ctx, user)
	if errors.Is(err, archive.ErrNotFound) {
		p, err = archive.Prefs{Default: archive.Always}, nil
	}
	if err != nil {
		return nil, err
	}
	prefs := srv.rules(p)
	if a != nil {
		a.cache(changes, func() { a.prefs = prefs })
	}
	return prefs, nil
}

// rules makes preferences ready; those of most accounts are kept once.
func (srv *Server) rules(p archive.Prefs) *archive.Rules {
	if p.Default == archive.Always && len(p.Always)+len(p.Never) == 0 {
		return srv.keepsAll
	}
	return archive.NewRules(p)
}

// ArchivesWith reports whether an account, by its localpart, wants messages from or to that JID archived
// (XEP-0441 §2, S-64).
func (srv *Server) ArchivesWith(ctx context.Context, user string, with stanza.Address) (bool, error) {
	p, err := srv.prefsOf(ctx, user)
	if err != nil {
		return false, err
	}
	if keep, listed := p.About(with); listed {
		return keep, nil
	}
	if p.Default != archive.Roster {
		return p.Default == archive.Always, nil
	}
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return false, err
	}
	c, _ := r.find(with.Bare())
	return c.Listed, nil
}

func handleArchivePrefs(ctx context.Context, s *session, _ *stream.Element, _ stream.Child) ([]byte, error) {
	p, err := s.server.prefsOf(ctx, s.user)
	if err != nil {
		return nil, err
	}
	return p.Payload(), nil
}

// handleSetArchivePrefs replaces the preferences and answers with what applies
// now.
func handleSetArchivePrefs(ctx context.Context, s *session, _ *stream.Element, prefs stream.Child) ([]byte, error) {
	p, err := archive.ParsePrefs(prefs)
	if err != nil {
		return nil, err
	}
	err = s.server.stores.Prefs.SetPrefs(ctx, s.user, p)
	s.account.forget() // even if it failed: the answer may have been lost
	if err != nil {
		return nil, err
	}
	return archive.NewRules(p).Payload(), nil
}
