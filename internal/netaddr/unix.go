package netaddr

import (
	"fmt"
	"syscall"
)

// MaxUnixPath is how many bytes the system has for the path of a unix socket: 107 on Linux
// (unix(7)), of 108 with the zero byte after it.
const MaxUnixPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// CheckUnixPath refuses a path that the system would call an invalid argument. The error
// goes on after the path.
func CheckUnixPath(path string) error {
	if len(path) > MaxUnixPath {
		return fmt.Errorf("has a path of %d bytes, and a unix socket's has at most %d; put the socket into a directory with a shorter name, such as /run/foyer", len(path), MaxUnixPath)
	}
	return nil
}
