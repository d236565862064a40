package xmppgw

import (
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"foyer/internal/socket"

	"golang.org/x/sys/unix"
)

// epoll is the poller of Linux (epoll(7)): edge-triggered, so that a connection is
// registered once. Go's runtime waits for the epoll itself, as for any other file;
// no thread blocks.
type epoll struct {
	file *os.File
	fd   int

	mu      sync.Mutex
	conns   map[int32]*boshConn // by file descriptor
	stopped bool
}

// newSystemPoller returns nil where there is no epoll.
func newSystemPoller() poller {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	_ = unix.SetNonblock(fd, true) // Go polls what does not block
	e := &epoll{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, conns: make(map[int32]*boshConn)}
	raw, err := e.file.SyscallConn()
	if err != nil {
		e.file.Close()
		return nil
	}
	go e.run(raw)
	return e
}

// run ends with stop.
func (e *epoll) run(raw syscall.RawConn) {
	events := make([]unix.EpollEvent, 128)
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := waitingEvents(int(fd), events)
			if n <= 0 && err != unix.EINTR {
				return false
			}
			e.dispatch(events[:max(n, 0)])
		}
	})
}

func (e *epoll) dispatch(events []unix.EpollEvent) {
	for _, event := range events {
		e.mu.Lock()
		c := e.conns[event.Fd]
		e.mu.Unlock()
		if c != nil {
			c.readable(event.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
		}
	}
}

func (e *epoll) watch(c *boshConn) bool {
	ok := false
	_ = c.raw.Control(func(fd uintptr) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.stopped {
			return
		}
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
		e.conns[int32(fd)] = c
		ok = unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, int(fd), &event) == nil
	})
	return ok
}

func (e *epoll) forget(c *boshConn) {
	_ = c.raw.Control(func(fd uintptr) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.conns[int32(fd)] == c {
			delete(e.conns, int32(fd))
			_ = unix.EpollCtl(e.fd, unix.EPOLL_CTL_DEL, int(fd), nil)
		}
	})
}

func (e *epoll) read(c *boshConn, buf []byte) (n int, err error) { return socket.ReadNow(c.raw, buf) }

func (e *epoll) write(c *boshConn, b []byte) (n int, err error) { return socket.WriteNow(c.raw, b) }

// waitingEvents is epoll_wait(2) that does not wait; the scheduler is not told (socket.Read).
func waitingEvents(fd int, events []unix.EpollEvent) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (e *epoll) watched() []*boshConn {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.AppendSeq(make([]*boshConn, 0, len(e.conns)), maps.Values(e.conns))
}

func (e *epoll) closeIdle(before instant) {
	for _, c := range e.watched() {
		c.closeIdle(before)
	}
}

func (e *epoll) stop() {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	for _, c := range e.watched() {
		c.close()
	}
	e.file.Close()
}
