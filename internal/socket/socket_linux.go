package socket

import (
	"cmp"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetUserTimeout ends a connection whose peer does not acknowledge for d what was sent
// (RFC 5482). Where it cannot be set the system's own time counts.
func SetUserTimeout(raw syscall.RawConn, d time.Duration) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}

// Unacknowledged is how many bytes of what was written the peer has not acknowledged yet
// (tcp(7), SIOCOUTQ); 0 if c is not itself a socket, as with TLS.
func Unacknowledged(c net.Conn) (n int) {
	if raw := rawConn(c); raw != nil {
		_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	}
	return n
}

// PeerGone reports whether the peer has closed its side of a connection.
func PeerGone(raw syscall.RawConn) (gone bool) {
	err := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
		gone = (n == 0 && errno == 0) || errno == unix.ECONNRESET
	})
	return gone || err != nil
}

// AwaitEnd waits until the peer of c has closed its side, or c's deadline for reading has
// come, and reads nothing of what still comes: the peer can send no more than the system
// keeps for c. It does not wait for what is not itself a socket.
func AwaitEnd(c net.Conn) {
	if raw := rawConn(c); raw != nil {
		_ = raw.Read(ended) // why it returns does not matter
	}
}

// ended reports whether the peer has closed its side, whatever lies before that.
func ended(fd uintptr) bool {
	look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(look, 0)
	return n > 0 || (err != nil && err != unix.EINTR)
}

// Read is c.Read. Before it waits for the peer it calls waits, unless that is nil, which
// must neither wait itself nor close c. If c is not itself a socket, waits is called before
// each read, since nobody knows whether it will wait.
func Read(c net.Conn, b []byte, waits func()) (int, error) {
	raw := rawConn(c)
	if raw == nil || len(b) == 0 {
		if waits != nil {
			waits()
		}
		return c.Read(b)
	}
	t := begin(b, waits)
	defer t.end()
	err := raw.Read(t.read)
	return t.came(err)
}

// ReadNow reads what is there: 0 and no error when that is nothing.
func ReadNow(raw syscall.RawConn, b []byte) (int, error) {
	t := begin(b, nil)
	defer t.end()
	err := raw.Read(t.readNow)
	if err == nil && t.err == unix.EAGAIN {
		return 0, nil
	}
	return t.came(err)
}

// Write is c.Write.
func Write(c net.Conn, b []byte) (int, error) {
	raw := rawConn(c)
	if raw == nil {
		return c.Write(b)
	}
	t := begin(b, nil)
	defer t.end()
	err := raw.Write(t.write)
	return t.n, cmp.Or(err, os.NewSyscallError("write", t.err))
}

// WriteAtOnce writes what the system takes without waiting, and returns how much that
// was: nothing of a connection that is no socket of its own, such as TLS.
func WriteAtOnce(c net.Conn, b []byte) (int, error) {
	raw := rawConn(c)
	if raw == nil {
		return 0, nil
	}
	return WriteNow(raw, b)
}

// WriteNow is WriteAtOnce for a socket.
func WriteNow(raw syscall.RawConn, b []byte) (int, error) {
	t := begin(b, nil)
	defer t.end()
	err := raw.Write(t.writeNow)
	return t.n, cmp.Or(err, os.NewSyscallError("write", t.err))
}

// transfer is one read or write. Its functions are made once, and not for each.
type transfer struct {
	buf   []byte
	n     int // of its bytes that were read or written
	err   error
	waits func()

	read, readNow, write, writeNow func(fd uintptr) (done bool)
}

var transfers = sync.Pool{New: func() any {
	t := &transfer{}
	t.read, t.readNow, t.write, t.writeNow = t.tryRead, t.tryReadNow, t.tryWrite, t.tryWriteNow
	return t
}}

func begin(b []byte, waits func()) *transfer {
	t := transfers.Get().(*transfer)
	t.buf, t.waits = b, waits
	return t
}

func (t *transfer) end() {
	t.buf, t.n, t.err, t.waits = nil, 0, nil, nil
	transfers.Put(t)
}

// came is the result of a read; err is of the connection.
func (t *transfer) came(err error) (int, error) {
	switch {
	case err != nil:
		return 0, err
	case t.n == 0 && t.err == nil:
		return 0, io.EOF
	}
	return t.n, os.NewSyscallError("read", t.err)
}

func (t *transfer) tryRead(fd uintptr) (done bool) {
	t.tryReadNow(fd)
	if t.err != unix.EAGAIN {
		return true
	}
	if t.waits != nil {
		t.waits()
		t.waits = nil
	}
	return false
}

func (t *transfer) tryReadNow(fd uintptr) (done bool) {
	t.n, t.err = transferNow(readNow, fd, t.buf)
	return true
}

func (t *transfer) tryWrite(fd uintptr) (done bool) {
	for t.n < len(t.buf) && t.err == nil {
		if !t.writeSome(fd) {
			return false
		}
	}
	return true
}

func (t *transfer) tryWriteNow(fd uintptr) (done bool) {
	t.writeSome(fd)
	return true // it is not called again: nobody waits
}

// writeSome reports false when the system takes nothing now.
func (t *transfer) writeSome(fd uintptr) bool {
	n, err := transferNow(writeNow, fd, t.buf[t.n:])
	t.n += n
	if err == unix.EAGAIN {
		return false
	}
	t.err = err
	return true
}

// transferNow reads or writes what can be without waiting, as the sockets of Go's net all do.
func transferNow(call func(fd uintptr, b []byte) (int, error), fd uintptr, b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		if n, err = call(fd, b); err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// rawConn returns nil for a connection that is no socket of its own.
func rawConn(c net.Conn) syscall.RawConn {
	own, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := own.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
