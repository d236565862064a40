package doctor

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"
)

// What /healthz tells besides that the process answers.
const (
	SiteHeader   = "X-Foyer-Site"   // which site it is
	ClientHeader = "X-Foyer-Client" // whom it takes for the client: the address, and how that came
)

// answer is a response with its body, or the beginning of a long one.
type answer struct {
	status int
	header http.Header
	body   string
	from   string // the address of ours that the request came from
	took   time.Duration
}

func (a answer) isGateway() bool {
	return a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable || a.status == http.StatusGatewayTimeout
}

const maxRead = 64 << 10

func (d *Doctor) ask(ctx context.Context, method, url string, header http.Header, body string, limit time.Duration) (answer, error) {
	var a answer
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		a.from, _, _ = net.SplitHostPort(c.Conn.LocalAddr().String())
	}})
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	if header != nil {
		req.Header = header
	}
	start := time.Now()
	resp, err := d.client(limit).Do(req)
	a.took = time.Since(start)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		a.status, a.header = resp.StatusCode, resp.Header
		return a, nil
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxRead))
	a.status, a.header, a.body, a.took = resp.StatusCode, resp.Header, string(raw), time.Since(start)
	return a, err
}

// reachable: BASE_URL leads to this site and no other.
func (d *Doctor) reachable(ctx context.Context) Finding {
	const check = "site"
	a, err := d.get(ctx, "/healthz", nil)
	id := a.header.Get(SiteHeader)
	switch {
	case err != nil:
		return fail(check, "Is the proxy running, does its file (deploy/nginx, deploy/apache, deploy/caddy) have the name "+d.base.Hostname()+
			", and is the port open in the firewall?", "%s does not answer: %v", d.BaseURL, err)[0]
	case id == "" && a.isGateway():
		return fail(check, "Start the site (systemctl status foyer), and let proxy_pass of nginx, ProxyPass of Apache or reverse_proxy of Caddy name its ADDR.",
			"a proxy answers at %s with %d, but not the site behind it", d.BaseURL, a.status)[0]
	case id == "" && d.asksFirst(a):
		return warn(check, "Look at the rest once from a machine for which the proxy makes an exception, or without the proxy.",
			"the proxy at %s asks for a sign-in first (%d), as it should; what is behind it was not looked at", d.BaseURL, a.status)[0]
	case id == "":
		return fail(check, "Let the name of BASE_URL lead to the proxy of this site, and its server_name (Apache: ServerName) be "+d.base.Hostname()+".",
			"something else answers at %s (/healthz: %d)", d.BaseURL, a.status)[0]
	case id != d.ID:
		return fail(check, "Either BASE_URL is another site's, or DATABASE_URL: this command and the site that runs must have the same settings.",
			"another site of Foyer answers at %s, with a database of its own", d.BaseURL)[0]
	}
	return ok(check, "%s is this site", d.BaseURL)[0]
}

// redirect: who types the name alone comes to https.
func (d *Doctor) redirect(ctx context.Context) []Finding {
	const check = "plain http"
	if d.base.Scheme != "https" || d.base.Port() != "" {
		return nil
	}
	a, err := d.ask(ctx, http.MethodGet, "http://"+d.base.Host+"/", nil, "", timeout)
	const mend = "Answer port 80 with a redirect to https, as deploy/nginx/foyer.conf does in its first server."
	switch location := a.header.Get("Location"); {
	case err != nil:
		return warn(check, mend, "port 80 does not answer, so that some people who type the name see nothing: %v", err)
	case a.status >= 300 && a.status < 400 && strings.HasPrefix(location, "https://"+d.base.Hostname()):
		return ok(check, "it leads to https")
	}
	return fail(check, mend, "http://%s answers %d, and does not lead to https", d.base.Host, a.status)
}

// A documentation address (RFC 5737), which nobody has.
const forged = "192.0.2.77"

// forwarded: the site knows who asks, and believes nobody but its proxies about it.
func (d *Doctor) forwarded(ctx context.Context) []Finding {
	const check = "client addresses"
	a, err := d.get(ctx, "/healthz", http.Header{"X-Forwarded-For": {forged}})
	if err != nil {
		return unanswered(check, err)
	}
	client, how, _ := strings.Cut(a.header.Get(ClientHeader), " ")
	isTLS := d.base.Scheme == "https"
	isProxy := d.Trusted != nil && d.Trusted(client)
	const headers = "In the proxy: nginx proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; Apache and Caddy do it by themselves."
	switch {
	case isTLS && d.Trusted == nil:
		return fail(check, "Set TRUSTED_PROXIES to the proxy's address as the site sees it, "+client+" (in foyer.service or docker-compose.yml).",
			"all people count as one, the proxy: one of them who meets a limit shuts out everybody")
	case client == forged && d.Trusted != nil && d.Trusted(a.from):
		return warn(check, "Run foyer doctor on another machine.", "this machine is one of TRUSTED_PROXIES itself, so that it cannot be told from here who is believed")
	case client == forged:
		return fail(check, "TRUSTED_PROXIES must name your proxies and nobody else; and each proxy adds its client to X-Forwarded-For. "+headers,
			"a forged X-Forwarded-For is believed: people can pass for others")
	case isProxy && client != a.from:
		return fail(check, headers, "the proxy %s does not say for whom it asks", client)
	case isTLS && how != "https":
		return fail(check, "In the proxy: nginx proxy_set_header X-Forwarded-Proto $scheme; Apache RequestHeader set X-Forwarded-Proto https.",
			"the proxy does not say that people come by https")
	}
	return ok(check, "the site sees %s, and believes no forged header", client)
}

