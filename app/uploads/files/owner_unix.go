//go:build unix

package files

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// owner is the number of the user whom a file belongs to.
func owner(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// writable reports whether this program may make files in a directory.
func writable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }
