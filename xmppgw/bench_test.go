package xmppgw

import (
	"io"
	"testing"
)

// BenchmarkWebSocket: one message from a client to the server, and back. The client only
// writes and reads bytes, so that nearly all of it is the gateway's.
func BenchmarkWebSocket(b *testing.B) {
	s := newSiteOn(b, asTheProgram, func(c *Config) { c.Rate, c.Stanzas = 1<<30, 1<<30 })
	conn := rawWebSocket(b, s)
	raw := message("a", "one")
	sent, answer := maskedText(raw), make([]byte, len(appendFrame(nil, opText, []byte(raw))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(sent); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil {
			b.Fatal(err)
		}
	}
	conn.Close()
	s.close()
}
