package xmppd

import (
	"context"

	"foyer/internal/stream"
)

// Software version (XEP-0092); the operating system is not told (§5).

const nsVersion = "jabber:iq:version"

func versionHandlers() map[iqKey]iqHandler {
	return map[iqKey]iqHandler{{toServer, "get", stream.Name{Space: nsVersion, Local: "query"}}: handleVersion}
}

func handleVersion(_ context.Context, s *session, _ *stream.Element, _ stream.Child) ([]byte, error) {
	return []byte(`<query xmlns="` + nsVersion + `"><name>` + stream.Escape(s.server.cfg.Name) + `</name><version>` + stream.Escape(s.server.cfg.Version) + `</version></query>`), nil
}
