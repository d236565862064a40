package xmppd

import (
	"context"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Entity time (XEP-0202).

func timeHandlers() map[iqKey]iqHandler {
	return map[iqKey]iqHandler{{toServer, "get", stream.Name{Space: stanza.NSTime, Local: "time"}}: handleTime}
}

func handleTime(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
	now := time.Now()
	return []byte(`<time xmlns="` + stanza.NSTime + `"><tzo>` + now.Format("-07:00") + `</tzo><utc>` + now.UTC().Format("2006-01-02T15:04:05Z") + `</utc></time>`), nil
}
