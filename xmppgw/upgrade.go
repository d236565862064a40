package xmppgw

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

// The WebSocket handshake, so that an idle connection costs little: fasthttp
// keeps the request and its read buffer (as large as the largest request
// header) until a hijack handler returns, so ours returns at once, and the
// connection goes on without either.

// Buffers of a WebSocket: frames are read into the former, and only control
// frames are written through the latter.
const (
	wsReadBuffer  = 1024
	wsWriteBuffer = 512
)

// upgradePatience bounds the writing of the handshake's response.
const upgradePatience = 10 * time.Second

// upgrade answers a request that checkUpgrade let pass, and serves the
// connection on a goroutine of its own.
func upgrade(c *fasthttp.RequestCtx, serve func(*websocket.Conn)) {
	request := handshake(c)
	c.HijackSetNoResponse(true) // the library writes it
	c.Hijack(func(conn net.Conn) {
		early := arrived(conn)
		conn = conn.(interface{ UnsafeConn() net.Conn }).UnsafeConn()
		go func() {
			u := websocket.Upgrader{
				ReadBufferSize: wsReadBuffer, WriteBufferSize: wsWriteBuffer, Subprotocols: []string{"xmpp"},
				HandshakeTimeout: upgradePatience, CheckOrigin: func(*http.Request) bool { return true }, // identify checked it
			}
			ws, err := u.Upgrade(&hijacked{conn: conn, early: early}, request, nil)
			if err != nil {
				conn.Close()
				return
			}
			serve(ws)
		}()
	})
}

// handshake is what the library reads of the request.
func handshake(c *fasthttp.RequestCtx) *http.Request {
	header := make(http.Header)
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Version", "Sec-Websocket-Key"} {
		header.Set(name, string(c.Request.Header.Peek(name)))
	}
	header.Set("Sec-Websocket-Protocol", "xmpp")
	return &http.Request{Method: http.MethodGet, Header: header}
}

// arrived returns what the client sent without waiting for the response, which
// stands in fasthttp's buffer.
func arrived(conn net.Conn) []byte {
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // nothing is read from the socket
	early, _ := io.ReadAll(conn)
	_ = conn.SetReadDeadline(time.Time{})
	return early
}

// hijacked is a connection as the library wants it.
type hijacked struct {
	conn  net.Conn
	early []byte
}

var _ http.Hijacker = (*hijacked)(nil)

// Header implements http.ResponseWriter.
func (h *hijacked) Header() http.Header { return make(http.Header) }

// Write implements http.ResponseWriter.
func (h *hijacked) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (h *hijacked) WriteHeader(int) {}

// Hijack implements http.Hijacker.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(h.early), h.conn), max(16, len(h.early)))
	if _, err := r.Peek(len(h.early)); err != nil {
		return nil, nil, err
	}
	return h.conn, bufio.NewReadWriter(r, bufio.NewWriterSize(h.conn, 16)), nil
}
