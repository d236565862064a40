// Package testcert makes certificates for tests, each signed by an authority of its own.
package testcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate is a server's certificate, with its key, and who signed it.
type Certificate struct {
	TLS   tls.Certificate
	Roots *x509.CertPool // the authority, and nobody else

	authority []byte // DER
}

// Files are where a certificate was written to, in PEM.
type Files struct{ CAFile, CertFile, KeyFile string }

// New makes a certificate for names and addresses, good for a day.
func New(t testing.TB, names ...string) Certificate {
	t.Helper()
	return NewUntil(t, time.Now().Add(24*time.Hour), names...)
}

// NewUntil is New with a certificate that ends at a time, and began 90 days before.
func NewUntil(t testing.TB, until time.Time, names ...string) Certificate {
	t.Helper()
	authorityKey, authority := newKey(t), template("Test authority", until)
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	authorityDER := sign(t, authority, authority, authorityKey, authorityKey)
	key, leaf := newKey(t), template(names[0], until)
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	der := sign(t, leaf, authority, key, authorityKey)
	c := Certificate{Roots: x509.NewCertPool(), TLS: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, authority: authorityDER}
	c.Roots.AddCert(parse(t, authorityDER))
	c.TLS.Leaf = parse(t, der)
	return c
}

// Write writes ca.pem, cert.pem and key.pem into a directory.
func (c Certificate) Write(t testing.TB, dir string) Files {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(c.TLS.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return Files{
		CAFile:   write("ca.pem", "CERTIFICATE", c.authority),
		CertFile: write("cert.pem", "CERTIFICATE", c.TLS.Certificate[0]),
		KeyFile:  write("key.pem", "PRIVATE KEY", private),
	}
}

// Pool returns the authorities in files.
func Pool(t testing.TB, files ...string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil || !pool.AppendCertsFromPEM(raw) {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return pool
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func template(name string, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: until.AddDate(0, 0, -90), NotAfter: until,
	}
}

func sign(t testing.TB, leaf, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
