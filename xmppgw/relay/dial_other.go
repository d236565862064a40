//go:build !linux

package relay

import "syscall"

// setUserTimeout does nothing where the system has no such option: its own time counts.
func setUserTimeout(string, string, syscall.RawConn) error { return nil }
