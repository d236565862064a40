package models

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestServer(t *testing.T) {
	db := open(t)
	p, err := db.Postgres(t.Context())
	if err != nil || p.Version < 140000 || p.Encoding != "UTF8" || time.Since(p.Now).Abs() > time.Hour {
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

// Names are compared by their letters, which Postgres knows in UTF-8 alone.
func TestMigrate_Encoding(t *testing.T) {
	db := openAt(t, cluster.EmptyDB(t))
	name := "ascii_" + strings.ToLower(rand.Text())
	if _, err := db.pool.Exec(t.Context(), "CREATE DATABASE "+name+" ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.pool.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	address, err := url.Parse(cluster.DB(t))
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/" + name
	other := openAt(t, address.String())
	if err := other.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "encoding is SQL_ASCII") || !strings.Contains(err.Error(), "-E UTF8 -T template0") {
		t.Errorf("%v", err)
	}
}
