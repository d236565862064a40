//go:build linux

package peers

import (
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"foyer/internal/testcert"
)

// The domain that StartSamba starts.
const (
	SambaBase     = "DC=example,DC=test"
	SambaPeople   = "CN=Users," + SambaBase
	SambaService  = "foyer@example.test" // may search
	SambaPassword = "Correct-Horse-1"    // of everybody
	sambaHost     = "dc.example.test"
)

// Samba is a domain controller of Active Directory. It runs in a network namespace of its
// own, since its ports are fixed; TLSURL leads to it from here.
type Samba struct {
	testcert.Files
	Roots       *x509.CertPool // who signed its certificate
	URL, TLSURL string
	t           testing.TB
	dir, config string
	admin       *directory
}

// StartSamba makes a domain and starts its controller. It skips the test if there is none,
// or if this user may not make namespaces.
func StartSamba(t testing.TB) *Samba {
	t.Helper()
	for _, program := range []string{"samba", "samba-tool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed; scripts/test.sh interop does that", program)
		}
	}
	if _, err := os.Stat("/usr/share/samba/setup/provision.ldif"); err != nil {
		t.Skip("samba-ad-provision is not installed; scripts/test.sh interop does that")
	}
	if os.Getuid() != 0 {
		t.Skip("only root may start a domain controller")
	}
	s := &Samba{t: t, dir: t.TempDir()}
	cert := testcert.New(t, sambaHost, "localhost")
	s.Files, s.Roots = cert.Write(t, s.dir), cert.Roots
	s.provision()
	s.Tool("domain", "passwordsettings", "set", "--account-lockout-threshold=5", "--min-pwd-age=0", "--history-length=0")
	s.start()
	s.AddPerson("foyer")
	return s
}

func (s *Samba) provision() {
	s.t.Helper()
	s.config = filepath.Join(s.dir, "etc", "smb.conf")
	s.run("samba-tool", "domain", "provision", "--realm=EXAMPLE.TEST", "--domain=EXAMPLE", "--host-name=dc", "--server-role=dc", "--dns-backend=NONE",
		"--adminpass="+SambaPassword, "--targetdir="+s.dir, "--option=interfaces=lo", "--option=bind interfaces only=yes")
	raw, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	settings := strings.NewReplacer("{{dir}}", s.dir, "{{ca}}", s.CAFile, "{{cert}}", s.CertFile, "{{key}}", s.KeyFile).Replace(`server services = ldap
	pid directory = {{dir}}/run
	ncalrpc dir = {{dir}}/ncalrpc
	disable netbios = yes
	tls enabled = yes
	tls cafile = {{ca}}
	tls certfile = {{cert}}
	tls keyfile = {{key}}
	tls dh params file =`)
	text := regexp.MustCompile(`(?m)^\s*server services = .*$`).ReplaceAllLiteralString(string(raw), "\t"+settings)
	text = regexp.MustCompile(`(?m)^\s*(log file|logging) = .*$`).ReplaceAllLiteralString(text, "")
	Write(s.t, s.config, text)
	if err := os.MkdirAll(filepath.Join(s.dir, "run"), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// start runs it in a network namespace, and leads ports of loopback there.
func (s *Samba) start() {
	s.t.Helper()
	binary, err := exec.LookPath("samba")
	if err != nil {
		s.t.Fatal(err)
	}
	ns := NewNamespace(s.t)
	cmd := exec.Command(binary, "-F", "--no-process-group", "--debug-stdout", "-s", s.config)
	var out output
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 5*time.Second
	in, err := cmd.StdinPipe() // it ends when this does
	if err != nil {
		s.t.Fatal(err)
	}
	if err := ns.Start(cmd); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	s.t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(timeout):
			_ = cmd.Process.Kill()
			<-ended
		}
		if s.t.Failed() {
			s.t.Logf("samba said:\n%s", out.String())
		}
	})
	s.URL, s.TLSURL = "ldap://localhost:"+ns.Forward(389), "ldaps://localhost:"+ns.Forward(636)
	for end := time.Now().Add(timeout); ; time.Sleep(50 * time.Millisecond) {
		conn, err := ns.Dial(636)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-ended:
			s.t.Fatalf("samba ended:\n%s", out.String())
		default:
		}
		if time.Now().After(end) {
			s.t.Fatalf("samba never listens: %v\n%s", err, out.String())
		}
	}
	s.admin = connect(s.t, s.TLSURL, s.Roots, "Administrator@example.test", SambaPassword)
}

// Tool runs samba-tool on the domain.
func (s *Samba) Tool(args ...string) {
	s.t.Helper()
	s.run("samba-tool", append(args, "-s", s.config, "-H", filepath.Join(s.dir, "private", "sam.ldb"))...)
}

// Person is the name of somebody's entry.
func (s *Samba) Person(name string) string { return "CN=" + name + "," + SambaPeople }

// AddPerson adds somebody, with more attributes ([MS-ADTS] §3.1.1.3.1.5.1: a password is
// written in quotes, as UTF-16).
func (s *Samba) AddPerson(name string, pairs ...string) {
	s.t.Helper()
	var quoted []byte
	for _, unit := range utf16.Encode([]rune(`"` + SambaPassword + `"`)) {
		quoted = binary.LittleEndian.AppendUint16(quoted, unit)
	}
	s.admin.add(s.Person(name), append([]string{"objectClass", "user", "sAMAccountName", name, "userPrincipalName", name + "@example.test",
		"userAccountControl", "512", "unicodePwd", string(quoted)}, pairs...)...)
}

// AddGroup adds a group with members, which are names of entries.
func (s *Samba) AddGroup(name string, members ...string) {
	s.t.Helper()
	pairs := []string{"objectClass", "group", "sAMAccountName", name}
	for _, m := range members {
		pairs = append(pairs, "member", m)
	}
	s.admin.add(s.Person(name), pairs...)
}

// Set replaces an attribute; without values it removes it.
func (s *Samba) Set(dn, attr string, values ...string) {
	s.t.Helper()
	s.admin.set(dn, attr, values...)
}

// Delete removes an entry.
func (s *Samba) Delete(dn string) {
	s.t.Helper()
	s.admin.remove(dn)
}

// Rename gives an entry another first part of its name.
func (s *Samba) Rename(dn, rdn string) {
	s.t.Helper()
	s.admin.rename(dn, rdn)
}

func (s *Samba) run(name string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// join carries bytes both ways until either side ends.
func join(a, b net.Conn) {
	defer a.Close()
	defer b.Close()
	go func() {
		_, _ = io.Copy(a, b)
		a.Close()
		b.Close()
	}()
	_, _ = io.Copy(b, a)
}
