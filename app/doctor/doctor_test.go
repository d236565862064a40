package doctor

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/stanza"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// front is a site behind a proxy, set up well, except what a test breaks.
type front struct {
	t        testing.TB
	server   *httptest.Server
	broken   map[string]http.HandlerFunc // by path: what answers in place of the site
	headers  map[string]string           // of /healthz, in place of the usual ones
	resolver records
	doctor   *Doctor
}

// httptest's certificate is for this name.
const host = "example.com"

const wait = 200 * time.Millisecond

func newFront(t testing.TB) *front {
	f := &front{t: t, broken: map[string]http.HandlerFunc{}, headers: map[string]string{}, resolver: records{host: host}}
	f.server = httptest.NewTLSServer(http.HandlerFunc(f.serve))
	f.server.Config.ErrorLog = nil
	t.Cleanup(f.server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(f.server.Certificate())
	f.doctor = &Doctor{
		Site: Site{
			BaseURL: "https://" + host, ID: "this one", Domain: host, MaxUpload: 1000,
			Trusted: func(address string) bool { return address == "10.0.0.1" },
			SignIn:  func(context.Context) (string, string, error) { return "ann@" + host, "token", nil },
		},
		Wait: wait, Roots: roots, Resolver: f.resolver,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if !strings.HasSuffix(address, ":443") {
				return f.dialPlain(address)
			}
			return new(net.Dialer).DialContext(ctx, network, f.server.Listener.Addr().String())
		},
	}
	return f
}

// dialPlain answers port 80 with a redirect, and no other port.
func (f *front) dialPlain(address string) (net.Conn, error) {
	if !strings.HasSuffix(address, ":80") {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		_, _ = theirs.Read(make([]byte, 4096))
		answer := "HTTP/1.1 301 Moved\r\nLocation: https://" + host + "/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
		if f.broken[":80"] != nil {
			answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
		}
		_, _ = io.WriteString(theirs, answer)
	}()
	return ours, nil
}

func (f *front) serve(w http.ResponseWriter, r *http.Request) {
	if broken := f.broken[r.URL.Path]; broken != nil {
		broken(w, r)
		return
	}
	switch {
	case r.URL.Path == "/healthz":
		w.Header().Set(SiteHeader, "this one")
		w.Header().Set(ClientHeader, "203.0.113.5 https")
		for name, value := range f.headers {
			w.Header().Set(name, value)
		}
	case r.URL.Path == "/metrics":
		w.WriteHeader(http.StatusForbidden)
	case r.URL.Path == "/xmpp/me":
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(r.URL.Path, "/.well-known/"):
		f.hostMeta(w, r)
	case r.URL.Path == "/xmpp-websocket":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			conn.Close()
		}
	case r.URL.Path == "/http-bind":
		f.bosh(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *front) hostMeta(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	links := f.doctor.expected()
	if strings.HasSuffix(r.URL.Path, ".json") {
		fmt.Fprintf(w, `{"links":[{"rel":%q,"href":%q},{"rel":%q,"href":%q}]}`, stanza.NSAltBOSH, links[stanza.NSAltBOSH], stanza.NSAltWebSocket, links[stanza.NSAltWebSocket])
		return
	}
	fmt.Fprintf(w, `<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'><Link rel='%s' href='%s'/><Link rel='%s' href='%s'/></XRD>`,
		stanza.NSAltBOSH, links[stanza.NSAltBOSH], stanza.NSAltWebSocket, links[stanza.NSAltWebSocket])
}

func (f *front) bosh(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	body, content := string(raw), ""
	switch {
	case !strings.Contains(body, "sid="):
	case strings.Contains(body, "<auth"):
		content = `<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`
	case strings.Contains(body, "restart"):
		content = `<features><bind/></features>`
	case strings.Contains(body, "<iq"):
		content = `<iq><bind><jid>ann@example.com/x</jid></bind></iq>`
	case !strings.Contains(body, "terminate"):
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
		}
	}
	fmt.Fprintf(w, `<body xmlns="http://jabber.org/protocol/httpbind" sid="s">%s</body>`, content)
}

// run returns the findings by their checks; a check has one.
func (f *front) run() map[string]Finding {
	all := map[string]Finding{}
	f.doctor.Run(f.t.Context(), func(found Finding) {
		if found.State != OK && found.Mend == "" {
			f.t.Errorf("%s does not say what to change: %+v", found.Check, found)
		}
		all[found.Check] = found
	})
	return all
}

