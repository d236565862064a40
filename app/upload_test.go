package app

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/models"
	"foyer/token"
	"foyer/xmppd"
)

// pixels is a PNG of at least n bytes.
func pixels(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), bytes.Repeat([]byte("x"), max(n-b.Len(), 0))...)
}

// slot asks for one as the chat server does.
func (s *Server) slot(t testing.TB, user, name string, size int, mediaType string) xmppd.UploadSlot {
	t.Helper()
	slot, err := s.uploads.ReserveSlot(t.Context(), xmppd.UploadRequest{User: user, Name: name, Size: int64(size), Type: mediaType})
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// answer is what an HTTP request brought.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call makes a request of its own connection; headers are name, value, ….
func call(t testing.TB, method, address string, body io.Reader, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, raw}
}

func put(t testing.TB, address string, file []byte, headers ...string) answer {
	t.Helper()
	return call(t, "PUT", address, bytes.NewReader(file), headers...)
}

func (a answer) is(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("%d, want %d: %.200s", a.status, status, a.body)
	}
	return a
}

// has checks a header.
func (a answer) has(t testing.TB, name, want string) answer {
	t.Helper()
	if got := a.header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
	return a
}

// onDisk returns the names of all files in the store.
func (s *Server) onDisk(t testing.TB) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.cfg.DataDir, "uploads"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A file goes up and comes down (XEP-0363 §6, S-99).
func TestUpload(t *testing.T) {
	s, base := start(t, nil)
	file := pixels(t, 100_000)
	slot := s.slot(t, "alice", "très cool & so on.png", len(file), "image/png")
	for _, address := range []string{slot.Put, slot.Get} { // S-98
		if !strings.HasPrefix(address, base+"/upload/") || !strings.HasSuffix(address, "/tr%C3%A8s%20cool%20%26%20so%20on.png") || len(address) < len(base)+8+43 {
			t.Errorf("address %s", address)
		}
	}
	call(t, "GET", slot.Get, nil).is(t, 404)
	put(t, slot.Put, file, "Content-Type", "image/png").is(t, 201)
	put(t, slot.Put, file, "Content-Type", "image/png").is(t, 409) // once
	call(t, "GET", slot.Put, nil).is(t, 404)
	put(t, slot.Get, file).is(t, 404)
	got := call(t, "GET", slot.Get, nil).is(t, 200).has(t, "Content-Type", "image/png").has(t, "X-Content-Type-Options", "nosniff").
		has(t, "Content-Disposition", `inline; filename="tr_s cool & so on.png"; filename*=UTF-8''tr%C3%A8s%20cool%20%26%20so%20on.png`).
		has(t, "Cache-Control", "private, max-age=31536000, immutable").has(t, "Referrer-Policy", "no-referrer").
		has(t, "Cross-Origin-Resource-Policy", "same-origin").has(t, "Access-Control-Allow-Origin", "*").has(t, "Access-Control-Allow-Credentials", "")
	if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox; default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
	if !bytes.Equal(got.body, file) {
		t.Errorf("%d bytes came back", len(got.body))
	}
	if names := s.onDisk(t); len(names) != 1 || strings.Contains(slot.Get+slot.Put, names[0]) {
		t.Errorf("on disk: %q", names)
	}
	newBrowser(t, base).get("/metrics").wants(200, "foyer_uploads_total 1\n").wants(200, "foyer_upload_bytes_total 100000\n")
}

