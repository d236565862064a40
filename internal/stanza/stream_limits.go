package stanza

import (
	"strconv"
	"time"
)

// NSStreamLimits is XEP-0478's.
const NSStreamLimits = "urn:xmpp:stream-limits:0"

// StreamLimits is the feature that tells the other side what a stream will not take
// (XEP-0478 §3): elements of more than so many bytes, and silence for longer than so
// many seconds. 0 is not told; empty when nothing is.
func StreamLimits(maxBytes int, idle time.Duration) string {
	var inner string
	if maxBytes > 0 {
		inner = `<max-bytes>` + strconv.Itoa(maxBytes) + `</max-bytes>`
	}
	if seconds := int(idle.Seconds()); seconds > 0 {
		inner += `<idle-seconds>` + strconv.Itoa(seconds) + `</idle-seconds>`
	}
	if inner == "" {
		return ""
	}
	return `<limits xmlns="` + NSStreamLimits + `">` + inner + `</limits>`
}
