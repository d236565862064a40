package ldap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"foyer/app/auth"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

func usable() Config {
	return Config{URLs: []string{"ldaps://ldap.example.org"}, BindDN: "cn=foyer,dc=example,dc=org", BindPassword: "x", BaseDN: "ou=people,dc=example,dc=org", PoolSize: 10, Timeout: 10 * time.Second}
}

// Every wrong setting is named, with what to write instead.
func TestValidate(t *testing.T) {
	if err := usable().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"LDAP_URL is empty":                 func(c *Config) { c.URLs = nil },
		"for StartTLS":                      func(c *Config) { c.URLs = []string{"http://ldap.example.org"} },
		"settings of their own":             func(c *Config) { c.URLs = []string{"ldaps://ldap.example.org/dc=example,dc=org"} },
		"in clear":                          func(c *Config) { c.URLs, c.Plain = []string{"ldap://ldap.example.org"}, true },
		"ldapi:///path":                     func(c *Config) { c.URLs = []string{"ldapi://run/slapd"} },
		"has a path of 201 bytes":           func(c *Config) { c.URLs = []string{"ldapi:///" + strings.Repeat("s", 200)} },
		"LDAP_BASE_DN":                      func(c *Config) { c.BaseDN = "" },
		"LDAP_BIND_DN is empty":             func(c *Config) { c.BindDN = "" },
		"LDAP_BIND_PASSWORD is empty":       func(c *Config) { c.BindPassword = "" },
		"LDAP_BIND_PASSWORD is set":         func(c *Config) { c.BindDN = Anonymous },
		"LDAP_USER_FILTER":                  func(c *Config) { c.UserFilter = "(uid={username}" },
		"must compare with the user name":   func(c *Config) { c.UserFilter = "(uid=*{username}*)" },
		"LDAP_USER_DN":                      func(c *Config) { c.UserDN = "uid=bob,dc=example,dc=org" },
		"LDAP_GROUPS":                       func(c *Config) { c.Groups = "all" },
		"LDAP_ADMIN_GROUPS":                 func(c *Config) { c.AdminGroups = []string{"admins"} },
		"LDAP_GROUP_FILTER":                 func(c *Config) { c.GroupFilter = "cn=x" + ")" },
		"LDAP_POOL=0":                       func(c *Config) { c.PoolSize = 0 },
		"LDAP_POOL=1001":                    func(c *Config) { c.PoolSize = 1001 },
		"LDAP_TIMEOUT=0s":                   func(c *Config) { c.Timeout = 0 },
		"LDAP_TIMEOUT=1ms":                  func(c *Config) { c.Timeout = time.Millisecond },
		"must be an entry's name, such as ": func(c *Config) { c.GroupBaseDN = "groups" },
	} {
		c := usable()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
	c := usable() // one cause, one sentence
	if c.BaseDN = ""; strings.Contains(c.Validate().Error(), "LDAP_GROUP_BASE_DN") {
		t.Error(c.Validate())
	}
	for _, url := range []string{"ldap://localhost", "ldap://127.0.0.1:1389", "ldap://[::1]"} {
		c := usable()
		c.URLs, c.Plain = []string{url}, true
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// [MS-DTYP] §2.3.4.2: an objectGUID is written as people write it, and found by its bytes.
func TestSubject(t *testing.T) {
	raw := "\x33\xf7\xd6\xda\x52\x23\xad\x48\xbf\x5d\xdc\xeb\x4e\x87\xb2\xe4"
	const want = "dad6f733-2352-48ad-bf5d-dceb4e87b2e4"
	s, ok := subject(activeDirectory, []byte(raw))
	if s != want || !ok {
		t.Errorf("%s %v", s, ok)
	}
	if v := subjectValue(activeDirectory, want); v != `\33\f7\d6\da\52\23\ad\48\bf\5d\dc\eb\4e\87\b2\e4` {
		t.Error(v)
	}
	if s, ok := subject(standard, []byte(strings.ToUpper(want))); s != want || !ok {
		t.Errorf("%s %v", s, ok)
	}
	for _, raw := range []string{"", "x", want[1:], want + "0", "dad6f733-2352-48ad-bf5d-dceb4e87b2eg"} {
		if _, ok := subject(standard, []byte(raw)); ok {
			t.Errorf("%q", raw)
		}
	}
	// What came from elsewhere stays one value.
	for _, k := range []kind{standard, activeDirectory} {
		if f := usable().subjectsFilter(k, []string{"*)(uid=*"}); !strings.Contains(f, `=\2a\29\28uid=\2a)`) {
			t.Error(f)
		}
	}
}

// RFC 4514 §2.4.
func TestUserDN(t *testing.T) {
	c := usable()
	c.UserDN = "uid={username},ou=people,dc=example,dc=org"
	for name, want := range map[string]string{
		"bob": "bob", "a,dc=evil": `a\,dc=evil`, `a\b`: `a\\b`, "#a": `\#a`, " a ": `\ a\ `, "a+b=c": `a\+b=c`, "a\x00": `a\00`, `"<>;`: `\"\<\>\;`,
	} {
		if got := c.userDN(name); got != "uid="+want+",ou=people,dc=example,dc=org" {
			t.Errorf("%q: %s", name, got)
		}
		if dn, err := ldapv3.ParseDN(c.userDN(name)); err != nil || len(dn.RDNs) != 4 || dn.RDNs[0].Attributes[0].Value != name {
			t.Errorf("%q: %+v %v", name, dn, err)
		}
	}
	c.UserDN = "{username}@example.org"
	if got := c.userDN("bob"); got != "bob@example.org" {
		t.Error(got)
	}
}

// The codes in the words of Active Directory's refusals. What is said before the password
// was right is no more than ErrInvalidCredentials, and told only to those who are known.
func TestRefusedAD(t *testing.T) {
	const words = "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data "
	for code, want := range map[string]error{
		"525": auth.ErrInvalidCredentials, "52e": auth.ErrInvalidCredentials, "530": ErrNotNow, "531": ErrNotFromHere, "532": ErrPasswordExpired,
		"533": ErrDisabled, "701": ErrExpired, "773": ErrMustChange, "775": auth.ErrInvalidCredentials, "": auth.ErrInvalidCredentials,
	} {
		err := ldapv3.NewError(ldapv3.LDAPResultInvalidCredentials, errors.New(words+code+", v4563\x00"))
		if got := bound(activeDirectory, nil, err); !errors.Is(got, want) {
			t.Errorf("%s: %v", code, got)
		}
		if hidden, ok := errors.AsType[*auth.HiddenReasonError](bound(activeDirectory, nil, err)); ok != (code == "775") || ok && hidden.Reason != ErrLocked {
			t.Errorf("%s: withheld: %v", code, hidden)
		}
		if got := bound(standard, nil, err); !errors.Is(got, auth.ErrInvalidCredentials) {
			t.Errorf("%s, of another directory: %v", code, got)
		}
	}
}

// [MS-ADTS] §2.2.16: userAccountControl and its kin.
func TestStatusAD(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		want  AccountStatus
		attrs map[string][]string
	}{
		"active":                {Active, map[string][]string{"userAccountControl": {"512"}, "accountExpires": {"9223372036854775807"}, "pwdLastSet": {"134402015321423170"}}},
		"never expires":         {Active, map[string][]string{"userAccountControl": {"512"}, "accountExpires": {"0"}}},
		"nothing may be read":   {Active, nil},
		"disabled":              {Disabled, map[string][]string{"userAccountControl": {"514"}}},
		"expired":               {Expired, map[string][]string{"userAccountControl": {"512"}, "accountExpires": {"133485408000000000"}}}, // 2024-01-01
		"expires later":         {Active, map[string][]string{"userAccountControl": {"512"}, "accountExpires": {"134800000000000000"}}},
		"locked":                {Locked, map[string][]string{"userAccountControl": {"512"}, "msDS-User-Account-Control-Computed": {"16"}, "lockoutTime": {"1"}}},
		"was locked":            {Active, map[string][]string{"userAccountControl": {"512"}, "msDS-User-Account-Control-Computed": {"0"}, "lockoutTime": {"1"}}},
		"must change":           {MustChange, map[string][]string{"userAccountControl": {"512"}, "pwdLastSet": {"0"}}},
		"never has to change":   {Active, map[string][]string{"userAccountControl": {"66048"}, "pwdLastSet": {"0"}}},
		"its password is old":   {MustChange, map[string][]string{"userAccountControl": {"512"}, "msDS-User-Account-Control-Computed": {"8388608"}}},
		"disabled, and expired": {Disabled, map[string][]string{"userAccountControl": {"514"}, "accountExpires": {"1"}}},
	} {
		if got := accountStatus(activeDirectory, ldapv3.NewEntry("cn=bob", c.attrs), now); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The rule in removal_guard.go.
func TestBelievable(t *testing.T) {
	for _, c := range []struct {
		asked, missing int
		anybody, want  bool
	}{
		{1, 0, false, true}, {1, 1, true, true}, {1, 1, false, false}, {2, 2, true, false}, {3, 2, true, true}, {6, 5, true, true}, {7, 6, true, false},
		{100, 20, true, true}, {100, 21, true, false}, {100, 1, false, false}, {1000, 200, true, true}, {1000, 1000, true, false},
	} {
		if got := plausible(c.asked, c.missing, c.anybody); got != c.want {
			t.Errorf("%+v", c)
		}
	}
}
