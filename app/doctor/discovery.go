package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"foyer/internal/stanza"
)

// names: the name of BASE_URL has an address.
func (d *Doctor) names(ctx context.Context) []Finding {
	return d.named(ctx, "name", d.base.Hostname())
}

// named: a host has an address.
func (d *Doctor) named(ctx context.Context, check, host string) []Finding {
	if net.ParseIP(host) != nil {
		return nil
	}
	addresses, err := d.Resolver.LookupHost(ctx, host)
	if err != nil && !isNotFound(err) {
		return fail(check, mendNameServers(host), "it could not be looked up: %v", err)
	}
	if err != nil {
		f := fail(check, "Create an A or AAAA record where the domain's DNS is kept:", "%s has no address: %v", host, err)
		f[0].Paste = []string{host + ". 3600 IN A <the machine's address>"}
		return f
	}
	return ok(check, "%s is %s", host, strings.Join(addresses, ", "))
}

// isNotFound reports whether name servers answered, and there is none.
func isNotFound(err error) bool {
	var none *net.DNSError
	return errors.As(err, &none) && none.IsNotFound
}

func mendNameServers(name string) string {
	return "Look whether the name servers of " + name + " answer, and whether this machine reaches one (/etc/resolv.conf)."
}

// links are what host-meta says, by relation (XEP-0156 §2).
type links map[string]string

// expected is what both forms of host-meta have to say.
func (d *Doctor) expected() links {
	return links{stanza.NSAltBOSH: d.BaseURL + "/http-bind", stanza.NSAltWebSocket: "ws" + strings.TrimPrefix(d.BaseURL, "http") + "/xmpp-websocket"}
}

// hostMeta: chat programs in browsers find the site's endpoints, at its own address
// and at the domain of people's addresses, where they look (XEP-0156 §2).
func (d *Doctor) hostMeta(ctx context.Context) []Finding {
	const check = "host-meta"
	if err := d.hostMetaAt(ctx, d.BaseURL); err != nil {
		return fail(check, "Let the proxy pass on /.well-known/host-meta and host-meta.json like everything else; and the site that runs must have BASE_URL="+d.BaseURL+".", "%v", err)
	}
	if d.Domain == d.base.Hostname() || d.base.Scheme != "https" {
		return ok(check, "it names the site's endpoints")
	}
	if err := d.hostMetaAt(ctx, "https://"+d.Domain); err != nil {
		return warn(check, fmt.Sprintf("The web server of %s has to answer with the files of %s/.well-known/host-meta and host-meta.json, with Access-Control-Allow-Origin: *. "+
			"The site's own pages do without.", d.Domain, d.BaseURL), "chat programs that know only the domain do not find the site: %v", err)
	}
	return ok(check, "it names the site's endpoints, at %s and at %s", d.base.Hostname(), d.Domain)
}

func (d *Doctor) hostMetaAt(ctx context.Context, origin string) error {
	for path, read := range map[string]func([]byte) (links, error){"/.well-known/host-meta": readXRD, "/.well-known/host-meta.json": readJRD} {
		a, err := d.ask(ctx, http.MethodGet, origin+path, nil, "", timeout)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return fmt.Errorf("%s%s answers %d", origin, path, a.status)
		}
		got, err := read([]byte(a.body))
		if err != nil {
			return fmt.Errorf("%s%s cannot be read: %w", origin, path, err)
		}
		for rel, want := range d.expected() {
			if got[rel] != want {
				return fmt.Errorf("%s%s says that %s is at %q, not at %s", origin, path, rel, got[rel], want)
			}
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" {
			return fmt.Errorf("%s%s has no Access-Control-Allow-Origin: *", origin, path)
		}
	}
	return nil
}

func readXRD(raw []byte) (links, error) {
	var xrd struct {
		Links []struct {
			Rel  string `xml:"rel,attr"`
			Href string `xml:"href,attr"`
		} `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 Link"`
	}
	err := xml.Unmarshal(raw, &xrd)
	all := links{}
	for _, l := range xrd.Links {
		all[l.Rel] = l.Href
	}
	return all, err
}

func readJRD(raw []byte) (links, error) {
	var jrd struct{ Links []struct{ Rel, Href string } }
	err := json.Unmarshal(raw, &jrd)
	all := links{}
	for _, l := range jrd.Links {
		all[l.Rel] = l.Href
	}
	return all, err
}

