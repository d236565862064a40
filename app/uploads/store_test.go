package uploads

import (
	"os"
	"testing"

	"foyer/app/uploads/files"
)

// A directory that is there, and where nothing can be written, is no reason not to start.
func TestOpenStore_CannotBeWritten(t *testing.T) {
	dir := "/proc/self" // where root cannot write either
	if _, err := os.Stat(dir); err != nil {
		dir = t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	store, err := OpenStore(StoreOptions{Place: OnDisk, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Check(t.Context(), store); err == nil {
		t.Error("a file can be kept there")
	}
}
