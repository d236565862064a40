package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"foyer/internal/netaddr"
	"foyer/internal/stream/streamtest"
)

// metricLine is a line of /metrics: a name, labels, a value.
var metricLine = regexp.MustCompile(`(?m)^(\w+)(?:\{([^}]*)\})? `)

// The dashboard of deploy/grafana asks for nothing that /metrics does not have: each
// name is there, with each label, and with each value that a query compares with.
func TestDashboard(t *testing.T) {
	_, base := start(t, map[string]string{"APP_ENV": "development"})
	_, other := start(t, map[string]string{"APP_ENV": "development", "XMPP_UPSTREAM": nobody})
	alone := startStandalone(t, nil, twoDomains)
	failLogin(t, base)
	has := make(map[string]map[string][]string) // name → label → values
	eventually(t, func() bool {
		_, figures := alone.request("GET", "/metrics", "", "", "")
		all := newBrowser(t, base).get("/metrics").body + newBrowser(t, other).get("/metrics").body + figures
		for _, m := range metricLine.FindAllStringSubmatch(all, -1) {
			if has[m[1]] == nil {
				has[m[1]] = make(map[string][]string)
			}
			for _, l := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(m[2], -1) {
				has[m[1]][l[1]] = append(has[m[1]][l[1]], l[2])
			}
		}
		return has["foyer_streams_ended_total"] != nil
	})
	for _, q := range dashboardQueries(t) {
		expr := q.Expr
		grouped := regexp.MustCompile(`by \(([^)]*)\)`).FindStringSubmatch(expr)
		for _, m := range regexp.MustCompile(`\b((?:foyer|go|process)_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(expr, -1) {
			labels, ok := has[m[1]]
			if !ok {
				t.Errorf("%s: there is no %s", expr, m[1])
			}
			for _, l := range regexp.MustCompile(`(\w+)(=~?)"([^"]*)"`).FindAllStringSubmatch(m[2], -1) {
				if l[2] == "=" && !slices.Contains(labels[l[1]], l[3]) || labels[l[1]] == nil {
					t.Errorf("%s: %s has no %s%s%q", expr, m[1], l[1], l[2], l[3])
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

// twoDomains are those of a gateway alone (foyer gateway), whose servers nobody asks for.
var twoDomains = map[string]string{"GATEWAY_UPSTREAMS": "one.example=" + nobody + ",two.example=" + nobody}

// dashboardQuery is a query of a panel, and what names the lines that it draws.
type dashboardQuery struct{ Expr, LegendFormat string }

// of is the query as Grafana asks it, for a choice of domains.
func (q dashboardQuery) of(domain string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$domain", domain).Replace(q.Expr)
}

// dashboardQueries are the queries of all panels.
func dashboardQueries(t *testing.T) (all []dashboardQuery) {
	t.Helper()
	raw, err := os.ReadFile("../deploy/grafana/foyer.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct{ Targets []dashboardQuery }
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		all = append(all, p.Targets...)
	}
	if len(all) < 15 {
		t.Fatalf("%d queries; something is wrong with the dashboard or with this test", len(all))
	}
	return all
}

// Prometheus itself answers each query of the dashboard, from what it has scraped of two
// sites, one of which has another chat server, and of a gateway alone: each has a line to draw, with
// the labels that name it, and what went wrong meanwhile is seen. Whoever chooses a domain sees that one.
func TestDashboard_Prometheus(t *testing.T) {
	_, base := start(t, map[string]string{"APP_ENV": "development"})
	_, other := start(t, map[string]string{"APP_ENV": "development", "XMPP_UPSTREAM": nobody})
	failAndEnd(t, base, 1)
	sites := []*scraped{scrapedSite(t, base), scrapedSite(t, other), scrapedSite(t, startStandalone(t, nil, twoDomains).base)}
	p := startPrometheus(t, sites)
	for _, site := range sites {
		site.await(t, 1)
	}
	failAndEnd(t, base, 2)
	for _, site := range sites {
		site.await(t, 2)
	}
	for _, q := range dashboardQueries(t) {
		lines := p.ask(t, q.of(".*"))
		if len(lines) == 0 {
			t.Errorf("%s: there is nothing to draw", q.Expr)
		}
		if strings.Contains(q.Expr, "foyer_domain_") {
			one := p.ask(t, q.of("one.example"))
			if len(one) == 0 || 2*len(one) != len(lines) {
				t.Errorf("%s: of one domain %v, of both %v", q.Expr, one, lines)
			}
		}
		for _, line := range lines {
			for _, label := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(q.LegendFormat, -1) {
				if line.labels[label[1]] == "" {
					t.Errorf("%s: a line has no %s to be named by: %v", q.Expr, label[1], line.labels)
				}
			}
		}
		if strings.Contains(q.Expr, "failure") && (len(lines) != 1 || lines[0].value != "1") {
			t.Errorf("%s: all logins failed, and it says %v", q.Expr, lines)
		}
	}
}

// failAndEnd fails a login, and waits until as many streams have ended.
func failAndEnd(t *testing.T, base string, ended int) {
	t.Helper()
	failLogin(t, base)
	b := newBrowser(t, base)
	eventually(t, func() bool {
		return strings.Contains(b.get("/metrics").body, fmt.Sprintf(`foyer_streams_ended_total{condition="none",domain="localhost",transport="bosh"} %d`, ended))
	})
}

// scraped is a site as Prometheus meets it. The next scrape of a site begins when what the
// one before brought is stored.
type scraped struct {
	addr   string
	stored chan struct{} // for each scrape that is
}

// scrapedSite stands in front of a site's /metrics.
func scrapedSite(t *testing.T, base string) *scraped {
	t.Helper()
	site, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(site) }}
	s := &scraped{stored: make(chan struct{}, 100)}
	var answered atomic.Bool // the scrape before; Prometheus makes one at a time
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answered.Load() {
			s.stored <- struct{}{}
		}
		proxy.ServeHTTP(w, r)
		answered.Store(r.Context().Err() == nil)
	}))
	t.Cleanup(front.Close)
	s.addr = front.Listener.Addr().String()
	return s
}

