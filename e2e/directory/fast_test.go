package directory

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"time"

	"foyer/e2e/peers"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// device is an app of zoe's that speaks SASL2 over TLS.
type device struct {
	t    testing.TB
	conn *tls.Conn
	in   *stream.Reader
}

func (x *site) device(addr string) *device {
	x.t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // made in memory for the test
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
	d := &device{x.t, conn, stream.NewReader(conn, stream.Limits{})}
	d.send(`<?xml version='1.0'?><stream:stream to='localhost' from='zoe@localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`)
	if _, err := d.in.Header(); err != nil {
		x.t.Fatal(err)
	}
	d.next() // the features
	return d
}

func (d *device) send(text string) {
	d.t.Helper()
	if _, err := io.WriteString(d.conn, text); err != nil {
		d.t.Fatal(err)
	}
}

func (d *device) next() string {
	d.t.Helper()
	el, err := d.in.Next()
	if err != nil {
		d.t.Fatal(err)
	}
	return string(el.Raw)
}

// signIn returns what the site answers.
func (d *device) signIn(mechanism, initial, more string) string {
	d.t.Helper()
	d.send(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="` + mechanism + `"><initial-response>` + base64.StdEncoding.EncodeToString([]byte(initial)) +
		`</initial-response><user-agent id="d4565fa7-4d72-4749-b3d3-740edbf87770"/>` + more + `</authenticate>`)
	return d.next()
}

// byToken signs in with a token that is bound to this connection (XEP-0484 §3.3).
func (d *device) byToken(token string) string {
	d.t.Helper()
	state := d.conn.ConnectionState()
	binding, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		d.t.Fatal(err)
	}
	m := hmac.New(sha256.New, []byte(token))
	m.Write(append([]byte("Initiator"), binding...))
	return d.signIn("HT-SHA-256-EXPR", "zoe\x00"+string(m.Sum(nil)), `<fast xmlns="urn:xmpp:fast:0"/>`)
}

// XEP-0388, XEP-0484: a device that has signed in by the directory's password comes back by a
// token, without it; when the directory has the person no more, its stream ends, and the token
// is worth nothing.
func TestSite_FAST(t *testing.T) {
	s := peers.StartSlapd(t)
	s.AddPerson("zoe", "Zoë")
	s.AddPerson("yann", "Yann") // somebody stays
	addr := peers.Addr(peers.FreePort(t))
	x := newSite(t, s, map[string]string{"XMPP_C2S_TLS_ADDR": addr, "DIRECTORY_RECHECK": "1s"})
	answer := x.device(addr).signIn("PLAIN", "\x00zoe\x00"+peers.SlapdPassword, `<request-token xmlns="urn:xmpp:fast:0" mechanism="HT-SHA-256-EXPR"/>`)
	_, behind, ok := strings.Cut(answer, ` token="`)
	token, _, _ := strings.Cut(behind, `"`)
	if !ok {
		t.Fatalf("no token: %s", answer)
	}
	again := x.device(addr)
	if answer := again.byToken(token); !strings.HasPrefix(answer, "<success") {
		t.Fatalf("by the token: %s", answer)
	}
	s.Delete(s.Person("zoe"))
	for {
		if _, err := again.in.Next(); err != nil {
			break // it has ended
		}
	}
	if answer := x.device(addr).byToken(token); !strings.Contains(answer, "not-authorized") {
		t.Errorf("by the token of somebody who is gone: %s", answer)
	}
	if answer := x.device(addr).signIn("PLAIN", "\x00zoe\x00"+peers.SlapdPassword, ""); !strings.Contains(answer, "not-authorized") {
		t.Errorf("by the password of somebody who is gone: %s", answer)
	}
}
