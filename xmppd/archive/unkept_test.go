package archive

import (
	"strconv"
	"testing"
)

// What no archive has is known again up to a bound, the latest of it.
func TestUnkept_Bound(t *testing.T) {
	u := newRecentIDs()
	for i := range maxRecentIDs + 10 {
		u.add("den@rooms.h", "bob@h", strconv.Itoa(i))
		u.add("den@rooms.h", "bob@h", strconv.Itoa(i)) // once
	}
	if len(u.known) != maxRecentIDs || len(u.latest) != maxRecentIDs {
		t.Errorf("%d, %d", len(u.known), len(u.latest))
	}
	for id, want := range map[string]bool{"9": false, "10": true, strconv.Itoa(maxRecentIDs + 9): true} {
		if got := u.has("den@rooms.h", "bob@h", id); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	if u.has("den@rooms.h", "alice@h", "10") || u.has("den@rooms.hbob@h", "", "10") {
		t.Error("another's is known")
	}
}
