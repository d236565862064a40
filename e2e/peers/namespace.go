//go:build linux

package peers

import (
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"unsafe"
)

// Namespace is a network namespace in which there is a loopback and nothing else, for
// servers whose ports are fixed. One thread is in it; what is to happen there is done by
// that thread.
type Namespace struct {
	t    testing.TB
	jobs chan func()
}

// NewNamespace makes one, which lasts until the test ends. It skips the test if this user
// may not.
func NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	n := &Namespace{t: t, jobs: make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with this goroutine
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		if err == nil {
			err = loopbackUp()
		}
		entered <- err
		for job := range n.jobs {
			job()
		}
	}()
	t.Cleanup(func() { close(n.jobs) })
	if err := <-entered; err != nil {
		t.Skipf("this user may not make a network namespace: %v", err)
	}
	return n
}

// loopbackUp is netdevice(7), SIOCSIFFLAGS.
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var request struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); e != 0 {
		return e
	}
	return nil
}

// Start starts a program there.
func (n *Namespace) Start(cmd *exec.Cmd) error {
	err := make(chan error)
	n.jobs <- func() { err <- cmd.Start() }
	return <-err
}

// Dial connects to a port there.
func (n *Namespace) Dial(port int) (conn net.Conn, err error) {
	done := make(chan struct{})
	n.jobs <- func() {
		conn, err = net.Dial("tcp", Addr(port))
		close(done)
	}
	<-done
	return conn, err
}

// Forward leads a port of this machine's loopback to one there, until the test ends, and
// returns it.
func (n *Namespace) Forward(port int) string {
	n.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	var all sync.WaitGroup
	n.t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				there, err := n.Dial(port)
				if err != nil {
					here.Close()
					return
				}
				join(here, there)
			})
		}
	})
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
