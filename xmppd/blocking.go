package xmppd

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Blocking command (XEP-0191).

const nsBlocking = "urn:xmpp:blocking"

// MaxBlocked is the maximum number of entries of one block list, and
// MaxBlockedBytes of the bytes in them.
const (
	MaxBlocked      = 1000
	MaxBlockedBytes = 256 << 10
)

// blocklist is an account's blocked JIDs. It is immutable.
type blocklist struct{ jids map[string]struct{} }

// matches follows the order full, bare, domain/resource, domain (XEP-0191
// §3.2, S-51).
func (b *blocklist) matches(a stanza.Address) bool {
	if len(b.jids) == 0 {
		return false
	}
	for _, jid := range []string{a.String(), a.Bare(), stanza.Address{User: "", Domain: a.Domain, Resource: a.Resource}.String(), a.Domain} {
		if _, ok := b.jids[jid]; ok {
			return true
		}
	}
	return false
}

// blocklists are the block lists of accounts. It is safe for concurrent use.
type blocklists struct {
	domain   string
	store    BlockStore
	registry *registry

	anyClient atomic.Bool // some list that was read names a single client
	nobody    blocklist   // that of most accounts
}

// of returns an account's block list, from the cache while it is online.
func (l *blocklists) of(ctx context.Context, user string) (*blocklist, error) {
	a := l.registry.lookup(user)
	var changes uint64
	if a != nil {
		var cached *blocklist
		if changes = a.cached(func() { cached = a.blocks }); cached != nil {
			return cached, nil
		}
	}
	jids, err := l.store.Blocked(ctx, user)
	if err != nil {
		return nil, err
	}
	b := l.newList(jids)
	if a != nil {
		a.cache(changes, func() { a.blocks = b })
	}
	return b, nil
}

// newList makes a list of what was read.
func (l *blocklists) newList(jids []string) *blocklist {
	if len(jids) == 0 {
		return &l.nobody
	}
	b := &blocklist{jids: make(map[string]struct{}, len(jids))}
	for _, j := range jids {
		b.jids[j] = struct{}{}
		if strings.Contains(j, "/") {
			l.anyClient.Store(true)
		}
	}
	return b
}

// blocks reports whether user blocks the JID.
func (l *blocklists) blocks(ctx context.Context, user, jid string) (bool, error) {
	b, err := l.of(ctx, user)
	if err != nil || len(b.jids) == 0 {
		return false, err
	}
	a, err := stanza.ParseAddress(jid)
	return err == nil && b.matches(a), nil
}

// EitherBlocks reports whether one of two accounts blocks the other (XEP-0191 §3), or
// that cannot be found out: then nothing is shown.
func (srv *Server) EitherBlocks(ctx context.Context, x, y string) bool {
	if x == y {
		return false
	}
	return srv.blocklists.blocksAccount(ctx, x, y) || srv.blocklists.blocksAccount(ctx, y, x)
}

// blocksAccount reports whether user blocks another account, or that cannot be found
// out.
func (l *blocklists) blocksAccount(ctx context.Context, user, other string) bool {
	b, err := l.of(ctx, user)
	return err != nil || b.matches(stanza.Address{User: other, Domain: l.domain})
}

// clientBlocked reports whether a client, by its full JID, is blocked by the account
// that another client belongs to, or blocks that one; accounts are looked at before.
// Hardly anybody blocks single clients, so that it is asked only when somebody does.
func (l *blocklists) clientBlocked(ctx context.Context, from string, to *session) bool {
	if !l.anyClient.Load() {
		return false
	}
	theirs, err := l.blocks(ctx, to.user, from)
	if err != nil || theirs {
		return true
	}
	mine, err := l.blocks(ctx, localpart(from), to.full)
	return err != nil || mine
}

// checkBlocked applies both lists to a message or IQ that s sends: what one
// blocked oneself is refused with a hint, what blocks the sender looks like
// nobody is there (XEP-0191 §3.3, S-52).
func (s *session) checkBlocked(ctx context.Context, to stanza.Address) error {
	if err := s.checkOwnBlocks(ctx, to); err != nil {
		return err
	}
	if to.User == s.user || to.User == "" || to.Domain != s.server.domain { // a room's list is the room's own (XEP-0045 §9.1)
		return nil
	}
	theirs, err := s.server.blocklists.of(ctx, to.User)
	if err != nil {
		return err
	}
	if theirs.matches(s.address()) {
		return stanza.ErrServiceUnavailable
	}
	return nil
}

