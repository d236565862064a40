package extauth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"foyer/app/auth"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// net/http lets a connection linger whose request it did not read to the end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// fakeSite knows alice, whose password is "right". A password that begins with "wait"
// takes until release is closed, and tells of itself in waits.
type fakeSite struct {
	asked   atomic.Int64
	waits   chan struct{}
	release chan struct{}
}

func newFakeSite() *fakeSite {
	return &fakeSite{waits: make(chan struct{}, 1000), release: make(chan struct{})}
}

func (s *fakeSite) CheckForServer(ctx context.Context, user, password string) (string, error) {
	s.asked.Add(1)
	if strings.HasPrefix(password, "wait") {
		s.waits <- struct{}{}
		select {
		case <-s.release:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	switch {
	case user == "throttled":
		return "", &auth.ThrottledError{}
	case user == "trouble":
		return "", errors.New("the database is away")
	case strings.EqualFold(user, "alice") && (password == "right" || password == "wait and right" || len(password) > 1000 || strings.Contains(password, ":")):
		return "alice", nil
	}
	return "", auth.ErrInvalidCredentials
}

func (s *fakeSite) UserExists(_ context.Context, user string) (bool, error) {
	if user == "trouble" {
		return false, errors.New("the database is away")
	}
	return user == "alice", nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// One XMPP domain, and logins within their bounds; what is not is not asked for.
func TestGate(t *testing.T) {
	for _, c := range []struct {
		login, server, password string
		want                    verdict
	}{
		{"alice", "", "right", good},
		{"alice", "example.org", "right", good},
		{"alice@example.org", "", "right", good},
		{"alice@EXAMPLE.org", "Example.Org", "right", good},
		{"alice@example.org.", "", "right", good},
		{"alice", "", "wrong", refused},
		{"alice@elsewhere.org", "", "right", refused},
		{"alice", "elsewhere.org", "right", refused},
		{"alice@example.org@example.org", "", "right", refused},
		{"alice@", "", "right", refused},
		{"@example.org", "", "right", refused},
		{"", "", "right", refused},
		{"alice", "", strings.Repeat("a", maxPassword+1), refused},
		{"throttled", "", "right", throttled},
		{"trouble", "", "right", unknown},
	} {
		site := newFakeSite()
		v, name, err := checker{site, "example.org"}.check(t.Context(), c.login, c.server, c.password)
		if v != c.want || (v == good) != (name == "alice") || (v == unknown) != (err != nil) {
			t.Errorf("%q at %q: %v %q %v", c.login, c.server, v, name, err)
		}
	}
}
