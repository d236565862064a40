package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream/streamtest"

	"github.com/valyala/fasthttp"
)

// dialLocal connects to a server for as long as a test may take.
func dialLocal(t *testing.T, host string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * streamtest.Timeout))
	return conn.(*net.TCPConn)
}

// statusAfter sends a request to its end, then reads the answer to its end.
func statusAfter(t *testing.T, host, request string) int {
	t.Helper()
	conn := dialLocal(t, host)
	if _, err := io.Copy(conn, strings.NewReader(request)); err != nil {
		t.Errorf("the server did not take the request to its end: %v", err)
		return 0
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("after the answer: %v", err)
	}
	return resp.StatusCode
}

// RFC 9112 §9.6: a client that sends all of its request before it reads sees why
// it was refused, on every way on which that is not read to its end. It is more
// than the system keeps for a server that does not read.
func TestLinger_EarlyAnswers(t *testing.T) {
	_, base := start(t, nil)
	host := strings.TrimPrefix(base, "http://")
	rest := strings.Repeat("x", 12<<20)
	withBody := func(header, body string) string {
		return fmt.Sprintf("%s\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", header, len(body), body)
	}
	with := func(header string) string { return withBody(header, rest) }
	chunked := fmt.Sprintf("POST /signin HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(rest), rest)
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"a header too large":              {"GET /settings HTTP/1.1\r\nHost: h\r\nCookie: a=" + rest + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"a header a bit too large":        {with("POST /signin HTTP/1.1\r\nCookie: a=" + rest[:maxHeader]), http.StatusRequestHeaderFieldsTooLarge},
		"a header that is none":           {"GET / HTTP/1.1\r\nno header\r\n\r\n" + rest, http.StatusBadRequest},
		"no HTTP":                         {rest[:100] + "\r\n\r\n" + rest, http.StatusBadRequest},
		"a form too large":                {with("POST /signin HTTP/1.1"), http.StatusRequestEntityTooLarge},
		"a form too large, chunked":       {chunked, http.StatusRequestEntityTooLarge},
		"a picture too large":             {with("POST /settings/picture HTTP/1.1"), http.StatusRequestEntityTooLarge},
		"a BOSH body too large":           {with("POST /http-bind HTTP/1.1"), http.StatusOK}, // it is told in BOSH's own words (B-09)
		"a packed body":                   {with("POST /signin HTTP/1.1\r\nContent-Encoding: gzip"), http.StatusUnsupportedMediaType},
		"a file that nobody asked for":    {with("PUT /upload/nothing/name.txt HTTP/1.1"), http.StatusNotFound},
		"a page that there is not":        {withBody("PUT /nowhere HTTP/1.1", rest[:1<<20]), http.StatusRequestEntityTooLarge},
		"no WebSocket for a foreign page": {"GET /xmpp-websocket HTTP/1.1\r\nHost: h\r\nOrigin: https://elsewhere.example\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n" + rest, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			if got := statusAfter(t, host, c.request); got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
		})
	}
}

// serveBounded serves answers on a listener whose connections linger as told.
func serveBounded(t *testing.T, most int, linger lingering, readTimeout time.Duration) (host string) {
	t.Helper()
	conns := newConnections(most, most, nil, slog.New(slog.DiscardHandler), nil)
	conns.linger = linger
	l := conns.listen(listenLocal(t))
	server := &fasthttp.Server{
		Handler: func(c *fasthttp.RequestCtx) { c.SetConnectionClose() }, ConnState: conns.follow,
		ReadTimeout: readTimeout, ReduceMemoryUsage: true, StreamRequestBody: true,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-served); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// RFC 9110 §15.5.9: so is a client that took too long.
func TestLinger_Timeout(t *testing.T) {
	host := serveBounded(t, 10, defaultLingering(nil), 50*time.Millisecond)
	conn, answer, line := begin(t, host)
	for line == "" { // on a busy machine the time was over before the request had begun
		conn, answer, line = begin(t, host)
	}
	if !strings.Contains(line, " 400 ") { // the library's; the site's is 408
		t.Fatalf("%q", line)
	}
	if _, err := io.CopyN(conn, zeros{}, 12<<20); err != nil {
		t.Errorf("what comes after the answer: %v", err)
	}
	if _, err := io.Copy(io.Discard, answer); err != nil {
		t.Errorf("the end of the answer: %v", err)
	}
}

// begin sends the first line of a request and no more, and returns the first line of the
// answer once the server has given up; empty: it has not seen the request.
func begin(t *testing.T, host string) (net.Conn, *bufio.Reader, string) {
	t.Helper()
	conn := dialLocal(t, host)
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n")
	answer := bufio.NewReader(conn)
	line, _ := answer.ReadString('\n')
	return conn, answer, line
}

const wholeRequest = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// a connection does not linger for ever, whatever its client does.
func TestLinger_Bounds(t *testing.T) {
	long := time.Hour
	ends := func(t *testing.T, linger lingering, next []byte) {
		host := serveBounded(t, 1, linger, 0)
		conn := dialLocal(t, host)
		if _, err := io.WriteString(conn, wholeRequest); err != nil {
			t.Fatal(err)
		}
		for len(next) > 0 {
			if _, err := conn.Write(next); errors.Is(err, net.ErrClosed) || isTimeout(err) {
				t.Fatalf("the connection goes on: %v", err)
			} else if err != nil {
				break
			}
		}
		// There is one place, and it is free.
		if got := statusAfter(t, host, wholeRequest); got != http.StatusOK {
			t.Errorf("the next client: %d", got)
		}
	}
	t.Run("silent", func(t *testing.T) { ends(t, lingering{time.Millisecond, long, 1 << 30, nil}, nil) })
	t.Run("slow", func(t *testing.T) { ends(t, lingering{long, time.Millisecond, 1 << 30, nil}, []byte("x")) })
	t.Run("without end", func(t *testing.T) { ends(t, lingering{long, long, 1 << 20, nil}, make([]byte, 64<<10)) })
	t.Run("more than its address may", func(t *testing.T) {
		each := budget.NewRate(budget.Limit{}, 1, 1<<20, nil)
		ends(t, lingering{50 * time.Millisecond, long, 1 << 40, each}, make([]byte, 64<<10))
	})
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
