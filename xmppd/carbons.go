package xmppd

import (
	"context"
	"slices"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/google/uuid"
)

// Message carbons (XEP-0280): an account's other resources see the whole conversation.
// deliverMessage (message.go) sends them of every message between accounts; a service, such
// as group chat, calls Client.SendSentCarbons for what somebody sends through it to one
// person; redeliver.go asks who had one.

const nsCarbons = "urn:xmpp:carbons:2"

func carbonsHandlers() map[iqKey]iqHandler {
	set := func(on bool) iqHandler {
		return func(_ context.Context, s *session, _ *stream.Element, _ stream.Child) ([]byte, error) {
			s.setFlag(flagCarbons, on) // again is no error (§4, S-55)
			return nil, nil
		}
	}
	return map[iqKey]iqHandler{
		{toSelf, "set", stream.Name{Space: nsCarbons, Local: "enable"}}:  set(true),
		{toSelf, "set", stream.Name{Space: nsCarbons, Local: "disable"}}: set(false),
	}
}

// isCarbonEligible reports whether a message is copied (XEP-0280 §6.1, S-57).
func isCarbonEligible(m *stream.Element) bool {
	if _, private := m.Find(nsCarbons, "private"); private {
		return false
	}
	if stanza.HasHint(m, "no-copy") {
		return false
	}
	switch stanza.MessageType(m) {
	case "chat", "error":
		return true
	case "normal":
		return stanza.IsSubstantial(m) || isInvitation(m) || isInstant(m)
	}
	return false
}

// isInstant reports whether a message has a payload that is typical of instant messaging: a chat
// state (XEP-0085), a receipt or a marker, or the wish for one (XEP-0184, XEP-0333).
func isInstant(m *stream.Element) bool {
	for c := range m.Children() {
		switch c.Name.Space {
		case stanza.NSChatStates, stanza.NSReceipts, stanza.NSChatMarkers:
			return true
		}
	}
	return false
}

// isInvitation reports whether a message invites into a room through the room, or
// declines (XEP-0045 §7.8.2).
func isInvitation(m *stream.Element) bool {
	x, ok := m.Find(stanza.NSMUCUser, "x")
	if !ok {
		return false
	}
	_, invite := x.Find(stanza.NSMUCUser, "invite")
	_, decline := x.Find(stanza.NSMUCUser, "decline")
	return invite || decline
}

// sendCarbons sends the copies of a message that was delivered or kept; theirs is what the
// recipient got.
func (srv *Server) sendCarbons(d *delivery, theirs []byte) {
	if !isCarbonEligible(d.message) {
		return
	}
	srv.sendReceivedCarbons(d, theirs)
	if d.sender != nil && d.betweenTwo() { // else the account's resources have it already
		d.sender.sendSentCarbons(d.message, d.mine)
	}
}

// sendReceivedCarbons sends "received" copies to the recipient's resources that did not get the
// message (XEP-0280 §7); the one that sent it needs none.
func (srv *Server) sendReceivedCarbons(d *delivery, theirs []byte) {
	for _, o := range srv.registry.lookup(d.to.User).all() {
		if o != d.sender && !slices.Contains(d.route.to, o) && o.flag(flagCarbons) {
			o.deliver(carbon("received", d.message, o, theirs))
		}
	}
}

// sendSentCarbons sends "sent" copies to the account's other resources (XEP-0280 §8); id is the
// message's in the account's archive.
func (s *session) sendSentCarbons(m *stream.Element, id uuid.UUID) {
	var mine []byte
	for _, o := range s.account.all() {
		if o == s || !o.flag(flagCarbons) {
			continue
		}
		if mine == nil {
			mine = withStanzaID(m, s.bare, id)
		}
		o.deliver(carbon("sent", m, o, mine))
	}
}

// carbon wraps a copy; the wrapper comes from the account's bare JID and has
// the message's type (XEP-0280 §7, S-56).
func carbon(kind string, m *stream.Element, o *session, inner []byte) []byte {
	dst := append(make([]byte, 0, len(inner)+320), `<message xmlns="jabber:client"`...)
	dst = stanza.AppendAttr(dst, "from", o.bare)
	dst = stanza.AppendAttr(dst, "to", o.full)
	dst = stanza.AppendAttr(dst, "type", m.Type)
	dst = append(dst, `><`+kind+` xmlns="`+nsCarbons+`"><forwarded xmlns="`+stanza.NSForward+`">`...)
	dst = append(dst, inner...)
	return append(dst, `</forwarded></`+kind+`></message>`...)
}
