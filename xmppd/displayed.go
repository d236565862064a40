package xmppd

import (
	"context"

	"foyer/internal/stream"
)

// Server assist of what was displayed (XEP-0490 §4.5): a client that tells others what it has
// displayed tells its account's other clients with the same message.

// NSDisplayed is XEP-0490, and the node in which it is kept.
const NSDisplayed = "urn:xmpp:mds:displayed:0"

// DisplayedKeeper is an AccountService that keeps what was displayed.
type DisplayedKeeper interface {
	// Displayed keeps that an account has displayed a conversation, whose address is as the
	// client wrote it, and tells its clients.
	Displayed(ctx context.Context, user, conversation string, displayed stream.Child) error
}

// takeDisplayed takes what is for the account itself out of a message, before anybody else
// sees it (XEP-0490 §5.2). Where it cannot be kept the message goes on without it.
func (s *session) takeDisplayed(ctx context.Context, m *stream.Element) (*stream.Element, error) {
	displayed, ok := m.Find(NSDisplayed, "displayed")
	if !ok {
		return m, nil
	}
	if keeper := s.server.mounted.displayed; keeper != nil && m.To != "" {
		if err := keeper.Displayed(ctx, s.user, m.To, displayed); err != nil {
			s.log().Info("what was displayed is not kept", "user", s.user, "err", err)
		}
	}
	return m.Edit().Drop(func(c stream.Child) bool { return c.Name == stream.Name{Space: NSDisplayed, Local: "displayed"} }).Element()
}
