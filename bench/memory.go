package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// memory is what a server holds, in KiB.
type memory struct {
	resident     int
	heap, stacks int // in use, by its own account; zero: it tells nothing of that
}

// How long a server may take to give back what a burst took.
const givingBack = time.Minute

// memory measures what the server holds when the sign-ins before are over. Foyer
// collects its garbage then by itself, and says when it has.
func (s *server) memory(ctx context.Context, settling time.Duration) (memory, error) {
	figures, err := s.figures(ctx)
	if err != nil {
		return memory{}, err
	}
	if err := pause(ctx, settling); err != nil {
		return memory{}, err
	}
	before := figures[givenBack]
	for end := time.Now().Add(givingBack); s.metrics != "" && figures[givenBack] == before && time.Now().Before(end); {
		if err := pause(ctx, time.Second/2); err != nil {
			return memory{}, err
		}
		if figures, err = s.figures(ctx); err != nil {
			return memory{}, err
		}
	}
	m := memory{heap: int(figures["go_memstats_heap_alloc_bytes"]) >> 10, stacks: int(figures["go_memstats_stack_inuse_bytes"]) >> 10}
	m.resident, err = residentKiB(s.pid)
	return m, err
}

const givenBack = "foyer_memory_given_back_total"

// perSession is what each of n sessions takes, over what the server took before.
func (m memory) perSession(fresh memory, n int) (resident, heap, stacks float64) {
	each := func(now, before int) float64 { return float64(now-before) / float64(n) }
	return each(m.resident, fresh.resident), each(m.heap, fresh.heap), each(m.stacks, fresh.stacks)
}

// figures are what a server tells of itself, those without labels.
func (s *server) figures(ctx context.Context) (map[string]float64, error) {
	figures := make(map[string]float64)
	if s.metrics == "" {
		return figures, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metrics, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", s.metrics, resp.Status)
	}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				figures[name] = v
			}
		}
	}
	return figures, nil
}
