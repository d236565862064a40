package models

import (
	"fmt"
	"testing"
	"time"
)

// An account is known by so many devices, those that signed in last.
func TestKnownDevices_Bound(t *testing.T) {
	db, ctx := open(t), t.Context()
	alice := db.person(t, "alice")
	device := func(i int) []byte { return []byte(fmt.Sprint("device", i)) }
	for i := range maxKnownDevices + 3 {
		is(t, db.Sessions.RememberDevice(ctx, alice.ID, device(i), time.Now().Add(time.Duration(i+1)*time.Hour)), nil)
	}
	var n int
	is(t, db.pool.QueryRow(ctx, "SELECT count(*) FROM known_devices").Scan(&n), nil)
	for i := range maxKnownDevices + 3 {
		if known, err := db.Sessions.KnowsDevice(ctx, alice.ID, device(i)); err != nil || known != (i >= 3) {
			t.Errorf("device %d: %v %v", i, known, err)
		}
	}
	if n != maxKnownDevices {
		t.Errorf("%d devices are known", n)
	}
}
