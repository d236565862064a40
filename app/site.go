package app

import (
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"foyer/internal/budget"
)

// site is what every part of the website knows of it: its settings, its address, its cookies
// and who asks.
type site struct {
	cfg     Config
	log     *slog.Logger
	proxies []netip.Prefix
	baseURL atomic.Value // string, a normal origin; known once the site listens

	refusals  refusals     // that addresses and accounts have had
	untrusted sync.Once    // that somebody tells for whom they ask who is not believed was logged
	failures  budget.Lines // of requests, in the log
}

// BaseURL is the site's public URL.
func (s *site) BaseURL() string {
	url, _ := s.baseURL.Load().(string)
	return url
}
