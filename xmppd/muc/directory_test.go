package muc

import (
	"context"
	"errors"
	"testing"

	"foyer/internal/stanza"
)

// A page ends a room as its owner does in the chat, whether or not the owner is in
// it (XEP-0045 §10.9, X-34).
func TestService_Destroy(t *testing.T) {
	steward := func(_ context.Context, user string) (bool, error) { return user == "admin", nil }
	w := newWorld(t, Config{MayTakeOver: steward}, "alice", "bob", "admin")
	w.open("den", nil)
	bob := w.online("bob", "b")
	gather("den", bob)
	for room, user := range map[string]string{"den": "bob", "nowhere": "alice"} {
		var refused *stanza.Error
		if err := w.svc.Destroy(t.Context(), room, user); !errors.As(err, &refused) {
			t.Errorf("%s ended %s: %v", user, room, err)
		}
	}
	if err := w.svc.Destroy(t.Context(), "den", "alice"); err != nil {
		t.Fatal(err)
	}
	bob.sees("presence bob unavailable none/none bob@h/b destroy 110")
	if err := w.svc.Destroy(t.Context(), "den", "alice"); err == nil {
		t.Error("ended twice")
	}

	w.open("ruin", nil)
	w.store.mu.Lock()
	delete(w.store.people["ruin"], "alice")
	w.store.mu.Unlock()
	if err := w.svc.Destroy(t.Context(), "ruin", "admin"); err != nil {
		t.Errorf("nobody owns it, and the steward may not end it: %v", err)
	}
}
