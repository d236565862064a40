//go:build unix

package app

import "syscall"

// maxFiles is how many files and sockets this process may have open. Go's runtime
// has raised the limit as far as it may.
func maxFiles() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 1024
	}
	return int(min(l.Cur, 1<<20))
}
