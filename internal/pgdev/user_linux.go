package pgdev

import (
	"os"
	"os/exec"
	"syscall"
)

// Any uid but root's; it exists inside the namespace only.
const namespaceID = 1000

// asOrdinaryUser lets Postgres, which refuses to be root, run where we are root:
// in a user namespace that maps root to an ordinary uid, so that the files
// remain root's. Either way it ends with the program, even if that is killed.
func asOrdinaryUser(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT, Setpgid: true}
	if os.Geteuid() != 0 {
		return
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: namespaceID, HostID: 0, Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: namespaceID, HostID: 0, Size: 1}}
}
