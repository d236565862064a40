package ldap

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"foyer/internal/testcert"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// What foyer doctor says of a directory, one broken set-up for each check: what to change, and
// on which side.
func TestCheck(t *testing.T) {
	certificate, other := testcert.New(t, "localhost"), testcert.New(t, "localhost")
	overTLS := func(l net.Listener) net.Listener {
		return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate.TLS}})
	}
	ldaps := func(h *hostile, c *Config, host string) {
		_, port, _ := net.SplitHostPort(h.l.Addr().String())
		c.URLs, c.Plain = []string{"ldaps://" + net.JoinHostPort(host, port)}, false
	}
	groups := func(mode GroupMode) func(*hostile, *Config) {
		return func(_ *hostile, c *Config) { c.Groups, c.GroupBaseDN = mode, "ou=groups,"+base }
	}
	const active = "1.2.840.113556.1.4.800"
	for name, c := range map[string]struct {
		over  func(net.Listener) net.Listener
		spoil func(*hostile, *Config)
		find  func(a *asked, base, filter string) bool // answers some questions; nil: none
		want  string                                   // empty: all is well
	}{
		"all is well":               {},
		"all is well, over TLS":     {over: overTLS, spoil: func(h *hostile, c *Config) { ldaps(h, c, "localhost"); c.Roots = certificate.Roots }},
		"all is well, with groups":  {spoil: groups(Search)},
		"nobody there":              {spoil: func(h *hostile, _ *Config) { h.l.Close() }, want: "it cannot be reached: check host and port in LDAP_URL"},
		"no TLS there":              {spoil: func(h *hostile, c *Config) { ldaps(h, c, "localhost"); c.Timeout = time.Second }, want: "it does not speak TLS there"},
		"no StartTLS":               {spoil: func(_ *hostile, c *Config) { c.Plain = false }, want: "it does not offer StartTLS: give the directory a certificate"},
		"an authority nobody knows": {over: overTLS, spoil: func(h *hostile, c *Config) { ldaps(h, c, "localhost"); c.Roots = other.Roots }, want: "set LDAP_CA_FILE"},
		"a certificate for another": {over: overTLS, spoil: func(h *hostile, c *Config) { ldaps(h, c, "127.0.0.1"); c.Roots = certificate.Roots }, want: "its certificate is for another name: write that name in LDAP_URL"},
		"a wrong password":          {spoil: func(_ *hostile, c *Config) { c.BindPassword = "wrong" }, want: "check LDAP_BIND_DN and LDAP_BIND_PASSWORD here, and that this account may sign in there"},
		"no base":                   {find: refuses("(objectClass=*)"), want: "LDAP_BASE_DN=" + base + " cannot be read: correct it here, or let cn=foyer," + base + " read it there"},
		"no searches":               {find: refuses("(uid=*)"), want: "people cannot be searched: let cn=foyer," + base + " search below " + base},
		"nobody is meant":           {find: finds("(uid=*)"), want: "nobody below " + base + " is meant by"},
		"no identity to be read":    {find: finds("(uid=*)", "uid", "bob"), want: "people cannot be told apart: let cn=foyer," + base + " read entryUUID there"},
		"no user name":              {find: finds("(uid=*)", "entryUUID", bobID), want: "has no uid: set LDAP_USERNAME_ATTRIBUTE"},
		"who is disabled is not seen": {
			spoil: func(h *hostile, _ *Config) { h.root = []string{"supportedCapabilities", active} },
			find:  finds("(sAMAccountName=*)", "sAMAccountName", "bob", "objectGUID", "0123456789abcdef"), want: "it cannot be seen who is disabled: let cn=foyer," + base + " read userAccountControl",
		},
		"no search by identity": {find: finds("(entryUUID="), want: "people are not found again, so that nobody who is removed could be put out"},
		"nested groups":         {spoil: groups(Nested), want: "LDAP_GROUPS=nested is for Active Directory"},
		"no base of groups": {spoil: groups(MemberOf), find: func(a *asked, base, _ string) bool {
			if strings.HasPrefix(base, "ou=groups") {
				a.done(ldapv3.LDAPResultNoSuchObject)
				return true
			}
			return false
		}, want: "LDAP_GROUP_BASE_DN=ou=groups," + base + " cannot be read"},
		"no groups": {spoil: groups(Search), find: finds("(objectClass=groupOfNames)"), want: "groups below ou=groups," + base + " cannot be read: correct LDAP_GROUP_BASE_DN or LDAP_GROUP_FILTER here"},
	} {
		t.Run(name, func(t *testing.T) {
			h := startHostile(t, c.over)
			cfg := h.config()
			if c.spoil != nil {
				c.spoil(h, &cfg)
			}
			if c.find != nil {
				h.onSearch(func(a *asked, base, filter string) {
					if !c.find(a, base, filter) {
						a.bob()
						a.done(0)
					}
				})
			}
			err := NewSource(opened(t, cfg), "Example", 4).Check(t.Context())
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// refuses answers questions with a part in their filter by the word that this may not be asked.
func refuses(part string) func(*asked, string, string) bool {
	return func(a *asked, _, filter string) bool {
		if !strings.HasPrefix(filter, part) && !strings.Contains(filter, part+")") {
			return false
		}
		a.done(ldapv3.LDAPResultInsufficientAccessRights)
		return true
	}
}

// finds answers questions with a part in their filter by one entry; without attributes, by none.
func finds(part string, pairs ...string) func(*asked, string, string) bool {
	return func(a *asked, _, filter string) bool {
		if !strings.Contains(filter, part) {
			return false
		}
		if len(pairs) > 0 {
			_ = a.entry("cn=Bob,"+base, pairs...)
		}
		a.done(0)
		return true
	}
}

// What the operator is told of one person, or why not.
func TestDescribe(t *testing.T) {
	h := startHostile(t, nil)
	s := NewSource(opened(t, h.config()), "Example", 4)
	if line, err := s.Describe(t.Context(), "bob"); err != nil || line != `bob is uid=bob,`+base+`, "Bob", active` {
		t.Errorf("%q, %v", line, err)
	}
	h.onSearch(func(a *asked, _, _ string) { a.done(0) })
	if _, err := s.Describe(t.Context(), "bob"); err == nil || !strings.Contains(err.Error(), "is meant by LDAP_USER_FILTER with the user name bob") {
		t.Error(err)
	}
	if _, err := s.Describe(t.Context(), "*"); err == nil {
		t.Error("nobody can be called so")
	}
}