// records are what DNS says: hosts, and "service port" for SRV.
type records map[string]string

func (r records) LookupHost(_ context.Context, name string) ([]string, error) {
	if _, ok := r[name]; !ok {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return []string{"203.0.113.1"}, nil
}

func (r records) LookupSRV(_ context.Context, service, _, name string) (string, []*net.SRV, error) {
	port, ok := r[service]
	if !ok {
		return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	var n uint16
	_, err := fmt.Sscan(port, &n)
	return "", []*net.SRV{{Target: host + ".", Port: n}}, err
}

// noHosts are name servers that do not answer about hosts.
type noHosts struct{ records }

func (noHosts) LookupHost(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
}

// away are name servers that know hosts, and do not answer about services.
type away struct{ records }

func (away) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
}

func TestRun_AllIsWell(t *testing.T) {
	for check, found := range newFront(t).run() {
		if found.State != OK {
			t.Errorf("%s: %+v", check, found)
		}
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// Each set-up is broken in one way, which is found, with what to change.
func TestRun_Broken(t *testing.T) {
	page504 := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGatewayTimeout)
		_, _ = io.WriteString(w, "<html><head><title>504 Gateway Time-out</title></head><body><hr>nginx</body></html>")
	}
	for name, c := range map[string]struct {
		spoil func(*front)
		check string
		state State
		text  string
		mend  string
	}{
		"no name at all":      {func(f *front) { f.doctor.BaseURL = "https://exa mple.com" }, "address", Fail, "invalid character", "BASE_URL"},
		"no address":          {func(f *front) { delete(f.resolver, host) }, "name", Fail, "has no address", "A or AAAA"},
		"the site is stopped": {func(f *front) { f.broken["/healthz"] = status(502) }, "site", Fail, "not the site behind it", "ADDR"},
		"something else":      {func(f *front) { f.broken["/healthz"] = status(200) }, "site", Fail, "something else", "server_name"},
		"another site":        {func(f *front) { f.headers[SiteHeader] = "that one" }, "site", Fail, "another site of Foyer", "DATABASE_URL"},
		"nobody listens":      {func(f *front) { f.server.Close() }, "site", Fail, "does not answer", "firewall"},
		"port 80 is closed": {func(f *front) {
			dial := f.doctor.Dial
			f.doctor.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasSuffix(address, ":80") {
					return nil, errors.New("connection refused")
				}
				return dial(ctx, network, address)
			}
		}, "plain http", Warn, "does not answer", "port 80"},
		"plain http":          {func(f *front) { f.broken[":80"] = status(200) }, "plain http", Fail, "does not lead to https", "port 80"},
		"proxies not trusted": {func(f *front) { f.doctor.Trusted = nil; f.headers[ClientHeader] = "10.0.0.1 http" }, "client addresses", Fail, "count as one", "TRUSTED_PROXIES to the proxy's address as the site sees it, 10.0.0.1"},
		"a forged header":     {func(f *front) { f.headers[ClientHeader] = forged + " https" }, "client addresses", Fail, "is believed", "TRUSTED_PROXIES"},
		"on the proxy itself": {func(f *front) {
			f.headers[ClientHeader] = forged + " https"
			f.doctor.Trusted = func(string) bool { return true }
		}, "client addresses", Warn, "cannot be told", "another machine"},
		"no X-Forwarded-For":             {func(f *front) { f.headers[ClientHeader] = "10.0.0.1 https" }, "client addresses", Fail, "for whom it asks", "X-Forwarded-For"},
		"no X-Forwarded-Proto":           {func(f *front) { f.headers[ClientHeader] = "203.0.113.5 http" }, "client addresses", Fail, "by https", "X-Forwarded-Proto"},
		"a wrong clock":                  {func(f *front) { f.headers["Date"] = time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, "clock", Fail, "apart", "chrony"},
		"a clock that is a little off":   {func(f *front) { f.headers["Date"] = time.Now().Add(-10 * time.Second).UTC().Format(http.TimeFormat) }, "clock", Warn, "apart", "chrony"},
		"no date":                        {func(f *front) { f.headers["Date"] = "" }, "clock", Warn, "no date", "Date header"},
		"metrics in public":              {func(f *front) { f.broken["/metrics"] = status(200) }, "metrics", Fail, "everybody", "METRICS_ADDR"},
		"metrics on a port for all":      {func(f *front) { f.doctor.OpenMetrics = ":9100" }, "metrics", Warn, "METRICS_ADDR=:9100 asks for no token", "firewall"},
		"metrics on a port that answers": {func(f *front) { f.doctor.OpenMetrics, f.broken[":80"] = ":80", status(200) }, "metrics", Fail, "everybody can read http://example.com:80/metrics", "firewall"},
		"metrics behind a firewall": {func(f *front) {
			f.doctor.OpenMetrics, f.broken[":80"] = ":80", status(200)
			f.doctor.LocalAddresses = func() ([]net.Addr, error) {
				return []net.Addr{&net.IPNet{IP: net.ParseIP("203.0.113.1"), Mask: net.CIDRMask(24, 32)}}, nil
			}
		}, "metrics", Warn, "try it from another", "firewall"},
		"metrics while developing":   {func(f *front) { f.broken["/metrics"], f.doctor.Development = status(200), true }, "metrics", Warn, "everybody", "only this machine"},
		"small headers":              {func(f *front) { f.broken["/xmpp/me"] = status(400) }, "cookies", Fail, "many cookies", "large_client_header_buffers"},
		"no host-meta":               {func(f *front) { f.broken["/.well-known/host-meta"] = status(404) }, "host-meta", Fail, "404", "pass on /.well-known"},
		"host-meta of others":        {func(f *front) { f.broken["/.well-known/host-meta.json"] = write(`{"links":[]}`) }, "host-meta", Fail, "says that", "pass on"},
		"host-meta not XML":          {func(f *front) { f.broken["/.well-known/host-meta"] = write("<html><hr></html>") }, "host-meta", Fail, "cannot be read", "pass on"},
		"host-meta for no page":      {func(f *front) { f.broken["/.well-known/host-meta"] = f.withoutOrigins }, "host-meta", Fail, "no Access-Control-Allow-Origin", "pass on"},
		"no host-meta at the domain": {func(f *front) { f.doctor.Domain = "example.org" }, "host-meta", Warn, "do not find the site", "web server of example.org"},
		"no upgrade":                 {func(f *front) { f.broken["/xmpp-websocket"] = status(426) }, "WebSocket", Fail, "does not pass on the upgrade", "upgrade=websocket"},
		"another BASE_URL":           {func(f *front) { f.broken["/xmpp-websocket"] = status(403) }, "WebSocket", Fail, "foreign", "BASE_URL=https://example.com"},
		"no BOSH":                    {func(f *front) { f.broken["/http-bind"] = status(404) }, "BOSH", Fail, "cannot be opened (404)", "/http-bind"},
		"another XMPP_DOMAIN": {func(f *front) {
			f.broken["/http-bind"] = write(`<body xmlns="http://jabber.org/protocol/httpbind" type="terminate" condition="host-unknown"/>`)
		}, "BOSH", Fail, "host-unknown", "XMPP_DOMAIN=example.com"},
		"too many streams": {func(f *front) {
			f.broken["/http-bind"] = write(`<body xmlns="http://jabber.org/protocol/httpbind" type="terminate" condition="policy-violation"/>`)
		}, "BOSH", Fail, "policy-violation", "STREAMS_PER_ADDRESS"},
		"no chat server": {func(f *front) {
			f.broken["/http-bind"] = write(`<body xmlns="http://jabber.org/protocol/httpbind" type="terminate" condition="remote-connection-failed"/>`)
		}, "BOSH", Fail, "remote-connection-failed", "XMPP_UPSTREAM"},
		"an upgrade that is cut":     {func(f *front) { f.broken["/xmpp-websocket"] = aborted }, "WebSocket", Fail, "not answered", "error log of the proxy"},
		"metrics that are cut":       {func(f *front) { f.broken["/metrics"] = aborted }, "metrics", Fail, "not answered", "error log of the proxy"},
		"cookies that are cut":       {func(f *front) { f.broken["/xmpp/me"] = aborted }, "cookies", Fail, "not answered", "error log of the proxy"},
		"a name server that is away": {func(f *front) { f.doctor.Resolver = noHosts{f.resolver} }, "name", Fail, "could not be looked up", "name servers of example.com"},
		"a short time-out":           {func(f *front) { f.broken["/http-bind"] = f.whenPolled(page504) }, "BOSH", Fail, "gave up a poll", "proxy_read_timeout 75s; in foyer.conf"},
		"a poll that is cut":         {func(f *front) { f.broken["/http-bind"] = f.whenPolled(aborted) }, "BOSH", Fail, "cut off", "above"},
		"a proxy that passes on who people say they are": {func(f *front) {
			f.doctor.Header = "X-Forwarded-User"
			f.broken["/"] = believing("X-Forwarded-User")
		}, "header sign-on", Fail, "anybody can be anybody", "TRUSTED_PROXIES must name the proxy alone"},
		"a proxy that takes out who people say they are": {func(f *front) { f.doctor.Header = "X-Forwarded-User"; f.broken["/"] = status(302) }, "header sign-on", OK, "no X-Forwarded-User", ""},
		"a proxy that asks first":                        {func(f *front) { f.doctor.Header = "X-Forwarded-User"; f.broken["/healthz"] = status(302) }, "site", Warn, "asks for a sign-in first", "exception"},
		"somebody who talks all the time": {func(f *front) {
			f.doctor.Wait = time.Minute
			f.broken["/http-bind"] = f.whenPolled(write(`<body xmlns="http://jabber.org/protocol/httpbind"><message/></body>`))
		}, "BOSH", Warn, "always something to say", "not in the chat"},
		"real passwords alone": {func(f *front) { f.doctor.RealPasswords = true }, "BOSH", Warn, "only people's own passwords", "deploy/"},
		"no account":           {func(f *front) { f.doctor.SignIn = nil }, "BOSH", Warn, "takes an account", "foyer user add"},
		"no token": {func(f *front) {
			f.doctor.SignIn = func(context.Context) (string, string, error) { return "", "", errors.New("no key") }
		}, "sign-in", Fail, "no key", "log"},
		"a refused token":                             {func(f *front) { f.broken["/http-bind"] = f.unlessSignedIn(status(200)) }, "sign-in", Fail, "does not sign in", "log"},
		"small uploads":                               {func(f *front) { f.broken["/upload/doctor/large.bin"] = status(413) }, "uploads", Fail, "refuses a file", "client_max_body_size"},
		"a file that is broken off":                   {func(f *front) { f.broken["/upload/doctor/large.bin"] = aborted }, "uploads", Warn, "broke off", "error log"},
		"no PUT":                                      {func(f *front) { f.broken["/upload/doctor/large.bin"] = status(405) }, "uploads", Fail, "405", "PUT"},
		"no record":                                   {func(f *front) { f.doctor.TLSPort = "5223" }, "record _xmpps-client._tcp.example.com", Fail, "there is none", "Create it"},
		"a record to elsewhere":                       {func(f *front) { f.doctor.STARTTLSPort = "5222"; f.resolver["xmpp-client"] = "5269" }, "record _xmpp-client._tcp.example.com", Fail, "leads to port 5269", "Change it"},
		"a record to nowhere":                         {func(f *front) { f.resolver["xmpp-client"] = "5222" }, "record _xmpp-client._tcp.example.com", Warn, "does not listen", "XMPP_C2S_ADDR"},
		"no record where none is needed":              {func(f *front) { f.doctor.STARTTLSPort = "5222" }, "record _xmpp-client._tcp.example.com", OK, "none is needed", ""},
		"name servers that are away":                  {func(f *front) { f.doctor.Resolver = away{f.resolver} }, "record _xmpp-client._tcp.example.com", Warn, "could not be looked up", "name servers of example.com"},
		"records of another chat server":              {func(f *front) { f.doctor.External = true; f.resolver["xmpp-client"] = "5269" }, "record _xmpp-client._tcp.example.com", OK, "it leads to the chat server at example.com:5269", ""},
		"no record of another chat server":            {func(f *front) { f.doctor.External = true }, "records of example.com", OK, "the site needs none", "if it takes apps"},
		"another chat server's name servers are away": {func(f *front) { f.doctor.External = true; f.doctor.Resolver = away{f.resolver} }, "record _xmpps-client._tcp.example.com", Warn, "could not be looked up", "name servers of example.com"},
		"a port that is closed":                       {func(f *front) { f.doctor.TLSPort = "5223" }, "certificate of port 5223", Fail, "shows none", "firewall"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t)
			c.spoil(f)
			found := f.run()[c.check]
			if found.State != c.state || !strings.Contains(found.Text, c.text) || !strings.Contains(strings.ToLower(found.Mend), strings.ToLower(c.mend)) {
				t.Errorf("%s: %+v", c.check, found)
			}
		})
	}
}

