package doors

import (
	"encoding/base64"
	"encoding/xml"
	"net"
	"strings"
	"testing"
	"time"
)

// session is a client's, signed in by SASL PLAIN over TCP on loopback.
type session struct {
	t    *testing.T
	conn net.Conn
	in   *xml.Decoder
	jid  string
}

// element is one of a stream, as far as these tests look into it.
type element struct {
	XMLName xml.Name
	Inner   string `xml:",innerxml"`
	JID     string `xml:"bind>jid"`
	From    string `xml:"from,attr"`
	Body    string `xml:"body"`
}

// signIn signs in and binds a resource. refusal is the SASL condition, empty when it is
// good.
func signIn(t *testing.T, addr, domain, authzid, user, password string) (s *session, refusal string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	s = &session{t: t, conn: conn}
	s.open(domain)
	s.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + base64.StdEncoding.EncodeToString([]byte(authzid+"\x00"+user+"\x00"+password)) + "</auth>")
	if answer := s.next(); answer.XMLName.Local != "success" {
		conn.Close()
		return nil, firstChild(answer.Inner)
	}
	s.open(domain)
	s.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	bound := s.next()
	if s.jid, _, _ = strings.Cut(bound.JID, "/"); s.jid == "" {
		t.Fatalf("not bound: %+v", bound)
	}
	return s, ""
}

func firstChild(inner string) string {
	return strings.Trim(strings.FieldsFunc(inner, func(r rune) bool { return r == '<' || r == ' ' || r == '/' || r == '>' })[0], " ")
}

// open opens the stream, and reads as far as the features.
func (s *session) open(domain string) {
	s.t.Helper()
	s.send("<?xml version='1.0'?><stream:stream to='" + domain + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	s.in = xml.NewDecoder(s.conn)
	for {
		token, err := s.in.Token()
		if err != nil {
			s.t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "stream" {
			break
		}
	}
	if features := s.next(); features.XMLName.Local != "features" {
		s.t.Fatalf("no features: %+v", features)
	}
}

func (s *session) send(text string) {
	s.t.Helper()
	if _, err := s.conn.Write([]byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// next returns the next element of the stream.
func (s *session) next() element {
	s.t.Helper()
	var el element
	if err := s.in.Decode(&el); err != nil {
		s.t.Fatal(err)
	}
	return el
}

// message waits for one with a text.
func (s *session) message() element {
	s.t.Helper()
	for {
		if el := s.next(); el.XMLName.Local == "message" && el.Body != "" {
			return el
		}
	}
}

// attempt is one login, and what is expected of it.
type attempt struct {
	what, user, password string
	authzid              string
	want                 string // the address; or the SASL condition
}

// try makes the attempts at a server.
func try(t *testing.T, addr, domain string, attempts ...attempt) {
	t.Helper()
	for _, a := range attempts {
		s, got := signIn(t, addr, domain, a.authzid, a.user, a.password)
		if s != nil {
			got = s.jid
			s.conn.Close()
		}
		if got != a.want {
			t.Errorf("%s: %s, want %s", a.what, got, a.want)
		}
	}
}
