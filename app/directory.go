package app

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"foyer/app/auth/ldap"
)

// People of a directory (package ldap).

// Directory are the settings of an LDAP directory.
type Directory struct {
	URL          string        `env:"LDAP_URL" list:"true" desc:"servers of an LDAP directory whose people sign in here, separated by commas and tried in turn: ldaps://ldap.example.org, ldap://ldap.example.org (StartTLS), ldapi:///path/of/a/socket; empty: none (docs/IDENTITY.md)"`
	Label        string        `env:"LDAP_LABEL" envDefault:"your organisation" desc:"what pages call it, as in “the password of …”"`
	CAFile       string        `env:"LDAP_CA_FILE" desc:"PEM file with the CA certificate for the directory; empty: the system's CAs"`
	Plain        bool          `env:"LDAP_PLAIN" envDefault:"false" desc:"connect to ldap:// without TLS; only for a directory on this machine"`
	BindDN       string        `env:"LDAP_BIND_DN" desc:"DN of the account with which the site searches the directory; empty: anonymous"`
	BindPassword string        `env:"LDAP_BIND_PASSWORD" secret:"true" desc:"password of that account"`
	BaseDN       string        `env:"LDAP_BASE_DN" desc:"entry below which people are found, such as ou=people,dc=example,dc=org"`
	UserFilter   string        `env:"LDAP_USER_FILTER" desc:"filter for people who may sign in, with {username}; empty: (&(objectClass=person)(uid={username})), or its equivalent in Active Directory"`
	UserDN       string        `env:"LDAP_USER_DN" desc:"template of the name with which people bind, with {username}, such as uid={username},ou=people,dc=example,dc=org or {username}@example.org; empty: the site searches for their entry first"`
	UsernameAttr string        `env:"LDAP_USERNAME_ATTRIBUTE" desc:"attribute with the user name; empty: uid, or sAMAccountName in Active Directory"`
	Groups       string        `env:"LDAP_GROUPS" desc:"how groups are read: memberof (from people's entries), search (from the groups: member, uniqueMember, memberUid), nested (Active Directory: groups within groups); empty: not at all"`
	GroupBaseDN  string        `env:"LDAP_GROUP_BASE_DN" desc:"entry below which groups are found; empty: LDAP_BASE_DN"`
	GroupFilter  string        `env:"LDAP_GROUP_FILTER" desc:"filter for groups, with search and nested; empty: all"`
	AdminGroups  string        `env:"LDAP_ADMIN_GROUPS" list:"true" desc:"groups whose members administer the site: names separated by commas, or DNs separated by semicolons; empty: the directory does not decide that"`
	Failures     int           `env:"LDAP_FAILURES" envDefault:"4" desc:"wrong passwords for one user name that the site passes on to the directory before it waits for half an hour; keep it below the number that locks accounts there"`
	PoolSize     int           `env:"LDAP_POOL" envDefault:"10" desc:"maximum number of connections to the directory"`
	Timeout      time.Duration `env:"LDAP_TIMEOUT" envDefault:"10s" desc:"how long one sign-in may wait for the directory"`
	Native       bool          `env:"LDAP_NATIVE_PASSWORDS" envDefault:"false" desc:"whether native apps may sign in with the directory's password, over TLS (SASL PLAIN); otherwise only with app passwords. SCRAM is then not offered"`
}

// source returns the directory as a source of people.
func (d Directory) source(log *slog.Logger) (*ldap.Source, error) {
	roots, err := d.roots()
	if err != nil {
		return nil, err
	}
	directory, err := ldap.New(ldap.Config{
		URLs: settingList(d.URL), Plain: d.Plain, Roots: roots, BindDN: d.BindDN, BindPassword: d.BindPassword,
		BaseDN: d.BaseDN, UserFilter: d.UserFilter, UserDN: d.UserDN, UsernameAttr: d.UsernameAttr,
		Groups: ldap.GroupMode(d.Groups), GroupBaseDN: d.GroupBaseDN, GroupFilter: d.GroupFilter, AdminGroups: d.adminGroups(),
		PoolSize: d.PoolSize, Timeout: d.Timeout, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	if d.Failures < 1 {
		return nil, fmt.Errorf("LDAP_FAILURES=%d must be at least 1", d.Failures)
	}
	return ldap.NewSource(directory, d.Label, d.Failures), nil
}

func (d Directory) roots() (*x509.CertPool, error) {
	if d.CAFile == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(d.CAFile)
	if err != nil {
		return nil, fmt.Errorf("LDAP_CA_FILE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("LDAP_CA_FILE: %s has no certificate in PEM", d.CAFile)
	}
	return roots, nil
}

// adminGroups are names, or names of entries, which have commas themselves.
func (d Directory) adminGroups() []string {
	separator := ","
	if strings.Contains(d.AdminGroups, "=") {
		separator = ";"
	}
	var list []string
	for name := range strings.SplitSeq(d.AdminGroups, separator) {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list
}

// native reports whether apps may sign in with the directory's passwords.
func (d Directory) native() bool { return d.URL != "" && d.Native }
