package models

import (
	"strings"
	"testing"
)

// What cannot be read as a URL is not shown: it may be a password.
func TestOpen_UnreadableURL(t *testing.T) {
	for _, url := range []string{"hunter2", "hunter2 hunter2", "postgres://foyer:hunter2/x@db/foyer", "postgres://foyer:%zhunter2@db", "postgres://foyer:hunter2@db:port/foyer",
		"postgres://foyer:`: hunter2@db", "postgres://foyer:hunter2@db/foyer?sslmode=never", "host=db password='hunter2"} {
		_, err := Open(t.Context(), Options{URL: url})
		if err == nil || !strings.Contains(err.Error(), "it is like postgres://") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// A directory whose socket the system cannot have is told from one where nothing listens.
func TestOpen_LongSocket(t *testing.T) {
	dir := "/" + strings.Repeat("d", 100)
	for _, url := range []string{"host=" + dir + " password=hunter2", "postgres:///foyer?host=" + dir, "postgres:///foyer?host=localhost," + dir} {
		_, err := Open(t.Context(), Options{URL: url})
		if err == nil || !strings.Contains(err.Error(), "a unix socket's has at most") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
