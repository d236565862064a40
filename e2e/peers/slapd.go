package peers

import (
	"crypto/x509"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"foyer/internal/testcert"
)

// The directory that StartSlapd starts. Everybody's password is SlapdPassword.
const (
	SlapdBase     = "dc=example,dc=org"
	SlapdPeople   = "ou=people," + SlapdBase
	SlapdGroups   = "ou=groups," + SlapdBase
	SlapdAdmin    = "cn=admin," + SlapdBase
	SlapdService  = "cn=foyer,ou=services," + SlapdBase // may search, and see the policy's attributes
	SlapdPassword = "correct horse"
)

// slapdConfig is read by the browser tests, too.
//
//go:embed slapd.conf
var slapdConfig string

// Slapd is an OpenLDAP server. Changes are made as its administrator.
type Slapd struct {
	*Server
	testcert.Files
	Roots       *x509.CertPool // who signed its certificate
	URL, TLSURL string         // ldap:// (StartTLS or plain), ldaps://
	t           testing.TB
	admin       *directory
}

// StartSlapd starts an OpenLDAP server with an empty directory; its certificate is for
// localhost, and for other names and addresses of this machine. It skips the test if there is none.
func StartSlapd(t testing.TB, others ...string) *Slapd {
	t.Helper()
	return startSlapd(t, slapdConfig, others...)
}

// StartOpenSlapd starts one that answers everybody, also who has not signed in.
func StartOpenSlapd(t testing.TB) *Slapd {
	t.Helper()
	return startSlapd(t, strings.Replace(slapdConfig, "read by users read by anonymous auth", "read by * read", 1))
}

func startSlapd(t testing.TB, config string, others ...string) *Slapd {
	t.Helper()
	program, err := exec.LookPath("slapd")
	if err != nil {
		program = "/usr/sbin/slapd"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("slapd is not installed; scripts/test.sh interop does that")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	cert := testcert.New(t, append([]string{"localhost"}, others...)...)
	s := &Slapd{t: t, Files: cert.Write(t, dir), Roots: cert.Roots}
	config = strings.NewReplacer("{{dir}}", dir, "{{tls}}", "TLSCACertificateFile "+s.CAFile+"\nTLSCertificateFile "+s.CertFile+"\nTLSCertificateKeyFile "+s.KeyFile).Replace(config)
	file := Write(t, filepath.Join(dir, "slapd.conf"), config)
	port, tlsPort := FreePort(t), FreePort(t)
	s.URL, s.TLSURL = "ldap://localhost:"+strconv.Itoa(port), "ldaps://localhost:"+strconv.Itoa(tlsPort)
	s.Server = Start(t, Command{Dir: dir, Path: program, Port: port, Args: []string{"-f", file, "-h", "ldap://127.0.0.1:" + strconv.Itoa(port) + " ldaps://127.0.0.1:" + strconv.Itoa(tlsPort), "-d", "0"}})
	s.connect()
	s.Add(SlapdBase, "objectClass", "dcObject", "objectClass", "organization", "dc", "example", "o", "Example")
	for _, ou := range []string{"people", "groups", "services"} {
		s.Add("ou="+ou+","+SlapdBase, "objectClass", "organizationalUnit")
	}
	s.Add("cn=default,"+SlapdBase, "objectClass", "device", "objectClass", "pwdPolicy", "pwdAttribute", "userPassword", "pwdLockout", "TRUE", "pwdMaxFailure", "5", "pwdMustChange", "TRUE")
	s.Add(SlapdService, "objectClass", "device", "objectClass", "simpleSecurityObject", "userPassword", SlapdPassword)
	return s
}

func (s *Slapd) connect() { s.admin = connect(s.t, s.TLSURL, s.Roots, SlapdAdmin, SlapdPassword) }

// Add adds an entry with those attributes and values, in turn.
func (s *Slapd) Add(dn string, pairs ...string) {
	s.t.Helper()
	s.admin.add(dn, pairs...)
}

// Person is the name of somebody's entry.
func (s *Slapd) Person(uid string) string { return "uid=" + ldap.EscapeDN(uid) + "," + SlapdPeople }

// AddPerson adds somebody, with more attributes.
func (s *Slapd) AddPerson(uid, name string, pairs ...string) {
	s.t.Helper()
	s.Add(s.Person(uid), append([]string{"objectClass", "inetOrgPerson", "cn", name, "sn", name, "displayName", name, "userPassword", SlapdPassword}, pairs...)...)
}

// AddGroup adds a groupOfNames.
func (s *Slapd) AddGroup(cn string, uids ...string) {
	s.t.Helper()
	pairs := []string{"objectClass", "groupOfNames"}
	for _, uid := range uids {
		pairs = append(pairs, "member", s.Person(uid))
	}
	s.Add("cn="+cn+","+SlapdGroups, pairs...)
}

// Set replaces an attribute; without values it removes it.
func (s *Slapd) Set(dn, attr string, values ...string) {
	s.t.Helper()
	s.admin.set(dn, attr, values...)
}

// Delete removes an entry.
func (s *Slapd) Delete(dn string) {
	s.t.Helper()
	s.admin.remove(dn)
}

// Rename gives an entry another first part of its name.
func (s *Slapd) Rename(dn, rdn string) {
	s.t.Helper()
	s.admin.rename(dn, rdn)
}

// Restart ends it in order and starts it again.
func (s *Slapd) Restart() {
	s.t.Helper()
	s.admin.conn.Close()
	s.Server.Restart()
	s.connect()
}
