package xmppgw

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"sync"
	"time"
)

// Certificate is what proves the server to native clients. One from files is
// read again when they change, as they do when it is renewed. It is safe for
// concurrent use.
type Certificate struct {
	certFile, keyFile string // empty: made in memory
	log               *slog.Logger

	mu    sync.Mutex
	pair  *keyPair
	state [2]fileState // of the files, when they were read last
}

// keyPair is one version of a certificate, with what is derived from it once.
type keyPair struct {
	leaf     *x509.Certificate
	endpoint []byte // tls-server-end-point; nil: not defined for it
	startTLS *tls.Config
	direct   *tls.Config
}

type fileState struct {
	modified time.Time
	size     int64
}

// LoadCertificate reads a certificate chain and its key, both PEM. The error
// says what to mend.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	var err error
	if c.state, err = c.look(); err != nil {
		return nil, err
	}
	c.pair, err = c.read()
	return c, err
}

// SelfSigned makes a certificate that nobody vouches for, for development.
func SelfSigned(names ...string) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: names[0]},
		DNSNames:     names,
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	pair, err := newKeyPair(tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
	return &Certificate{pair: pair}, err
}

// Leaf returns the certificate itself, as it is now.
func (c *Certificate) Leaf() *x509.Certificate { return c.current().leaf }

// current returns the certificate, read again if its files have changed. When
// they cannot be read, the last one that could be stays in use.
func (c *Certificate) current() *keyPair {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.certFile == "" {
		return c.pair
	}
	state, err := c.look()
	if err == nil && state == c.state {
		return c.pair
	}
	pair := (*keyPair)(nil)
	if err == nil {
		pair, err = c.read()
	}
	if state != c.state { // told once per change
		c.state = state
		if err != nil {
			c.log.Error("the certificate for native clients changed and cannot be used; the old one stays", "err", err)
		} else {
			c.log.Info("the certificate for native clients was read again", "valid_until", pair.leaf.NotAfter)
		}
	}
	if err == nil {
		c.pair = pair
	}
	return c.pair
}

// look tells whether the files have changed, without reading them.
func (c *Certificate) look() (state [2]fileState, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return state, err
		}
		state[i] = fileState{info.ModTime(), info.Size()}
	}
	return state, nil
}

func (c *Certificate) read() (*keyPair, error) {
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s and %s are no certificate with its key, in PEM: %w", c.certFile, c.keyFile, err)
	}
	return newKeyPair(cert)
}

// newKeyPair prepares what connections need. Versions and ciphers are those of
// crypto/tls, from TLS 1.2 on (RFC 7590 §3.1, BCP 195).
func newKeyPair(cert tls.Certificate) (*keyPair, error) {
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, err
	}
	if leaf.PublicKey == nil {
		return nil, errors.New("the certificate's key is of no kind that is known")
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	direct := config.Clone()
	direct.NextProtos = []string{"xmpp-client"} // XEP-0368 §2
	return &keyPair{leaf: leaf, endpoint: endpoint(leaf), startTLS: config, direct: direct}, nil
}

// endpoint is the hash of the certificate for tls-server-end-point: by the hash
// of its signature, SHA-256 where that is weaker, and not defined where it uses
// none (RFC 5929 §4.1).
func endpoint(leaf *x509.Certificate) []byte {
	hash := crypto.SHA256
	switch leaf.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		hash = crypto.SHA512
	case x509.PureEd25519, x509.UnknownSignatureAlgorithm:
		return nil
	}
	h := hash.New()
	h.Write(leaf.Raw)
	return h.Sum(nil)
}
