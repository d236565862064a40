package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Certificates that expire sooner are worth a warning: by then they should have been
// renewed.
const expiryWarning = 14 * 24 * time.Hour

// certificate: browsers accept the one of BASE_URL.
func (d *Doctor) certificate(ctx context.Context) []Finding {
	if d.base.Scheme != "https" {
		return nil
	}
	return d.judge(ctx, "certificate", net.JoinHostPort(d.base.Hostname(), portIn(d.base)), d.base.Hostname(), false,
		"ssl_certificate of nginx, SSLCertificateFile of Apache")
}

// nativeCertificates: apps accept those of their ports, which are for the domain of
// people's addresses (RFC 6120 §13.7.2).
func (d *Doctor) nativeCertificates(ctx context.Context) []Finding {
	var all []Finding
	for _, s := range d.services() {
		if s.port != "" {
			where := net.JoinHostPort(d.base.Hostname(), s.port)
			all = append(all, d.judge(ctx, "certificate of port "+s.port, where, d.Domain, s.name == "xmpp-client", "XMPP_TLS_CERT")...)
		}
	}
	return all
}

// judge looks at the certificate that is shown at an address, for a name.
func (d *Doctor) judge(ctx context.Context, check, address, name string, startTLS bool, setting string) []Finding {
	chain, err := d.shown(ctx, address, name, startTLS)
	if err != nil {
		return fail(check, "Is the program running that listens there, and the port open in the firewall?", "%s shows none: %v", address, err)
	}
	leaf := chain[0]
	until := leaf.NotAfter.Format("2 January 2006")
	others := x509.NewCertPool()
	for _, c := range chain[1:] {
		others.AddCert(c)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: d.Roots, Intermediates: others, CurrentTime: d.Now()})
	var unknown x509.UnknownAuthorityError
	switch {
	case d.Now().After(leaf.NotAfter):
		return fail(check, "Renew it (certbot renew), and see why that did not happen by itself.", "it expired on %s", until)
	case d.Now().Before(leaf.NotBefore):
		return fail(check, "Let systemd-timesyncd or chrony set this machine's clock; if that is right, use the certificate from then on.",
			"it is not good before %s", leaf.NotBefore.Format("2 January 2006 15:04 MST"))
	case leaf.VerifyHostname(name) != nil:
		return fail(check, fmt.Sprintf("%s: a certificate for %s.", setting, name), "it is not for %s: %v", name, leaf.VerifyHostname(name))
	case errors.As(err, &unknown):
		return fail(check, setting+": the whole chain, such as fullchain.pem, and not cert.pem.", "nobody whom browsers know has signed it, or the chain is not complete")
	case err != nil:
		return fail(check, setting+": a certificate that browsers and apps accept, such as one of Let's Encrypt.", "%v", err)
	case d.Now().Add(expiryWarning).After(leaf.NotAfter):
		return warn(check, "See that it is renewed by itself (certbot renew --dry-run).", "it expires on %s", until)
	}
	return ok(check, "it is for %s, until %s", name, until)
}

// shown returns the certificates that a server shows. They are judged later, one
// after the other, so that it can be said what is wrong.
func (d *Doctor) shown(ctx context.Context, address, name string, startTLS bool) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := d.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if startTLS {
		if err := proceed(conn, name); err != nil {
			return nil, err
		}
	}
	over := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err := over.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return over.ConnectionState().PeerCertificates, nil
}

// proceed asks for TLS on an XMPP stream (RFC 6120 §5.4).
func proceed(conn net.Conn, domain string) error {
	_, err := fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' xmlns:stream='%s'><starttls xmlns='%s'/>",
		domain, stream.NSStream, stanza.NSTLS)
	if err != nil {
		return err
	}
	var said []byte
	buf := make([]byte, 1)
	for len(said) < maxRead {
		n, err := conn.Read(buf)
		said = append(said, buf[:n]...)
		if bytes.Contains(said, []byte("<proceed")) && bytes.HasSuffix(said, []byte(">")) {
			return nil
		}
		if err != nil {
			return errors.Join(errors.New("it does not go on with TLS"), err)
		}
	}
	return io.ErrShortBuffer
}
