package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChatExport_Refuses(t *testing.T) {
	c := newTerminal(t, nil)
	for want, args := range map[string][]string{
		"say where to":                  nil,
		"say whose tables":              {"--database", "postgres:///x"},
		"--to needs":                    {"--to", "prosody"},
		"--to needs the other":          {"--to", "prosody", "--database", "postgres:///x", "--database-file", "y"},
		"--each goes with":              {"--to", "prosody", "--database", "postgres:///x", "--each"},
		"no such file":                  {"--to", "prosody", "--database-file", filepath.Join(t.TempDir(), "none")},
		"there is no table rosterusers": {"--to", "ejabberd", "--database", cluster.EmptyDB(t)},
	} {
		if out, err := c.run("", append([]string{"chat", "export"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", args, out, err)
		}
	}
	away := newTerminal(t, map[string]string{"XMPP_UPSTREAM": "xmpp://127.0.0.1:1"})
	if _, err := away.run("", "chat", "export", "--out", t.TempDir()); err == nil || !strings.Contains(err.Error(), "XMPP_UPSTREAM=embedded") {
		t.Errorf("a site that has moved: %v", err)
	}
}

// TestChatExport: to a database whose URL is in a file; the rooms are known afterwards, and
// somebody is told while the site is running.
func TestChatExport(t *testing.T) {
	c := newTerminal(t, nil)
	if _, err := c.run("", "user", "add", "anne", "--password", testPassword); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(cluster.EmptyDB(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	release, _, err := c.db.Lock(t.Context(), "foyer-chat-server") // as a site that runs does
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.run("", "chat", "export", "--to", "prosody", "--database-file", file)
	if err != nil || !strings.Contains(out, "prosody has 1 person, 0 rooms and 0 messages: 2 rows added, 0 changed, 0 removed") || !strings.Contains(out, "The site is running") {
		t.Errorf("%q, %v", out, err)
	}
	release()
	out, err = c.run("", "chat", "export", "--to", "prosody", "--database-file", file)
	if err != nil || !strings.Contains(out, ": 0 rows added, 0 changed, 0 removed") || strings.Contains(out, "The site is running") {
		t.Errorf("again: %q, %v", out, err)
	}
}
