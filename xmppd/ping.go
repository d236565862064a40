package xmppd

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// XMPP ping (XEP-0199). Converse reconnects when one goes unanswered.

func pingHandlers() map[iqKey]iqHandler {
	ping := stream.Name{Space: stanza.NSPing, Local: "ping"}
	pong := func(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) { return nil, nil }
	return map[iqKey]iqHandler{{toServer, "get", ping}: pong, {toSelf, "get", ping}: pong}
}
