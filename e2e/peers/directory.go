package peers

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// directory is a connection on which somebody may change everything.
type directory struct {
	t    testing.TB
	conn *ldap.Conn
}

func connect(t testing.TB, url string, roots *x509.CertPool, as, password string) *directory {
	t.Helper()
	conn, err := ldap.DialURL(url, ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots}))
	if err == nil {
		err = conn.Bind(as, password)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &directory{t, conn}
}

func (d *directory) done(what string, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
}

// add adds an entry with those attributes and values, in turn.
func (d *directory) add(dn string, pairs ...string) {
	d.t.Helper()
	values, order := map[string][]string{}, []string{}
	for i := 0; i < len(pairs); i += 2 {
		if values[pairs[i]] == nil {
			order = append(order, pairs[i])
		}
		values[pairs[i]] = append(values[pairs[i]], pairs[i+1])
	}
	r := ldap.NewAddRequest(dn, nil)
	for _, attr := range order {
		r.Attribute(attr, values[attr])
	}
	d.done(dn, d.conn.Add(r))
}

// set replaces an attribute; without values it removes it.
func (d *directory) set(dn, attr string, values ...string) {
	d.t.Helper()
	r := ldap.NewModifyRequest(dn, nil)
	r.Replace(attr, values)
	d.done(dn, d.conn.Modify(r))
}

func (d *directory) remove(dn string) {
	d.t.Helper()
	d.done(dn, d.conn.Del(ldap.NewDelRequest(dn, nil)))
}

func (d *directory) rename(dn, rdn string) {
	d.t.Helper()
	d.done(dn, d.conn.ModifyDN(ldap.NewModifyDNRequest(dn, rdn, true, "")))
}
