package xmppd

import (
	"context"
	"crypto/rand"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// The subscription state machine (RFC 6121 App. A). A contact's state is its
// Subscription with Ask (pending out) and Request (pending in).

func (c *Contact) hasTo() bool {
	return c.Subscription == SubscriptionTo || c.Subscription == SubscriptionBoth
}

func (c *Contact) hasFrom() bool {
	return c.Subscription == SubscriptionFrom || c.Subscription == SubscriptionBoth
}

func (c *Contact) setSubscription(to, from bool) {
	switch {
	case to && from:
		c.Subscription = SubscriptionBoth
	case to:
		c.Subscription = SubscriptionTo
	case from:
		c.Subscription = SubscriptionFrom
	default:
		c.Subscription = SubscriptionNone
	}
}

// outbound applies a subscription stanza that the owner of the roster sends
// (App. A.2.1–A.2.4). It reports whether the stanza goes on to the contact.
func (c *Contact) outbound(typ string) (route bool) {
	to, from := c.hasTo(), c.hasFrom()
	switch typ {
	case "subscribe": // A.2.1
		c.Listed = true
		if !to {
			c.Ask = true
		}
		route = true
	case "unsubscribe": // A.2.2
		route = to || c.Ask
		c.Ask = false
		to = false
	case "subscribed": // A.2.3
		if route = c.Request != nil; route {
			c.Request, c.Listed, from = nil, true, true
		} else if !from { // §3.4.2: nobody has asked yet, and the contact is not told
			c.Approved, c.Listed = true, true
		}
	case "unsubscribed": // A.2.4
		route = from || c.Request != nil
		c.Request, c.Approved = nil, false
		from = false
	}
	c.setSubscription(to, from)
	return route
}

// inbound applies a subscription stanza from the contact (App. A.3.1–A.3.4).
// It reports whether the stanza is delivered to the owner's client; granted
// means that the server answers a subscribe itself, since the contact has the
// subscription already (RFC 6121 §3.1.3) or was approved in advance (§3.4.2).
func (c *Contact) inbound(typ string, raw []byte) (deliver, granted bool) {
	to, from := c.hasTo(), c.hasFrom()
	switch typ {
	case "subscribe": // A.3.1
		if from || c.Approved {
			c.setSubscription(to, true)
			return false, true
		}
		// One per requester: a repeated request replaces the stored one, and does
		// not bother anybody again (§3.1.3).
		deliver = c.Request == nil
		c.Request = raw
	case "unsubscribe": // A.3.2
		deliver = from || c.Request != nil
		c.Request = nil
		from = false
	case "subscribed": // A.3.3
		deliver = c.Ask && !to
		if deliver {
			c.Ask, to = false, true
		}
	case "unsubscribed": // A.3.4
		deliver = c.Ask || to
		c.Ask, to = false, false
	}
	c.setSubscription(to, from)
	return deliver, false
}

// idle reports whether nothing is left worth a record.
func (c *Contact) idle() bool { return !c.Listed && c.Request == nil }

func isSubscription(typ string) bool {
	return typ == "subscribe" || typ == "subscribed" || typ == "unsubscribe" || typ == "unsubscribed"
}

// handleSubscription handles what a client sends (RFC 6121 §3): the address is
// reduced to the bare JID, the stanza leaves with the bare from (S-37), if it is to go on.
func (s *session) handleSubscription(ctx context.Context, p *stream.Element, to stanza.Address, goesOn bool) error {
	jid := to.Bare()
	if jid == s.bare || to.User == "" {
		return stanza.ErrBadRequest
	}
	// It leaves between bare JIDs (RFC 6121 §3.1.2, S-37), and without a name that
	// nobody may have.
	var raw []byte
	if goesOn {
		raw = p.Edit().Set("from", s.bare).Set("to", jid).SetLang(s.lang()).Drop(isUnfitNick).Bytes()
	}
	err := s.server.subscriptionStanza(ctx, s.user, jid, p.Type, raw)
	if errors.Is(err, errSiteContact) {
		return s.answerSiteContact(ctx, jid, p.Type)
	}
	return err
}

// errSiteContact says that the site shares presence between the two, so that there
// is nothing to ask for and nothing to take back.
var errSiteContact = errors.New("xmppd: site contact")

// change is what a subscription stanza did to a contact.
type change struct {
	saw     bool // the contact saw the owner's presence before
	passed  bool // the stanza goes on: to the contact, or to the owner's client
	granted bool // the server answers for the owner
	visible bool // the roster item is another one
	site    bool // a member was added, whose presence the site shares anyway
}

// changeContact changes a contact of user, after a check of what is on the roster. Changes of one roster come one
// after the other, so that many at once do not pass a bound together.
func (srv *Server) changeContact(ctx context.Context, user, jid string, check func() error, apply func(*Contact) (bool, error)) error {
	unlock, err := srv.changing.Lock(ctx, user)
	if err != nil {
		return err
	}
	defer unlock()
	defer srv.rosters.forget(user)
	if err := check(); err != nil {
		return err
	}
	_, err = srv.stores.Roster.UpdateContact(ctx, user, jid, apply)
	return err
}

// updateContact applies a stanza to one side's state, after a check.
func (srv *Server) updateContact(ctx context.Context, user, jid string, check func() error, apply func(*Contact, *change) error) (change, error) {
	var ch change
	err := srv.changeContact(ctx, user, jid, check, func(c *Contact) (bool, error) {
		if c.Subscription == "" {
			c.Subscription = SubscriptionNone
		}
		before := *c
		ch = change{saw: c.hasFrom()}
		if err := apply(c, &ch); err != nil {
			return true, err
		}
		ch.visible = before.Subscription != c.Subscription || before.Ask != c.Ask || before.Listed != c.Listed || before.Approved != c.Approved
		return !c.idle(), nil
	})
	return ch, err
}

// subscriptionStanza applies a subscription stanza to the roster of user, who sends
// it, and then to the contact's. raw is the stanza as it leaves, between bare JIDs
// (RFC 6121 §3.1.2, S-37); nil: it does not, and the contact's roster stays as it is. Errors: errSiteContact; else those of the store, and
// stanza errors.
func (srv *Server) subscriptionStanza(ctx context.Context, user, jid, typ string, raw []byte) error {
	check := func() error {
		if typ == "subscribe" || typ == "subscribed" {
			return srv.checkRosterLimits(ctx, user, rosterItem{jid: jid})
		}
		return nil
	}
	ch, err := srv.updateContact(ctx, user, jid, check, func(c *Contact, ch *change) error {
		if c.SharedBySite && typ == "subscribe" && !c.Listed {
			c.Listed, ch.site = true, true // somebody whom the site's rosters leave out is added
			return nil
		}
		if c.SharedBySite {
			return errSiteContact
		}
		ch.passed = c.outbound(typ)
		return nil
	})
	if err != nil {
		return err
	}
	if typ == "unsubscribed" && ch.saw {
		// RFC 6121 §3.2.2: unavailable first, then the cancellation. Somebody whose
		// request is merely denied does not learn who was there.
		srv.unavailableTo(ctx, user, jid)
	}
	if ch.visible {
		if err := srv.pushContact(ctx, user, jid); err != nil {
			return err
		}
	}
	if ch.site {
		return errSiteContact
	}
	if !ch.passed || raw == nil {
		return nil
	}
	if err := srv.receiveSubscription(ctx, user+"@"+srv.domain, jid, typ, raw); err != nil {
		return err
	}
	if typ == "subscribed" {
		// RFC 6121 §3.1.5: approval is followed by current presence (S-39).
		srv.presenceTo(ctx, user, jid)
		srv.presenceGranted(ctx, user, jid)
	}
	return nil
}

// answerSiteContact: the site grants presence among its members, so a request
// is answered at once and a cancellation refused.
func (s *session) answerSiteContact(ctx context.Context, jid, typ string) error {
	switch typ {
	case "subscribe":
		s.deliver(subscriptionBytes(jid, s.bare, "subscribed"))
		a, err := stanza.ParseAddress(jid)
		if err != nil {
			return err
		}
		s.server.currentPresence(ctx, a.User, s)
		return nil
	case "subscribed":
		return nil
	}
	return stanza.ErrNotAllowed
}

// subscriptionBytes is a subscription stanza of the server's making.
func subscriptionBytes(from, to, typ string) []byte {
	dst := stanza.AppendAttr([]byte(`<presence xmlns="jabber:client"`), "from", from)
	dst = stanza.AppendAttr(stanza.AppendAttr(dst, "to", to), "type", typ)
	return append(stanza.AppendAttr(dst, "id", rand.Text()), "/>"...)
}

// Requests that wait for one account's answer, in number and in bytes; more are
// refused.
const (
	maxRequests     = 1000
	maxRequestBytes = 8 << 20
)

// tooManyRequests reports whether as many requests wait for user's answer as may.
func (srv *Server) tooManyRequests(ctx context.Context, user string) (bool, error) {
	r, err := srv.rosters.of(ctx, user)
	if err != nil {
		return false, err
	}
	n, size := 0, 0
	for _, e := range r.entries {
		if request := e.Value().request; request != "" {
			n++
			size += len(request)
		}
	}
	return n >= maxRequests || size >= maxRequestBytes, nil
}

// receiveSubscription handles the stanza at the contact's side.
func (srv *Server) receiveSubscription(ctx context.Context, from, to, typ string, raw []byte) error {
	owner, err := stanza.ParseAddress(to)
	if err != nil || owner.Domain != srv.domain {
		return stanza.ErrRemoteServerNotFound
	}
	if _, err := srv.stores.Accounts.Account(ctx, owner.User); err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil // RFC 6121 §8.5.1: ignored
		}
		return err
	}
	if blocked, err := srv.blocklists.blocks(ctx, owner.User, from); err != nil || blocked {
		return err
	}
	full := false
	check := func() (err error) {
		if typ == "subscribe" {
			full, err = srv.tooManyRequests(ctx, owner.User)
		}
		return err
	}
	ch, err := srv.updateContact(ctx, owner.User, from, check, func(c *Contact, ch *change) error {
		if full && c.Request == nil && !c.hasFrom() {
			return stanza.ErrResourceConstraint
		}
		ch.passed, ch.granted = c.inbound(typ, raw)
		return nil
	})
	switch {
	case err != nil:
		return err
	case ch.granted:
		return srv.grant(ctx, owner.User, from, ch)
	case !ch.passed:
		return nil
	}
	// RFC 6121 §3.1.6: the stanza comes before its roster push (S-39).
	for _, s := range srv.registry.lookup(owner.User).available() {
		s.deliver(raw)
	}
	if typ == "unsubscribe" && ch.saw {
		// RFC 6121 §3.3.3: the contact sees us go.
		srv.unavailableTo(ctx, owner.User, from)
	}
	if !ch.visible {
		return nil // a request alone makes no roster item (RFC 6121 §3.1.3)
	}
	return srv.pushIfListed(ctx, owner.User, from)
}

// grant answers a request that user has approved already: long ago, or in advance
// (RFC 6121 §3.1.3, §3.4.2). In the latter case presence follows, as after any
// approval.
func (srv *Server) grant(ctx context.Context, user, contact string, ch change) error {
	if ch.visible {
		if err := srv.pushContact(ctx, user, contact); err != nil {
			return err
		}
	}
	own := stanza.Address{User: user, Domain: srv.domain}.Bare()
	if err := srv.receiveSubscription(ctx, own, contact, "subscribed", subscriptionBytes(own, contact, "subscribed")); err != nil {
		return err
	}
	if !ch.saw {
		srv.presenceTo(ctx, user, contact)
		srv.presenceGranted(ctx, user, contact)
	}
	return nil
}

// pushIfListed pushes a contact that is on the roster.
func (srv *Server) pushIfListed(ctx context.Context, user, jid string) error {
	c, err := srv.stores.Roster.Contact(ctx, user, jid)
	if errors.Is(err, ErrNotFound) || (err == nil && !c.Listed) {
		return nil
	}
	if err != nil {
		return err
	}
	return srv.pushContact(ctx, user, jid)
}
