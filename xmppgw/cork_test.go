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
	_ = conn.SetReadDeadline(time.Now().Add(streamtest.Patience))
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
