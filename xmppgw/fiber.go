package xmppgw

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// The adapter to Fiber: nothing else here knows it.

// Mount adds the gateway's routes: /xmpp-websocket, /http-bind and discovery.
func (g *Gateway) Mount(r *fiber.App) {
	r.Get("/xmpp-websocket", g.fiberWebSocket)
	r.All(BOSHPath, g.AllowOrigin, g.fiberBOSH)
	r.Get("/.well-known/host-meta", g.fiberHostMeta)
	r.Get("/.well-known/host-meta.json", g.fiberHostMetaJSON)
}

// BOSHPath is where BOSH is.
const BOSHPath = "/http-bind"

// fiberHeader reads a request's headers. The values are copied: Fiber's own live
// only as long as the handler.
type fiberHeader struct{ c *fiber.Ctx }

// Get implements Header.
func (h fiberHeader) Get(name string) string {
	separator, list := listSeparator(name)
	if !list {
		return strings.Clone(h.c.Get(name))
	}
	lines := h.c.Request().Header.PeekAll(name)
	all := make([]string, len(lines))
	for i, line := range lines {
		all[i] = string(line)
	}
	return strings.Join(all, separator)
}

// peerAddress is the TCP peer's IP; Fiber's c.IP() would believe any header.
func peerAddress(c *fiber.Ctx) string { return c.Context().RemoteIP().String() }

// fiberWebSocket accepts a handshake, and lets the stream go on without the HTTP
// server.
func (g *Gateway) fiberWebSocket(c *fiber.Ctx) error {
	if status, text := checkUpgrade(c); status != 0 {
		c.Set("Sec-WebSocket-Version", "13") // RFC 6455 §4.4
		return c.Status(status).SendString(text)
	}
	who, err := g.identify(c.UserContext(), fiberHeader{c}, peerAddress(c))
	if errors.Is(err, errForeignOrigin) {
		return c.Status(http.StatusForbidden).SendString("Pages of this origin may not chat here. The operator of this site lists those that may in CHAT_ORIGINS, or in GATEWAY_ORIGINS for `foyer gateway`.")
	}
	c.Set("Upgrade", "websocket")
	c.Set("Connection", "Upgrade")
	c.Set("Sec-WebSocket-Accept", acceptKey(c.Get("Sec-WebSocket-Key")))
	c.Set("Sec-WebSocket-Protocol", "xmpp")
	hijack(c.Context(), false, func(nc net.Conn, early *bytes.Reader) { g.serveWebSocket(nc, early, &who, err) })
	return c.SendStatus(http.StatusSwitchingProtocols)
}

// checkUpgrade makes the checks of RFC 6455 §4.2.1 and RFC 7395 §3.1 (W-01,
// W-02). Status 0: all is well.
func checkUpgrade(c *fiber.Ctx) (status int, text string) {
	switch {
	case !lists(c, "Upgrade", "websocket") || !lists(c, "Connection", "upgrade"):
		return http.StatusUpgradeRequired, "This is a WebSocket endpoint for XMPP (RFC 7395)."
	case c.Method() != fiber.MethodGet || !c.Request().Header.IsHTTP11():
		return http.StatusBadRequest, "A WebSocket begins with a GET of HTTP/1.1."
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

// lists reports whether a header, which is a list, has that token in it.
func lists(c *fiber.Ctx, header, token string) bool {
	for _, h := range c.Request().Header.PeekAll(header) {
		for t := range strings.SplitSeq(string(h), ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// offersXMPP looks for the exact token in any of the headers.
func offersXMPP(c *fiber.Ctx) bool {
	for _, h := range c.Request().Header.PeekAll("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(string(h), ",") {
			if strings.TrimSpace(p) == "xmpp" {
				return true
			}
		}
	}
	return false
}

// fiberBOSH answers POST; other methods have nothing here (B-06, B-07).
func (g *Gateway) fiberBOSH(c *fiber.Ctx) error {
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
	conn := &boshConn{
		gateway: g, server: c.App().Server(), peer: peerAddress(c),
		exchange: exchange{
			origin: string(c.Response().Header.Peek("Access-Control-Allow-Origin")),
			last:   c.Request().Header.ConnectionClose(), http10: !c.Request().Header.IsHTTP11(),
			gzip: g.compressesFor(fiberHeader{c}), site: g.cfg.Auth != nil,
		},
	}
	conn.submit(c.UserContext(), boshHTTP{
		header: fiberHeader{c}, peer: conn.peer,
		body:   append([]byte(nil), c.BodyRaw()...),  // it outlives the handler's buffer
		packed: g.Unpacks(c.Get("Content-Encoding")), // otherwise no coding was advertised (B-05)
	})
	hijack(c.Context(), true, conn.begin)
	return nil
}

// TooLarge answers a request to BOSHPath whose body is larger than MaxBody, and of which
// only the beginning was read: the session that it is for ends (B-09). The caller sees to
// the connection.
func (g *Gateway) TooLarge(c *fiber.Ctx, beginning []byte) error {
	r := boshHTTP{header: fiberHeader{c}, peer: peerAddress(c), body: beginning}
	reply := boshReply{status: http.StatusForbidden, body: terminal(boshPolicyViolation)}
	if from, err := g.callerOf(r.header, r.peer); err == nil {
		reply = g.unusable(c.UserContext(), from, r, boshPolicyViolation)
	}
	if reply.status == 0 { // B-54
		c.Context().HijackSetNoResponse(true)
		c.Context().Hijack(func(net.Conn) {})
		return nil
	}
	c.Set("Content-Type", cmp.Or(reply.content, boshContentType))
	c.Set("Cache-Control", "no-store")
	return c.Status(reply.status).Send(reply.body)
}

// AllowOrigin lets pages read the answers of all that follows, errors included: it
// echoes an origin that is trusted, never * (B-06).
func (g *Gateway) AllowOrigin(c *fiber.Ctx) error {
	c.Vary("Origin")
	if origin := g.allowedOrigin(fiberHeader{c}); origin != "" {
		c.Set("Access-Control-Allow-Origin", origin)
		if g.cfg.Auth != nil { // without a site cookies mean nothing
			c.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	return c.Next()
}

func (g *Gateway) fiberHostMeta(c *fiber.Ctx) error {
	if !g.discoverable(requestHost(c)) {
		return c.SendStatus(http.StatusNotFound)
	}
	c.Set("Access-Control-Allow-Origin", "*") // W-20
	c.Set("Content-Type", "application/xrd+xml")
	return c.Send(g.hostMeta())
}

func (g *Gateway) fiberHostMetaJSON(c *fiber.Ctx) error {
	if !g.discoverable(requestHost(c)) {
		return c.SendStatus(http.StatusNotFound)
	}
	raw, err := g.hostMetaJSON()
	if err != nil {
		return err
	}
	c.Set("Access-Control-Allow-Origin", "*")
	c.Set("Content-Type", "application/json")
	return c.Send(raw)
}

// requestHost is the name in a request's Host header, without a port; what else a header
// claims (X-Forwarded-Host) does not count.
func requestHost(c *fiber.Ctx) string { return hostIn("//" + string(c.Request().Host())) }
