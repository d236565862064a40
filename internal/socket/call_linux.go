//go:build linux && !race

package socket

import (
	"syscall"
	"unsafe"
)

// readNow and writeNow call the system without telling Go's scheduler, as it would be
// told of a call that may take long: each time it would see to it that another thread can
// go on meanwhile, and in a program that is mostly idle it would wake the thread that
// looks after such calls for everything that arrives.

func readNow(fd uintptr, b []byte) (int, error) { return call(syscall.SYS_READ, fd, b) }

func writeNow(fd uintptr, b []byte) (int, error) { return call(syscall.SYS_WRITE, fd, b) }

func call(trap, fd uintptr, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
