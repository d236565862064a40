package models

import (
	"testing"
	"time"

	"foyer/internal/budget"
)

func TestLimitsMet(t *testing.T) {
	db := open(t)
	now := time.Now().UTC().Truncate(time.Millisecond)
	streams := budget.Limit{Name: "streams of one address", Setting: "STREAMS_PER_ADDRESS"}
	old := budget.Entry{Limit: budget.Limit{Name: "old"}, Last: "x", At: now.Add(-48 * time.Hour), Count: 1}
	if err := db.NoteLimits(t.Context(), []budget.Entry{{Limit: streams, Last: "192.0.2.1", At: now.Add(-time.Hour), Count: 3}, old}); err != nil {
		t.Fatal(err)
	}
	if err := db.NoteLimits(t.Context(), []budget.Entry{{Limit: streams, Last: "192.0.2.2", At: now, Count: 4}}); err != nil {
		t.Fatal(err)
	}
	got, err := db.LimitsMet(t.Context(), now.Add(-24*time.Hour))
	if err != nil || len(got) != 1 || got[0].Limit != streams || got[0].Count != 7 || got[0].Last != "192.0.2.2" || !got[0].At.Equal(now) {
		t.Errorf("%+v, %v", got, err)
	}
}