// HEAD, validation and ranges (RFC 9110 §9.3.2, §13, §14).
func TestUpload_Parts(t *testing.T) {
	s, _ := start(t, nil)
	file := pixels(t, 5000)
	slot := s.slot(t, "alice", "a.png", len(file), "image/png")
	put(t, slot.Put, file).is(t, 201)
	head := call(t, "HEAD", slot.Get, nil).is(t, 200).has(t, "Content-Length", "5000").has(t, "Content-Type", "image/png").has(t, "Accept-Ranges", "bytes")
	tag := head.header.Get("ETag")
	for _, list := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if got := call(t, "GET", slot.Get, nil, "If-None-Match", list).is(t, 304).has(t, "ETag", tag); len(got.body) > 0 {
			t.Error("304 with a body")
		}
	}
	call(t, "GET", slot.Get, nil, "If-None-Match", `"x"`).is(t, 200)
	for _, c := range []struct{ ask, says string }{
		{"bytes=0-0", "bytes 0-0/5000"}, {"bytes=10-19", "bytes 10-19/5000"}, {"bytes=4990-", "bytes 4990-4999/5000"},
		{"bytes=-10", "bytes 4990-4999/5000"}, {"bytes=-9999", "bytes 0-4999/5000"}, {"bytes=4000-9999", "bytes 4000-4999/5000"},
	} {
		got := call(t, "GET", slot.Get, nil, "Range", c.ask).is(t, 206).has(t, "Content-Range", c.says)
		var from, to int
		if _, err := fmt.Sscanf(c.says, "bytes %d-%d", &from, &to); err != nil || !bytes.Equal(got.body, file[from:to+1]) {
			t.Errorf("%s: %d bytes, %v", c.ask, len(got.body), err)
		}
		call(t, "HEAD", slot.Get, nil, "Range", c.ask).is(t, 200).has(t, "Content-Length", "5000").has(t, "Content-Range", "") // RFC 9110 §14.2: of GET alone
	}
	for _, ask := range []string{"bytes=5000-", "bytes=9-8", "bytes=-0", "bytes=x", "bytes=", "bytes=99999999999999999999-"} {
		call(t, "GET", slot.Get, nil, "Range", ask).is(t, 416).has(t, "Content-Range", "bytes */5000")
	}
	for _, ask := range []string{"lines=1-2", "bytes=0-1,3-4"} {
		call(t, "GET", slot.Get, nil, "Range", ask).is(t, 200)
	}
	call(t, "GET", slot.Get, nil, "Range", "bytes=0-0", "If-Range", tag).is(t, 206)
	call(t, "GET", slot.Get, nil, "Range", "bytes=0-0", "If-Range", `"x"`).is(t, 200)
}

