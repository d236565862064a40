// Package directory holds the tests of signing in by directories that other people wrote:
// OpenLDAP's slapd, and Samba as a domain controller of Active Directory. e2e/peers starts
// them.
package directory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/app/auth"
	"foyer/app/auth/ldap"
	"foyer/e2e/peers"
	"foyer/internal/testcert"
)

func slapdConfig(s *peers.Slapd) ldap.Config {
	return ldap.Config{
		URLs: []string{s.TLSURL}, Roots: s.Roots, BindDN: peers.SlapdService, BindPassword: peers.SlapdPassword,
		BaseDN: peers.SlapdPeople, GroupBaseDN: peers.SlapdGroups, PoolSize: 10, Timeout: 10 * time.Second,
	}
}

func open(t testing.TB, cfg ldap.Config) *ldap.Directory {
	t.Helper()
	d, err := ldap.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// everybody is by subject whom an ldap.Directory shows.
func everybody(t testing.TB, d *ldap.Directory) map[string]ldap.Person {
	t.Helper()
	list, err := d.Everybody(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]ldap.Person{}
	for _, p := range list {
		all[p.Username] = p
	}
	return all
}

// RFC 4513 §5.1.3, RFC 4511 §4.14: over ldaps://, StartTLS and loopback, by search and by
// pattern, as a person whom the directory knows, under names in any case.
func TestSlapdSignIn(t *testing.T) {
	s := peers.StartSlapd(t)
	s.AddPerson("Bob", "Bob Ross", "jpegPhoto", "not a picture")
	s.AddPerson("bobby", "Bobby")
	ways := map[string]func(*ldap.Config){
		"ldaps":     func(*ldap.Config) {},
		"StartTLS":  func(c *ldap.Config) { c.URLs = []string{s.URL} },
		"loopback":  func(c *ldap.Config) { c.URLs, c.Plain = []string{s.URL}, true },
		"a pattern": func(c *ldap.Config) { c.UserDN = "uid={username}," + peers.SlapdPeople },
		"a filter":  func(c *ldap.Config) { c.UserFilter = "(&(objectClass=inetOrgPerson)(uid={username}))" },
	}
	for name, change := range ways {
		t.Run(name, func(t *testing.T) {
			cfg := slapdConfig(s)
			change(&cfg)
			d := open(t, cfg)
			p, err := d.SignIn(t.Context(), " BOB ", peers.SlapdPassword)
			if err != nil {
				t.Fatal(err)
			}
			if p.Username != "bob" || p.Name != "Bob Ross" || len(p.Subject) != 36 || string(p.Photo) != "not a picture" || p.Groups != nil || p.Admin != nil {
				t.Errorf("%+v", p)
			}
			for _, typed := range []string{"bob@example.org", `EXAMPLE\bob`} {
				if same, err := d.SignIn(t.Context(), typed, peers.SlapdPassword); err != nil || same.Subject != p.Subject {
					t.Errorf("%q: %+v, %v", typed, same, err)
				}
			}
			for typed, password := range map[string]string{"bob": "wrong", "bo*": peers.SlapdPassword, "nobody": peers.SlapdPassword, "bob ": "", "bobby": "\x00x"} {
				if _, err := d.SignIn(t.Context(), typed, password); !errors.Is(err, auth.ErrInvalidCredentials) {
					t.Errorf("%q, %q: %v", typed, password, err)
				}
			}
		})
	}
}

// A directory that everybody may ask is asked as nobody, by search and by pattern, after somebody signed in, too.
func TestSlapdAnonymous(t *testing.T) {
	s := peers.StartOpenSlapd(t)
	s.AddPerson("bob", "Bob Ross", "jpegPhoto", "not a picture")
	for name, pattern := range map[string]string{"search": "", "pattern": "uid={username}," + peers.SlapdPeople} {
		t.Run(name, func(t *testing.T) {
			cfg := slapdConfig(s)
			cfg.BindDN, cfg.BindPassword, cfg.UserDN = ldap.Anonymous, "", pattern
			d := open(t, cfg)
			for range 2 {
				p, err := d.SignIn(t.Context(), "bob", peers.SlapdPassword)
				if err != nil || p.Name != "Bob Ross" || string(p.Photo) != "not a picture" {
					t.Fatalf("%+v, %v", p, err)
				}
				if same := everybody(t, d)["bob"]; same.Subject != p.Subject {
					t.Errorf("%+v", same)
				}
			}
			if _, err := d.SignIn(t.Context(), "bob", "wrong"); !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Error(err)
			}
		})
	}
}

