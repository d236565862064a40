package xmppd

import (
	"context"

	"foyer/internal/stream"
)

// XMPP ping (XEP-0199). Converse reconnects when one goes unanswered.

const nsPing = "urn:xmpp:ping"

func pingHandlers() map[iqKey]iqHandler {
	ping := stream.Name{Space: nsPing, Local: "ping"}
	pong := func(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) { return nil, nil }
	return map[iqKey]iqHandler{{toServer, "get", ping}: pong, {toSelf, "get", ping}: pong}
}
