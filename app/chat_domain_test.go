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
		return keepChatDomain(t.Context(), Config{Env: env, Domain: domain}, db, slog.New(slog.NewTextHandler(&said, nil)))
	}
	for range 2 {
		if err := keep("production", "example.org"); err != nil || said.Len() > 0 {
			t.Fatal(err, said.String())
		}
	}
	err = keep("production", "example.com")
	if err == nil || !strings.Contains(err.Error(), "Set XMPP_DOMAIN=example.org,") || !strings.Contains(err.Error(), "`foyer chat domain example.com`") {
		t.Errorf("another one: %v", err)
	}
	if err := keep("development", "example.com"); err != nil || !strings.Contains(said.String(), "XMPP_DOMAIN is example.com") {
		t.Errorf("in development: %v, %q", err, said.String())
	}
	if err := db.SetChatDomain(t.Context(), "example.com"); err != nil {
		t.Fatal(err)
	}
	if err := keep("production", "example.com"); err != nil {
		t.Error(err)
	}
}