// aborted breaks off the connection.
func aborted(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// withoutOrigins is host-meta that only pages of the site may read.
func (f *front) withoutOrigins(w http.ResponseWriter, r *http.Request) {
	said := httptest.NewRecorder()
	f.hostMeta(said, r)
	_, _ = w.Write(said.Body.Bytes())
}

// believing answers as a site does that a proxy tells who is there, in a header that it passed on.
func believing(header string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get(header), ",") {
			w.WriteHeader(http.StatusBadRequest)
		}
	}
}

func write(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = io.WriteString(w, text)
	}
}

// whenPolled answers empty requests, which are polls, in another way.
func (f *front) whenPolled(poll http.HandlerFunc) http.HandlerFunc {
	return f.when(func(body string) bool { return strings.Contains(body, "sid=") && strings.Contains(body, " ></body>") }, poll)
}

func (f *front) unlessSignedIn(answer http.HandlerFunc) http.HandlerFunc {
	return f.when(func(body string) bool { return strings.Contains(body, "<auth") }, answer)
}

func (f *front) when(is func(body string) bool, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		if is(string(raw)) {
			answer(w, r)
			return
		}
		f.bosh(w, r)
	}
}

// What is to be pasted is whole.
func TestRecord_Paste(t *testing.T) {
	f := newFront(t)
	f.doctor.Domain, f.doctor.STARTTLSPort = "example.org", "5222"
	f.doctor.Quick = true
	found := f.run()["record _xmpp-client._tcp.example.org"]
	if want := "_xmpp-client._tcp.example.org. 3600 IN SRV 0 5 5222 example.com."; len(found.Paste) != 1 || found.Paste[0] != want {
		t.Errorf("%+v", found)
	}
}

