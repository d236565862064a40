package app

import (
	"bytes"
	"compress/gzip"
	"io"
	"mime/multipart"
	"net/http"
	"runtime"
	"testing"
)

// packedForm is a form of size bytes, nearly all of them zeros, packed.
func packedForm(t *testing.T, size int) (body []byte, contentType string) {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	form := multipart.NewWriter(zip)
	field, err := form.CreateFormField("csrf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(field, zeros{}, int64(size)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes(), form.FormDataContentType()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// a body that claims to be packed is refused on every route, and nothing
// is unpacked.
func TestBody_PackedIsRefused(t *testing.T) {
	_, base := start(t, nil)
	body, contentType := packedForm(t, 200<<20)
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
	if took := after.TotalAlloc - before.TotalAlloc; took > 150<<20 {
		t.Errorf("refusing took %d MiB; something was unpacked", took>>20)
	}
}
