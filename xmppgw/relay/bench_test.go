package relay

import (
	"io"
	"testing"

	"foyer/internal/stream"
)

// BenchmarkPassing: one message from the client to the upstream, and back. The scripted
// server only returns the bytes, so that nearly all of it is the relay's.
func BenchmarkPassing(b *testing.B) { benchmarkRoundTrip(b, stream.WebSocket) }

// BenchmarkManaged: the same with the relay's own stream management.
func BenchmarkManaged(b *testing.B) { benchmarkRoundTrip(b, stream.BOSH) }

func benchmarkRoundTrip(b *testing.B, transport stream.Transport) {
	u := newUpstream(b)
	r := newRelay(b, &site{}, nil, u)
	c, e := connected(b, r, u, transport, featureBind)
	go func() { _, _ = io.Copy(e.conn, e.conn) }()
	raw := message("bob@example.test", "how are you? I am well, and so are all of us here")
	b.ReportAllocs()
	for b.Loop() {
		c.Send(raw)
		c.Read()
	}
	e.conn.Close()
	c.ended(b)
}
