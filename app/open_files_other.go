//go:build !unix

package app

// maxFiles is how many files and sockets this process may have open; here there
// is no such limit to ask for.
func maxFiles() int { return 1 << 16 }
