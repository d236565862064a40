package muc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"

	"github.com/google/uuid"
)

// Pinned messages: what moderators keep in sight of everybody. They are the items of a node
// that the room itself has (XEP-0316, a profile of XEP-0060), each with the id that the
// message has in the room's archive. Moderators publish and retract items; who may read
// the archive may read them; and those who are in the room are told.
//
//	<iq type='set' to='garden@conference.…'><pubsub xmlns='http://jabber.org/protocol/pubsub'>
//	  <publish node='urn:foyer:pinned:0'><item id='ID'/></publish></pubsub></iq>
//	<message type='headline' from='garden@conference.…'><event xmlns='http://jabber.org/protocol/pubsub#event'>
//	  <items node='urn:foyer:pinned:0'><item id='ID'>
//	    <pinned xmlns='urn:foyer:pinned:0' by='Alice' stamp='…'><said xmlns='urn:foyer:said:0' id='…' by='Bob'>…</said></pinned>
//	  </item></items></event></message>
//
// What an item says is what the message says: the room tells of it again when its author corrects it
// (XEP-0308), and unpins it when it is taken back (XEP-0424, XEP-0425). docs/decisions/0017 says why.

const (
	nodePinned     = "urn:foyer:pinned:0"
	nsPubsubEvent  = stanza.NSPubsub + "#event"
	nsPubsubErrors = stanza.NSPubsub + "#errors"

	maxPins = 50 // in one room; what they say is cut at maxSaid
)

var errNoPinNamed = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.BadRequest, Extra: `<item-required xmlns="` + nsPubsubErrors + `"/>`}

// pins is what is pinned in a room; the pins themselves are in the store. It is safe for
// concurrent use.
type pins struct {
	room *room
	any  bool // false: no message is pinned; guarded by the room's lock
}

// handlePinsGet returns what is pinned (XEP-0060 §6.5.2).
func handlePinsGet(ctx context.Context, r *room, c xmppd.Client, pubsub stream.Child) ([]byte, error) {
	items, ok := pubsub.Find(stanza.NSPubsub, "items")
	if !ok {
		return nil, stanza.ErrFeatureNotImplemented
	}
	if !isPinned(items) {
		return nil, stanza.ErrItemNotFound
	}
	if _, err := r.mayRead(c); err != nil {
		return nil, err
	}
	list, err := r.svc.store.Pinned(ctx, r.name, r.jid, PinQuery{})
	if err != nil {
		return nil, err
	}
	dst := []byte(`<pubsub xmlns="` + stanza.NSPubsub + `"><items node="` + nodePinned + `">`)
	for _, p := range list {
		dst = append(dst, p.item()...)
	}
	return append(dst, `</items></pubsub>`...), nil
}

func isPinned(el stream.Child) bool {
	node, _ := el.Attr("node")
	return node == nodePinned
}

// handlePinsSet pins a message, or unpins one (XEP-0060 §7.1, §7.2).
func handlePinsSet(ctx context.Context, r *room, c xmppd.Client, pubsub stream.Child) ([]byte, error) {
	publish, pins := pubsub.Find(stanza.NSPubsub, "publish")
	retract, unpins := pubsub.Find(stanza.NSPubsub, "retract")
	switch {
	case pins == unpins:
		return nil, stanza.ErrFeatureNotImplemented
	case pins:
		return r.pins.add(ctx, c, publish)
	}
	return nil, r.pins.remove(ctx, c, retract)
}

// pinnedID is the id of the one message that a request is about.
func pinnedID(el stream.Child) (uuid.UUID, error) {
	if !isPinned(el) {
		return uuid.Nil, stanza.ErrItemNotFound
	}
	item, ok := el.Find(stanza.NSPubsub, "item")
	text, _ := item.Attr("id")
	if !ok || text == "" {
		return uuid.Nil, errNoPinNamed
	}
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return uuid.Nil, errNothingToPin
	}
	return id, nil
}

// add notes a pin, and tells everybody. A correction stands for the message that it corrects.
func (ps *pins) add(ctx context.Context, c xmppd.Client, publish stream.Child) ([]byte, error) {
	id, err := pinnedID(publish)
	if err != nil {
		return nil, err
	}
	done, err := ps.room.beginChange(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	actor, keeps, err := ps.mayChange(c)
	if err != nil {
		return nil, err
	}
	if !keeps {
		return nil, errNothingToPin
	}
	_, versions, err := ps.room.archive.find(ctx, id.String())
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, errNothingToPin
	}
	first := slices.MinFunc(versions, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	p := Pin{ID: first, By: actor, At: time.Now().UTC().Truncate(time.Millisecond)}
	if err := ps.room.svc.store.Pin(ctx, ps.room.name, ps.room.jid, p, maxPins); err != nil {
		return nil, asPinError(err)
	}
	ps.room.mu.Lock()
	ps.any = true
	ps.room.mu.Unlock()
	if err := ps.tell(ctx, PinQuery{IDs: []uuid.UUID{p.ID}}); err != nil {
		return nil, err
	}
	return []byte(`<pubsub xmlns="` + stanza.NSPubsub + `"><publish node="` + nodePinned + `"><item id="` + p.ID.String() + `"/></publish></pubsub>`), nil
}

// mayChange returns the nickname of a moderator (XEP-0060 §7.1.3.1: others are forbidden to publish),
// and whether the room keeps what is said: if not, pins can only be taken away.
func (ps *pins) mayChange(c xmppd.Client) (nick string, keeps bool, err error) {
	ps.room.mu.Lock()
	defer ps.room.mu.Unlock()
	o, err := ps.room.moderatorLocked(c)
	switch {
	case err != nil:
		return "", false, err
	case ps.room.state != open:
		return "", false, errNothingToPin
	}
	return o.nick, ps.room.settings.Archive, nil
}

func asPinError(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return errNothingToPin
	case errors.Is(err, ErrTooMany):
		return errTooManyPinned
	}
	return err
}

