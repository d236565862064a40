package xmppd

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
	"weak"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Bounds of a roster item, in characters and groups, and of what people add to
// the contacts that the site gives them.
const (
	MaxContactName   = 128 // of groups, too
	MaxContactGroups = 32
	maxContacts      = 2000
	maxRosterBytes   = 1 << 20 // of addresses, names and groups together
)

func rosterHandlers() map[iqKey]iqHandler {
	query := stream.Name{Space: stanza.NSRoster, Local: "query"}
	return map[iqKey]iqHandler{
		{toSelf, "get", query}:    handleRosterGet,
		{toSelf, "set", query}:    handleRosterSet,
		{toAccount, "get", query}: refuseForeign, // RFC 6121 §2.1.5
		{toAccount, "set", query}: refuseForeign,
	}
}

// handleRosterGet answers RFC 6121 §2.1.3, with versions as §2.6 has them.
func handleRosterGet(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	s.setFlag(flagInterested, true)
	s.server.stats.rosterGets.Add(1)
	r, err := s.server.rosters.of(ctx, s.user)
	if err != nil {
		return nil, err
	}
	if ver, ok := query.Attr("ver"); ok && ver == r.version() {
		return nil, nil
	}
	items := *r.items()
	dst := append(make([]byte, 0, len(items)+2*itemSize), `<query xmlns="`+stanza.NSRoster+`"`...)
	dst = append(stanza.AppendAttr(dst, "ver", r.version()), '>')
	return append(append(dst, items...), "</query>"...), nil
}

// items returns the listed items, encoded. Requests that come at once share one
// encoding; it is not kept after that, since most rosters are asked for once.
func (r *roster) items() *[]byte {
	r.encoding.Lock()
	defer r.encoding.Unlock()
	if items := r.encoded.Value(); items != nil {
		return items
	}
	items := new([]byte)
	*items = make([]byte, 0, itemSize*len(r.entries))
	for c := range r.contacts() {
		if c.Listed {
			*items = appendItem(*items, c)
		}
	}
	r.encoded = weak.Make(items)
	return items
}

// itemSize is the size of most roster items, in bytes.
const itemSize = 96

// appendItem appends a roster item (RFC 6121 §2.1.2).
func appendItem(dst []byte, c Contact) []byte {
	dst = stanza.AppendAttr(append(dst, "<item"...), "jid", c.JID)
	dst = stanza.AppendAttr(dst, "name", c.Name)
	dst = stanza.AppendAttr(dst, "subscription", string(c.Subscription))
	if c.Ask {
		dst = append(dst, ` ask="subscribe"`...)
	}
	if c.Approved {
		dst = append(dst, ` approved="true"`...)
	}
	if len(c.Groups) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	for _, g := range c.Groups {
		dst = append(stream.AppendEscaped(append(dst, "<group>"...), g), "</group>"...)
	}
	return append(dst, "</item>"...)
}

// rosterItem is what a client may say of an item; ask, approved and any
// subscription but remove are ignored (RFC 6121 §2.1.2, S-33).
type rosterItem struct {
	jid, name string
	groups    []string
	remove    bool
}

func parseRosterItem(query stream.Child) (rosterItem, error) {
	var items []stream.Child
	for c := range query.Children() {
		items = append(items, c)
	}
	if len(items) != 1 || items[0].Name != (stream.Name{Space: stanza.NSRoster, Local: "item"}) {
		return rosterItem{}, stanza.ErrBadRequest
	}
	jid, _ := items[0].Attr("jid")
	a, err := stanza.ParseAddress(jid)
	if err != nil {
		return rosterItem{}, err
	}
	it := rosterItem{jid: a.Bare()}
	it.name, _ = items[0].Attr("name")
	subscription, _ := items[0].Attr("subscription")
	it.remove = subscription == "remove"
	if utf8.RuneCountInString(it.name) > MaxContactName {
		return rosterItem{}, stanza.ErrNotAcceptable
	}
	return it, it.parseGroups(items[0])
}

func (it *rosterItem) parseGroups(item stream.Child) error {
	for g := range item.Children() {
		if g.Name != (stream.Name{Space: stanza.NSRoster, Local: "group"}) {
			continue // RFC 6120 §8.4: what is not known is not looked at
		}
		name := g.Text()
		switch {
		case slices.Contains(it.groups, name):
			return stanza.ErrBadRequest
		case name == "" || strings.Contains(name, "\n") || utf8.RuneCountInString(name) > MaxContactName || len(it.groups) >= MaxContactGroups:
			return stanza.ErrNotAcceptable
		}
		it.groups = append(it.groups, name)
	}
	return nil
}