// checkOwnBlocks refuses what s sends to somebody whom its account blocks.
func (s *session) checkOwnBlocks(ctx context.Context, to stanza.Address) error {
	if to.User == "" || to.Bare() == s.bare {
		return nil
	}
	mine, err := s.server.blocklists.of(ctx, s.user)
	if err == nil && mine.matches(to) {
		err = errBlockedByYou
	}
	return err
}

func blockingHandlers() map[iqKey]iqHandler {
	return map[iqKey]iqHandler{
		{toSelf, "get", stream.Name{Space: nsBlocking, Local: "blocklist"}}: handleBlocklist,
		{toSelf, "set", stream.Name{Space: nsBlocking, Local: "block"}}:     handleBlock,
		{toSelf, "set", stream.Name{Space: nsBlocking, Local: "unblock"}}:   handleUnblock,
	}
}

func handleBlocklist(ctx context.Context, s *session, _ *stream.Element, _ stream.Child) ([]byte, error) {
	s.setFlag(flagBlockWatch, true)
	b, err := s.server.blocklists.of(ctx, s.user)
	if err != nil {
		return nil, err
	}
	jids := make([]string, 0, len(b.jids))
	for j := range b.jids {
		jids = append(jids, j)
	}
	slices.Sort(jids)
	return blockElement("blocklist", jids), nil
}

func blockElement(name string, jids []string) []byte {
	dst := []byte(`<` + name + ` xmlns="` + nsBlocking + `">`)
	for _, j := range jids {
		dst = append(stanza.AppendAttr(append(dst, "<item"...), "jid", j), "/>"...)
	}
	return append(dst, `</`+name+`>`...)
}

func parseBlockItems(c stream.Child) ([]string, error) {
	var jids []string
	for item := range c.Children() {
		jid, _ := item.Attr("jid")
		a, err := stanza.ParseAddress(jid)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(jids, a.String()) {
			jids = append(jids, a.String())
		}
	}
	return jids, nil
}

// handleBlock blocks; contacts see the account go (XEP-0191 §3.3).
func handleBlock(ctx context.Context, s *session, _ *stream.Element, block stream.Child) ([]byte, error) {
	jids, err := parseBlockItems(block)
	if err != nil {
		return nil, err
	}
	if len(jids) == 0 {
		return nil, stanza.ErrBadRequest
	}
	if len(jids) > MaxBlocked {
		return nil, stanza.ErrResourceConstraint
	}
	if slices.Contains(jids, s.bare) {
		return nil, stanza.ErrNotAllowed
	}
	about := s.server.listed(s.user, jids)
	if err := s.server.spendBlocks(ctx, s.user, about); err != nil {
		return nil, err
	}
	seen := s.visiblePresences(ctx, about) // before the list forbids it
	err = s.server.stores.Blocks.Block(ctx, s.user, jids)
	if errors.Is(err, ErrFull) {
		return nil, stanza.ErrResourceConstraint
	}
	if err != nil {
		return nil, err
	}
	s.blocksChanged(ctx, jids, blockElement("block", jids))
	for _, v := range seen { // only now: nothing that is said after it gets through
		v.to.deliverBatched(unavailable(v.from, v.to.full))
	}
	return nil, nil
}

// visiblePresence is a client of the account that somebody's client sees.
type visiblePresence struct {
	from string // full JID
	to   *session
}

// presenceCost is what a presence takes that somebody comes or goes with, in bytes.
const presenceCost = 200

// spendBlocks charges the account with what those are told whom its block list begins, or
// ceases, to be about: one entry may be about everybody.
func (srv *Server) spendBlocks(ctx context.Context, user string, about []stanza.Address) error {
	return srv.SpendFanOut(ctx, user, presenceCost, len(about))
}

// visiblePresences returns what is seen of the account by those whom its block list is to be
// about: the clients that are available, if they see its presence, and those that showed
// themselves (RFC 6121 §4.6).
func (s *session) visiblePresences(ctx context.Context, about []stanza.Address) []visiblePresence {
	var out []visiblePresence
	for _, a := range about {
		subscribed := s.server.subscribedFrom(ctx, s.user, a.Bare())
		for _, to := range s.server.registry.lookup(a.User).all() {
			if a.Resource != "" && a.Resource != to.resource {
				continue
			}
			shown, _ := to.available()
			for _, o := range s.account.all() {
				if o.isSeenBy(to, shown != nil, subscribed) {
					out = append(out, visiblePresence{o.full, to})
				}
			}
		}
	}
	return out
}

