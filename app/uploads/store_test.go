package uploads

import (
	"os"
	"testing"

	"foyer/app/uploads/files"
)

// A directory that is there, and where nothing can be written, is no reason not to start.
func TestOpenStore_CannotBeWritten(t *testing.T) {
	const dir = "/proc/self"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("there is no directory where nobody can write")
	}
	store, err := OpenStore(StoreOptions{Place: OnDisk, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Check(t.Context(), store); err == nil {
		t.Error("a file can be kept there")
	}
}
