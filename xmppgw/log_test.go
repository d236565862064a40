package xmppgw

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"foyer/internal/stream"
)

// logged is what was logged, one JSON object a line.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// XEP-0124 §7.2 (B-17): each stream's end is logged under its id, whatever carried it,
// and no log has what somebody could use: cookies, session ids, credentials.
func TestLogs(t *testing.T) {
	var log logged
	s := newSite(t, func(c *Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ws := s.browser()
	ws.signIn()
	ws.conn.Close()
	b := s.bosh(true)
	b.signIn()
	b.post(b.bodyAt(b.rid+50, "", "")) // ends with an error
	s.auth.set(true, false)
	b.post(b.body("", message("a", "secret words")))
	away := newSite(t, func(c *Config) { c.Server = failing{} })
	if _, err := away.gw.Prebind(t.Context(), stream.Identity{User: "alice"}, "127.0.0.1"); err == nil || strings.Contains(err.Error(), "sid=") {
		t.Errorf("prebinding without a server: %v", err)
	}
	ended := func() (ids []string) {
		for line := range strings.Lines(log.String()) {
			var entry struct{ Msg, Conn, Transport, Condition string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatal(err)
			}
			if entry.Msg == "stream ended" {
				ids = append(ids, entry.Conn)
				if entry.Conn == "" || entry.Transport == "" || entry.Condition == "" {
					t.Errorf("it lacks something: %s", line)
				}
			}
		}
		return ids
	}
	eventually(t, func() bool { return len(ended()) == 2 })
	for _, secret := range []string{"s=alice", b.sid, "mechanism", "secret words"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, log.String())
		}
	}
}
