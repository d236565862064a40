package extauth

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"foyer/e2e/peers"
)

// shipped reads a file of deploy, with changes: each a text that is there, and what stands in its place.
func shipped(t *testing.T, file string, changes ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("%s has no %s", file, changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	return text
}

// withDirectory is deploy/ejabberd/ejabberd.yml as its README says to change it for a directory,
// with ports and paths of this machine, and without a database.
func withDirectory(t *testing.T, d *peers.Slapd, port int) (config string) {
	t.Helper()
	_, tlsPort, _ := strings.Cut(strings.TrimPrefix(d.TLSURL, "ldaps://"), ":")
	ldap := shipped(t, "ejabberd/ldap.yml",
		"[ldap.example.org]", "[localhost]", "ldap_port: 636", "ldap_port: "+tlsPort,
		"/etc/ssl/certs/ca-certificates.crt", d.CAFile, `"change me"`, strconv.Quote(peers.SlapdPassword))
	whole := shipped(t, "ejabberd/ejabberd.yml",
		"example.org", domain, "port: 5222", "port: "+strconv.Itoa(port), "port: 5280", "port: "+strconv.Itoa(peers.FreePort(t)),
		"certfiles: [/etc/ejabberd/ejabberd.pem]", "", "/var/lib/ejabberd/upload", t.TempDir(), "default_db: sql\n", "default_db: mnesia\n")
	before, rest, _ := strings.Cut(whole, "## Who somebody is")
	_, after, ok := strings.Cut(rest, "disable_sasl_mechanisms: [digest-md5, x-oauth2]\n")
	if !ok {
		t.Fatal("ejabberd.yml has no block of who somebody is")
	}
	return before + ldap + after
}

// An ejabberd that asks the directory itself, and takes no tokens.
func TestEjabberd_Directory_Typed(t *testing.T) {
	t.Parallel()
	d := peers.StartSlapd(t)
	port := peers.FreePort(t)
	peers.Ejabberd(t).Start(t, t.TempDir(), withDirectory(t, d, port), port)
	signsInByDirectory(t, d, peers.Addr(port))
}

// A Prosody that does.
func TestProsody_Directory_Typed(t *testing.T) {
	t.Parallel()
	if found, _ := filepath.Glob("/usr/lib/*/lua/*/lualdap.so"); found == nil {
		t.Skip("lua-ldap is not installed; scripts/test.sh interop does that")
	}
	const address = "127.0.0.1" // OpenLDAP's library takes localhost for the machine's own name
	d := peers.StartSlapd(t, address)
	at := strings.Replace(strings.TrimPrefix(d.URL, "ldap://"), "localhost", address, 1)
	lines := shipped(t, "prosody/ldap.cfg.lua", `"ldap.example.org"`, strconv.Quote(at), `"change me"`, strconv.Quote(peers.SlapdPassword))
	addr, _ := packaged(t).start(t, prosodyOptions{directory: lines, env: []string{"LDAPTLS_CACERT=" + d.CAFile}})
	signsInByDirectory(t, d, addr)
}

// signsInByDirectory: the site signs people of the directory in at a server that asks the directory,
// with the password that they typed (XMPP_LOGIN=typed), for as long as both find it good.
func signsInByDirectory(t *testing.T, d *peers.Slapd, upstream string) {
	t.Helper()
	for _, uid := range []string{"zoe", "yann"} {
		d.AddPerson(uid, uid)
	}
	s := newSiteWith(t, t.TempDir(), map[string]string{
		"XMPP_UPSTREAM": "xmpp://" + upstream, "XMPP_LOGIN": "typed",
		"LDAP_URL": d.TLSURL, "LDAP_CA_FILE": d.CAFile, "LDAP_BIND_DN": peers.SlapdService, "LDAP_BIND_PASSWORD": peers.SlapdPassword, "LDAP_BASE_DN": peers.SlapdPeople,
	})
	zoe, yann, alice := s.visitor(), s.visitor(), s.visitor()
	good := zoe.signIn("zoe", peers.SlapdPassword)
	if got := zoe.chat("zoe", good); got != "features" {
		t.Error("somebody of the directory:", got)
	}
	if got := zoe.chat("zoe", "wrong"); got != refused {
		t.Error("a wrong password:", got)
	}
	if got := alice.chat("alice", alice.signIn("alice", password)); got != refused {
		t.Error("an account that the directory does not have:", got)
	}
	good = yann.signIn("yann", peers.SlapdPassword)
	d.Set(d.Person("yann"), "pwdAccountLockedTime", "000001010000Z")
	if got := yann.chat("yann", good); got != refused {
		t.Error("somebody whom the directory has locked:", got)
	}
}
