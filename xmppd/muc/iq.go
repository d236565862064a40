package muc

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// iqHandler answers one IQ to a room. It returns the result's payload (nil: an
// empty result), or an error.
type iqHandler func(ctx context.Context, r *room, c xmppd.Client, payload stream.Child) ([]byte, error)

// roomHandler returns the handler of an IQ to a room, or nil.
func roomHandler(typ string, payload stream.Name) iqHandler {
	get := typ == "get"
	switch payload {
	case stream.Name{Space: stanza.NSDiscoInfo, Local: "query"}:
		if get {
			return handleRoomInfo
		}
	case stream.Name{Space: stanza.NSDiscoItems, Local: "query"}:
		if get {
			return handleRoomItems
		}
	case stream.Name{Space: stanza.NSPing, Local: "ping"}:
		if get {
			return handleRoomPing
		}
	case stream.Name{Space: stanza.NSMAM, Local: "query"}:
		if get {
			return handleArchiveForm
		}
		return handleArchiveQuery
	case stream.Name{Space: stanza.NSMAM, Local: "metadata"}:
		if get {
			return handleArchiveMetadata
		}
	case stream.Name{Space: nsAdmin, Local: "query"}:
		if get {
			return handleListGet
		}
		return handleListSet
	case stream.Name{Space: nsOwner, Local: "query"}:
		if get {
			return handleConfigGet
		}
		return handleOwnerSet
	case stream.Name{Space: nsRegister, Local: "query"}:
		if get {
			return handleRegisterGet
		}
		return handleRegisterSet
	case stream.Name{Space: stanza.NSPubsub, Local: "pubsub"}:
		if get {
			return handlePinsGet
		}
		return handlePinsSet
	case stream.Name{Space: stanza.NSModerate, Local: "moderate"}:
		if !get {
			return handleModerate
		}
	}
	return nil
}

// handleIQ answers IQs to the service and to rooms, and passes on those to
// occupants.
func (s *Service) handleIQ(ctx context.Context, c xmppd.Client, iq *stream.Element, to stanza.Address) error {
	request := iq.Type == "get" || iq.Type == "set"
	switch {
	case to.User == "" && to.Resource == "" && request:
		return s.serviceIQ(ctx, c, iq)
	case to.User != "" && to.Resource != "":
		return s.occupantIQ(ctx, c, iq, to)
	case !request:
		return nil // an answer to nothing that was asked
	case to.User == "":
		return stanza.ErrServiceUnavailable
	}
	handler := roomHandler(iq.Type, iq.Child)
	if handler == nil {
		return stanza.ErrServiceUnavailable
	}
	payload, _ := iq.Find(iq.Child.Space, iq.Child.Local)
	var result []byte
	err := s.withRoom(ctx, to.User, func(r *room) (err error) {
		if !r.existsFor(c.User()) {
			return stanza.ErrItemNotFound
		}
		result, err = handler(ctx, r, c, payload)
		return err
	})
	if err != nil {
		return err
	}
	return s.server.Answer(ctx, c, iq, result)
}

func (s *Service) serviceIQ(ctx context.Context, c xmppd.Client, iq *stream.Element) error {
	payload, _ := iq.Find(iq.Child.Space, iq.Child.Local)
	var result []byte
	var err error
	switch iq.Child {
	case stream.Name{Space: stanza.NSDiscoInfo, Local: "query"}:
		result, err = s.info(payload)
	case stream.Name{Space: stanza.NSDiscoItems, Local: "query"}:
		result, err = s.items(ctx, payload)
	case stream.Name{Space: stanza.NSPing, Local: "ping"}:
	default:
		return stanza.ErrServiceUnavailable
	}
	if err != nil {
		return err
	}
	if iq.Type != "get" {
		return stanza.ErrServiceUnavailable
	}
	return s.server.Answer(ctx, c, iq, result)
}
