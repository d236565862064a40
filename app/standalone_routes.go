package app

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// routes is every address of the gateway by itself.
func (s *Standalone) routes() {
	cfg := webConfig()
	cfg.ErrorHandler = s.handleError
	s.web = s.front.boundedWeb(cfg)
	s.web.Use(xmppgw.BOSHPath, s.front.gateway.AllowOrigin) // before all that may refuse
	s.web.Use(s.front.middleware.limitHeader, s.front.middleware.refuseCompressedBody)
	s.web.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	s.web.Get("/readyz", s.readyz)
	s.web.Get("/metrics", s.front.showMetrics(metricsOf(s.register)))
	s.web.Use(xmppgw.BOSHPath, s.front.middleware.boshBody())
	s.web.Use(s.front.middleware.bufferBody(maxFormBody), s.front.middleware.deadline)
	s.front.gateway.Mount(s.web)
}

// handleError answers what went wrong in a line of text: there are no pages.
func (s *Standalone) handleError(c *fiber.Ctx, err error) error {
	status, public := explain(err)
	s.front.delayRefusal(c, status)
	if status >= http.StatusInternalServerError {
		s.front.logFailure(c, status, err)
	}
	return c.Status(status).SendString(public + "\n")
}

// readyFor is how long an answer to /readyz stands: everybody may ask, and each look at
// the servers costs them a connection.
const readyFor = 5 * time.Second

// readiness is which of the servers answered, lately.
type readiness struct {
	mu  sync.Mutex // held while it is looked
	at  time.Time
	err map[string]error // by domain; nil: it answers
}

// readyz: GET /readyz — at least one of the domains' servers answers; which do stands in the
// answer. One domain's outage does not take the gateway from the others.
func (s *Standalone) readyz(c *fiber.Ctx) error {
	s.checked.mu.Lock()
	defer s.checked.mu.Unlock()
	if time.Since(s.checked.at) >= readyFor {
		s.checked.err, s.checked.at = s.check(), time.Now()
	}
	var text strings.Builder
	status := http.StatusServiceUnavailable
	for _, domain := range s.domains {
		if s.checked.err[domain] != nil {
			text.WriteString(domain + ": its XMPP server does not answer; the log says why\n")
			continue
		}
		status = http.StatusOK
		text.WriteString(domain + ": ok\n")
	}
	return c.Status(status).SendString(text.String())
}

// check looks at every domain's server.
func (s *Standalone) check() map[string]error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	errs := make([]error, len(s.domains))
	var all sync.WaitGroup
	for i, domain := range s.domains {
		all.Go(func() { errs[i] = s.relays[domain].Check(ctx) })
	}
	all.Wait()
	found := make(map[string]error)
	for i, domain := range s.domains {
		found[domain] = errs[i]
		if errs[i] != nil {
			s.log.Warn("an XMPP server is not ready", "domain", domain, "err", errs[i])
		}
	}
	return found
}

// register exports what the gateway counts, and what the links to each domain's server do.
func (s *Standalone) register(r prometheus.Registerer) {
	r.MustRegister(newGatewayMetrics(s.front.gateway.Stats, s.domains...), s.front.memoryMetric())
	for _, domain := range s.domains {
		figures := s.relays[domain].Stats
		r.MustRegister(newUpstreamMetrics(figures, domain))
		counter := func(name, help string, value func() int64, labels prometheus.Labels) {
			labels["domain"] = domain
			r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
				func() float64 { return float64(value()) }))
		}
		for outcome, value := range map[string]func() int64{
			"success": func() int64 { return figures().SignedIn },
			"refused": func() int64 { return figures().Refused },
			"failed":  func() int64 { return figures().Failed },
		} {
			counter("foyer_domain_logins_total", "Logins at a domain's server; failed: it was away, or insecure.", value, prometheus.Labels{"outcome": outcome})
		}
		counter("foyer_domain_links_lost_total", "Streams that ended as the connection to the domain's server was lost.",
			func() int64 { return figures().Lost }, prometheus.Labels{})
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "foyer_domain_streams", Help: "Streams to a domain now.", ConstLabels: prometheus.Labels{"domain": domain}},
			func() float64 { return float64(figures().Streams) }))
	}
}
