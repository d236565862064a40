package budget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// An office whose people are all refused once waits for nothing; who is refused again and
// again waits for as long as the rate wants and never longer than it may take, whatever was
// refused before; and nobody waits for somebody else.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := NewLimitLog(slog.New(slog.DiscardHandler))
		r := NewRefusals(20, ledger)
		for i := range 2000 {
			if d := r.Take("192.0.2.1", ""); d != 0 {
				t.Fatalf("refusal %d of an office waits %s", i, d)
			}
		}
		if got := ledger.Take(); len(got) != 0 {
			t.Errorf("met %+v", got)
		}
		for i := range 10_000 {
			want := min(time.Duration(i+1)*time.Second/20, RefusalTimeout)
			if d := r.Take("192.0.2.1", ""); d > want || d < want-time.Millisecond {
				t.Fatalf("refusal %d beyond them waits %s, want %s", i, d, want)
			}
		}
		got := ledger.Take()
		if len(got) != 1 || got[0].Limit.Setting != "REFUSALS_PER_ADDRESS" || got[0].Last != "192.0.2.1" || got[0].Count != 10_000 {
			t.Errorf("met %+v", got)
		}
		_ = Pause(t.Context(), RefusalTimeout+100*time.Millisecond) // on the test's own clock
		if d := r.Take("192.0.2.1", ""); d != 0 {
			t.Errorf("%d refusals are owed for longer than %s: %s", 10_000, RefusalTimeout, d)
		}
		if d := r.Take("192.0.2.2", ""); d != 0 {
			t.Errorf("another address waits %s", d)
		}
	})
}

// An account pays for itself, from wherever it comes; the addresses of a network together.
func TestRefusals_WhoPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRefusals(1, nil)
		for i := range 100 {
			if d := r.Take(fmt.Sprintf("2001:db8::%x", i), ""); d != 0 {
				t.Fatal(i, d)
			}
		}
		if d := r.Take("2001:db8::ffff", ""); d != time.Second {
			t.Errorf("one more of the network waits %s", d)
		}
		for i := range 60 {
			if d := r.Take(fmt.Sprintf("192.0.2.%d", i), "mallory"); d != 0 {
				t.Fatal(i, d)
			}
		}
		if d := r.Take("198.51.100.1", "mallory"); d != time.Second {
			t.Errorf("one more of the account waits %s", d)
		}
		if d := r.Take("2001:db8::ffff", "alice"); d != 0 {
			t.Errorf("alice waits %s", d)
		}
		var none *Refusals
		if d := none.Take("192.0.2.1", ""); d != 0 {
			t.Errorf("without a bound: %s", d)
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := Pause(t.Context(), time.Second); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Pause(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %s", took)
		}
	})
}
