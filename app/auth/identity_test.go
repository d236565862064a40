package auth

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"foyer/internal/budget"
)

// A group's name may have what its script is written with, and nothing that hides or turns around.
func TestGroupName(t *testing.T) {
	for typed, want := range map[string]string{
		" Choir  of  2 ": "Choir of 2", "گروه\u200cها": "گروه\u200cها", "👩\u200d🚀 Crew": "👩\u200d🚀 Crew", "🏴\U000e0067\U000e007f": "🏴\U000e0067\U000e007f", "❤\ufe0f": "❤\ufe0f",
		"": "", " ": "", "Sta\u200bff": "", "Staff\u202e": "", "\u200d": "", "\u3164": "", "a\x00b": "", strings.Repeat("x", 65): "",
	} {
		if got, err := GroupName(typed); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", typed, got, err)
		}
	}
}

// What a source says and the site cannot keep is told to the operator, in a bounded line.
func TestGroupNames_Dropped(t *testing.T) {
	kept, dropped := groupNames([]string{"Choir", "Sta\u200bff", "گروه\u200cها", "Sta\u200bff"})
	if !slices.Equal(kept, []string{"Choir", "گروه\u200cها"}) || len(dropped) != 2 {
		t.Errorf("%q, %q", kept, dropped)
	}
	for i := range 2 * maxLoggedGroups {
		dropped = append(dropped, fmt.Sprint("\u202e", i))
	}
	var log bytes.Buffer
	s := &Service{log: slog.New(slog.NewTextHandler(&log, nil)), dropped: budget.Lines{Every: droppedEvery}}
	s.logDropped(NewHeader(HeaderSettings{}), nil)
	if s.logDropped(NewHeader(HeaderSettings{}), dropped); strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "source=header count=41") ||
		!strings.Contains(log.String(), `Sta\u200bff`) || len(log.String()) > 1000 {
		t.Errorf("%s", log.String())
	}
	for range 100 {
		s.logDropped(NewHeader(HeaderSettings{}), dropped)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines within the hour", n)
	}
	many := make([]string, maxClaimedGroups+1)
	for i := range many {
		many[i] = fmt.Sprint("group ", i)
	}
	if kept, dropped := groupNames(many); len(kept) != maxClaimedGroups || !slices.Equal(dropped, many[maxClaimedGroups:]) {
		t.Errorf("%d kept, %q dropped", len(kept), dropped)
	}
	if kept, dropped := groupNames(nil); kept != nil || dropped != nil {
		t.Errorf("%q, %q", kept, dropped)
	}
}
