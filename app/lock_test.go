package app

import (
	"strings"
	"testing"
)

// A second instance says which the first is.
func TestLock_SecondInstance(t *testing.T) {
	s, _ := start(t, nil)
	first, err := takeLock(t.Context(), s.db, s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer first.release()
	_, err = takeLock(t.Context(), s.db, s.log)
	if err == nil {
		t.Fatal("two at once")
	}
	for _, want := range []string{"another instance runs", `"foyer" from a unix socket, since `, "pg_terminate_backend("} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