// remove takes a pin away, and tells everybody.
func (ps *pins) remove(ctx context.Context, c xmppd.Client, retract stream.Child) error {
	id, err := pinnedID(retract)
	if err != nil {
		return err
	}
	done, err := ps.room.beginChange(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, _, err := ps.mayChange(c); err != nil {
		return err
	}
	gone, err := ps.room.svc.store.Unpin(ctx, ps.room.name, []uuid.UUID{id})
	if err != nil {
		return err
	}
	if len(gone) == 0 {
		return stanza.ErrItemNotFound // XEP-0060 §7.2.3.2
	}
	ps.tellRemoved(gone)
	return nil
}

// tell tells everybody what messages that are pinned say.
func (ps *pins) tell(ctx context.Context, q PinQuery) error {
	list, err := ps.room.svc.store.Pinned(ctx, ps.room.name, ps.room.jid, q)
	if err != nil {
		return err
	}
	for _, p := range list {
		ps.send(p.item())
	}
	return nil
}

// tellRemoved tells everybody which messages are pinned no more (XEP-0060 §7.2.2.1).
func (ps *pins) tellRemoved(ids []uuid.UUID) {
	var items []byte
	for _, id := range ids {
		items = append(items, `<retract id="`+id.String()+`"/>`...)
	}
	ps.send(items)
}

func (ps *pins) send(items []byte) {
	event := stanza.AppendAttr([]byte(` xmlns="jabber:client" type="headline"`), "from", ps.room.jid)
	event = stanza.AppendAttr(event, "id", uuid.NewString())
	event = append(event, `><event xmlns="`+nsPubsubEvent+`"><items node="`+nodePinned+`">`...)
	event = append(append(event, items...), `</items></event></message>`...)
	ps.room.mu.Lock()
	defer ps.room.mu.Unlock()
	ps.room.occupants.toAllLocked(event)
}

// item is a pin as the room tells it.
func (p Pinned) item() []byte {
	id := p.ID.String()
	dst := stanza.AppendAttr([]byte(`<item id="`+id+`"><pinned xmlns="`+nodePinned+`"`), "by", p.By)
	dst = append(stanza.AppendAttr(dst, "stamp", p.At.UTC().Format(stanza.StampFormat)), '>')
	text, encrypted := p.text()
	return append(append(dst, messageSummary{id: p.Version, by: p.Nick, text: text, encrypted: encrypted}.payload()...), `</pinned></item>`...)
}

// text is what a message says, and whether that is encrypted.
func (p Pinned) text() (string, bool) {
	m, err := stream.Parse(p.Stanza, stream.Limits{Bytes: len(p.Stanza)})
	if err != nil {
		return "", false // it is damaged; that it is pinned is true
	}
	return stanza.LineText(m), stanza.IsEncrypted(m)
}

// corrected tells everybody what a pinned message says now, if it is pinned, that m, of
// a bare JID, corrects.
func (ps *pins) corrected(ctx context.Context, author string, m *stream.Element) {
	id := stanza.CorrectedID(m)
	if id == "" || !ps.mayHaveAny() {
		return
	}
	ps.followUp(ctx, func(ctx context.Context) error {
		return ps.tell(ctx, PinQuery{Author: author, StanzaID: id})
	})
}

// retracted unpins messages that say nothing any more.
func (ps *pins) retracted(ctx context.Context, ids []uuid.UUID) {
	if len(ids) == 0 || !ps.mayHaveAny() {
		return
	}
	ps.followUp(ctx, func(ctx context.Context) error {
		gone, err := ps.room.svc.store.Unpin(ctx, ps.room.name, ids)
		if len(gone) > 0 {
			ps.tellRemoved(gone)
		}
		return err
	})
}

// mayHaveAny reports whether it is worth asking the store: most rooms have none.
func (ps *pins) mayHaveAny() bool {
	ps.room.mu.Lock()
	defer ps.room.mu.Unlock()
	return ps.any
}

// followUp does what follows from a message that was stored, whether its sender is still there
// or not. If the store cannot be asked, those who are here see it when they ask again.
func (ps *pins) followUp(ctx context.Context, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ps.room.svc.cfg.StoreTimeout)
	defer cancel()
	done, err := ps.room.beginChange(ctx)
	if err == nil {
		err = do(ctx)
		done()
	}
	if err != nil {
		ps.room.svc.log.Warn("people in a room were not told of a pinned message that changed", "room", ps.room.name, "err", err)
	}
}
