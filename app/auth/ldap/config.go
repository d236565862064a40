package ldap

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"foyer/internal/netaddr"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// Anonymous is the BindDN that spells out to ask the directory without signing in.
const Anonymous = "anonymous"

// username is what stands in patterns for the user name.
const username = "{username}"

// GroupMode is how groups are read.
type GroupMode string

// The ways. None reads no groups, and the site keeps its own.
const (
	None     GroupMode = ""
	MemberOf GroupMode = "memberof" // what memberOf of a person's entry says
	Search   GroupMode = "search"   // groups that name the person: member, uniqueMember, memberUid
	Nested   GroupMode = "nested"   // those, and the groups that these are in (Active Directory)
)

// Config is what a Directory needs. Zero fields have the defaults that are named.
type Config struct {
	URLs  []string       // ldaps://host:636, ldap://host:389 (StartTLS), ldapi:///path; tried in turn
	Plain bool           // ldap:// goes without TLS; only on loopback
	Roots *x509.CertPool // who signs the directory's certificate; nil: who the system knows

	BindDN       string // whom the site is there; Anonymous: nobody
	BindPassword string

	BaseDN       string // below which people are
	UserFilter   string // of people who may sign in; {username} stands for the name
	UserDN       string // the name of a person's entry, with {username}; empty: the entry is searched
	UsernameAttr string // default: sAMAccountName in Active Directory, else uid

	Groups      GroupMode
	GroupBaseDN string   // below which groups count; default BaseDN
	GroupFilter string   // which groups count
	AdminGroups []string // whose members look after the site: names, or names of entries

	PoolSize int           // connections, 1 to 1000
	Timeout  time.Duration // for a sign-in or one question, waiting included; 1 s at least

	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.GroupBaseDN = cmp.Or(c.GroupBaseDN, c.BaseDN)
	c.GroupFilter = cmp.Or(c.GroupFilter, "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=group))")
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// Validate says all that is wrong with the settings, by the names that operators know.
func (c Config) Validate() error {
	c = c.withDefaults()
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	check(len(c.URLs) > 0, "LDAP_URL is empty: name the directory's servers, such as ldaps://ldap.example.org")
	for _, raw := range c.URLs {
		_, err := c.parseURL(raw)
		check(err == nil, "LDAP_URL=%q: %v", raw, err)
	}
	check(c.BaseDN != "" && isDN(c.BaseDN), "LDAP_BASE_DN=%q must be the entry below which people are, such as ou=people,dc=example,dc=org", c.BaseDN)
	check(c.GroupBaseDN == c.BaseDN || isDN(c.GroupBaseDN), "LDAP_GROUP_BASE_DN=%q must be an entry's name, such as ou=groups,dc=example,dc=org", c.GroupBaseDN)
	c.checkBind(check)
	c.checkPatterns(check)
	check(slices.Contains([]GroupMode{None, MemberOf, Search, Nested}, c.Groups), "LDAP_GROUPS=%q is not one of memberof, search, nested", c.Groups)
	check(len(c.AdminGroups) == 0 || c.Groups != None, "LDAP_ADMIN_GROUPS needs groups: set LDAP_GROUPS=memberof, search or nested")
	check(c.PoolSize >= 1 && c.PoolSize <= 1000, "LDAP_POOL=%d must be between 1 and 1000", c.PoolSize)
	check(c.Timeout >= time.Second, "LDAP_TIMEOUT=%s must be at least 1s", c.Timeout)
	return errors.Join(wrong...)
}

func (c Config) checkBind(check func(bool, string, ...any)) {
	switch {
	case c.BindDN == Anonymous:
		check(c.BindPassword == "", "LDAP_BIND_PASSWORD is set, and LDAP_BIND_DN=anonymous needs none")
	case c.BindDN == "":
		check(false, "LDAP_BIND_DN is empty: name an account of the directory that may search it, and its LDAP_BIND_PASSWORD; or LDAP_BIND_DN=anonymous where the directory answers everybody")
	default:
		check(c.BindPassword != "", "LDAP_BIND_PASSWORD is empty: a directory lets anybody in without one (RFC 4513)")
	}
}

// attributeName is that of an attribute: a short name or an OID (RFC 4512 §1.4).
var attributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`)

func (c Config) checkPatterns(check func(bool, string, ...any)) {
	check(c.UsernameAttr == "" || attributeName.MatchString(c.UsernameAttr), "LDAP_USERNAME_ATTRIBUTE=%q must be the name of an attribute, such as uid", c.UsernameAttr)
	if c.UserFilter != "" {
		_, err := ldapv3.CompileFilter(strings.ReplaceAll(c.UserFilter, username, "x"))
		check(err == nil, "LDAP_USER_FILTER=%q: %v", c.UserFilter, err)
		check(strings.Contains(c.UserFilter, "="+username+")"), "LDAP_USER_FILTER=%q must compare with the user name, such as (uid={username})", c.UserFilter)
	}
	if c.UserDN != "" {
		check(strings.Count(c.UserDN, username) == 1, "LDAP_USER_DN=%q must have {username} where the user name goes, such as uid={username},ou=people,dc=example,dc=org", c.UserDN)
	}
	_, err := ldapv3.CompileFilter(c.GroupFilter)
	check(err == nil, "LDAP_GROUP_FILTER=%q: %v", c.GroupFilter, err)
}

// address is where a server is, and how it is spoken to.
type address struct {
	raw      string // as in LDAP_URL
	network  string
	dial     string
	host     string // that its certificate is for
	tls      bool   // from the first byte
	startTLS bool
}

// parseURL reads an address. Passwords go in clear nowhere but on this machine.
func (c Config) parseURL(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, err
	}
	a := address{raw: raw, network: "tcp", host: u.Hostname()}
	switch {
	case u.Scheme == "ldapi":
		a.network, a.dial = "unix", u.Path
		if u.Host != "" || u.Path == "" {
			err = errors.New("a socket is written ldapi:///path/of/the/socket")
		} else {
			err = netaddr.CheckUnixPath(u.Path)
		}
		return a, err
	case u.Scheme != "ldap" && u.Scheme != "ldaps":
		return a, errors.New("it must be like ldaps://ldap.example.org or, for StartTLS, ldap://ldap.example.org")
	case a.host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return a, errors.New("it must have a host, perhaps a port, and nothing else; LDAP_BASE_DN and LDAP_BIND_DN are settings of their own")
	}
	a.tls = u.Scheme == "ldaps"
	a.startTLS = !a.tls && !c.Plain
	if !a.tls && !a.startTLS && !netaddr.IsLoopback(a.host) {
		return a, errors.New("LDAP_PLAIN=true would send passwords in clear; take it away, or use ldaps://. It is for a directory on this machine alone")
	}
	port := "389"
	if a.tls {
		port = "636"
	}
	a.dial = net.JoinHostPort(a.host, cmp.Or(u.Port(), port))
	return a, nil
}