// service is a way in for native clients, and the record that leads there (RFC 6120
// §3.2.1, XEP-0368 §3).
type service struct{ name, port, standard string }

func (d *Doctor) services() []service {
	return []service{{"xmpp-client", d.STARTTLSPort, "5222"}, {"xmpps-client", d.TLSPort, "5223"}}
}

// records: native clients are led to the ports that there are, and to no others.
func (d *Doctor) records(ctx context.Context) []Finding {
	if d.External {
		return d.recordsElsewhere(ctx)
	}
	var all []Finding
	for _, s := range d.services() {
		all = append(all, d.record(ctx, s)...)
	}
	return all
}

// recordName is where the record of a service stands.
func (d *Doctor) recordName(s service) string { return "_" + s.name + "._tcp." + d.Domain }

// recordLine is a record as it is written into a zone (RFC 2782).
func (d *Doctor) recordLine(s service, port, host string) string {
	return fmt.Sprintf("%s. 3600 IN SRV 0 5 %s %s.", d.recordName(s), port, host)
}

// lookUp returns the records of a service; failed tells why they are not known.
func (d *Doctor) lookUp(ctx context.Context, s service) (records []*net.SRV, failed []Finding) {
	_, records, err := d.Resolver.LookupSRV(ctx, s.name, "tcp", d.Domain)
	if err != nil && !isNotFound(err) {
		return nil, warn("record "+d.recordName(s), mendNameServers(d.Domain), "it could not be looked up: %v", err)
	}
	return records, nil
}

func (d *Doctor) record(ctx context.Context, s service) []Finding {
	check := "record " + d.recordName(s)
	records, failed := d.lookUp(ctx, s)
	if failed != nil {
		return failed
	}
	leads := slices.ContainsFunc(records, func(r *net.SRV) bool { return fmt.Sprint(r.Port) == s.port })
	paste := []string{d.recordLine(s, s.port, d.base.Hostname())}
	switch {
	case s.port == "" && len(records) == 0:
		return nil
	case s.port == "":
		return warn(check, "Remove the record, or open the port (XMPP_C2S_ADDR, XMPP_C2S_TLS_ADDR).", "it leads to %s:%d, where this site does not listen", records[0].Target, records[0].Port)
	case leads:
		return ok(check, "it leads to port %s", s.port)
	case len(records) > 0:
		f := fail(check, "Change it where the domain's DNS is kept:", "it leads to port %d, and the site listens on %s", records[0].Port, s.port)
		f[0].Paste = paste
		return f
	case s.name == "xmpp-client" && s.port == s.standard && d.Domain == d.base.Hostname():
		return ok(check, "there is none, and none is needed: apps try port %s of %s", s.port, d.Domain)
	}
	f := fail(check, "Create it where the domain's DNS is kept:", "there is none, so that apps do not find the site")
	f[0].Paste = paste
	return f
}

// recordsElsewhere: where the chat server is another, the records of the domain lead to it, and
// only its operator knows to which name and ports. Without any the site works as well: they are
// for apps on people's devices, and for an XMPP_UPSTREAM of xmpp+srv://.
func (d *Doctor) recordsElsewhere(ctx context.Context) []Finding {
	var all []Finding
	var paste []string
	for _, s := range d.services() {
		records, failed := d.lookUp(ctx, s)
		all = append(all, failed...)
		for _, r := range records {
			all = append(all, ok("record "+d.recordName(s), "%s", leadsElsewhere(r))...)
		}
		paste = append(paste, d.recordLine(s, s.standard, cmp.Or(d.ChatHost, "<the chat server's name>")))
	}
	if len(all) > 0 {
		return all
	}
	hint := ok("records of "+d.Domain, "there are none, and the site needs none: they lead apps on people's devices to the chat server")
	hint[0].Mend = "If it takes apps, create one for each port that it has for them, where the domain's DNS is kept:"
	hint[0].Paste = paste
	return hint
}

// leadsElsewhere says where a record leads that is another server's.
func leadsElsewhere(r *net.SRV) string {
	host := strings.TrimSuffix(r.Target, ".")
	if host == "" { // RFC 2782: the target "."
		return "it says that there is no such service"
	}
	return "it leads to the chat server at " + net.JoinHostPort(host, strconv.Itoa(int(r.Port)))
}
