package xmppd

import (
	"context"
	"errors"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Message archive preferences (XEP-0441): what people want in their archives.
// They are applied when a message is archived, for each side's archive by that
// side's own.

// Most JIDs on an account's two lists together.
const maxArchivePrefs = 1000

// archivePrefs is ArchivePrefs ready to be asked. It is immutable.
type archivePrefs struct {
	ArchivePrefs
	listed map[string]bool // true: always, false: never
}

func newArchivePrefs(p ArchivePrefs) *archivePrefs {
	a := &archivePrefs{p, make(map[string]bool, len(p.Always)+len(p.Never))}
	for _, jid := range p.Always {
		a.listed[jid] = true
	}
	for _, jid := range p.Never { // on both lists: never
		a.listed[jid] = false
	}
	return a
}

// about returns what the lists say of a JID: a listed full JID counts before a
// listed bare one (XEP-0441 §2).
func (a *archivePrefs) about(with stanza.Address) (keep, listed bool) {
	if len(a.listed) == 0 {
		return false, false
	}
	if keep, listed = a.listed[with.String()]; listed {
		return keep, true
	}
	keep, listed = a.listed[with.Bare()]
	return keep, listed
}

// prefsOf returns an account's preferences, from the cache while it is online.
func (srv *Server) prefsOf(ctx context.Context, user string) (*archivePrefs, error) {
	a := srv.lookup(user)
	var changes uint64
	if a != nil {
		var cached *archivePrefs
		if changes = a.cached(func() { cached = a.prefs }); cached != nil {
			return cached, nil
		}
	}
	p, err := srv.stores.Prefs.ArchivePrefs(ctx, user)
	if errors.Is(err, ErrNotFound) {
		p, err = ArchivePrefs{Default: ArchiveAlways}, nil
	}
	if err != nil {
		return nil, err
	}
	prefs := newArchivePrefs(p)
	if a != nil {
		a.cache(changes, func() { a.prefs = prefs })
	}
	return prefs, nil
}

// ArchivesWith reports whether an account, by its localpart, wants messages from or to that JID archived
// (XEP-0441 §2, S-64).
func (srv *Server) ArchivesWith(ctx context.Context, user string, with stanza.Address) (bool, error) {
	p, err := srv.prefsOf(ctx, user)
	if err != nil {
		return false, err
	}
	if keep, listed := p.about(with); listed {
		return keep, nil
	}
	if p.Default != ArchiveRoster {
		return p.Default == ArchiveAlways, nil
	}
	r, err := srv.rosterOf(ctx, user)
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
	return p.element(), nil
}

// handleSetArchivePrefs replaces the preferences and answers with what applies
// now.
func handleSetArchivePrefs(ctx context.Context, s *session, _ *stream.Element, prefs stream.Child) ([]byte, error) {
	p, err := parseArchivePrefs(prefs)
	if err != nil {
		return nil, err
	}
	err = s.server.stores.Prefs.SetArchivePrefs(ctx, s.user, p)
	s.account.forget() // even if it failed: the answer may have been lost
	if err != nil {
		return nil, err
	}
	return newArchivePrefs(p).element(), nil
}

func parseArchivePrefs(prefs stream.Child) (ArchivePrefs, error) {
	fallback, _ := prefs.Attr("default")
	p := ArchivePrefs{Default: ArchiveDefault(fallback)}
	switch p.Default {
	case ArchiveAlways, ArchiveNever, ArchiveRoster:
	default:
		return p, stanza.ErrBadRequest
	}
	var err error
	for c := range prefs.Children() {
		switch c.Name {
		case stream.Name{Space: stanza.NSMAM, Local: "always"}:
			p.Always, err = parseJIDs(c)
		case stream.Name{Space: stanza.NSMAM, Local: "never"}:
			p.Never, err = parseJIDs(c)
		}
		if err != nil {
			return p, err
		}
	}
	if len(p.Always)+len(p.Never) > maxArchivePrefs {
		return p, stanza.ErrResourceConstraint
	}
	return p, nil
}

// parseJIDs reads a list of <jid/> elements, each once, in order.
func parseJIDs(list stream.Child) ([]string, error) {
	var jids []string
	for c := range list.Children() {
		if c.Name != (stream.Name{Space: stanza.NSMAM, Local: "jid"}) {
			continue
		}
		a, err := stanza.ParseAddress(c.Text())
		if err != nil {
			return nil, err
		}
		jids = append(jids, a.String())
	}
	slices.Sort(jids)
	return slices.Compact(jids), nil
}

// element is the answer; both lists are in it, even if they are empty.
func (a *archivePrefs) element() []byte {
	dst := stanza.AppendAttr([]byte(`<prefs xmlns="`+stanza.NSMAM+`"`), "default", string(a.Default))
	dst = append(dst, '>')
	for _, list := range []struct {
		name string
		jids []string
	}{{"always", a.Always}, {"never", a.Never}} {
		dst = append(append(append(dst, '<'), list.name...), '>')
		for _, jid := range list.jids {
			dst = append(stream.AppendEscaped(append(dst, "<jid>"...), jid), "</jid>"...)
		}
		dst = append(append(append(dst, "</"...), list.name...), '>')
	}
	return append(dst, "</prefs>"...)
}
