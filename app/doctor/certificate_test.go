package doctor

import (
	"context"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"
)

// What is wrong with a certificate is told apart.
func TestCertificate(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Doctor)
		state State
		text  string
		mend  string
	}{
		"expired":      {func(d *Doctor) { d.Now = func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) } }, Fail, "expired on", "certbot renew"},
		"of tomorrow":  {func(d *Doctor) { d.Now = func() time.Time { return time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC) } }, Fail, "not good before", "this machine's clock"},
		"another name": {func(d *Doctor) { d.BaseURL = "https://elsewhere.example" }, Fail, "not for elsewhere.example", "a certificate for elsewhere.example"},
		"not known":    {func(d *Doctor) { d.Roots = x509.NewCertPool() }, Fail, "chain is not complete", "fullchain.pem"},
		"soon": {func(d *Doctor) {
			d.Now = func() time.Time { return time.Date(2084, 1, 20, 0, 0, 0, 0, time.UTC) } // httptest's ends on 29 January
		}, Warn, "expires on", "dry-run"},
	} {
		f := newFront(t)
		c.spoil(f.doctor)
		found := f.run()["certificate"]
		if found.State != c.state || !strings.Contains(found.Text, c.text) || !strings.Contains(found.Mend, c.mend) {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// A port of STARTTLS shows its certificate after <proceed/> (RFC 6120 §5.4.2.3), and none
// without.
func TestCertificate_STARTTLS(t *testing.T) {
	const features = "<stream:stream><stream:features/>"
	if found := startTLS(t, features+"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); found.State != OK {
		t.Errorf("%+v", found)
	}
	if found := startTLS(t, features+"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"); found.State != Fail || !strings.Contains(found.Text, "does not go on with TLS") {
		t.Errorf("%+v", found)
	}
}

// startTLS is what is found of a port of STARTTLS that says that, and then goes on with TLS.
func startTLS(t *testing.T, said string) Finding {
	f := newFront(t)
	dial := f.doctor.Dial
	f.doctor.STARTTLSPort, f.doctor.Quick = "5222", true
	f.doctor.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if !strings.HasSuffix(address, ":5222") {
			return dial(ctx, network, address)
		}
		conn, err := dial(ctx, network, host+":443")
		return &streamPort{Conn: conn, said: strings.NewReader(said)}, err
	}
	return f.run()["certificate of port 5222"]
}

// streamPort takes what is sent in clear, answers it, and goes on with TLS.
type streamPort struct {
	net.Conn
	said *strings.Reader
}

func (p *streamPort) Write(b []byte) (int, error) {
	if p.said.Len() > 0 {
		return len(b), nil
	}
	return p.Conn.Write(b)
}

func (p *streamPort) Read(b []byte) (int, error) {
	if p.said.Len() > 0 {
		return p.said.Read(b)
	}
	return p.Conn.Read(b)
}
