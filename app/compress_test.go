package app

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// unpacked returns what a body is without its content coding.
func unpacked(coding string, body []byte) ([]byte, error) {
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659 §3
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	}
	return body, nil
}

// Pages go compressed as the browser takes them, and hold no secret that stays the
// same beside what somebody typed (BREACH).
func TestPages_Compressed(t *testing.T) {
	_, base := start(t, nil)
	b := signedInAs(t, base, "alice")
	plain := b.get("/people?q=x").body
	token := csrfField.FindStringSubmatch(plain)[1]
	if again := csrfField.FindStringSubmatch(b.get("/people?q=x").body)[1]; again == token {
		t.Error("two pages have the same token")
	}
	for accepts, want := range map[string]string{
		"gzip, deflate, br, zstd": "zstd", // Chromium, Firefox
		"gzip, deflate, br":       "gzip", // Safari
		"zstd;q=0, gzip":          "gzip",
		"identity":                "",
	} {
		b.headers["Accept-Encoding"] = accepts
		b.get("/people?q=x")
		if got := b.last.Header.Get("Content-Encoding"); got != want || !strings.Contains(b.last.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: Content-Encoding %q, %v", accepts, got, b.last.Header)
			continue
		}
		raw, err := unpacked(want, []byte(b.body))
		if err != nil || !strings.Contains(string(raw), "Nobody has that name.") || want != "" && len(b.body) > len(raw)/2 {
			t.Errorf("%s: %d of %d bytes, %v", accepts, len(b.body), len(raw), err)
		}
	}
	b.headers["Accept-Encoding"] = "gzip, zstd"
	if b.get("/healthz"); b.last.Header.Get("Content-Encoding") != "" {
		t.Error("what is no page is compressed")
	}
}

// RFC 9110 §12.5.3, §12.4.2.
func TestChooseCoding(t *testing.T) {
	for accepts, want := range map[string]string{
		"":                              "",
		"gzip, deflate, br, zstd":       "zstd",
		"zstd, gzip":                    "zstd",
		"GZIP":                          "gzip",
		"x-gzip":                        "gzip",
		"deflate, br":                   "",
		"*":                             "zstd",
		"*;q=0":                         "",
		"zstd;q=0, *":                   "gzip",
		"gzip;q=1.0, zstd;q=0.5":        "gzip",
		"gzip;q=0.5, zstd;q=0.8":        "zstd",
		"gzip;q=0.5, identity":          "",
		"identity;q=0.5, gzip;q=0.5":    "gzip",
		"identity;q=0, gzip;q=0.1":      "gzip",
		"gzip;q=0, zstd;q=0":            "",
		"gzip;q=0.000, zstd ; Q=0.001 ": "zstd",
		"zstd;level=3;q=0, gzip":        "gzip",
		"zstd;q=many, gzip;q=0.2":       "gzip",
		"zstd;q=2, gzip;q=0.2":          "gzip",
		"zstd;q=NaN, gzip;q=-1":         "",
		"zstdx, xgzip":                  "",
		",, ;, zstd":                    "zstd",
	} {
		if got := chooseCoding(accepts, "zstd", "gzip"); got != want {
			t.Errorf("%q: %q, want %q", accepts, got, want)
		}
	}
}

// benchmarkPage is 30 kB of pages that somebody sees.
func benchmarkPage(b *testing.B) []byte {
	b.Helper()
	_, base := start(b, nil)
	alice := newBrowser(b, base).signIn("alice")
	var pages strings.Builder
	for _, path := range []string{"/settings", "/people", "/rooms", "/"} {
		pages.WriteString(alice.get(path).body)
	}
	return []byte(pages.String())[:30_000]
}

// cpuTime is how long the processors have worked for this program.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func BenchmarkCompressPage(b *testing.B) {
	page := benchmarkPage(b)
	for _, coding := range []string{"zstd", "gzip"} {
		b.Run(coding, func(b *testing.B) {
			b.ReportAllocs()
			size, before := 0, cpuTime(b)
			for b.Loop() {
				packed, err := compressPage(coding, page)
				if err != nil {
					b.Fatal(err)
				}
				size = len(packed)
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
