package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"foyer/app/auth"
	"foyer/internal/names"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// maxPhoto is the largest picture that is taken from a directory, in bytes.
const maxPhoto = 1 << 20

// Person is somebody as the directory has them.
type Person struct {
	Subject  string   // who it is, for ever: entryUUID or objectGUID
	DN       string   // the name of the entry, today
	Username string   // prepared as the site's own are; empty: it cannot be one
	Name     string   // that people see, within the site's rule; empty: none
	Groups   []string // names of groups, sorted; nil: none were asked for
	Admin    *bool    // whether one of them looks after the site; nil: no group is said to
	Photo    []byte   // a picture as the directory has it; nil: none. Only after a sign-in
	Status   AccountStatus

	names   []string // all user names, prepared
	written []string // and as the directory writes them
	groups  []string // memberOf
}

// personAttributes are what is asked about a person.
func (c Config) personAttributes(k kind) []string {
	list := []string{subjectAttr(k), c.usernameAttr(k), "displayName", "cn"}
	if c.Groups == MemberOf {
		list = append(list, "memberOf")
	}
	return append(list, statusAttributes(k)...)
}

// person reads an entry.
func (c Config) person(k kind, e *ldapv3.Entry) (Person, error) {
	id, ok := subject(k, e.GetEqualFoldRawAttributeValue(subjectAttr(k)))
	if !ok {
		return Person{}, fmt.Errorf("%s has no %s that LDAP_BIND_DN may read", e.DN, subjectAttr(k))
	}
	if e.DN == "" {
		// RFC 4513 §5.1.1: a bind with an empty name is anonymous, and succeeds.
		return Person{}, fmt.Errorf("the entry with %s %s has no name", subjectAttr(k), id)
	}
	p := Person{Subject: id, DN: e.DN, Status: accountStatus(k, e, time.Now()), groups: e.GetEqualFoldAttributeValues("memberOf")}
	p.written = e.GetEqualFoldAttributeValues(c.usernameAttr(k))
	for _, v := range p.written {
		if name, err := auth.PrepareUsername(v); err == nil {
			p.names = append(p.names, name)
		}
	}
	if len(p.names) > 0 {
		p.Username = p.names[0]
	}
	for _, attr := range []string{"displayName", "cn"} {
		if p.Name == "" {
			p.Name = names.Clean(e.GetEqualFoldAttributeValue(attr))
		}
	}
	if c.Groups == MemberOf {
		c.setGroups(&p, c.groupNames(p.groups))
	}
	return p, nil
}

// hasName reports whether one of the entry's user names is this one.
func (p Person) hasName(prepared string) bool {
	for _, name := range p.names {
		if name == prepared {
			return true
		}
	}
	return false
}

// uids are the user names by which groups may name somebody (memberUid, RFC 2307 §3), which
// directories compare to the letter.
func (p Person) uids() []string {
	list := slices.Concat(p.names, p.written)
	slices.Sort(list)
	return slices.Compact(list)
}

// photo reads somebody's picture. nil: there is none, or a larger one.
func (d *Directory) photo(ctx context.Context, c *conn, dn string) ([]byte, error) {
	entries, err := c.search(ctx, &ldapv3.SearchRequest{
		BaseDN: dn, Scope: ldapv3.ScopeBaseObject, SizeLimit: 1, Filter: "(objectClass=*)", Attributes: []string{"thumbnailPhoto", "jpegPhoto"},
	})
	if err != nil || len(entries) != 1 {
		return nil, err
	}
	for _, attr := range []string{"jpegPhoto", "thumbnailPhoto"} {
		if raw := entries[0].GetEqualFoldRawAttributeValue(attr); len(raw) > 0 && len(raw) <= maxPhoto {
			return raw, nil
		}
	}
	return nil, nil
}

// firstCN is the value of the first part of an entry's name, such as staff for
// cn=staff,ou=groups,dc=example,dc=org.
func firstCN(dn string) string {
	parsed, err := ldapv3.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 || len(parsed.RDNs[0].Attributes) == 0 {
		return ""
	}
	return parsed.RDNs[0].Attributes[0].Value
}

// normalDN writes an entry's name in one way, to compare it. Names that cannot be read
// stay as they are.
func normalDN(dn string) string {
	parsed, err := ldapv3.ParseDN(dn)
	if err != nil {
		return dn
	}
	return strings.ToLower(parsed.String())
}
