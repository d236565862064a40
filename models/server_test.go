package models

import (
	"errors"
	"testing"
	"time"
)

func TestServer(t *testing.T) {
	db := open(t)
	p, err := db.Postgres(t.Context())
	if err != nil || p.Version < 140000 || time.Since(p.Now).Abs() > time.Hour {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := db.Accounts.SomeAccount(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("without accounts: %v", err)
	}
	blocked := time.Now()
	for _, a := range []Account{{Username: "blocked", Admin: true, BlockedAt: &blocked}, {Username: "ann"}, {Username: "ada", Admin: true}} {
		a.Name, a.PasswordHash = a.Username, "x"
		if err := db.Accounts.CreateAccount(t.Context(), &a); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := db.Accounts.SomeAccount(t.Context()); err != nil || a.Username != "ada" {
		t.Errorf("%q %v", a.Username, err)
	}
}
