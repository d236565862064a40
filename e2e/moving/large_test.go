package moving

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"foyer/xmppd/pep"
)

// TestMoving_Large moves 1,000 people, 50 rooms and 1,000,000 messages to each server, and
// logs how long that takes and how much memory. docs/MOVING.md has the figures.
func TestMoving_Large(t *testing.T) {
	s := newSite(t, size{people: 1000, rooms: 50, perPair: 600, perRoom: 7843})
	for i := range s.people {
		s.publish(i, "eu.siacs.conversations.axolotl.devicelist", "current", pep.NodeConfig{Access: pep.AccessOpen, MaxItems: 1}, devices)
		s.publish(i, "eu.siacs.conversations.axolotl.bundles:1", "current", pep.NodeConfig{Access: pep.AccessOpen, MaxItems: 1}, bundle(1))
	}
	for _, home := range []func(*testing.T, *site) newHome{
		prosody, func(t *testing.T, s *site) newHome { return ejabberd(t, s, false) },
	} {
		h := home(t, s)
		t.Run(h.kind, func(t *testing.T) {
			t.Log("first:", s.exportAlone(t, "--to", h.kind, "--database", h.database))
			again := s.exportAlone(t, "--to", h.kind, "--database", h.database)
			t.Log("again:", again)
			if !strings.Contains(again, ": 0 rows added, 0 changed, 0 removed") {
				t.Error("the second run has changed something")
			}
			s.read(t, h)
		})
	}
	t.Run("files", func(t *testing.T) { t.Log("files:", s.exportAlone(t, "--out", t.TempDir(), "--each")) })
}

// exportAlone runs the command in a process of its own, and returns what it says, how
// long it took, and the most memory that it held.
func (s *site) exportAlone(t *testing.T, args ...string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"chat", "export"}, args...)...)
	cmd.Env = append(os.Environ(), "APP_ENV=development", "DATABASE_URL="+s.url, "XMPP_DOMAIN="+domain, "ROSTER=none")
	var said, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &told
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &told)
	}
	memory := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss / 1024
	return fmt.Sprintf("%s%v, %v of processor, %d MiB", &said, time.Since(begin).Round(time.Second/10), cmd.ProcessState.UserTime().Round(time.Second/10), memory)
}