// What is not as announced is refused, and the slot still stands (S-99).
func TestUpload_NotAsAnnounced(t *testing.T) {
	s, base := start(t, nil)
	file := pixels(t, 5000)
	slot := s.slot(t, "alice", "a.png", len(file), "Image/PNG; x=y")
	put(t, slot.Put, file[:4999]).is(t, 400)
	put(t, slot.Put, append(file, 'x')).is(t, 400)
	put(t, slot.Put, bytes.Repeat(file, 10)).is(t, 400)
	put(t, slot.Put, nil).is(t, 400)
	call(t, "PUT", slot.Put, io.MultiReader(bytes.NewReader(file))).is(t, 411) // chunked
	put(t, slot.Put, file, "Content-Type", "text/html").is(t, 415)
	put(t, strings.TrimSuffix(slot.Put, "a.png")+"b.png", file).is(t, 404)
	put(t, strings.TrimSuffix(slot.Put, "a.png")+"..%2Fa.png", file).is(t, 404)
	put(t, base+"/upload/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/a.png", file).is(t, 404)
	put(t, slot.Put, file, "Content-Type", "image/png; charset=binary").is(t, 201)

	call(t, "POST", slot.Get, strings.NewReader("x")).is(t, 405).has(t, "Allow", "PUT, GET, HEAD, OPTIONS")
	call(t, "DELETE", slot.Get, nil).is(t, 405)
	for _, path := range []string{"/upload", "/upload/", "/upload/x", "/upload/x/", "/upload/../settings"} {
		if got := call(t, "GET", base+path, nil); got.status != 404 && got.status != 303 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestUpload_Expired(t *testing.T) {
	s, _ := start(t, nil)
	expires := time.Now().Add(-time.Second)
	u := models.Upload{Name: "a", Size: 1, ExpiresAt: &expires}
	hash := token.Hash("late")
	if err := s.db.Uploads.ReserveUpload(t.Context(), "alice", &u, hash, token.Hash("get"), models.UploadLimits{Bytes: int64(s.cfg.UploadQuota), Files: 100, Slots: 10}); err != nil {
		t.Fatal(err)
	}
	put(t, s.BaseURL()+"/upload/late/a", []byte("x")).is(t, 409)
}

// S-99: browsers on other sites may come, without cookies.
func TestUpload_CORS(t *testing.T) {
	s, _ := start(t, nil)
	slot := s.slot(t, "alice", "a.png", 10, "")
	for _, address := range []string{slot.Put, slot.Get} {
		call(t, "OPTIONS", address, nil, "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "PUT").is(t, 204).
			has(t, "Access-Control-Allow-Origin", "*").has(t, "Access-Control-Allow-Methods", "PUT, GET, HEAD, OPTIONS").has(t, "Allow", "PUT, GET, HEAD, OPTIONS").
			has(t, "Access-Control-Allow-Headers", "Authorization, Content-Type").has(t, "Access-Control-Allow-Credentials", "")
	}
	put(t, slot.Put, make([]byte, 10), "Origin", "https://elsewhere.example").is(t, 201).has(t, "Access-Control-Allow-Origin", "*")
}

// Whatever a member sends, it is no document, script or style of this origin.
func TestUpload_Disguised(t *testing.T) {
	s, _ := start(t, nil)
	page := []byte("<!doctype html><script>alert(1)</script>" + strings.Repeat(" ", 500))
	vector := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	for _, c := range []struct {
		name, claimed string
		file          []byte
	}{
		{"a.png", "image/png", page}, {"a.html", "text/html", page}, {"a.png", "text/html", pixels(t, 0)}, {"a.svg", "image/svg+xml", vector},
		{"a.png", "image/png", vector}, {"a.js", "text/javascript", []byte("alert(1)")}, {"a.css", "text/css", []byte("*{}")}, {"a.mp3", "audio/mpeg", []byte("\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00")},
		{"a.gif", "image/gif", []byte("<GIF89a>")}, {"a.mp4", "video/mp4", page}, {"a.pdf", "application/pdf", []byte("%PDF-1.4")}, {"a", "", page}, {"a.txt", "text/plain", page},
		{"a.jpg", "image/png\r\nX-A: b", page},
	} {
		slot := s.slot(t, "alice", c.name, len(c.file), c.claimed)
		put(t, slot.Put, c.file).is(t, 201)
		got := call(t, "GET", slot.Get, nil).is(t, 200).has(t, "Content-Type", "application/octet-stream").has(t, "X-Content-Type-Options", "nosniff").has(t, "X-A", "")
		if !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment;") {
			t.Errorf("%+v: %v", c, got.header)
		}
	}
}

// An upload that is cut off leaves nothing, and gives its room back.
func TestUpload_CutOff(t *testing.T) {
	s, base := start(t, nil)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range []int{0, 100, 50_000} {
		slot := s.slot(t, "alice", "a.png", 100_000, "image/png")
		address, _ := url.Parse(slot.Put)
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000\r\n\r\n%s", address.EscapedPath(), u.Host, pixels(t, sent)[:sent])
		_ = conn.(*net.TCPConn).CloseWrite()
		if raw, err := io.ReadAll(conn); err != nil || (len(raw) > 0 && !strings.HasPrefix(string(raw), "HTTP/1.1 400")) {
			t.Errorf("%d sent: %q, %v", sent, raw, err)
		}
		conn.Close()
	}
	alice, err := s.db.Accounts.AccountByName(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	used, err := s.db.Uploads.UploadUsage(t.Context(), alice.ID)
	// A request whose first bytes did not come was never an upload: the slot stands.
	if err != nil || used.Files != used.Slots || used.Bytes > 2*100_000 {
		t.Errorf("%+v, %v", used, err)
	}
	if names := s.onDisk(t); len(names) > 0 {
		t.Errorf("left on disk: %q", names)
	}
}

// The quota and its error; what is deleted gives room at once (S-98).
func TestUpload_Quota(t *testing.T) {
	s, base := start(t, map[string]string{"UPLOAD_MAX_SIZE": "1000B", "UPLOAD_QUOTA": "1500B"})
	slot := s.slot(t, "alice", "a.png", 1000, "")
	put(t, slot.Put, make([]byte, 1000)).is(t, 201)
	ask := xmppd.UploadRequest{User: "alice", Name: "b", Size: 501}
	_, err := s.uploads.ReserveSlot(t.Context(), ask)
	var full *xmppd.UploadQuotaError
	if !errors.As(err, &full) || !strings.Contains(full.Text, "1.0 kB of 1.5 kB") || !full.Retry.IsZero() {
		t.Errorf("%+v, %v", full, err)
	}
	ask.User = "nobody"
	if _, err := s.uploads.ReserveSlot(t.Context(), ask); !errors.Is(err, stanza.ErrForbidden) {
		t.Errorf("a slot for nobody: %v", err)
	}
	b := newBrowser(t, base)
	b.signIn("alice")
	b.submit("/settings", "/settings/delete", "confirm", "alice", "current", demoPassword).wants(303, "")
	call(t, "GET", slot.Get, nil).is(t, 404)
	s.uploads.RemoveDeleted(t.Context())
	if names := s.onDisk(t); len(names) > 0 {
		t.Errorf("left on disk: %q", names)
	}
}

// Two slots at once get no more than there is room for.
func TestUpload_QuotaRace(t *testing.T) {
	s, _ := start(t, map[string]string{"UPLOAD_MAX_SIZE": "1000B", "UPLOAD_QUOTA": "2500B"})
	var mu sync.Mutex
	given := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := s.uploads.ReserveSlot(context.Background(), xmppd.UploadRequest{User: "bob", Name: "a", Size: 1000})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				given++
			}
		})
	}
	all.Wait()
	if given != 2 {
		t.Errorf("%d slots", given)
	}
}

