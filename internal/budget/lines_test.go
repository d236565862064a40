package budget

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// An outage is a line at once and one a minute, however many it hits; another kind of error is a line of its own.
func TestLines(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	var lines Lines
	start := time.Now()
	say := func(after time.Duration, kind string) string {
		out.Reset()
		lines.logAt(start.Add(after), log, slog.LevelError, kind, "it failed", "err", errors.New(kind))
		return out.String()
	}
	if s := say(0, "away"); !strings.Contains(s, `msg="it failed" err=away`) || strings.Contains(s, "more=") {
		t.Errorf("the first: %q", s)
	}
	for i := range 1000 {
		if s := say(time.Duration(i)*59*time.Millisecond, "away"); s != "" {
			t.Fatalf("again: %q", s)
		}
	}
	if s := say(time.Second, "other"); !strings.Contains(s, "err=other") {
		t.Errorf("another kind: %q", s)
	}
	if s := say(time.Minute, "away"); !strings.Contains(s, "err=away more=1000") {
		t.Errorf("a minute later: %q", s)
	}
	if s := say(time.Hour, "away"); s == "" || strings.Contains(s, "more=") {
		t.Errorf("much later: %q", s)
	}
	lines = Lines{Every: time.Hour}
	if s := say(0, "away"); s == "" {
		t.Error("nothing")
	}
	if s := say(59*time.Minute, "away"); s != "" {
		t.Errorf("within the hour: %q", s)
	}
}