// Who somebody is stays, whatever they are called (RFC 4530 §2.1).
func TestSlapdRenamed(t *testing.T) {
	s := peers.StartSlapd(t)
	s.AddPerson("bob", "Bob")
	d := open(t, slapdConfig(s))
	before, err := d.SignIn(t.Context(), "bob", peers.SlapdPassword)
	if err != nil {
		t.Fatal(err)
	}
	s.Rename(s.Person("bob"), "uid=robert")
	s.AddPerson("bob", "Another Bob")
	after, err := d.SignIn(t.Context(), "robert", peers.SlapdPassword)
	if err != nil || after.Subject != before.Subject {
		t.Errorf("%+v, %v", after, err)
	}
	other, err := d.SignIn(t.Context(), "bob", peers.SlapdPassword)
	if err != nil || other.Subject == before.Subject {
		t.Errorf("%+v, %v", other, err)
	}
}

// draft-behera-ldap-password-policy-10 §6.2: what is wrong with an account is said after the
// right password, and not before. Where slapd says it whatever the password is, it is withheld.
func TestSlapdStanding(t *testing.T) {
	s := peers.StartSlapd(t)
	for _, uid := range []string{"disabled", "locked", "reset", "old"} {
		s.AddPerson(uid, uid)
	}
	s.Set(s.Person("disabled"), "pwdAccountLockedTime", "000001010000Z")
	s.Set(s.Person("reset"), "pwdReset", "TRUE")
	s.Add("cn=short,"+peers.SlapdBase, "objectClass", "device", "objectClass", "pwdPolicy", "pwdAttribute", "userPassword", "pwdMaxAge", "1", "pwdExpireWarning", "0")
	s.Set(s.Person("old"), "pwdPolicySubentry", "cn=short,"+peers.SlapdBase)
	s.Set(s.Person("old"), "userPassword", peers.SlapdPassword)
	d := open(t, slapdConfig(s))
	for range 6 {
		_, _ = d.SignIn(t.Context(), "locked", "wrong")
	}
	want := map[string]error{"disabled": auth.ErrInvalidCredentials, "locked": auth.ErrInvalidCredentials, "reset": ldap.ErrMustChange}
	why := map[string]auth.Refusal{"disabled": ldap.ErrDisabled, "locked": ldap.ErrLocked}
	for name, want := range want {
		_, err := d.SignIn(t.Context(), name, peers.SlapdPassword)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", name, err, want)
		}
		if hidden, ok := errors.AsType[*auth.HiddenReasonError](err); ok != (why[name] != "") || ok && hidden.Reason != why[name] {
			t.Errorf("%s: withheld: %v, not %q", name, hidden, why[name])
		}
		if _, err := d.SignIn(t.Context(), name, "wrong"); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("%s, with a wrong password: %v", name, err)
		}
	}
	until(t, "the password is old", func() bool {
		_, err := d.SignIn(t.Context(), "old", peers.SlapdPassword)
		return errors.Is(err, ldap.ErrPasswordExpired)
	})
	status := map[string]ldap.AccountStatus{}
	for name, p := range everybody(t, d) {
		status[name] = p.Status
	}
	if status["disabled"] != ldap.Disabled || status["locked"] != ldap.Locked || status["reset"] != ldap.MustChange || status["old"] != ldap.Active {
		t.Errorf("%v", status)
	}
}

// until waits for what only time brings.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// Groups are the same for one person and for all, by memberOf and by search; uniqueMember
// and memberUid count as well.
func TestSlapdGroups(t *testing.T) {
	s := peers.StartSlapd(t)
	for _, uid := range []string{"alice", "bob", "carol"} {
		s.AddPerson(uid, uid)
	}
	s.AddGroup("staff", "alice", "bob")
	s.AddGroup("board", "alice")
	s.Add("ou=more,"+peers.SlapdGroups, "objectClass", "organizationalUnit")
	s.Add("cn=unique,ou=more,"+peers.SlapdGroups, "objectClass", "groupOfUniqueNames", "uniqueMember", s.Person("bob"))
	s.Add("cn=unix,ou=more,"+peers.SlapdGroups, "objectClass", "posixGroup", "gidNumber", "7", "memberUid", "carol")
	s.Add("cn=elsewhere,ou=services,"+peers.SlapdBase, "objectClass", "groupOfNames", "member", s.Person("carol"))
	want := map[ldap.GroupMode]map[string][]string{
		ldap.MemberOf: {"alice": {"board", "staff"}, "bob": {"staff"}, "carol": {}},
		ldap.Search:   {"alice": {"board", "staff"}, "bob": {"staff", "unique"}, "carol": {"unix"}},
	}
	for mode, want := range want {
		t.Run(string(mode), func(t *testing.T) {
			cfg := slapdConfig(s)
			cfg.Groups, cfg.AdminGroups = mode, []string{"CN=Board," + peers.SlapdGroups}
			d := open(t, cfg)
			all := everybody(t, d)
			for name, want := range want {
				p, err := d.SignIn(t.Context(), name, peers.SlapdPassword)
				if err != nil {
					t.Fatal(err)
				}
				for way, p := range map[string]ldap.Person{"signing in": p, "among all": all[name]} {
					if !slices.Equal(p.Groups, want) || p.Groups == nil {
						t.Errorf("%s, %s: %q, not %q", name, way, p.Groups, want)
					}
					if p.Admin == nil || *p.Admin != (name == "alice") {
						t.Errorf("%s, %s: admin is %v", name, way, p.Admin)
					}
				}
			}
		})
	}
	cfg := slapdConfig(s)
	cfg.Groups = ldap.Nested
	if _, err := open(t, cfg).SignIn(t.Context(), "alice", peers.SlapdPassword); !errors.Is(err, auth.ErrUnreachable) || !strings.Contains(err.Error(), "LDAP_GROUPS") {
		t.Errorf("nested groups, which OpenLDAP has not: %v", err)
	}
}

