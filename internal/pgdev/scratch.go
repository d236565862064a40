package pgdev

import "os"

// ScratchDir makes a directory for a cluster that is gone with the program: in memory where
// there is room, since each database is some hundred files, which are made and removed in half
// the time there. Whoever sets TMPDIR has it there.
func ScratchDir(pattern string) (string, error) {
	if os.Getenv("TMPDIR") == "" && memoryHas(scratchRoom) {
		if dir, err := os.MkdirTemp(memory, pattern); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", pattern)
}

// What the databases of some programs that run at once may take, with much to spare.
const scratchRoom = 2 << 30
