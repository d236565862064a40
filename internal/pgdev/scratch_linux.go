package pgdev

import "syscall"

// memory is a file system in memory. A container's is small, unless it was told otherwise.
const memory = "/dev/shm"

func memoryHas(size uint64) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(memory, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= size
}