// More people than the server gives at once come page by page (RFC 2696), and any number of
// them is looked for by their subjects.
func TestSlapdMany(t *testing.T) {
	s := peers.StartSlapd(t)
	const many = 1200
	for i := range many {
		s.AddPerson(fmt.Sprintf("p%d", i), "P")
	}
	d := open(t, slapdConfig(s))
	list, err := d.Everybody(t.Context())
	if err != nil || len(list) != many {
		t.Fatalf("%d, %v", len(list), err)
	}
	var subjects []string
	for _, p := range list {
		subjects = append(subjects, p.Subject)
	}
	s.Delete(s.Person("p7"))
	s.Set(s.Person("p8"), "pwdAccountLockedTime", "000001010000Z")
	report, err := d.Recheck(t.Context(), subjects)
	if err != nil || len(report.Present) != many-2 || len(report.Gone) != 2 {
		t.Errorf("%d there, %d gone, %v", len(report.Present), len(report.Gone), err)
	}
}

// An answer is not believed that would put too many out.
func TestSlapdBrake(t *testing.T) {
	s := peers.StartSlapd(t)
	for _, uid := range []string{"alice", "bob", "carol"} {
		s.AddPerson(uid, uid)
	}
	cfg := slapdConfig(s)
	d := open(t, cfg)
	var subjects []string
	for _, name := range []string{"alice", "bob", "carol"} {
		subjects = append(subjects, everybody(t, d)[name].Subject)
	}
	elsewhere := cfg
	elsewhere.BaseDN = "ou=services," + peers.SlapdBase
	var massRemoval *ldap.MassRemovalError
	if report, err := open(t, elsewhere).Recheck(t.Context(), subjects); !errors.As(err, &massRemoval) || len(report.Gone) != 0 {
		t.Errorf("nobody is shown: %+v, %v", report, err)
	}
	if report, err := open(t, elsewhere).Recheck(t.Context(), subjects[:1]); !errors.As(err, &massRemoval) || len(report.Gone) != 0 {
		t.Errorf("nobody is shown, asked for one: %+v, %v", report, err)
	}
	nowhere := cfg
	nowhere.BaseDN = "ou=nowhere," + peers.SlapdBase
	if report, err := open(t, nowhere).Recheck(t.Context(), subjects); !errors.Is(err, auth.ErrUnreachable) || len(report.Gone) != 0 {
		t.Errorf("there is no such base: %+v, %v", report, err)
	}
	s.Delete(s.Person("bob"))
	if report, err := d.Recheck(t.Context(), subjects); err != nil || !slices.Equal(report.Gone, subjects[1:2]) {
		t.Errorf("one was removed: %+v, %v", report, err)
	}
	s.Delete(s.Person("alice"))
	s.Delete(s.Person("carol"))
	s.AddPerson("dave", "Dave")
	if report, err := d.Recheck(t.Context(), subjects); !errors.As(err, &massRemoval) || len(report.Gone) != 0 {
		t.Errorf("all are missing: %+v, %v", report, err)
	}
}

// A server that ends while the pool has connections to it is found again; meanwhile the
// next one serves.
func TestSlapdRestart(t *testing.T) {
	first, second := peers.StartSlapd(t), peers.StartSlapd(t)
	for _, s := range []*peers.Slapd{first, second} {
		s.AddPerson("alice", "Alice")
	}
	cfg := slapdConfig(first)
	cfg.Roots = testcert.Pool(t, first.CAFile, second.CAFile)
	cfg.URLs = []string{first.TLSURL, second.TLSURL}
	d := open(t, cfg)
	signIn := func() error {
		_, err := d.SignIn(t.Context(), "alice", peers.SlapdPassword)
		return err
	}
	if err := signIn(); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	if err := signIn(); err != nil {
		t.Errorf("the first server is away: %v", err)
	}
	second.Stop()
	if err := signIn(); !errors.Is(err, auth.ErrUnreachable) {
		t.Errorf("both are away: %v", err)
	}
	first.Start()
	until(t, "it is found again", func() bool { return signIn() == nil })
}
