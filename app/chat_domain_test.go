package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"foyer/models"
)

// The first start settles the domain of people's addresses, and production refuses another one.
func TestChatDomain(t *testing.T) {
	db, err := models.Open(t.Context(), models.Options{URL: cluster.DB(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	var said bytes.Buffer
	keep := func(env, domain string) error {
		cfg := Config{Env: env, Domain: domain, BaseURL: "https://chat.example.org"}
		if err := checkChatDomain(t.Context(), cfg, db, slog.New(slog.NewTextHandler(&said, nil))); err != nil {
			return err
		}
		return keepChatDomain(t.Context(), cfg, db)
	}
	trial := Config{Env: "production", Domain: "localhost", BaseURL: "http://localhost:3000"}
	if err := keepChatDomain(t.Context(), trial, db); err != nil {
		t.Fatal(err)
	}
	if kept, err := db.ChatDomain(t.Context()); err != nil || kept != "" {
		t.Errorf("a trial is kept: %q %v", kept, err)
	}
	for range 2 {
		if err := keep("production", "example.org"); err != nil || said.Len() > 0 {
			t.Fatal(err, said.String())
		}
	}
	err = keep("production", "example.com")
	if err == nil || !strings.Contains(err.Error(), "Set XMPP_DOMAIN=example.org,") || !strings.Contains(err.Error(), "`foyer chat domain example.com`") || !strings.Contains(err.Error(), "`docker compose run --rm site chat domain example.com`") {
		t.Errorf("another one: %v", err)
	}
	if err := keep("development", "example.com"); err != nil || !strings.Contains(said.String(), "XMPP_DOMAIN is example.com") {
		t.Errorf("in development: %v, %q", err, said.String())
	}
	if former, err := db.FormerChatDomains(t.Context(), "example.org"); err != nil || len(former) != 1 || former[0] != "localhost" {
		t.Errorf("besides: %q %v", former, err)
	}
	if err := db.SetChatDomain(t.Context(), "example.com"); err != nil {
		t.Fatal(err)
	}
	if err := keep("production", "example.com"); err != nil {
		t.Error(err)
	}
}
