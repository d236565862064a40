package app

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// A proxy that is not trusted is told at the start, where https wants one, and once when it comes.
func TestProxies_Untrusted(t *testing.T) {
	for base, want := range map[string]bool{"https://chat.example.org": true, "https://localhost:8443": false, "http://localhost:3000": false} {
		var out bytes.Buffer
		s := &site{log: slog.New(slog.NewTextHandler(&out, nil)), cfg: Config{Env: "production", BaseURL: base}}
		if s.warnProxies(); strings.Contains(out.String(), "TRUSTED_PROXIES is empty") != want {
			t.Errorf("%s: %q", base, out.String())
		}
		out.Reset()
		s.proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		if s.warnProxies(); out.Len() > 0 {
			t.Errorf("%s, with a proxy: %q", base, out.String())
		}
	}
	var out bytes.Buffer
	s := &site{log: slog.New(slog.NewTextHandler(&out, nil)), cfg: Config{Env: "production"}, proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	web := fiber.New()
	defer func() { _ = web.Shutdown() }()
	c := web.AcquireCtx(&fasthttp.RequestCtx{})
	defer web.ReleaseCtx(c)
	if s.address(c); out.Len() > 0 {
		t.Errorf("without the header: %q", out.String())
	}
	c.Request().Header.Set("X-Forwarded-For", "192.0.2.7")
	for range 3 {
		if got := s.address(c); got != "0.0.0.0" {
			t.Errorf("it counts as %s", got)
		}
	}
	if strings.Count(out.String(), "address=0.0.0.0") != 1 {
		t.Errorf("%q", out.String())
	}
}

// Metrics without a token are for this machine and its network.
func TestOpenMetrics(t *testing.T) {
	for addr, want := range map[string]bool{"": false, "localhost:9100": false, "127.0.0.1:9100": false, "[::1]:9100": false, "10.0.0.5:9100": false, ":9100": true, "0.0.0.0:9100": true, "[::]:9100": true, "93.184.215.14:9100": true} {
		if OpenMetrics(addr) != want {
			t.Errorf("%q: %v", addr, !want)
		}
	}
}
