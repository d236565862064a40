package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"

	"foyer/internal/budget"
	"foyer/internal/stream"
	"foyer/xmppgw"
	"foyer/xmppgw/relay"

	"github.com/gofiber/fiber/v2"
)

// Standalone is the gateway by itself, for the XMPP servers of several domains: without
// pages, accounts or a database. Nobody is known here; each domain's own server decides
// who signs in.
type Standalone struct {
	cfg     GatewayConfig
	log     *slog.Logger
	front   *Server // listens, and bounds connections and requests; there is no site behind it
	web     *fiber.App
	relays  map[string]*relay.Relay // by domain
	domains []string                // of those, sorted
	checked readiness
}

// RunGateway runs the gateway by itself until ctx ends. What people should know goes to
// out, one line each; the log goes to log. An error says what to do.
func RunGateway(ctx context.Context, cfg GatewayConfig, out io.Writer, log *slog.Logger) error {
	s, err := newStandalone(cfg, log, nil)
	if err != nil {
		return err
	}
	l, err := s.listen()
	if err != nil {
		s.stop()
		return err
	}
	fmt.Fprintf(out, "The gateway is at %s, for %s.\n", s.front.BaseURL(), strings.Join(s.domains, ", "))
	return s.serve(ctx, l)
}

// newStandalone puts the gateway together; it does not listen yet. resolver is for tests;
// nil: the system's.
func newStandalone(cfg GatewayConfig, log *slog.Logger, resolver relay.Resolver) (*Standalone, error) {
	limits := budget.NewLimitLog(log)
	front := &Server{pages: &pages{site: &site{cfg: cfg.front(), log: log}}, limits: limits}
	front.baseURL.Store(cfg.BaseURL)
	front.refusals = newRefusals(cfg.RefusalsPerAddress, limits)
	var err error
	if front.proxies, err = parseProxies(cfg.TrustedProxies); err != nil {
		return nil, err
	}
	half := max((maxFiles()-reservedFiles)/2, 64) // as many go to the servers as come from clients
	front.conns = newConnections(half, cfg.ConnectionsPerAddress, front.proxies, log, limits)
	s := &Standalone{cfg: cfg, log: log, front: front, relays: make(map[string]*relay.Relay)}
	for domain := range cfg.Upstreams {
		if s.relays[domain], err = s.newRelay(domain, resolver, half); err != nil {
			delete(s.relays, domain)
			s.stop()
			return nil, err
		}
		s.domains = append(s.domains, domain)
	}
	slices.Sort(s.domains)
	if front.gateway, err = s.newGateway(); err != nil {
		s.stop()
		return nil, err
	}
	front.middleware = &middleware{site: front.site, bodies: newBodies(limits), timeout: requestTimeout, gateway: front.gateway, limits: limits}
	s.routes()
	return s, nil
}

// newRelay makes the link to a domain's server. Each domain has its part of the
// connections that there may be, so that none takes those of the others.
func (s *Standalone) newRelay(domain string, resolver relay.Resolver, links int) (*relay.Relay, error) {
	roots, err := s.front.cfg.upstreamRoots()
	if err != nil {
		return nil, err
	}
	return relay.New(relay.Config{
		Domain: domain, Upstream: s.cfg.Upstreams[domain], Roots: roots, Logger: s.log.With("domain", domain), Resolver: resolver,
		PassSASL: true, Public: !s.cfg.Private[domain], Links: max(links/len(s.cfg.Upstreams), 16),
		Streams: s.cfg.StreamsPerDomain, FailuresPerAddress: s.cfg.FailuresPerAddress, Recorder: s.front.limits,
	})
}

// newGateway makes the gateway in front of all of them.
func (s *Standalone) newGateway() (*xmppgw.Gateway, error) {
	servers, routes := make(map[string]stream.Server), make(map[string][]string)
	for domain, r := range s.relays {
		servers[domain] = r
		for _, address := range s.cfg.Upstreams[domain].Addresses() {
			routes[domain] = append(routes[domain], xmppgw.Route(address))
		}
	}
	return xmppgw.New(xmppgw.Config{
		Mode: string(LoginPassword), Domains: servers, Routes: routes, Gone: s.cfg.Gone, SeeOther: s.cfg.SeeOther, Compress: s.cfg.BOSHCompression, Logger: s.log, BaseURL: s.front.BaseURL, Origin: s.trust,
		Address: func(h xmppgw.Header, peer string) string {
			return clientAddress(s.front.proxies, peer, h.Get("X-Forwarded-For"))
		},
		Secure: func(h xmppgw.Header, peer string) bool {
			return secure(s.front.proxies, peer, h.Get("X-Forwarded-Proto"))
		},
		PerAddress: s.cfg.StreamsPerAddress, Recorder: s.front.limits,
		CreateRate: s.cfg.NewStreamsPerAddress, CreateBurst: streamBurst(s.cfg.NewStreamsPerAddress), Refusals: s.front.refusals.Refusals,
	})
}

// trust lets the pages of GATEWAY_ORIGINS in. Nobody's cookies mean anything here.
func (s *Standalone) trust(origin string) xmppgw.Trust {
	normal, err := normalOrigin(origin)
	if err == nil && slices.Contains(s.cfg.Origins, normal) {
		return xmppgw.TrustTokens
	}
	return xmppgw.TrustNone
}

// listen binds what is listened on.
func (s *Standalone) listen() (net.Listener, error) {
	l, err := s.front.listen()
	if err != nil {
		return nil, err
	}
	if s.front.metrics, err = s.front.listenMetrics(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// serve serves until ctx ends or the web server fails, and then stops in stages: streams
// are told to come back, which they can, to what their servers keep for them.
func (s *Standalone) serve(ctx context.Context, l net.Listener) error {
	work, stopWork := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { s.front.tendMemory(work) })
	if s.front.metrics != nil {
		background.Go(func() { s.front.serveMetrics(work, s.front.metrics, metricsOf(s.register)) })
	}
	failed := make(chan error, 1)
	go func() { failed <- s.web.Listener(l) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.stop()
	stopWork()
	background.Wait()
	l.Close() // a server that had not begun to serve was not stopped
	return err
}

// stop ends what has been made.
func (s *Standalone) stop() {
	limited, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var relays sync.WaitGroup
	for domain, r := range s.relays {
		relays.Go(func() {
			if err := r.Shutdown(limited); err != nil {
				s.log.Warn("some streams did not end in time", "domain", domain, "err", err)
			}
		})
	}
	relays.Wait()
	if s.front.gateway == nil {
		return
	}
	err := s.front.gateway.Shutdown(limited)
	s.front.refusals.stop()
	if s.web != nil {
		err = errors.Join(err, s.web.ShutdownWithContext(limited))
	}
	if err != nil {
		s.log.Warn("some requests did not end in time", "err", err)
	}
}
