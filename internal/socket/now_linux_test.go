package socket

import (
	"io"
	"testing"
)

func TestReadNow(t *testing.T) {
	ours, theirs := pair(t)
	raw, err := ours.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := ReadNow(raw, buf); n != 0 || err != nil {
		t.Errorf("nothing is here: %d, %v", n, err)
	}
	if PeerGone(raw) {
		t.Error("the peer is here")
	}
	_, _ = theirs.Write([]byte("ab"))
	if n, err := Read(ours, buf[:1], nil); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := ReadNow(raw, buf); n != 1 || err != nil {
		t.Errorf("one byte is here: %d, %v", n, err)
	}
	theirs.Close()
	if n, err := Read(ours, buf, nil); n != 0 || err != io.EOF {
		t.Fatal(n, err)
	}
	if n, err := ReadNow(raw, buf); n != 0 || err != io.EOF {
		t.Errorf("the end is here: %d, %v", n, err)
	}
	if !PeerGone(raw) {
		t.Error("the peer is gone")
	}
}
