package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// Whoever reads is told before it waits, whatever kind of connection it is; and on a socket
// of the system only then.
func TestRead_TellsBeforeItWaits(t *testing.T) {
	ours, theirs := pair(t)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for name, c := range map[string]struct{ ours, theirs net.Conn }{"socket": {ours, theirs}, "other": {a, b}} {
		told := make(chan struct{}, 10)
		go func() {
			<-told
			_, _ = c.theirs.Write([]byte("late"))
		}()
		buf := make([]byte, 10)
		n, err := Read(c.ours, buf, func() { told <- struct{}{} })
		if string(buf[:n]) != "late" || err != nil {
			t.Errorf("%s: read %q, %v", name, buf[:n], err)
		}
	}
	if _, err := theirs.Write([]byte("here")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2)
	if _, err := Read(ours, buf, nil); err != nil { // now the rest is here
		t.Fatal(err)
	}
	n, err := Read(ours, buf, func() {
		if runtime.GOOS == "linux" {
			t.Error("told, and there was no need to wait")
		}
	})
	if string(buf[:n]) != "re" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

// Deadlines, ends and closed connections are those of a net.Conn.
func TestRead_Errors(t *testing.T) {
	ours, theirs := pair(t)
	buf := make([]byte, 1)
	_ = ours.SetReadDeadline(time.Unix(1, 0))
	if n, err := Read(ours, buf, nil); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past its time: %d, %v", n, err)
	}
	_ = ours.SetReadDeadline(time.Time{})
	waits := make(chan struct{})
	go func() {
		<-waits
		_ = ours.SetReadDeadline(time.Unix(1, 0))
	}()
	if n, err := Read(ours, buf, func() { close(waits) }); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("its time ran out while it waited: %d, %v", n, err)
	}
	_ = ours.SetReadDeadline(time.Time{})
	_ = theirs.CloseWrite()
	if n, err := Read(ours, buf, nil); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	ours.Close()
	if _, err := Read(ours, buf, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := Write(ours, buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// What does not fit into the socket is written when the peer has read, whole; or up to the
// deadline, and as much as is said.
func TestWrite_More(t *testing.T) {
	ours, theirs := pair(t)
	want := bytes.Repeat([]byte("0123456789"), 1<<20)
	got := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(theirs)
		got <- all
	}()
	if n, err := Write(ours, want); n != len(want) || err != nil {
		t.Fatalf("wrote %d of %d, %v", n, len(want), err)
	}
	_ = ours.CloseWrite()
	if all := <-got; !bytes.Equal(all, want) {
		t.Errorf("%d of %d bytes came, or others", len(all), len(want))
	}

	ours, theirs = pair(t)
	if n, err := WriteAtOnce(ours, want); err != nil || n >= len(want) {
		t.Errorf("wrote %d of %d at once, %v", n, len(want), err)
	} else if rest := want[n:]; true {
		_ = ours.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		m, err := Write(ours, rest)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("nobody reads: %v", err)
		}
		_ = ours.CloseWrite()
		if all, _ := io.ReadAll(theirs); len(all) != n+m {
			t.Errorf("%d bytes came, and %d were written", len(all), n+m)
		}
	}
}

// The end of a peer is seen behind what it has sent before, of which nothing is read; and
// without an end the deadline is waited for.
func TestAwaitEnd(t *testing.T) {
	ours, theirs := pair(t)
	if _, err := theirs.Write([]byte("unread")); err != nil {
		t.Fatal(err)
	}
	_ = ours.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	began := time.Now()
	if AwaitEnd(ours); time.Since(began) < 20*time.Millisecond {
		t.Error("something was sent, and that was taken for the end")
	}
	if runtime.GOOS == "linux" {
		_ = ours.SetReadDeadline(time.Now().Add(time.Hour))
		go theirs.Close()
		AwaitEnd(ours)
	}
	_ = ours.SetReadDeadline(time.Time{})
	buf := make([]byte, 10)
	if n, err := ours.Read(buf); string(buf[:n]) != "unread" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}