// await waits for that many scrapes more that are stored, of which none began before.
func (s *scraped) await(t *testing.T, more int) {
	t.Helper()
	for len(s.stored) > 0 {
		<-s.stored
	}
	late := time.After(streamtest.Timeout)
	for range more + 1 { // one may have begun
		select {
		case <-s.stored:
		case <-late:
			t.Fatalf("Prometheus does not ask %s", s.addr)
		}
	}
}

// prometheusServer is a Prometheus that scrapes until the test ends.
type prometheusServer struct{ api string }

// startPrometheus skips the test where it is not installed.
func startPrometheus(t *testing.T, sites []*scraped) *prometheusServer {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("Prometheus is not installed (Debian: prometheus); make test and make interop install it")
	}
	port, err := netaddr.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), fmt.Sprint("127.0.0.1:", port)
	var targets []string
	for _, site := range sites {
		targets = append(targets, strconv.Quote(site.addr))
	}
	config := fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: foyer, static_configs: [{targets: [%s]}]}]\n", strings.Join(targets, ", "))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ready <- untilSaid(said, "Server is ready to receive web requests")
		_, _ = io.Copy(io.Discard, said)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	if before := <-ready; before != "" {
		t.Fatalf("Prometheus ended before it was ready:\n%s", before)
	}
	return &prometheusServer{api: "http://" + addr + "/api/v1/query"}
}

// untilSaid reads until something is said. If it is not, untilSaid returns what was.
func untilSaid(from io.Reader, mark string) string {
	var all strings.Builder
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if strings.Contains(lines.Text(), mark) {
			return ""
		}
		all.WriteString(lines.Text() + "\n")
	}
	return all.String() + "(the end)"
}

// drawn is a line of an answer, with its value now.
type drawn struct {
	labels map[string]string
	value  string
}

// ask evaluates a query now.
func (p *prometheusServer) ask(t *testing.T, query string) (lines []drawn) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(p.api + "?query=" + url.QueryEscape(query))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any // when, what
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status != "success" {
		t.Errorf("%s: %s", query, answer.Error)
	}
	for _, r := range answer.Data.Result {
		lines = append(lines, drawn{r.Metric, fmt.Sprint(r.Value[1])})
	}
	return lines
}
