package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// rawClient speaks XMPP over direct TLS, word by word.
type rawClient struct {
	t      testing.TB
	user   string
	conn   *tls.Conn
	reader *stream.Reader
}

func (s *Server) rawClient(t testing.TB) *rawClient { t.Helper(); return s.rawClientOf(t, "alice") }

func (s *Server) rawClientOf(t testing.TB, user string) *rawClient {
	t.Helper()
	conn, err := tls.Dial("tcp", s.native[1].listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // made in memory for the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
	c := &rawClient{t, user, conn, stream.NewReader(conn, stream.Limits{})}
	c.send(`<?xml version='1.0'?><stream:stream to='localhost' from='` + user + `@localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`)
	if _, err := c.reader.Header(); err != nil {
		t.Fatal(err)
	}
	c.read() // the features
	return c
}

func (c *rawClient) send(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, raw); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawClient) read() *stream.Element {
	c.t.Helper()
	el, err := c.reader.Next()
	if err != nil {
		c.t.Fatal(err)
	}
	return el
}

func (c *rawClient) expect(pattern string) map[string]string {
	c.t.Helper()
	el := c.read()
	got, err := streamtest.Match(pattern, el.Raw)
	if err != nil {
		c.t.Fatalf("%v\n got: %s\nwant: %s", err, el.Raw, pattern)
	}
	return got
}

// token signs in with a token that is bound to this connection.
func (c *rawClient) token(secret, more string) {
	c.t.Helper()
	state := c.conn.ConnectionState()
	binding, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		c.t.Fatal(err)
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(append([]byte("Initiator"), binding...))
	initial := base64.StdEncoding.EncodeToString(append([]byte(c.user+"\x00"), m.Sum(nil)...))
	c.send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="HT-SHA-256-EXPR"><initial-response>` + initial + `</initial-response>` + agent + `<fast xmlns="urn:xmpp:fast:0"/>` + more + `</authenticate>`)
}

const agent = `<user-agent id="d4565fa7-4d72-4749-b3d3-740edbf87770"/>`

// XEP-0388, XEP-0386, XEP-0484, XEP-0198 §9.2 (S-100): one round trip from the
// features to a session, by token; resumed by the next; revoked with its password.
func TestNative_FAST(t *testing.T) {
	s, base := nativeSite(t)
	b := signedInAs(t, base, "alice")
	plain := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + b.appPassword("Phone")))
	c := s.rawClient(t)
	c.send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="PLAIN"><initial-response>` + plain + `</initial-response>` + agent + `<request-token xmlns="urn:xmpp:fast:0" mechanism="HT-SHA-256-EXPR"/></authenticate>`)
	token := c.expect(`<success xmlns="urn:xmpp:sasl:2"><authorization-identifier>alice@localhost</authorization-identifier><token xmlns="urn:xmpp:fast:0" token="{token}" expiry="*"/></success>`)["token"]

	const bind = `<bind xmlns="urn:xmpp:bind:0"><tag>Test</tag><enable xmlns="urn:xmpp:sm:3" resume="1"/></bind>`
	c = s.rawClient(t)
	c.token(token, bind)
	got := c.expect(`<success xmlns="urn:xmpp:sasl:2"><additional-data>*</additional-data><authorization-identifier>{jid}</authorization-identifier>` +
		`<bound xmlns="urn:xmpp:bind:0"><metadata xmlns="urn:xmpp:mam:2"/><enabled xmlns="urn:xmpp:sm:3" id="{id}" resume="true" max="*"/></bound></success>`)
	c.read() // the features
	if !strings.HasPrefix(got["jid"], "alice@localhost/Test/") {
		t.Errorf("bound %s", got["jid"])
	}

	c = s.rawClient(t)
	c.token(token, `<resume xmlns="urn:xmpp:sm:3" h="0" previd="`+got["id"]+`"/>`)
	c.expect(`<success xmlns="urn:xmpp:sasl:2"><additional-data>*</additional-data><authorization-identifier>alice@localhost</authorization-identifier><resumed xmlns="urn:xmpp:sm:3" h="0" previd="*"/></success>`)

	b.get("/settings")
	b.submit("/settings", revokeLink.FindString(b.body))
	c.expect(`<stream:error xmlns:stream="http://etherx.jabber.org/streams"><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-streams"/><any xmlns="test"/></stream:error>`)
	c = s.rawClient(t)
	c.token(token, bind)
	c.expect(`<failure xmlns="urn:xmpp:sasl:2"><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></failure>`)
}