// isSeenBy reports whether another account's client, which is available or not, sees s: by
// subscription, or because s showed itself.
func (s *session) isSeenBy(to *session, available, subscribed bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, bare := s.directed[to.bare]
	_, full := s.directed[to.full]
	return full || (available && (bare || (subscribed && s.presence != nil)))
}

// listed returns the addresses of accounts other than user, with or without a resource, that
// entries of the block list are about; of a whole domain (XEP-0191 §3.2) those that are online.
func (srv *Server) listed(user string, jids []string) []stanza.Address {
	var out []stanza.Address
	for _, jid := range jids {
		a, err := stanza.ParseAddress(jid)
		switch {
		case err != nil, a.Domain != srv.domain, a.User == user:
			continue
		case a.User != "":
			out = append(out, a)
			continue
		}
		for _, acc := range srv.registry.online() {
			if acc.user != user {
				out = append(out, stanza.Address{User: acc.user, Domain: a.Domain, Resource: a.Resource})
			}
		}
	}
	return out
}

// handleUnblock unblocks some or all; contacts see the account come back
// (XEP-0191 §3.4, §3.5).
func handleUnblock(ctx context.Context, s *session, _ *stream.Element, unblock stream.Child) ([]byte, error) {
	jids, err := parseBlockItems(unblock)
	if err != nil {
		return nil, err
	}
	gone := jids
	if len(jids) == 0 {
		b, err := s.server.blocklists.of(ctx, s.user)
		if err != nil {
			return nil, err
		}
		for j := range b.jids {
			gone = append(gone, j)
		}
	}
	about := s.server.listed(s.user, gone)
	if err := s.server.spendBlocks(ctx, s.user, about); err != nil {
		return nil, err
	}
	if err := s.server.stores.Blocks.Unblock(ctx, s.user, jids); err != nil {
		return nil, err
	}
	s.blocksChanged(ctx, gone, blockElement("unblock", jids))
	for _, a := range about {
		if s.server.subscribedFrom(ctx, s.user, a.Bare()) {
			s.server.presenceTo(ctx, s.user, a.Bare())
			s.server.presenceGranted(ctx, s.user, a.Bare())
		}
	}
	return nil, s.server.deliverRequests(ctx, s.account, gone)
}

// deliverRequests gives an account's clients the requests that wait for an answer of those who
// are not blocked any more, by these entries (RFC 6121 §3.1.3).
func (srv *Server) deliverRequests(ctx context.Context, account *account, gone []string) error {
	were := srv.blocklists.newList(gone)
	still, err := srv.blocklists.of(ctx, account.user)
	if err != nil {
		return err
	}
	r, err := srv.rosters.of(ctx, account.user)
	if err != nil {
		return err
	}
	for c := range r.contacts() {
		if c.Request == nil {
			continue
		}
		if a, err := stanza.ParseAddress(c.JID); err != nil || !were.matches(a) || still.matches(a) {
			continue
		}
		for _, o := range account.available() {
			o.deliver(c.Request)
		}
	}
	return nil
}

// blocksChanged forgets the cached list, lets the services at which addresses of these are act by
// it, and pushes the change to every resource that asked for the list (XEP-0191 §3.3, S-51).
func (s *session) blocksChanged(ctx context.Context, jids []string, change []byte) {
	s.account.forget()
	for _, svc := range s.server.services {
		w, ok := svc.(BlockWatcher)
		if !ok || !slices.ContainsFunc(jids, func(jid string) bool {
			a, err := stanza.ParseAddress(jid)
			return err == nil && a.Domain == svc.Domain()
		}) {
			continue
		}
		for _, o := range s.account.all() {
			w.BlocksChanged(ctx, o)
		}
	}
	for _, o := range s.account.all() {
		if !o.flag(flagBlockWatch) {
			continue
		}
		push := stanza.AppendAttr([]byte(`<iq xmlns="jabber:client" type="set" id="`+rand.Text()+`"`), "to", o.full)
		o.deliver(append(append(append(push, '>'), change...), "</iq>"...))
	}
}
