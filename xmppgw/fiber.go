package xmppgw

import (
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/fasthttp/websocket"
	"github.com/gofiber/fiber/v2"
)

// The adapter to Fiber: nothing else here knows it.

// Mount adds the gateway's routes: /xmpp-websocket, /http-bind and discovery.
func (g *Gateway) Mount(r *fiber.App) {
	r.Server().KeepHijackedConns = true // WebSockets outlive their handler (upgrade.go)
	r.Get("/xmpp-websocket", g.fiberWebSocket())
	r.All("/http-bind", g.fiberBOSH)
	r.Get("/.well-known/host-meta", g.fiberHostMeta)
	r.Get("/.well-known/host-meta.json", g.fiberHostMetaJSON)
}

// fiberHeader reads a request's headers. The values are copied: Fiber's own live
// only as long as the handler.
type fiberHeader struct{ c *fiber.Ctx }

func (h fiberHeader) Get(name string) string { return strings.Clone(h.c.Get(name)) }

// peerAddress is the TCP peer's IP; Fiber's c.IP() would believe any header.
func peerAddress(c *fiber.Ctx) string { return c.Context().RemoteIP().String() }

func (g *Gateway) fiberWebSocket() fiber.Handler {
	return func(c *fiber.Ctx) error {
		if status, text := checkUpgrade(c); status != 0 {
			c.Set("Sec-WebSocket-Version", "13") // RFC 6455 §4.4
			return c.Status(status).SendString(text)
		}
		who, err := g.identify(c.UserContext(), fiberHeader{c}, peerAddress(c))
		if errors.Is(err, errForeignOrigin) {
			return c.Status(http.StatusForbidden).SendString("This endpoint serves the pages of this site only.")
		}
		upgrade(c.Context(), func(conn *websocket.Conn) { g.serveWebSocket(conn, who, err) })
		return nil
	}
}

// checkUpgrade makes the checks of RFC 6455 §4.2.1 and RFC 7395 §3.1 that the
// library leaves open (W-01, W-02). Status 0: all is well.
func checkUpgrade(c *fiber.Ctx) (status int, text string) {
	switch {
	case !fasthttpUpgrade(c):
		return http.StatusUpgradeRequired, "This is a WebSocket endpoint for XMPP (RFC 7395)."
	case c.Get("Sec-WebSocket-Version") != "13":
		return http.StatusUpgradeRequired, "Only WebSocket version 13 is supported."
	case !offersXMPP(c):
		return http.StatusBadRequest, "Offer the WebSocket subprotocol xmpp (RFC 7395 §3.1)."
	}
	key, err := base64.StdEncoding.DecodeString(c.Get("Sec-WebSocket-Key"))
	if err != nil || len(key) != 16 {
		return http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64."
	}
	return 0, ""
}

func fasthttpUpgrade(c *fiber.Ctx) bool {
	return websocket.FastHTTPIsWebSocketUpgrade(c.Context())
}

// offersXMPP looks for the exact token in any of the headers, and leaves it as
// the only one for the library, which reads just the first.
func offersXMPP(c *fiber.Ctx) bool {
	for _, h := range c.Request().Header.PeekAll("Sec-WebSocket-Protocol") {
		for _, p := range strings.Split(string(h), ",") {
			if strings.TrimSpace(p) == "xmpp" {
				c.Request().Header.Set("Sec-WebSocket-Protocol", "xmpp")
				return true
			}
		}
	}
	return false
}

// fiberBOSH answers POST; other methods have nothing here (B-06, B-07).
func (g *Gateway) fiberBOSH(c *fiber.Ctx) error {
	g.allowOrigin(c)
	switch c.Method() {
	case fiber.MethodPost:
	case fiber.MethodOptions:
		c.Set("Access-Control-Allow-Methods", "POST")
		c.Set("Access-Control-Allow-Headers", "Content-Type")
		c.Set("Access-Control-Max-Age", "7200")
		return c.SendStatus(http.StatusNoContent)
	default:
		c.Set("Allow", "POST, OPTIONS")
		return c.Status(http.StatusMethodNotAllowed).SendString("This is a BOSH endpoint (XEP-0124); it answers POST.")
	}
	// As it came: no coding was advertised (B-05), and one that unpacks to more
	// than it seems is not unpacked. It outlives the handler's buffer.
	body := append([]byte(nil), c.BodyRaw()...)
	reply := g.post(c.UserContext(), boshHTTP{header: fiberHeader{c}, peer: peerAddress(c), body: body, gone: peerGone(c.Context().Conn())})
	if reply.status == 0 {
		c.Context().HijackSetNoResponse(true)
		c.Context().Hijack(func(conn net.Conn) { conn.(interface{ UnsafeConn() net.Conn }).UnsafeConn().Close() })
		return nil
	}
	c.Set("Cache-Control", "no-store")
	c.Set("Content-Type", boshContentType) // B-03
	return c.Status(reply.status).Send(reply.body)
}

// allowOrigin echoes one of the site's own origins, never * (B-06).
func (g *Gateway) allowOrigin(c *fiber.Ctx) {
	c.Vary("Origin")
	if origin := c.Get("Origin"); origin != "" && g.cfg.Origin(origin) {
		c.Set("Access-Control-Allow-Origin", origin)
		c.Set("Access-Control-Allow-Credentials", "true")
	}
}

func (g *Gateway) fiberHostMeta(c *fiber.Ctx) error {
	c.Set("Access-Control-Allow-Origin", "*") // W-20
	c.Set("Content-Type", "application/xrd+xml")
	return c.Send(g.hostMeta())
}

func (g *Gateway) fiberHostMetaJSON(c *fiber.Ctx) error {
	raw, err := g.hostMetaJSON()
	if err != nil {
		return err
	}
	c.Set("Access-Control-Allow-Origin", "*")
	c.Set("Content-Type", "application/json")
	return c.Send(raw)
}
