package app

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream/streamtest"

	"github.com/gofiber/fiber/v2"
)

// packedForm is a form of that many MiB of zeros, packed. What is packed may be put together of
// parts that are packed each: the same MiB is packed once.
func packedForm(t *testing.T, mebibytes int) (body []byte, contentType string) {
	t.Helper()
	var plain bytes.Buffer
	form := multipart.NewWriter(&plain)
	if _, err := form.CreateFormField("csrf"); err != nil {
		t.Fatal(err)
	}
	begin := packed(t, plain.Bytes())
	plain.Reset()
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	zeros := bytes.Repeat(packed(t, make([]byte, 1<<20)), mebibytes)
	return slices.Concat(begin, zeros, packed(t, plain.Bytes())), form.FormDataContentType()
}

func packed(t *testing.T, plain []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// a body that claims to be packed is refused on every route, and nothing
// is unpacked.
func TestBody_PackedIsRefused(t *testing.T) {
	_, base := start(t, nil)
	body, contentType := packedForm(t, 64)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, path := range []string{"/signin", "/signup", "/settings/picture", "/rooms", "/http-bind", "/xmpp/prebind", "/upload/secret/name", "/nowhere"} {
		for _, coding := range []string{"gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "x-gzip"} {
			method := http.MethodPost
			if path == "/upload/secret/name" {
				method = http.MethodPut
			}
			req, err := http.NewRequest(method, base+path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", contentType)
			req.Header.Set("Content-Encoding", coding)
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			if err != nil {
				t.Fatalf("%s %s: %v", path, coding, err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%s %s: %d, want 415", path, coding, resp.StatusCode)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 48<<20 {
		t.Errorf("refusing took %d MiB; something was unpacked", took>>20)
	}
}

// what is read of a body is what its route takes, and it costs what has
// arrived.
func TestBody_Read(t *testing.T) {
	share := newBodies(nil)
	read := func(r io.Reader, length, limit int) ([]byte, error) {
		b := &body{share: share, client: "a"}
		defer b.release()
		err := b.read(r, length, limit)
		return b.data, err
	}
	data := bytes.Repeat([]byte("0123456789"), 20_000)
	for name, c := range map[string]struct {
		r             io.Reader
		length, limit int
		want          error
	}{
		"known":           {bytes.NewReader(data), len(data), len(data), nil},
		"chunked":         {bytes.NewReader(data), -1, len(data), nil},
		"byte by byte":    {iotest.OneByteReader(bytes.NewReader(data)), -1, len(data), nil},
		"end with it":     {iotest.DataErrReader(bytes.NewReader(data)), -1, len(data), nil},
		"said too large":  {iotest.ErrReader(errors.New("nothing is read")), len(data), len(data) - 1, fiber.ErrRequestEntityTooLarge},
		"is too large":    {bytes.NewReader(data), -1, len(data) - 1, fiber.ErrRequestEntityTooLarge},
		"is cut off":      {bytes.NewReader(data), len(data) + 1, len(data) + 1, fiber.ErrBadRequest},
		"says a lot more": {strings.NewReader("x"), 8 << 20, 9 << 20, fiber.ErrBadRequest},
	} {
		got, err := read(c.r, c.length, c.limit)
		if !errors.Is(err, c.want) || (err == nil && !bytes.Equal(got, data)) {
			t.Errorf("%s: %d bytes, %v, want %v", name, len(got), err, c.want)
		}
	}
	if got := testing.AllocsPerRun(1, func() { _, _ = read(strings.NewReader("x"), 8<<20, 9<<20) }); got > 20 {
		t.Errorf("%v allocations", got)
	}
	if _, ok := share.TryAcquire("a", bodiesOfOneClient); !ok {
		t.Error("something was not given back")
	}
	if _, err := read(bytes.NewReader(data), -1, len(data)); !errors.Is(err, errTooManyBodies) {
		t.Errorf("beyond the client's share: %v", err)
	}
	if _, err := read(bytes.NewReader(data[:freeBody-1]), -1, len(data)); err != nil {
		t.Errorf("small bodies need no share: %v", err)
	}
}

// unfinished bodies to the gateway and to the settings, each said to be as
// large as the route allows, cost next to nothing; and each route refuses what is
// beyond its own bound.
func TestBody_Unfinished(t *testing.T) {
	s, base := start(t, nil)
	host := strings.TrimPrefix(base, "http://")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var unfinished []*net.TCPConn
	for i := range 100 {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		unfinished = append(unfinished, conn.(*net.TCPConn))
		path, size := "/http-bind", s.gateway.MaxBody()
		if i%2 == 1 {
			path, size = "/settings/picture", maxPictureBody
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, size, strings.Repeat("x", 20_000))
	}
	// The answer to a body that ends too early tells that it has been read.
	for _, conn := range unfinished {
		_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 12)
		if _, err := io.ReadFull(conn, line); err != nil || string(line) != "HTTP/1.1 400" {
			t.Errorf("a body that ends too early: %q %v", line, err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 30<<20 {
		t.Errorf("100 unfinished bodies take %d MiB, at most 30 in all are right", took>>20)
	}
	for path, size := range map[string]int{"/signin": maxFormBody + 1, "/xmpp/prebind": maxFormBody + 1, "/settings/picture": maxPictureBody + 1} {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, size, strings.Repeat("x", 9000))
		line := make([]byte, 12)
		if _, err := io.ReadFull(conn, line); err != nil || string(line) != "HTTP/1.1 413" {
			t.Errorf("%s: %q %v", path, line, err)
		}
	}
}

// cookies of other programs, up to 32 KiB of them, are in nobody's way;
// beyond that a page says so, and JSON where pages ask for that.
func TestHeader_ManyCookies(t *testing.T) {
	_, base := start(t, nil)
	b := newBrowser(t, base)
	b.signIn("alice")
	with := func(size int, path string) *browser {
		b.headers["Cookie"] = "foyer=" + b.cookies["foyer"].Value + "; sso=" + strings.Repeat("x", size)
		own := *b
		own.cookies = map[string]*http.Cookie{}
		return own.get(path)
	}
	with(32<<10, "/settings").wants(200, "Devices")
	with(32<<10, "/xmpp/me").wants(200, `"alice"`)
	for _, size := range []int{37 << 10, 60 << 10, 200 << 10} {
		with(size, "/settings").wants(431, "too many cookies")
		with(size, "/xmpp/me").wants(431, `{"error":"`)
	}
}

// the log says it, as it does of every limit that is met: once a minute
// (budget.LimitLog), however many such requests there are.
func TestHeader_Logged(t *testing.T) {
	for _, size := range []int{maxHeader - 2<<10, maxHeader + 2<<10, 2 * maxReadAhead} { // that are served, refused, and not even read
		var out strings.Builder
		_, base := startChanged(t, nil, func(s *Server) {
			s.limits = budget.NewLimitLog(slog.New(slog.NewTextHandler(&out, nil)))
			s.middleware.limits = s.limits
		})
		b := newBrowser(t, base)
		b.headers["Cookie"] = "sso=" + strings.Repeat("x", size)
		want := map[bool]int{true: 1}[size >= maxHeader]
		for range 3 {
			b.get("/signin")
		}
		if got := strings.Count(out.String(), largeHeaders.Name); got != want {
			t.Errorf("%d bytes: %d lines of the log, want %d:\n%s", size, got, want, out.String())
		}
	}
}

// XEP-0124 §17.2 (B-09): a BOSH request that is too large is told so in BOSH's own words,
// and ends its session, whether its length was told or not.
func TestBody_TooLargeForBOSH(t *testing.T) {
	s, base := start(t, nil)
	for _, chunked := range []bool{false, true} {
		created := bosh(t, base, `<body `+boshNS+` rid="1" to="localhost" ver="1.11" wait="10" hold="1" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"/>`)
		_, rest, _ := strings.Cut(created, ` sid="`)
		sid, _, _ := strings.Cut(rest, `"`)
		if openStreams(s) != 1 {
			t.Fatalf("no session: %s", created)
		}
		var body io.Reader = strings.NewReader(`<body ` + boshNS + ` rid="2" sid="` + sid + `">` + strings.Repeat("x", s.gateway.MaxBody()) + `</body>`)
		if chunked {
			body = io.MultiReader(body)
		}
		resp, err := http.Post(base+"/http-bind", "text/xml", body)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !resp.Close || resp.Header.Get("Content-Type") != "text/xml; charset=utf-8" ||
			!strings.Contains(string(raw), `type="terminate" condition="policy-violation"`) {
			t.Errorf("chunked %t: %d %v %s, %v", chunked, resp.StatusCode, resp.Header, raw, err)
		}
		eventually(t, func() bool { return openStreams(s) == 0 })
	}
	resp, err := http.Get(base + "/http-bind")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
}

func openStreams(s *Server) (open int64) {
	for _, n := range s.gateway.Stats().Open {
		open += n
	}
	return open
}
