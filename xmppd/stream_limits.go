package xmppd

import (
	"strconv"

	"foyer/internal/stream"
)

const nsStreamLimits = "urn:xmpp:stream-limits:0"

// streamLimits tells a client, before and after it signs in, what the transport
// will not take (XEP-0478 §3): elements of more than so many bytes, and silence
// for longer than so many seconds. Empty when the transport tells nothing.
func streamLimits(p *stream.Peer) string {
	var inner string
	if p.MaxBytes > 0 {
		inner = `<max-bytes>` + strconv.Itoa(p.MaxBytes) + `</max-bytes>`
	}
	if seconds := int(p.Idle.Seconds()); seconds > 0 {
		inner += `<idle-seconds>` + strconv.Itoa(seconds) + `</idle-seconds>`
	}
	if inner == "" {
		return ""
	}
	return `<limits xmlns="` + nsStreamLimits + `">` + inner + `</limits>`
}