// Only uploads are as large as they like: every other body is bounded, with or
// without a length, and no connection confuses two requests.
func TestBodies_Bounded(t *testing.T) {
	_, base := start(t, nil)
	big := make([]byte, maxPictureBody+1)
	for _, path := range []string{"/signin", "/settings/picture", "/http-bind", "/xmpp/prebind", "/nothing", "/upload"} {
		for _, body := range []io.Reader{bytes.NewReader(big), io.MultiReader(bytes.NewReader(big))} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", base+path, body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			if err != nil {
				continue // the server closed while we were still sending, as it may
			}
			resp.Body.Close()
			if resp.StatusCode != 413 && resp.StatusCode != 404 && (path != "/http-bind" || !resp.Close) { // which has words of its own (B-09)
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
	}
	u, _ := url.Parse(base)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(conn)
	for _, want := range []int{403, 200} {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != want {
			t.Errorf("%d, want %d", resp.StatusCode, want)
		}
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]Size{"25MB": 25_000_000, "1 GiB": 1 << 30, "0": 0, "1500B": 1500} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: %d, %v", text, s, err)
		}
	}
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h30m": 12*time.Hour + 30*time.Minute, "0s": 0} {
		var p Period
		if err := p.UnmarshalText([]byte(text)); err != nil || time.Duration(p) != want {
			t.Errorf("%q: %v, %v", text, time.Duration(p), err)
		}
	}
	for _, text := range []string{"", "-1d", "1.5d", "d", "soon", "-5m", "99999999d", "1e3", "-3MB", "12 parsecs"} {
		if new(Period).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is a period", text)
		}
		if text != "1e3" && new(Size).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is a size", text)
		}
	}
	_, err := LoadConfig(map[string]string{"APP_ENV": "development", "UPLOAD_MAX_SIZE": "2GB", "UPLOAD_QUOTA": "1GB"})
	if err == nil || !strings.Contains(err.Error(), "UPLOAD_QUOTA") {
		t.Errorf("a file that the quota does not allow: %v", err)
	}
}

