package pgdev

import (
	"os"
	"path/filepath"
	"testing"
)

// Whoever says where temporary files go is heeded, and has databases there.
func TestScratchDir_TMPDIR(t *testing.T) {
	parent := t.TempDir()
	t.Setenv("TMPDIR", parent)
	dir, err := ScratchDir("scratch-")
	if err != nil || filepath.Dir(dir) != parent {
		t.Errorf("%s, %v", dir, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Error(err)
	}
}
