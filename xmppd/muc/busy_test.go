package muc

import (
	"context"
	"errors"
	"testing"

	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// Who sends a message again whose first takes too long is told to try later.
func TestSayings_Busy(t *testing.T) {
	m, err := stream.Parse([]byte(`<message xmlns="jabber:client" id="once"/>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	var s sayings
	c := &sink{user: "bob"}
	unlock, err := s.lock(t.Context(), c, m)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.lock(ctx, c, m); !errors.Is(err, archive.ErrBusy) {
		t.Errorf("the error is %v", err)
	}
}
