package peers

import (
	"encoding/base64"
	"encoding/xml"
	"net"
	"strings"
	"testing"
	"time"
)

// Session is a client's, signed in by SASL PLAIN over TCP on loopback. It is for one
// goroutine, and ends with the test.
type Session struct {
	JID  string // bare
	t    testing.TB
	conn net.Conn
	in   *xml.Decoder
}

// Element is one of a stream, as far as tests look into it.
type Element struct {
	XMLName xml.Name
	Inner   string `xml:",innerxml"`
	JID     string `xml:"bind>jid"`
	From    string `xml:"from,attr"`
	ID      string `xml:"id,attr"`
	Type    string `xml:"type,attr"`
	Body    string `xml:"body"`
}

// SignIn signs in and binds a resource. refusal is the SASL condition, empty when it is
// good.
func SignIn(t testing.TB, addr, domain, authzid, user, password string) (s *Session, refusal string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s = &Session{t: t, conn: conn}
	s.open(domain)
	s.Send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + base64.StdEncoding.EncodeToString([]byte(authzid+"\x00"+user+"\x00"+password)) + "</auth>")
	if answer := s.Next(); answer.XMLName.Local != "success" {
		conn.Close()
		return nil, answer.Condition()
	}
	s.open(domain)
	s.Send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	bound := s.Next()
	if s.JID, _, _ = strings.Cut(bound.JID, "/"); s.JID == "" {
		t.Fatalf("not bound: %+v", bound)
	}
	return s, ""
}

// Condition is the name of the first child, such as a condition.
func (e Element) Condition() string {
	return strings.Trim(strings.FieldsFunc(e.Inner, func(r rune) bool { return r == '<' || r == ' ' || r == '/' || r == '>' })[0], " ")
}

// open opens the stream, and reads as far as the features.
func (s *Session) open(domain string) {
	s.t.Helper()
	s.Send("<?xml version='1.0'?><stream:stream to='" + domain + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
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
	if features := s.Next(); features.XMLName.Local != "features" {
		s.t.Fatalf("no features: %+v", features)
	}
}

// Send sends text.
func (s *Session) Send(text string) {
	s.t.Helper()
	_ = s.conn.SetDeadline(time.Now().Add(timeout)) // for what comes of it, too
	if _, err := s.conn.Write([]byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// Next returns the next element of the stream.
func (s *Session) Next() Element {
	s.t.Helper()
	var el Element
	if err := s.in.Decode(&el); err != nil {
		s.t.Fatal(err)
	}
	return el
}

// Message waits for one with a text.
func (s *Session) Message() Element {
	s.t.Helper()
	for {
		if el := s.Next(); el.XMLName.Local == "message" && el.Body != "" {
			return el
		}
	}
}

// Close closes the connection.
func (s *Session) Close() { s.conn.Close() }
