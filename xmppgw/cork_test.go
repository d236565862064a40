package xmppgw

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"
)

// What a corked stream was sent goes out when it is uncorked, whole and in order, also
// where the peer does not take it at once, and long after an earlier write.
func TestWebSocket_Cork(t *testing.T) {
	s := newSite(t, nil)
	conn := rawWebSocket(t, s)
	_ = conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
	st := s.gw.all()[0].(*wsStream)
	eventually(t, st.queue.Cork)                               // once the writer of what came before has found nothing more
	_ = st.conn.SetWriteDeadline(time.Now().Add(-time.Second)) // what is left of an earlier write
	var want []byte
	send := func(size int) {
		t.Helper()
		body := `<message xmlns="jabber:client"><body>` + strings.Repeat("x", size) + `</body></message>`
		want = appendFrame(want, opText, []byte(body))
		if err := st.Send([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	send(10)
	send(20)
	if n := st.queue.Len(); n != 2 {
		t.Fatalf("%d of 2 stanzas wait", n)
	}
	st.Uncork()
	if n := st.queue.Len(); n != 0 {
		t.Errorf("%d stanzas wait still", n)
	}
	st.Cork()
	for range 60 {
		send(50_000)
	}
	st.Uncork() // much of it does not fit into the socket
	send(30)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes are not what was sent: %v", len(got), err)
	}
}

// A corked BOSH session answers with all that it was sent meanwhile in one answer, as soon
// as it is uncorked, by Recv too.
func TestBOSH_Cork(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.wait = 50
	b.signIn()
	st := s.gw.all()[0].(*boshSession)
	held := func() bool {
		st.mu.Lock()
		defer st.mu.Unlock()
		return len(st.held) > 0
	}
	b.wants(b.post(b.body("", message("tell", "on"))), `id="waits"`) // the stream's goroutine is in Recv, and uncorks nothing more
	answer := b.async(b.body("", ""))
	eventually(t, held)
	st.Cork()
	for _, id := range []string{"1", "2"} {
		if err := st.Send([]byte(message("a", id))); err != nil {
			t.Fatal(err)
		}
	}
	if !held() {
		t.Fatal("it was answered before it was uncorked")
	}
	st.Uncork()
	got := <-answer
	b.wants(got, message("a", "1")+message("a", "2"))

	answer = b.async(b.body("", ""))
	eventually(t, held)
	st.Cork()
	if err := st.Send([]byte(message("a", "3"))); err != nil {
		t.Fatal(err)
	}
	next := b.async(b.body("", message("quiet", "read"))) // the stream's goroutine calls Recv again
	b.wants(<-answer, message("a", "3"))
	if err := st.Send([]byte(message("a", "4"))); err != nil {
		t.Fatal(err)
	}
	b.wants(<-next, message("a", "4"))
}

// Recv tells before it waits, and not while something is here that it can return.
func TestRecv_BeforeWait(t *testing.T) {
	s := newSite(t, nil)
	conn := rawWebSocket(t, s)
	_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
	if _, err := conn.Write(append(maskedText(message("tell", "first")), maskedText(message("a", "second"))...)); err != nil {
		t.Fatal(err)
	}
	want := appendFrame(appendFrame(nil, opText, []byte(message("a", "second"))), opText, []byte(message("a", "waits")))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("WebSocket: %s: %v", got, err)
	}
	b := s.bosh(true)
	b.signIn()
	b.wants(b.post(b.body("", message("tell", "first")+message("a", "second"))), `id="second"`)
	b.wants(b.post(b.body("", "")), `id="waits"`)
}
