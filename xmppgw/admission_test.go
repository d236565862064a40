package xmppgw

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stream"
)

// RFC 6120 §13.12 (B-24): an IPv6 client chooses 64 bits of its address, and is
// one client all the same.
func TestAdmission_Network(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "2001:db8:0:1:2::3": "2001:db8:0:1::/64", "fe80::1%eth0": "fe80::/64", "": "",
	} {
		if got := network(addr); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
	cfg := Config{PerAddress: 2}
	cfg.setDefaults()
	a := newAdmission(cfg)
	for i := range 3 {
		err := a.enter(fmt.Sprintf("2001:db8::%d", i), "")
		if (err != nil) != (i == 2) {
			t.Errorf("%d: %v", i, err)
		}
	}
	a.leave("2001:db8::77", "")
	if err := a.enter("2001:db8::78", ""); err != nil {
		t.Error(err)
	}
}

// What is remembered of addresses is bounded, however many come (B-24).
func TestAdmission_Bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{}
		cfg.setDefaults()
		a := newAdmission(cfg)
		refused := 0
		come := func(n int) {
			for i := range n {
				addr := fmt.Sprintf("10.%d.%d.%d", n%251, i/250, i%250)
				var full *stream.Error
				switch err := a.enter(addr, ""); {
				case err == nil:
					a.leave(addr, "")
				case errors.As(err, &full) && full.Condition == stream.ResourceConstraint:
					refused++
				default:
					t.Fatal(err)
				}
			}
		}
		come(3 * maxAddresses)
		if len(a.addrs) != 2*maxAddresses || refused != maxAddresses {
			t.Errorf("%d addresses, %d refused", len(a.addrs), refused)
		}
		time.Sleep(2 * time.Second)
		come(10)
		if len(a.addrs) > 10 {
			t.Errorf("%d addresses are remembered", len(a.addrs))
		}
	})
}

// RFC 6120 §13.12: many small stanzas are slowed like large ones, and none is
// dropped.
func TestShaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gateway{cfg: Config{Rate: 1 << 20, Stanzas: 100}}
		g.cfg.setDefaults()
		s := g.newShaper()
		begin := time.Now()
		for range 700 {
			if err := s.wait(context.Background(), 10); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 4900*time.Millisecond || took > 5100*time.Millisecond {
			t.Errorf("500 stanzas beyond the burst took %s at 100 a second", took)
		}
		begin = time.Now()
		for range 8 {
			if err := s.wait(context.Background(), g.cfg.Limits.Bytes); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 900*time.Millisecond {
			t.Errorf("a megabyte beyond the burst took %s at one a second", took)
		}
	})
}