// A file that its store has lost is none, and what is said of it is no picture: RFC 9110 §8.3, §8.8.
func TestUpload_Lost(t *testing.T) {
	s, base := start(t, nil)
	file := pixels(t, 5000)
	slot := s.slot(t, "alice", "a.png", len(file), "image/png")
	put(t, slot.Put, file).is(t, 201)
	beyond := call(t, "GET", slot.Get, nil, "Range", "bytes=5000-").is(t, 416)
	kept := s.onDisk(t)
	for _, name := range kept {
		if err := os.Remove(filepath.Join(s.cfg.DataDir, "uploads", name[len(name)-2:], name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, got := range []answer{
		beyond, call(t, "GET", slot.Get, nil).is(t, 404), call(t, "GET", slot.Get, nil, "Range", "bytes=0-9").is(t, 404).has(t, "Content-Range", ""),
	} {
		got.has(t, "Content-Type", "text/plain; charset=utf-8").has(t, "Content-Disposition", "").has(t, "ETag", "").has(t, "Cache-Control", "no-store")
	}
	b := newBrowser(t, base)
	b.signIn("alice")
	for _, id := range kept {
		if got := b.get("/settings/files/"+id).wants(404, "There is no such file."); got.last.Header.Get("Content-Disposition") != "" {
			t.Errorf("a page to be saved as %s", got.last.Header.Get("Content-Disposition"))
		}
	}
}

// A file that cannot be removed is in the way of no other.
func TestUpload_Stuck(t *testing.T) {
	s, _ := start(t, nil)
	expires := time.Now().Add(time.Minute)
	var stuck models.Upload
	for i := range 250 {
		name := fmt.Sprint(i)
		u := models.Upload{Name: name, Size: 1, ExpiresAt: &expires}
		if err := s.db.Uploads.ReserveUpload(t.Context(), "alice", &u, []byte("p"+name), []byte("g"+name), models.UploadLimits{Bytes: 1000, Files: 1000, Slots: 1000}); err != nil {
			t.Fatal(err)
		}
		if err := s.db.Uploads.AbandonUpload(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			stuck = u
		}
	}
	if err := os.MkdirAll(filepath.Join(s.cfg.DataDir, "uploads", stuck.Key()[34:], stuck.Key(), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.uploads.RemoveDeleted(t.Context())
	if removed := s.uploads.Stats().Removed; removed != 249 {
		t.Errorf("%d of 249 files were removed", removed)
	}
}

// What the system gives is enough for all that may be open at once.
func TestFiles_Divided(t *testing.T) {
	for _, all := range []int{512, 1024, 4096, 65536, 1 << 20} {
		for _, external := range []bool{false, true} {
			connections, transfers := divideFiles(all, external)
			if external {
				connections *= 2
			}
			if connections+transfers+reservedFiles > all || connections < all/4 || transfers < all/64 && transfers < maxConcurrentRequests {
				t.Errorf("of %d: %d connections, %d transfers", all, connections, transfers)
			}
		}
	}
}

// Files that come or go at once are bounded, since each is open besides its connection; an address has its part of
// that, and who gets no place may come again.
func TestUpload_OpenFiles(t *testing.T) {
	s, base := startChanged(t, nil, func(s *Server) {
		s.transfers = newTransfers(8, s.limits)
		s.middleware.timeout = 3 * time.Second
	})
	file := pixels(t, 24_000_000) // more than the system takes for a client that does not read
	slot := s.slot(t, "alice", "a.png", len(file), "image/png")
	put(t, slot.Put, file).is(t, 201)
	other := s.slot(t, "alice", "b.png", 100, "image/png")

	ask := func(head string) net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err == nil {
			_, err = io.WriteString(conn, head+" HTTP/1.1\r\nHost: localhost\r\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	path := func(address string) string { return strings.TrimPrefix(address, base) }
	going := ask("GET " + path(slot.Get))
	fmt.Fprint(going, "\r\n")
	if head, err := bufio.NewReader(going).ReadString('\n'); err != nil || !strings.Contains(head, "200") {
		t.Fatal(head, err)
	}
	last := s.slot(t, "alice", "c.png", 100_000, "image/png")
	coming := ask("PUT " + path(last.Put))
	fmt.Fprint(coming, "Content-Length: 100000\r\n\r\n", strings.Repeat("x", 50_000)) // the library waits for the first 8 KiB
	for deadline := time.Now().Add(time.Minute); ; {                                  // that it has its place no answer tells
		leave, ok := s.transfers.TryAcquire("127.0.0.1", 1)
		if !ok {
			break
		}
		if leave(); time.Now().After(deadline) {
			t.Fatal("a file that comes has no place")
		}
	}
	var both sync.WaitGroup
	both.Go(func() { call(t, "GET", slot.Get, nil).is(t, 429) })
	both.Go(func() { put(t, other.Put, make([]byte, 100)).is(t, 429) })
	both.Wait()
	call(t, "HEAD", slot.Get, nil).is(t, 200)
	elsewhere := http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}).DialContext, DisableKeepAlives: true}}
	resp, err := elsewhere.Get(slot.Get)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("another address: %d", resp.StatusCode)
	}
	met := s.limits.Take()
	if len(met) != 1 || met[0].Last != "127.0.0.1" {
		t.Errorf("met %+v", met)
	}
	going.Close()
	coming.Close()
	leave, err := s.transfers.Acquire(t.Context(), "127.0.0.1", 2)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	put(t, other.Put, make([]byte, 100)).is(t, 201)
	call(t, "GET", other.Get, nil).is(t, 200)
}
