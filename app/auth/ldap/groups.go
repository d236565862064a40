package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// maxGroups is how many groups of one person count, and how many of a directory are read.
const maxGroups = 1000

// ruleInChain is the comparison that follows groups within groups ([MS-ADTS]
// §3.1.1.3.4.4.3, LDAP_MATCHING_RULE_TRANSITIVE_EVAL).
const ruleInChain = "1.2.840.113556.1.4.1941"

var errNoChain = errors.New("LDAP_GROUPS=nested is for Active Directory; with this directory use memberof or search")

// group is a group of the directory.
type group struct{ dn, name string }

// groupsOf reads the groups of one person. With MemberOf their entry has said them.
func (d *Directory) groupsOf(ctx context.Context, c *conn, p *Person) error {
	if d.cfg.Groups != Search && d.cfg.Groups != Nested {
		return nil
	}
	if d.cfg.Groups == Nested && c.kind != activeDirectory {
		return errNoChain
	}
	entries, err := c.search(ctx, &ldapv3.SearchRequest{
		BaseDN: d.cfg.GroupBaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: d.cfg.memberFilter(*p), Attributes: []string{"cn"}, SizeLimit: maxGroups,
	})
	if err != nil {
		return fmt.Errorf("the groups of %s: %w", p.DN, err)
	}
	groups := make([]group, len(entries))
	for i, e := range entries {
		groups[i] = readGroup(e)
	}
	d.cfg.setGroups(p, groups)
	return nil
}

// memberFilter is the filter of the groups that somebody is in.
func (c Config) memberFilter(p Person) string {
	dn := ldapv3.EscapeFilter(p.DN)
	if c.Groups == Nested {
		return "(&" + c.GroupFilter + "(member:" + ruleInChain + ":=" + dn + "))"
	}
	var named strings.Builder
	for _, name := range p.uids() {
		named.WriteString("(memberUid=" + ldapv3.EscapeFilter(name) + ")")
	}
	return "(&" + c.GroupFilter + "(|(member=" + dn + ")(uniqueMember=" + dn + ")" + named.String() + "))"
}

func readGroup(e *ldapv3.Entry) group {
	name := e.GetEqualFoldAttributeValue("cn")
	if name == "" {
		name = firstCN(e.DN)
	}
	return group{dn: e.DN, name: name}
}

// groupNames are those of memberOf that are below GroupBaseDN.
func (c Config) groupNames(memberOf []string) []group {
	base, err := ldapv3.ParseDN(c.GroupBaseDN)
	if err != nil {
		return nil
	}
	var list []group
	for _, dn := range memberOf {
		parsed, err := ldapv3.ParseDN(dn)
		if err == nil && base.AncestorOfFold(parsed) {
			list = append(list, group{dn: dn, name: firstCN(dn)})
		}
	}
	return list
}

// setGroups notes somebody's groups, and whether they look after the site.
func (c Config) setGroups(p *Person, groups []group) {
	p.Groups = []string{}
	admin := false
	for _, g := range groups {
		if g.name != "" {
			p.Groups = append(p.Groups, g.name)
		}
		admin = admin || slices.ContainsFunc(c.AdminGroups, func(named string) bool { return g.is(named) })
	}
	slices.Sort(p.Groups)
	p.Groups = slices.Compact(p.Groups)
	p.Groups = p.Groups[:min(len(p.Groups), maxGroups)]
	if len(c.AdminGroups) > 0 {
		p.Admin = &admin
	}
}

// is reports whether a setting means this group: by its name, or by that of its entry.
func (g group) is(named string) bool {
	if strings.Contains(named, "=") {
		return normalDN(named) == normalDN(g.dn)
	}
	return strings.EqualFold(named, g.name)
}

// memberships are the groups of everybody, from as few questions as there are groups at
// most.
type memberships struct {
	byDN, byName, bySubject map[string][]group
}

// memberships reads the groups of everybody.
func (d *Directory) memberships(ctx context.Context, c *conn) (memberships, error) {
	m := memberships{byDN: map[string][]group{}, byName: map[string][]group{}, bySubject: map[string][]group{}}
	switch {
	case d.cfg.Groups == Search:
		return m, d.readMembers(ctx, c, m)
	case d.cfg.Groups == Nested && c.kind != activeDirectory:
		return m, errNoChain
	case d.cfg.Groups == Nested:
		return m, d.readChains(ctx, c, m)
	}
	return m, nil
}

func (d *Directory) readMembers(ctx context.Context, c *conn, m memberships) error {
	request := &ldapv3.SearchRequest{
		BaseDN: d.cfg.GroupBaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: d.cfg.GroupFilter, Attributes: []string{"cn", "member", "uniqueMember", "memberUid"},
	}
	return c.searchAll(ctx, request, ofMembers, func(e *ldapv3.Entry) error {
		g := readGroup(e)
		for _, attr := range []string{"member", "uniqueMember"} {
			members, err := c.allValues(ctx, e, attr)
			if err != nil {
				return err
			}
			for _, dn := range members {
				dn = normalDN(dn)
				m.byDN[dn] = append(m.byDN[dn], g)
			}
		}
		members, err := c.allValues(ctx, e, "memberUid")
		for _, name := range members {
			m.byName[name] = append(m.byName[name], g)
		}
		return err
	})
}

// readChains asks for the members of each group, those of the groups in it included.
func (d *Directory) readChains(ctx context.Context, c *conn, m memberships) error {
	var groups []group
	request := &ldapv3.SearchRequest{BaseDN: d.cfg.GroupBaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: d.cfg.GroupFilter, Attributes: []string{"cn"}}
	err := c.searchAll(ctx, request, ofPeople, func(e *ldapv3.Entry) error {
		if len(groups) == maxGroups {
			return fmt.Errorf("there are more than %d groups; make LDAP_GROUP_BASE_DN or LDAP_GROUP_FILTER narrower", maxGroups)
		}
		groups = append(groups, readGroup(e))
		return nil
	})
	for _, g := range groups {
		if err != nil {
			return err
		}
		members := &ldapv3.SearchRequest{
			BaseDN: d.cfg.BaseDN, Scope: ldapv3.ScopeWholeSubtree, Attributes: []string{subjectAttr(c.kind)},
			Filter: "(&" + d.cfg.everybody(c.kind) + "(memberOf:" + ruleInChain + ":=" + ldapv3.EscapeFilter(g.dn) + "))",
		}
		err = c.searchAll(ctx, members, ofPeople, func(e *ldapv3.Entry) error {
			if id, ok := subject(c.kind, e.GetEqualFoldRawAttributeValue(subjectAttr(c.kind))); ok {
				m.bySubject[id] = append(m.bySubject[id], g)
			}
			return nil
		})
	}
	return err
}

// of are the groups of one person.
func (m memberships) of(p Person) []group {
	list := slices.Concat(m.byDN[normalDN(p.DN)], m.bySubject[p.Subject])
	for _, name := range p.uids() {
		list = append(list, m.byName[name]...)
	}
	return list
}
