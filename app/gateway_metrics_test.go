package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
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

// metricLine is a line of /metrics: a name, labels, a value.
var metricLine = regexp.MustCompile(`(?m)^(\w+)(?:\{([^}]*)\})? `)

// The dashboard of deploy/grafana asks for nothing that /metrics does not have: each
// name is there, with each label, and with each value that a query compares with.
func TestDashboard(t *testing.T) {
	_, base := start(t, map[string]string{"APP_ENV": "development"})
	_, other := start(t, map[string]string{"APP_ENV": "development", "XMPP_UPSTREAM": "xmpp://127.0.0.1:1"}) // nobody is asked
	failLogin(t, base)
	has := make(map[string]map[string][]string) // name → label → values
	eventually(t, func() bool {
		both := newBrowser(t, base).get("/metrics").body + newBrowser(t, other).get("/metrics").body
		for _, m := range metricLine.FindAllStringSubmatch(both, -1) {
			if has[m[1]] == nil {
				has[m[1]] = make(map[string][]string)
			}
			for _, l := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(m[2], -1) {
				has[m[1]][l[1]] = append(has[m[1]][l[1]], l[2])
			}
		}
		return has["foyer_streams_ended_total"] != nil
	})
	exprs := dashboardQueries(t)
	if len(exprs) < 15 {
		t.Fatalf("%d queries; something is wrong with the dashboard or with this test", len(exprs))
	}
	for _, expr := range exprs {
		grouped := regexp.MustCompile(`by \(([^)]*)\)`).FindStringSubmatch(expr)
		for _, m := range regexp.MustCompile(`\b((?:foyer|go|process)_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(expr, -1) {
			labels, ok := has[m[1]]
			if !ok {
				t.Errorf("%s: there is no %s", expr, m[1])
			}
			for _, l := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(labels[l[1]], l[2]) {
					t.Errorf("%s: %s has no %s=%q", expr, m[1], l[1], l[2])
				}
			}
			if grouped == nil {
				continue
			}
			for by := range strings.SplitSeq(grouped[1], ",") {
				if labels[strings.TrimSpace(by)] == nil {
					t.Errorf("%s: %s has no label %s", expr, m[1], by)
				}
			}
		}
	}
}

// dashboardQueries are the queries of all panels.
func dashboardQueries(t *testing.T) (exprs []string) {
	t.Helper()
	raw, err := os.ReadFile("../deploy/grafana/foyer.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	return exprs
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
	deadline := time.Now().Add(streamtest.Patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that")
		}
		<-tick.C
	}
}
