package pep

import (
	"bytes"
	"context"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// Up to where an account has read its conversations, told from one of its clients to
// the others (XEP-0490). The id of an item is the conversation's address, the payload
// the id of the last message that was displayed. The site counts with it what is unread.

// NodeDisplayed is the node of what was displayed.
const NodeDisplayed = xmppd.NSDisplayed

// featureAssist says that a message to others may bring what was displayed (XEP-0490 §4.5.2).
const featureAssist = "urn:xmpp:mds:server-assist:0"

// Displayed implements xmppd.DisplayedKeeper: the item's id is the address as it was written
// (XEP-0490 §4.5.3).
func (s *Service) Displayed(ctx context.Context, user, conversation string, displayed stream.Child) error {
	p := publication{node: NodeDisplayed, item: Item{ID: conversation, Payload: displayed.Raw()}, hasItem: true}
	if err := s.spendPublication(ctx, user, p); err != nil {
		return err
	}
	return s.publish(ctx, user, p)
}

// Displayed is the id of the message up to which a conversation was read, and who gave
// it: the account, or the room (XEP-0490 §4.1).
func (it Item) Displayed() (id, by string, ok bool) {
	c, ok := it.payload(NodeDisplayed, "displayed")
	if !ok {
		return "", "", false
	}
	for k := range c.Children() {
		if k.Name == (stream.Name{Space: stanza.NSSID, Local: "stanza-id"}) {
			id, _ = k.Attr("id")
			by, _ = k.Attr("by")
		}
	}
	return id, by, id != "" && by != ""
}

// isOlderMarker returns a function that reports whether a stored item says that more was displayed than one does
// that is published: the displayed state only moves forward (XEP-0490 §5.1), and a client that was
// away knows no better. To the server ids are opaque (§5.2), except those of its own archives,
// whose order is time's. One that is of no time yet is none of them: nothing would ever come after it.
func (s *Service) isOlderMarker(user string, it Item) func(stored Item) bool {
	return func(stored Item) bool {
		id, by := s.archived(user, it)
		other, giver := s.archived(user, stored)
		return by != "" && by == giver && bytes.Compare(other[:], id[:]) > 0 && !(archive.Entry{ID: other}).Time().After(time.Now())
	}
}

// archived is what Displayed is, if the account's archive here gave the id, or that of the room.
func (s *Service) archived(user string, it Item) (id uuid.UUID, by string) {
	said, by, ok := it.Displayed()
	id, err := uuid.Parse(said)
	if !ok || err != nil || id.Version() != 7 || (by != s.bare(user) && by != it.ID) {
		return uuid.Nil, ""
	}
	return id, by
}

// checkDisplayed refuses an item that does not say what was displayed (XEP-0490 §4.1).
func checkDisplayed(it Item) error {
	_, _, ok := it.Displayed()
	if _, err := stanza.ParseAddress(it.ID); err != nil || !ok {
		return pubsubError(stanza.ErrBadRequest, "invalid-payload")
	}
	return nil
}
