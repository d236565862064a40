// Package doctor checks a site from outside: as browsers, chat apps and name servers
// meet it, through whatever stands in front of it. Every finding that is not well
// says what to change, and in which file.
//
//	doctor.go        what is checked, and in which order
//	report.go        findings, for people and for programs
//	site.go          is it this site that answers, and does it know who asks
//	discovery.go     how chat apps find it: host-meta, SRV records
//	certificate.go   certificates of pages and of native clients
//	header.go        whether the proxy that signs people in lets nobody pass for another
//	streams.go       WebSocket, and a poll that takes a minute
//	upload.go        the largest file
//	file_origins.go  files that another chat server keeps
package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Site is what is to be checked.
type Site struct {
	BaseURL   string // as people type it; an origin
	ID        string // what the site says of itself at /healthz
	Domain    string // of people's addresses, in ASCII
	MaxUpload int64  // bytes; 0: no files are taken

	// Development sites, which only this machine reaches, show their metrics to
	// everybody who gets there.
	Development bool

	// OpenMetrics is METRICS_ADDR, where that is on all addresses, or on one of the internet; empty: it is not.
	OpenMetrics string

	// Where native clients connect at this site; empty: nowhere.
	STARTTLSPort, TLSPort string

	// External: the chat server is another program (XMPP_UPSTREAM). Native clients and files are
	// its own, and so is where the records of the domain lead.
	External bool

	// ChatHost is the public name of that server, where the setting tells it; empty: it does not.
	ChatHost string

	// FileOrigins are where another server keeps files (UPLOAD_ORIGINS).
	FileOrigins []string

	// Whether an address is one of TRUSTED_PROXIES; nil: there are none.
	Trusted func(address string) bool

	// Header is what the proxy in front tells who is signed in by (HEADER_SIGNIN); empty: it does not.
	Header string

	// SignIn returns somebody's address, and a token that signs in once. nil: there is
	// no account yet, or tokens do not sign in.
	SignIn func(context.Context) (jid, token string, err error)

	// RealPasswords: what signs in to the chat is what people type, and no token
	// (XMPP_LOGIN=typed).
	RealPasswords bool
}

// Resolver is the part of net.Resolver that is used.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Doctor checks one site. Zero fields take what the system has.
type Doctor struct {
	Site
	Quick    bool          // leaves out what takes a minute
	Wait     time.Duration // of that poll; 59 s, as Converse asks for
	Resolver Resolver
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Roots    *x509.CertPool // who signs certificates
	Now      func() time.Time

	LocalAddresses func() ([]net.Addr, error) // of this machine

	base *url.URL
}

// How long a check may take that does not wait on purpose.
const timeout = 15 * time.Second

// Run makes every check and tells what each found.
func (d *Doctor) Run(ctx context.Context, tell func(Finding)) {
	if err := d.prepare(); err != nil {
		tell(Finding{Check: "address", State: Fail, Text: err.Error(), Mend: "Set BASE_URL to the address that people type."})
		return
	}
	all := func(checks ...func(context.Context) []Finding) {
		for _, check := range checks {
			for _, f := range check(ctx) {
				tell(f)
			}
		}
	}
	all(d.names, d.certificate)
	if d.Header != "" {
		all(d.headerSignIn)
	}
	found := d.reachable(ctx)
	tell(found)
	if found.State == OK {
		all(d.redirect, d.forwarded, d.clock, d.metrics, d.largeHeader, d.hostMeta, d.webSocket, d.bosh, d.upload)
	}
	all(d.fileOrigins, d.records, d.nativeCertificates)
}

func (d *Doctor) prepare() error {
	var dialer net.Dialer
	d.Wait = cmp.Or(d.Wait, 59*time.Second)
	if d.Resolver == nil {
		d.Resolver = net.DefaultResolver
	}
	if d.Dial == nil {
		d.Dial = dialer.DialContext
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.LocalAddresses == nil {
		d.LocalAddresses = net.InterfaceAddrs
	}
	var err error
	d.base, err = url.Parse(d.BaseURL)
	return err
}

// client asks as a browser does, one connection for each request; it follows no
// redirects. It speaks HTTP/1.1, which an upgrade needs.
func (d *Doctor) client(limit time.Duration) *http.Client {
	transport := d.transport()
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	return &http.Client{
		Timeout: limit, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (d *Doctor) transport() *http.Transport {
	return &http.Transport{
		DialContext: d.Dial, TLSClientConfig: &tls.Config{RootCAs: d.Roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, ExpectContinueTimeout: time.Second, // nginx does not say 100 over HTTP/2
	}
}

// get asks for a path of the site.
func (d *Doctor) get(ctx context.Context, path string, header http.Header) (answer, error) {
	return d.ask(ctx, http.MethodGet, d.BaseURL+path, header, "", timeout)
}