// How far clocks may be apart: sign-in tokens live for a minute.
const (
	skewNoticed = 5 * time.Second
	skewHarmful = 30 * time.Second
)

// Skew judges how far a clock is from this machine's.
func Skew(whose string, theirs, ours time.Time) Finding {
	const check = "clock"
	off := theirs.Sub(ours).Abs().Round(time.Second)
	const mend = "Let systemd-timesyncd or chrony set the clocks of both machines."
	switch {
	case off > skewHarmful:
		return fail(check, mend, "%s and this machine's are %s apart: tokens would be too old or not valid yet", whose, off)[0]
	case off > skewNoticed:
		return warn(check, mend, "%s and this machine's are %s apart", whose, off)[0]
	}
	return ok(check, "%s agrees with this machine's", whose)[0]
}

func (d *Doctor) clock(ctx context.Context) []Finding {
	a, err := d.get(ctx, "/healthz", nil)
	if err != nil {
		return unanswered("clock", err)
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return warn("clock", "Let the proxy pass on the Date header.", "answers have no date")
	}
	return []Finding{Skew("the clock of "+d.base.Hostname(), date, d.Now())}
}

// metrics: they are nobody's business.
func (d *Doctor) metrics(ctx context.Context) []Finding {
	const check = "metrics"
	a, err := d.get(ctx, "/metrics", nil)
	switch {
	case err != nil:
		return unanswered(check, err)
	case a.status == http.StatusOK && d.Development:
		return warn(check, "Nothing, as long as only this machine reaches the site; with APP_ENV=production they want METRICS_TOKEN.", "everybody can read %s/metrics", d.BaseURL)
	case a.status == http.StatusOK:
		return fail(check, "Refuse /metrics in the proxy, as the files in deploy/ do, and read them at METRICS_ADDR.", "everybody can read %s/metrics", d.BaseURL)
	}
	if d.OpenMetrics != "" {
		return d.openMetrics(ctx)
	}
	return ok(check, "nobody outside can read them")
}

// openMetrics: their own port wants no token.
func (d *Doctor) openMetrics(ctx context.Context) []Finding {
	const check = "metrics"
	const mend = "METRICS_ADDR=localhost:9100, or an address inside your network; or keep others out by a firewall."
	_, port, _ := net.SplitHostPort(d.OpenMetrics)
	address := "http://" + net.JoinHostPort(d.base.Hostname(), port) + "/metrics"
	if a, err := d.ask(ctx, http.MethodGet, address, nil, "", timeout); err == nil && a.status == http.StatusOK {
		if d.local(ctx, d.base.Hostname()) { // no firewall is between
			return warn(check, mend, "METRICS_ADDR=%s asks for no token, and this machine reads %s, as it would behind a firewall too: try it from another", d.OpenMetrics, address)
		}
		return fail(check, mend, "everybody can read %s", address)
	}
	return warn(check, mend, "METRICS_ADDR=%s asks for no token; %s does not answer here, and may elsewhere", d.OpenMetrics, address)
}

// local reports whether a host is this machine, as far as that can be told.
func (d *Doctor) local(ctx context.Context, host string) bool {
	mine, err := d.LocalAddresses()
	if err != nil {
		return false
	}
	hosts := []string{host}
	if net.ParseIP(host) == nil {
		if hosts, err = d.Resolver.LookupHost(ctx, host); err != nil {
			return false
		}
	}
	return slices.ContainsFunc(hosts, func(host string) bool {
		ip := net.ParseIP(host)
		return ip != nil && (ip.IsLoopback() || slices.ContainsFunc(mine, func(a net.Addr) bool {
			network, ok := a.(*net.IPNet)
			return ok && network.IP.Equal(ip)
		}))
	})
}

// largeHeader: other programs of the domain set cookies too.
func (d *Doctor) largeHeader(ctx context.Context) []Finding {
	const check = "cookies"
	a, err := d.get(ctx, "/xmpp/me", http.Header{"Cookie": {"other=" + strings.Repeat("x", 12<<10)}})
	switch {
	case err != nil:
		return unanswered(check, err)
	case a.status != http.StatusUnauthorized:
		return fail(check, "nginx: large_client_header_buffers 4 36k; Apache: LimitRequestFieldSize 36864.",
			"the proxy refuses people whose browsers have many cookies (%d)", a.status)
	}
	return ok(check, "there is room for those of other programs")
}
