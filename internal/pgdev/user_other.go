//go:build !linux

package pgdev

import (
	"os/exec"
	"syscall"
)

// asOrdinaryUser puts Postgres into a process group of its own, so that Ctrl-C
// reaches it through the program, in order.
func asOrdinaryUser(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
