package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"
)

// bosh posts a BOSH request without an Origin, as a native client does.
func bosh(t *testing.T, base, body string) string {
	t.Helper()
	resp, err := http.Post(base+"/http-bind", "text/xml; charset=utf-8", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// failLogin opens a stream, fails to sign in, and ends it.
func failLogin(t *testing.T, base string) {
	t.Helper()
	const head = `<body xmlns="http://jabber.org/protocol/httpbind" `
	created := bosh(t, base, head+`rid="1" to="localhost" ver="1.11" wait="10" hold="1" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"/>`)
	_, rest, _ := strings.Cut(created, ` sid="`)
	sid, _, _ := strings.Cut(rest, `"`)
	auth := fmt.Sprintf(head+`rid="2" sid="%s"><auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AG5vYm9keQB3cm9uZw==</auth></body>`, sid)
	if got := bosh(t, base, auth); !strings.Contains(got, "<failure") {
		t.Fatalf("created %s, then %s", created, got)
	}
	bosh(t, base, fmt.Sprintf(head+`rid="2" sid="%s"/>`, sid)) // once more
	bosh(t, base, fmt.Sprintf(head+`rid="3" sid="%s" type="terminate"/>`, sid))
}

// A failed login is counted as one, a repeated request as one, and every end with
// its condition.
func TestGatewayMetrics(t *testing.T) {
	_, base := start(t, map[string]string{"APP_ENV": "development"})
	failLogin(t, base)
	b := newBrowser(t, base)
	eventually(t, func() bool {
		return strings.Contains(b.get("/metrics").body, `foyer_streams_ended_total{condition="none",domain="localhost",transport="bosh"} 1`)
	})
	for _, want := range []string{
		`foyer_logins_total{domain="localhost",mode="native",outcome="failure"} 1`,
		`foyer_streams_open{domain="localhost",transport="bosh"} 0`,
		`foyer_streams_opened_total{domain="localhost",transport="bosh"} 1`,
		`foyer_elements_total{direction="in",domain="localhost",transport="bosh"} 1`,
		`foyer_elements_total{direction="out",domain="localhost",transport="bosh"} 2`,
		`foyer_bosh_requests_total 4`,
		`foyer_bosh_repeats_total 1`,
		`foyer_bosh_requests_waiting 0`,
		`foyer_bosh_elements_queued 0`,
	} {
		b.wants(200, want+"\n")
	}
}

// eventually waits for a state that has no event of its own to await.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(streamtest.Timeout)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that")
		}
		<-tick.C
	}
}
