package xmppd

import (
	"context"
	"time"

	"foyer/internal/stream"
)

// Entity time (XEP-0202).

const nsTime = "urn:xmpp:time"

func timeHandlers() map[iqKey]iqHandler {
	return map[iqKey]iqHandler{{toServer, "get", stream.Name{Space: nsTime, Local: "time"}}: handleTime}
}

func handleTime(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
	now := time.Now()
	return []byte(`<time xmlns="` + nsTime + `"><tzo>` + now.Format("-07:00") + `</tzo><utc>` + now.UTC().Format("2006-01-02T15:04:05Z") + `</utc></time>`), nil
}
