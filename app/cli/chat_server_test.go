package cli

import (
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/app"
	"foyer/app/doctor"
	"foyer/internal/testcert"
)

// chatServer is a scripted XMPP server on loopback, which lets everybody in; what is asked of it
// is answered by the namespace of the question, and refused otherwise (RFC 6120 §8.3.3.19).
type chatServer struct {
	t       testing.TB
	addr    string
	answers map[string]string

	tls        *tls.Config // from the first byte
	mechanisms []string
	refuses    bool // whoever signs in
	unknown    bool // is what the domain is to it
}

// newChatServer tells of messages, and the time.
func newChatServer(t testing.TB, clock time.Time) *chatServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &chatServer{t: t, addr: l.Addr().String(), mechanisms: []string{"PLAIN"}, answers: map[string]string{
		"http://jabber.org/protocol/disco#info": `<feature var="urn:xmpp:push:0"/>`,
		"urn:xmpp:time":                         `<tzo>Z</tzo><utc>` + clock.UTC().Format(time.RFC3339) + `</utc>`,
	}}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()
				if s.tls != nil {
					s.serve(tls.Server(conn, s.tls))
				} else {
					s.serve(conn)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); served.Wait() })
	return s
}

// serve goes on until the client is gone.
func (s *chatServer) serve(conn net.Conn) {
	features := `<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>` + strings.Join(s.mechanisms, "</mechanism><mechanism>") + `</mechanism></mechanisms>`
	for in := xml.NewDecoder(conn); ; {
		token, err := in.Token()
		if err != nil {
			return
		}
		start, isStart := token.(xml.StartElement)
		switch {
		case !isStart:
		case start.Name.Local == "stream" && s.unknown:
			fmt.Fprint(conn, `<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" id="x" version="1.0"><stream:error><host-unknown xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>`)
			return
		case start.Name.Local == "stream":
			fmt.Fprintf(conn, `<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" id="x" version="1.0" from="localhost"><stream:features>%s</stream:features>`, features)
		case start.Name.Local == "auth":
			if in.Skip() != nil {
				return
			}
			if s.refuses {
				fmt.Fprint(conn, `<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/><text>unknown key</text></failure>`)
				continue
			}
			fmt.Fprint(conn, `<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
			features, in = `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>`, xml.NewDecoder(conn) // RFC 6120 §6.4.6
		case start.Name.Local == "iq":
			var iq question
			if in.DecodeElement(&iq, &start) != nil {
				return
			}
			fmt.Fprint(conn, s.answer(iq))
		}
	}
}

// question is an IQ that asks something.
type question struct {
	ID    string `xml:"id,attr"`
	To    string `xml:"to,attr"`
	About struct {
		XMLName xml.Name
	} `xml:",any"`
}

func (s *chatServer) answer(iq question) string {
	from := ""
	if iq.To != "" {
		from = ` from="` + iq.To + `"`
	}
	about := iq.About.XMLName
	inner, known := s.answers[about.Space]
	if about.Local == "bind" {
		inner, known = `<jid>_foyer@localhost/x</jid>`, true
	}
	if !known {
		return fmt.Sprintf(`<iq xmlns="jabber:client" type="error" id="%s"%s><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`, iq.ID, from)
	}
	return fmt.Sprintf(`<iq xmlns="jabber:client" type="result" id="%s"%s><%s xmlns="%s">%s</%[3]s></iq>`, iq.ID, from, about.Local, about.Space, inner)
}

// behind puts the site of a terminal before another chat server.
func (c *terminal) behind(clock time.Time) *chatServer {
	s := newChatServer(c.t, clock)
	c.cfg.Upstream = "xmpp://" + s.addr
	return s
}

// With another chat server that is set up well, nothing is to be mended.
func TestDoctor_ChatServer(t *testing.T) {
	c := newTerminal(t, nil)
	c.behind(time.Now())
	found, err := c.findings()
	if err != nil {
		t.Error(err)
	}
	for check, f := range found {
		if f.State != doctor.OK && check != "site" && check != "scripts and styles" { // no BASE_URL; assets may not be fetched yet
			t.Errorf("%+v", f)
		}
	}
	if f := found["clock"]; !strings.Contains(f.Text, "the chat server's clock agrees") {
		t.Errorf("%+v", f)
	}
}

// What that server does not have is told, and is no failure.
func TestDoctor_ChatServer_Lacks(t *testing.T) {
	c := newTerminal(t, nil)
	s := c.behind(time.Now())
	delete(s.answers, "urn:xmpp:time")
	s.answers["http://jabber.org/protocol/disco#info"] = ""
	found, err := c.findings()
	if err != nil {
		t.Error(err)
	}
	if f := found["clock"]; f.State != doctor.Warn || !strings.Contains(f.Text, "is not told: the XMPP server says service-unavailable") || !strings.Contains(f.Mend, "mod_time") {
		t.Errorf("%+v", f)
	}
	if f := found["chat server"]; f.State != doctor.Warn || !strings.Contains(f.Text, "cloud_notify") {
		t.Errorf("%+v", f)
	}
}

// What the settings say of another chat server is what the site is looked at by: its ports are not
// the site's own.
func TestSiteOf(t *testing.T) {
	for upstream, want := range map[string]doctor.Site{
		"embedded":                     {STARTTLSPort: "5222", TLSPort: "5223"},
		"xmpp://chat.example.org:5222": {External: true, ChatHost: "chat.example.org"},
		"xmpp://127.0.0.1:5222":        {External: true},
	} {
		cfg, err := app.LoadConfig(map[string]string{
			"APP_ENV": "development", "XMPP_UPSTREAM": upstream, "XMPP_C2S_ADDR": "localhost:5222", "XMPP_C2S_TLS_ADDR": "localhost:5223", "UPLOAD_ORIGINS": "https://upload.example.org",
		})
		if err != nil {
			t.Fatal(err)
		}
		site := siteOf(cfg, "this one")
		got := doctor.Site{STARTTLSPort: site.STARTTLSPort, TLSPort: site.TLSPort, External: site.External, ChatHost: site.ChatHost}
		if !reflect.DeepEqual(got, want) || site.ID != "this one" || !slices.Equal(site.FileOrigins, []string{"https://upload.example.org"}) {
			t.Errorf("%s: %+v", upstream, site)
		}
	}
}

// encrypt gives it a certificate that nobody here has heard of.
func (s *chatServer) encrypt(c *terminal, name string) {
	s.tls = &tls.Config{Certificates: []tls.Certificate{testcert.New(s.t, name).TLS}, NextProtos: []string{"xmpp-client"}}
	c.cfg.Upstream = "xmpps://" + s.addr
}
