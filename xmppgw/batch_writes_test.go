package xmppgw

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipedWebSocket is a WebSocket's stream without a network: what it writes is in the
// buffer.
type pipedWebSocket struct {
	*wsStream
	far net.Conn

	mu      sync.Mutex
	written bytes.Buffer
}

// newPipedWebSocket is called in a bubble, where close ends the stream.
func newPipedWebSocket(t *testing.T, g *Gateway) *pipedWebSocket {
	t.Helper()
	near, far := net.Pipe()
	st, ok := g.admitWebSocket(near, bytes.NewReader(nil), &caller{})
	if !ok {
		t.Fatal("it is not admitted")
	}
	p := &pipedWebSocket{wsStream: st, far: far}
	go func() {
		buf := make([]byte, 1024)
		for {
			n, err := far.Read(buf)
			p.mu.Lock()
			p.written.Write(buf[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *pipedWebSocket) close() {
	p.far.Close()
	p.serve()
}

// took returns the ids of what was written so far, in order, and forgets it.
func (p *pipedWebSocket) took() (ids []string) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range pushedID.FindAllStringSubmatch(p.written.String(), -1) {
		ids = append(ids, id[1])
	}
	p.written.Reset()
	return ids
}

// What is not urgent waits for more of the kind, a tenth of a second, and what is urgent
// takes it along, in its order (RFC 6120 §10.1).
func TestSendBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModelSession(t, `wait="50" hold="1"`)
		ws := newPipedWebSocket(t, m.gateway)
		defer ws.close()
		var waiting chan boshReply
		expect := func(when string, want int) {
			t.Helper()
			if got := ws.took(); len(got) != want {
				t.Errorf("%s the WebSocket got %v", when, got)
			}
			if got := len(waiting); got != min(want, 1) {
				t.Errorf("%s %d answers came over BOSH", when, got)
			} else if got == 1 {
				if ids := pushedID.FindAllString(string((<-waiting).body), -1); len(ids) != want || ids[0] != `id="p0"` {
					t.Errorf("%s BOSH got %v", when, ids)
				}
				waiting = m.start("", "")
			}
		}
		send := func(ws, bosh func([]byte) error, id string) {
			t.Helper()
			for _, f := range []func([]byte) error{ws, bosh} {
				if err := f([]byte(message("alice@h", id))); err != nil {
					t.Fatal(err)
				}
			}
		}
		waiting = m.start("", "")
		for range 2 { // and again
			send(ws.SendBatched, m.session.SendBatched, "p0")
			time.Sleep(60 * time.Millisecond)
			send(ws.SendBatched, m.session.SendBatched, "p1")
			time.Sleep(39 * time.Millisecond)
			expect("before the time is up", 0)
			time.Sleep(time.Millisecond)
			expect("then", 2)
		}
		send(ws.SendBatched, m.session.SendBatched, "p0")
		send(ws.Send, m.session.Send, "p1")
		expect("with something urgent", 2)
		time.Sleep(batchWindow)
		expect("after that", 0)
		send(ws.SendBatched, m.session.SendBatched, "p0")
		ws.Close(nil)
		m.session.Close(nil)
		expect("at the end", 1)
	})
}
