package budget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fifty streams of one account spend what one may; others are not slowed.
func TestRate_OneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(Limit{Name: "stanzas"}, 100, 100, nil)
		begin := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 10 {
					if err := r.Wait(t.Context(), "mallory", 1); err != nil {
						t.Error(err)
					}
				}
			})
		}
		synctest.Wait()
		if err := r.Wait(t.Context(), "alice", 50); err != nil || time.Since(begin) > 0 {
			t.Errorf("alice waited %s for mallory: %v", time.Since(begin), err)
		}
		all.Wait()
		if took := time.Since(begin); took < 3900*time.Millisecond || took > 4100*time.Millisecond {
			t.Errorf("500 stanzas at 100 a second, 100 at once, took %s", took)
		}
	})
}

// Those who look at the same time find the same: what they then spend beyond what there was is paid
// off, so that however many come at once have no more than the rate.
func TestRate_Charge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(Limit{}, 10, 3, nil)
		for range 23 {
			r.Charge("mallory", 1)
		}
		if !r.Has("alice", 1) {
			t.Error("alice pays for mallory")
		}
		time.Sleep(2050 * time.Millisecond) // 20 of the 23 were beyond the burst
		if r.Has("mallory", 1) {
			t.Error("what was spent beyond the burst was not paid off")
		}
		time.Sleep(100 * time.Millisecond)
		if !r.Has("mallory", 1) {
			t.Error("it was paid off")
		}
	})
}

func TestRate_MoreThanTheBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := NewLimitLog(slog.New(slog.DiscardHandler))
		r := NewRate(Limit{Name: "bytes", Setting: "RATE"}, 10, 10, ledger)
		begin := time.Now()
		if err := r.Wait(t.Context(), "a", 35); err != nil || time.Since(begin) != 2500*time.Millisecond {
			t.Errorf("35 at 10 a second, 10 at once: %s, %v", time.Since(begin), err)
		}
		if r.Allow("a", 1) {
			t.Error("nothing is left, and it was allowed")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.Wait(ctx, "a", 5); err == nil {
			t.Error("waited longer than the context")
		}
		got := ledger.Take()
		if len(got) != 1 || got[0].Limit.Setting != "RATE" || got[0].Last != "a" || got[0].Count != 3 {
			t.Errorf("noted %+v", got)
		}
		if again := ledger.Take(); len(again) != 0 {
			t.Errorf("noted twice: %+v", again)
		}
	})
}

// However many names come, those that spend nothing now are forgotten.
func TestRate_Forgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(Limit{}, 1, 1, nil)
		for round := range 10 {
			for i := range 5000 {
				r.Allow(fmt.Sprint(round, i), 1)
			}
			time.Sleep(2 * time.Second)
		}
		if n := len(r.spent); n > 2*5000+firstSweep {
			t.Errorf("%d names are kept", n)
		}
	})
}

// One name's share is no more than that, however much it asks for; another finds
// its own free.
func TestShare(t *testing.T) {
	s := NewKeyedSemaphore(Limit{}, 10, 4, nil)
	first, err := s.Acquire(t.Context(), "mallory", 100) // counts as 4
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() {
		release, err := s.Acquire(ctx, "mallory", 1)
		if err == nil {
			release()
		}
		waiting <- err
	}()
	if _, ok := s.TryAcquire("mallory", 1); ok {
		t.Error("more than a share was given")
	}
	alice, ok := s.TryAcquire("alice", 4)
	if !ok {
		t.Fatal("alice has to wait for mallory")
	}
	if _, ok := s.TryAcquire("bob", 3); ok {
		t.Error("more than the whole was given")
	}
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	first()
	first()
	alice()
	if len(s.names) != 0 {
		t.Errorf("names that hold nothing are kept: %v", s.names)
	}
	if release, ok := s.TryAcquire("bob", 4); !ok {
		t.Error("given back, and not there")
	} else {
		release()
	}
}

// What is met all the time is said once a minute.
func TestLimitLog_Log(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		l := NewLimitLog(slog.New(slog.NewTextHandler(&out, nil)))
		for range 100 {
			l.LimitHit(Limit{Name: "streams of one address", Setting: "STREAMS_PER_ADDRESS"}, "192.0.2.1")
			time.Sleep(time.Second)
		}
		if n := strings.Count(out.String(), "STREAMS_PER_ADDRESS"); n != 2 {
			t.Errorf("said %d times in 100 s:\n%s", n, out.String())
		}
	})
}

func BenchmarkRate_Wait(b *testing.B) {
	r := NewRate(Limit{}, 1e12, 1e9, nil)
	for b.Loop() {
		if err := r.Wait(b.Context(), "alice", 1); err != nil {
			b.Fatal(err)
		}
	}
}

// RFC 6120 §13.12 (B-24): an IPv6 client chooses 64 bits of its address, and is
// one client all the same.
func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:0:1:2::3": "2001:db8:0:1::/64", "fe80::1%eth0": "fe80::/64", "": "",
	} {
		if got := Network(addr); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
}

// one processor is left for what is short, where there are several.
func TestProcessor(t *testing.T) {
	p := NewCPUSemaphore()
	var held []func()
	for range max(runtime.GOMAXPROCS(0)-1, 1) {
		release, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, release)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := p.Acquire(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	held[0]()
	held[0]()
	if _, err := p.Acquire(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := p.Acquire(ended); err == nil {
		t.Error("a turn was given back twice")
	}
}
