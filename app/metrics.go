package app

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"foyer/app/extauth"
	"foyer/internal/netaddr"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Scrapes that are answered at once, whoever asks; more get 503. Prometheus asks every few
// seconds, and each answer reads every figure.
const maxConcurrentScrapes = 4

// newMetrics makes what answers with the figures.
func (s *Server) newMetrics() http.Handler { return metricsOf(s.register) }

// metricsOf makes what answers with the figures that register registers, and with those of
// the process.
func metricsOf(register func(prometheus.Registerer)) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	register(registry)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxConcurrentScrapes})
}

// showMetrics: GET /metrics — with the bearer token METRICS_TOKEN. Where a request
// comes from proves nothing here: a proxy on this machine makes everybody look
// local. In development everybody is.
func (s *Server) showMetrics(metrics http.Handler) fiber.Handler {
	serve := adaptor.HTTPHandler(metrics)
	return func(c *fiber.Ctx) error {
		token, ok := extauth.BearerToken(c.Get("Authorization"))
		known := ok && s.cfg.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.MetricsToken)) == 1
		if !known && !(s.cfg.Development() && s.cfg.MetricsToken == "") {
			return &Error{Code: Forbidden, Public: "Metrics want the token METRICS_TOKEN, or have a port of their own (METRICS_ADDR)."}
		}
		return serve(c)
	}
}

// checkMetrics checks the token of /metrics, and the port of its own, which asks for
// none.
func (c Config) checkMetrics(check func(bool, string, ...any)) {
	unsent := func(r rune) bool { return r < ' ' || r == 0x7f }
	check(!strings.ContainsFunc(c.MetricsToken, unsent) && strings.Trim(c.MetricsToken, " ") == c.MetricsToken,
		"METRICS_TOKEN has characters that no request can bring in a header (RFC 9110 §5.5), such as line breaks, or spaces at its ends; `openssl rand -hex 32` makes a good one")
	if c.MetricsAddr == "" {
		return
	}
	err := CheckAddr(c.MetricsAddr)
	check(err == nil, "METRICS_ADDR=%q %v", c.MetricsAddr, err)
	_, port, _ := net.SplitHostPort(c.MetricsAddr)
	check(c.MetricsAddr != c.Addr || port == "0", "METRICS_ADDR=%q is where the site listens; use another port", c.MetricsAddr)
}

// OpenMetrics reports whether METRICS_ADDR is on addresses that others than this machine and its network may reach.
func OpenMetrics(addr string) bool {
	if addr == "" {
		return false
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsUnspecified() || netaddr.IsPublic(ip))
}

// listenMetrics binds the port for metrics; nil: there is none.
func (s *Server) listenMetrics() (net.Listener, error) {
	if s.cfg.MetricsAddr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", s.cfg.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s; stop what uses it, or set METRICS_ADDR to another address: %w", s.cfg.MetricsAddr, err)
	}
	s.log.Info("metrics", "addr", l.Addr().String())
	if OpenMetrics(s.cfg.MetricsAddr) {
		s.log.Warn("everybody who reaches METRICS_ADDR reads the metrics, without a token; let it be localhost:9100 or an address inside your network, or keep others out by a firewall", "METRICS_ADDR", s.cfg.MetricsAddr)
	}
	return l, nil
}

// serveMetrics serves /metrics on a port of its own until ctx ends.
func (s *Server) serveMetrics(ctx context.Context, l net.Listener, metrics http.Handler) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("metrics are not served any more", "err", err)
	}
}

// register exports what the gateway and the chat server count.
func (s *Server) register(r prometheus.Registerer) {
	counter := func(name, help string, labels prometheus.Labels, value func() int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
			func() float64 { return float64(value()) }))
	}
	gauge := func(name, help string, labels prometheus.Labels, value func() int64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels},
			func() float64 { return float64(value()) }))
	}
	r.MustRegister(s.signIn.signIns)
	r.MustRegister(newGatewayMetrics(s.gateway.Stats, s.cfg.Domain))
	if other, ok := s.chat.(interface{ metrics() prometheus.Collector }); ok {
		r.MustRegister(other.metrics())
	}
	counter("foyer_sessions_bound_total", "Chat sessions bound.", nil, func() int64 { return s.chat.ChatStats().SessionsBound })
	counter("foyer_sessions_resumed_total", "Chat streams resumed.", nil, func() int64 { return s.chat.ChatStats().SessionsResumed })
	gauge("foyer_sessions", "Chat sessions, those that wait for resumption included.", nil, func() int64 { return s.chat.ChatStats().Sessions })
	counter("foyer_roster_gets_total", "Rosters fetched.", nil, func() int64 { return s.chat.ChatStats().RosterGets })
	counter("foyer_messages_archived_total", "Messages stored.", nil, func() int64 { return s.chat.ChatStats().Archived })
	counter("foyer_messages_expired_total", "Messages removed by retention.", prometheus.Labels{"archive": "people"}, s.expired.people.Load)
	counter("foyer_messages_expired_total", "Messages removed by retention.", prometheus.Labels{"archive": "rooms"}, s.expired.rooms.Load)
	counter("foyer_messages_expired_total", "Messages removed by retention.", prometheus.Labels{"archive": "offline"}, s.expired.offline.Load)
	r.MustRegister(s.memoryMetric())
	counter("foyer_uploads_total", "Files received.", nil, func() int64 { return s.uploads.Stats().Received })
	counter("foyer_upload_bytes_total", "Bytes of files received.", nil, func() int64 { return s.uploads.Stats().ReceivedBytes })
	counter("foyer_downloads_total", "Files sent, whole or in part.", nil, func() int64 { return s.uploads.Stats().Sent })
	counter("foyer_uploads_removed_total", "Files removed, and slots that nobody used.", nil, func() int64 { return s.uploads.Stats().Removed })
}
