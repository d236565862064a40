package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Who checks may be root, and the site another user: nothing of the check stays, not even a directory.
func TestCheck_LeavesNothing(t *testing.T) {
	d, dir := disk(t)
	for range 3 {
		if err := Check(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	above := t.TempDir()
	if err := Check(t.Context(), NewDisk(filepath.Join(above, "data", "uploads"))); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(above); err != nil || len(left) > 0 {
		t.Errorf("where no directory was before: %v %v", left, err)
	}
	if err := NewDisk(filepath.Join(above, "uploads")).List(t.Context(), time.Now(), func(uuid.UUID) error { return nil }); err != nil {
		t.Errorf("nobody has sent any: %v", err)
	}
}

// What root left in a directory of the site's user is told, to the site and to root who asks for it.
func TestCheck_AnothersDirectory(t *testing.T) {
	d, dir := disk(t)
	if d.Stranger() != "" {
		t.Errorf("one's own: %s", d.Stranger())
	}
	if err := os.Mkdir(filepath.Join(dir, "7f"), 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 4711, 4711); err != nil {
			t.Fatal(err)
		}
		if said := d.Stranger(); !strings.Contains(said, "4711") {
			t.Errorf("another's: %q", said)
		}
	}
	err := Check(t.Context(), d)
	if os.Geteuid() == 0 { // who can write there: only who asks for another wants to know
		if err != nil {
			t.Errorf("the site as root: %v", err)
		}
		err = d.CheckOwners()
	}
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "7f")) || !strings.Contains(err.Error(), "chown") {
		t.Errorf("%v", err)
	}
}
