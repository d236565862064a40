package archive

import (
	"strconv"
	"testing"
)

// What no archive has is known again up to a bound, the latest of it.
func TestUnkept_Bound(t *testing.T) {
	u := newRecentIDs()
	for i := range maxRecentIDs + 10 {
		sender := "user" + strconv.Itoa(i/maxRecentIDsEach) + "@h"
		u.add(sender, "den@rooms.h", "bob@h", strconv.Itoa(i))
		u.add(sender, "den@rooms.h", "bob@h", strconv.Itoa(i)) // once
	}
	if len(u.known) != maxRecentIDs || u.all.Len() != maxRecentIDs || len(u.bySent) != maxRecentIDs/maxRecentIDsEach+1 {
		t.Errorf("%d, %d, %d", len(u.known), u.all.Len(), len(u.bySent))
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

// Whoever writes much makes only their own forgotten.
func TestUnkept_BoundOfOne(t *testing.T) {
	u := newRecentIDs()
	u.add("alice@h", "alice@h", "bob@h", "0")
	for i := range maxRecentIDs + 10 {
		u.add("carol@h", "den"+strconv.Itoa(i)+"@rooms.h", "carol@h", "1")
	}
	if !u.has("alice@h", "bob@h", "0") {
		t.Error("alice's is forgotten")
	}
	if n := len(u.known); n != 1+maxRecentIDsEach {
		t.Errorf("%d are known", n)
	}
}
