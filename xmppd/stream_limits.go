package xmppd

import (
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// streamLimits tells a client, before and after it signs in, what the transport
// will not take (XEP-0478 §3).
func streamLimits(p *stream.Peer) string { return stanza.StreamLimits(p.MaxBytes, p.Idle) }