// handleRosterSet changes or removes an item (RFC 6121 §2.3, §2.5).
func handleRosterSet(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	it, err := parseRosterItem(query)
	if err != nil {
		return nil, err
	}
	if it.jid == s.bare {
		return nil, stanza.ErrNotAllowed
	}
	if it.remove {
		return nil, s.removeContact(ctx, it.jid)
	}
	check := func() error { return s.server.checkRosterLimits(ctx, s.user, it) }
	err = s.server.changeContact(ctx, s.user, it.jid, check, func(c *Contact) (bool, error) {
		c.Name, c.Groups, c.Listed = it.name, it.groups, true
		if c.Subscription == "" {
			c.Subscription = SubscriptionNone
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return nil, s.server.pushContact(ctx, s.user, it.jid)
}

// checkRosterLimits refuses an item that would be one too many on user's roster, or with which
// the person's own words in the roster would be too long. What the site says does not count.
func (srv *Server) checkRosterLimits(ctx context.Context, user string, it rosterItem) error {
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return err
	}
	added, size := 1, len(it.jid)+len(it.name)
	for _, g := range it.groups {
		size += len(g)
	}
	for _, e := range r.entries {
		v := e.Value()
		if !v.listed || v.jid == it.jid {
			continue
		}
		size += len(v.groups)
		if !v.fixed {
			size += len(v.jid) + len(v.name)
			added++
		}
	}
	if c, ok := r.find(it.jid); ok && c.Listed {
		added = 0 // it is there already
	}
	if added > maxContacts || (size > maxRosterBytes && (added > 0 || len(it.name)+len(it.groups) > 0)) {
		return stanza.ErrResourceConstraint
	}
	return nil
}

// removeContact removes an item and both subscriptions (RFC 6121 §2.5.2,
// S-34). Contacts that the site lists stay.
func (s *session) removeContact(ctx context.Context, jid string) error {
	old, err := s.server.stores.Roster.Contact(ctx, s.user, jid)
	switch {
	case errors.Is(err, ErrNotFound) || (err == nil && !old.Listed):
		return stanza.ErrItemNotFound
	case err != nil:
		return err
	case old.SiteManaged:
		return stanza.ErrNotAllowed
	}
	if !old.SharedBySite && (old.hasTo() || old.Ask) {
		if err := s.server.subscriptionStanza(ctx, s.user, jid, "unsubscribe", subscriptionBytes(s.bare, jid, "unsubscribe")); err != nil {
			return err
		}
	}
	if !old.SharedBySite && old.hasFrom() {
		if err := s.server.subscriptionStanza(ctx, s.user, jid, "unsubscribed", subscriptionBytes(s.bare, jid, "unsubscribed")); err != nil {
			return err
		}
	}
	_, err = s.server.stores.Roster.UpdateContact(ctx, s.user, jid, func(c *Contact) (bool, error) {
		c.Listed, c.Approved = false, false
		return c.Request != nil, nil
	})
	if err != nil {
		return err
	}
	return s.server.pushContact(ctx, s.user, jid)
}

// pushContact sends an item as it is now to every interested resource (RFC
// 6121 §2.1.6, S-32); one that is gone as removed.
func (srv *Server) pushContact(ctx context.Context, user, jid string) error {
	srv.rosters.forget(user)
	a := srv.registry.lookup(user)
	if len(a.interested()) == 0 {
		return nil
	}
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return err
	}
	a.pushItem(r, jid, r.version())
	return nil
}

// interested returns the sessions that asked for the roster (RFC 6121 §2.1.6).
func (a *account) interested() []*session {
	return slices.DeleteFunc(a.all(), func(s *session) bool { return !s.flag(flagInterested) })
}

// pushItem pushes what r has under jid, as the change that makes the roster that version.
func (a *account) pushItem(r *roster, jid, version string) {
	item := append(stanza.AppendAttr([]byte("<item"), "jid", jid), ` subscription="remove"/>`...)
	if c, ok := r.find(jid); ok && c.Listed {
		item = appendItem(nil, c)
	}
	for _, s := range a.interested() {
		push := stanza.AppendAttr([]byte(`<iq xmlns="jabber:client" type="set" id="`+rand.Text()+`"`), "to", s.full)
		push = stanza.AppendAttr(append(push, `><query xmlns="`+stanza.NSRoster+`"`...), "ver", version)
		push = append(append(append(push, '>'), item...), "</query></iq>"...)
		s.deliver(push)
	}
}
