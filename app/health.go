package app

import (
	"context"
	"crypto/subtle"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// healthz: GET /healthz — the process answers.
func (s *Server) healthz(c *fiber.Ctx) error { return c.SendString("ok\n") }

// readyz: GET /readyz — the database answers too, with the schema this program
// needs.
func (s *Server) readyz(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 3*time.Second)
	defer cancel()
	have, want, err := s.db.SchemaStatus(ctx)
	if err != nil {
		return &Error{Code: Unavailable, Public: "The database does not answer.", Err: err}
	}
	if have < want {
		return &Error{Code: Unavailable, Public: "The database's schema is behind; run `foyer migrate`."}
	}
	return c.SendString("ok\n")
}

// metrics: GET /metrics — for loopback, or with the bearer token METRICS_TOKEN.
func (s *Server) metrics() fiber.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.register(registry)
	serve := adaptor.HTTPHandler(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return func(c *fiber.Ctx) error {
		if !s.mayMeasure(c) {
			return &Error{Code: Forbidden, Public: "Metrics are for loopback, or with METRICS_TOKEN."}
		}
		return serve(c)
	}
}

func (s *Server) mayMeasure(c *fiber.Ctx) bool {
	token, ok := strings.CutPrefix(c.Get("Authorization"), "Bearer ")
	if ok && s.cfg.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.MetricsToken)) == 1 {
		return true
	}
	// A proxy on this machine makes everybody look local, but says so.
	addr, err := netip.ParseAddr(c.Context().RemoteIP().String())
	return err == nil && addr.Unmap().IsLoopback() && c.Get("X-Forwarded-For") == "" && c.Get("Forwarded") == ""
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
	ws, bosh := prometheus.Labels{"transport": "websocket"}, prometheus.Labels{"transport": "bosh"}
	tcp := prometheus.Labels{"transport": "tcp"}
	counter("foyer_streams_opened_total", "Streams opened.", ws, func() int64 { return s.gateway.Stats().WebSocketsOpened })
	counter("foyer_streams_opened_total", "Streams opened.", bosh, func() int64 { return s.gateway.Stats().BOSHOpened })
	counter("foyer_streams_opened_total", "Streams opened.", tcp, func() int64 { return s.gateway.Stats().TCPOpened })
	gauge("foyer_streams_open", "Streams open now.", tcp, func() int64 { return s.gateway.Stats().TCP })
	gauge("foyer_streams_open", "Streams open now.", ws, func() int64 { return s.gateway.Stats().WebSockets })
	gauge("foyer_streams_open", "Streams open now.", bosh, func() int64 { return s.gateway.Stats().BOSH })
	counter("foyer_sessions_bound_total", "Chat sessions bound.", nil, func() int64 { return s.chat.Figures().SessionsBound })
	counter("foyer_sessions_resumed_total", "Chat streams resumed.", nil, func() int64 { return s.chat.Figures().SessionsResumed })
	gauge("foyer_sessions", "Chat sessions, those that wait for resumption included.", nil, func() int64 { return s.chat.Figures().Sessions })
	counter("foyer_roster_gets_total", "Rosters fetched.", nil, func() int64 { return s.chat.Figures().RosterGets })
	counter("foyer_messages_archived_total", "Messages stored.", nil, func() int64 { return s.chat.Figures().Archived })
	counter("foyer_messages_expired_total", "Messages removed by retention.", prometheus.Labels{"archive": "people"}, s.expired.people.Load)
	counter("foyer_messages_expired_total", "Messages removed by retention.", prometheus.Labels{"archive": "rooms"}, s.expired.rooms.Load)
	counter("foyer_messages_expired_total", "Messages removed by retention.", prometheus.Labels{"archive": "offline"}, s.expired.offline.Load)
	counter("foyer_uploads_total", "Files received.", nil, func() int64 { return s.uploads.Figures().Received })
	counter("foyer_upload_bytes_total", "Bytes of files received.", nil, func() int64 { return s.uploads.Figures().ReceivedBytes })
	counter("foyer_downloads_total", "Files sent, whole or in part.", nil, func() int64 { return s.uploads.Figures().Sent })
	counter("foyer_uploads_removed_total", "Files removed, and slots that nobody used.", nil, func() int64 { return s.uploads.Figures().Removed })
}
