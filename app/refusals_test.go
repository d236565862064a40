package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"foyer/internal/budget"
)

// told is a meter that tells.
type told chan budget.Limit

func (m told) LimitHit(limit budget.Limit, _ string) { m <- limit }

// who sends what is too large again and again waits for the answer, which costs
// nobody else anything; and the site's end does not wait for it.
func TestRefusals_DrawnOut(t *testing.T) {
	met := make(told, 10)
	s, base := startChanged(t, nil, func(s *Server) { s.refusals = newRefusals(0.001, met) }) // one, and the next much later
	large := func() (int, error) {
		resp, err := http.Post(base+"/signin", "text/xml", strings.NewReader(strings.Repeat("x", maxFormBody+1)))
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	if status, err := large(); err != nil || status != http.StatusRequestEntityTooLarge || len(met) > 0 {
		t.Fatalf("the first: %d, %v; met %d times", status, err, len(met))
	}
	type answer struct {
		status int
		err    error
	}
	second := make(chan answer, 1)
	began := time.Now()
	go func() { status, err := large(); second <- answer{status, err} }()
	select {
	case limit := <-met:
		if limit.Setting != "REFUSALS_PER_ADDRESS" {
			t.Errorf("met %q", limit)
		}
	case got := <-second:
		t.Fatalf("the second came at once: %+v", got)
	}
	if resp, err := http.Get(base + "/signin"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("a page: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	s.refusals.stop()
	if got := <-second; got.err != nil || got.status != http.StatusRequestEntityTooLarge || time.Since(began) >= budget.RefusalTimeout {
		t.Errorf("the second: %+v after %s", got, time.Since(began))
	}
}
