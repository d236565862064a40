package xmppgw

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// RFC 6120 §13.12 (B-24): an IPv6 client chooses 64 bits of its address, and is
// one client all the same; an account has its bound wherever it comes from.
func TestAdmission(t *testing.T) {
	cfg := Config{PerAddress: 2, PerUser: 1}
	cfg.setDefaults()
	a := newAdmission(cfg)
	var leave func()
	for i := range 3 {
		out, err := a.enter(fmt.Sprintf("2001:db8::%d", i), "")
		if (err != nil) != (i == 2) {
			t.Errorf("%d: %v", i, err)
		}
		if out != nil {
			leave = out
		}
	}
	leave()
	if _, err := a.enter("2001:db8::78", "alice"); err != nil {
		t.Error(err)
	}
	if _, err := a.enter("192.0.2.1", "alice"); err == nil {
		t.Error("an account has more streams than it may")
	}
	for range 2 { // what was refused took nothing
		if _, err := a.enter("192.0.2.1", ""); err != nil {
			t.Error(err)
		}
	}
}

// An office of 2,000 behind one address comes back at once after a restart, every
// member with three streams (B-24).
func TestAdmission_Office(t *testing.T) {
	cfg := Config{}
	cfg.setDefaults()
	a := newAdmission(cfg)
	for i := range 6000 {
		if _, err := a.enter("192.0.2.1", fmt.Sprint(i/3)); err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
	}
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
			if err := s.wait(context.Background(), 10, nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 4900*time.Millisecond || took > 5100*time.Millisecond {
			t.Errorf("500 stanzas beyond the burst took %s at 100 a second", took)
		}
		begin = time.Now()
		for range 8 {
			if err := s.wait(context.Background(), g.cfg.Limits.Bytes, nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 900*time.Millisecond {
			t.Errorf("a megabyte beyond the burst took %s at one a second", took)
		}
	})
}
