package xmppd

import (
	"fmt"
	"runtime"
	"testing"

	"foyer/internal/stream"
)

// BenchmarkIdle tells what an idle session costs the server: bound, available,
// with stream management, each of an account of its own. The stream beneath is
// counted too, as streamtest has it; its buffers are what it costs empty.
func BenchmarkIdle(b *testing.B) {
	const sessions = 1000
	users := make([]string, sessions)
	for i := range users {
		users[i] = fmt.Sprint("u", i)
	}
	for b.Loop() {
		w := newWorld(b, users...)
		empty := inUse()
		var clients []*client
		for range sessions {
			clients = append(clients, w.connect(stream.Peer{Password: true}))
		}
		streams := inUse()
		for i, c := range clients {
			c.Read()
			c.Send(plain("", users[i], "secret"))
			c.Expect(saslOK)
			c.Restart()
			c.Read()
			c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
			c.Until(`<iq xmlns="jabber:client" type="result" id="b"><any xmlns="test"/></iq>`)
			c.enableSM()
			c.Send(`<presence xmlns="jabber:client"/>`)
			c.Sync()
			c.Send(`<a xmlns="urn:xmpp:sm:3" h="2"/>`)
		}
		bound := inUse()
		b.ReportMetric(float64(bound.HeapAlloc-streams.HeapAlloc)/sessions, "heapB/session")
		b.ReportMetric(float64(bound.StackInuse-empty.StackInuse)/sessions, "stackB/session")
		w.srv.Shutdown(b.Context())
		runtime.KeepAlive(clients)
	}
}

func inUse() runtime.MemStats {
	var m runtime.MemStats
	for range 3 { // pools give back what they have in two rounds
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}