// Where another chat server is named, the records lead there; otherwise its name is left to be
// filled in.
func TestRecordsElsewhere_Paste(t *testing.T) {
	for name, target := range map[string]string{"xmpp.example.org": "xmpp.example.org", "": "<the chat server's name>"} {
		f := newFront(t)
		f.doctor.External, f.doctor.ChatHost, f.doctor.Quick = true, name, true
		found := f.run()["records of example.com"]
		want := []string{"_xmpp-client._tcp.example.com. 3600 IN SRV 0 5 5222 " + target + ".", "_xmpps-client._tcp.example.com. 3600 IN SRV 0 5 5223 " + target + "."}
		if !slices.Equal(found.Paste, want) {
			t.Errorf("%+v", found)
		}
	}
}

// RFC 2782: the target "." says that there is no such service.
func TestLeadsElsewhere(t *testing.T) {
	for target, want := range map[string]string{".": "it says that there is no such service", "xmpp.example.org.": "it leads to the chat server at xmpp.example.org:5222"} {
		if says := leadsElsewhere(&net.SRV{Target: target, Port: 5222}); says != want {
			t.Errorf("%s: %s", target, says)
		}
	}
}

func TestReport(t *testing.T) {
	var people, programs strings.Builder
	found := Finding{Check: "name", State: Fail, Text: "it is wrong", Mend: "Mend it:", Paste: []string{"a line"}}
	for out, asJSON := range map[*strings.Builder]bool{&people: false, &programs: true} {
		r := NewReport(out, asJSON)
		r.Tell(found)
		r.Tell(Finding{Check: "other", State: OK, Text: "well"})
		if failed, err := r.Close(); failed != 1 || err != nil {
			t.Errorf("%d %v", failed, err)
		}
	}
	if want := "fail  name: it is wrong\n      → Mend it:\n        a line\nok    other: well\n"; people.String() != want {
		t.Errorf("%q", people.String())
	}
	var all []Finding
	if err := json.Unmarshal([]byte(programs.String()), &all); err != nil || len(all) != 2 || all[0].Mend != found.Mend {
		t.Errorf("%v %s", err, programs.String())
	}
}
