package xmppgw

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// Connections that leave the HTTP server. It keeps a request and its read buffer,
// as large as the largest header, while a handler runs; what waits for long, a
// WebSocket or a BOSH request, goes on without either.

// Detacher is a connection that leaves the HTTP server while that goes on to use
// what it kept for it: the server closes such a connection when the handler is done,
// and takes its buffer for another. A listener whose connections are no Detachers is
// served as well, but each stream keeps that buffer.
type Detacher interface {
	net.Conn

	// Detach returns the connection for another to read, write and close. Closing
	// the Detacher itself does nothing from then on.
	Detach() net.Conn
}

// hijack answers a request with what the handler has set, unless silent, and then
// hands over its connection, with what the client has sent early.
func hijack(c *fasthttp.RequestCtx, silent bool, serve func(nc net.Conn, early *bytes.Reader)) {
	c.HijackSetNoResponse(silent)
	c.Hijack(func(conn net.Conn) {
		early := arrived(conn)
		nc := unwrapPrefixed(conn.(interface{ UnsafeConn() net.Conn }).UnsafeConn())
		if d, ok := nc.(Detacher); ok {
			go serve(d.Detach(), bytes.NewReader(early))
			return
		}
		serve(nc, bytes.NewReader(early))
	})
}

// arrived returns what the client sent without waiting for the response, which
// stands in the server's buffer.
func arrived(conn net.Conn) []byte {
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // nothing is read from the socket
	early, _ := io.ReadAll(conn)
	_ = conn.SetDeadline(time.Time{})
	return early
}

// acceptKey answers a handshake's key (RFC 6455 §4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
