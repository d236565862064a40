package ldap

import (
	"context"
	"slices"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// subjectsBatch is how many people one question is about.
const subjectsBatch = 200

// Everybody returns all people who may sign in, with their status and their groups.
// auth.ErrUnreachable: the directory could not be asked, or not to the end.
func (d *Directory) Everybody(ctx context.Context) ([]Person, error) {
	var all []Person
	err := d.pool.asService(ctx, func(c *conn) error {
		groups, err := d.memberships(ctx, c)
		if err == nil {
			all, err = d.readPeople(ctx, c, d.cfg.everybody(c.kind), groups)
		}
		return err
	})
	return all, asUnreachable(err)
}

// Look returns those of some people who are in the directory and may sign in, with their
// status and their groups, by subject. It costs a question for every 200 of them, besides
// those about the groups.
// auth.ErrUnreachable: the directory could not be asked, or not to the end.
func (d *Directory) Look(ctx context.Context, subjects []string) (map[string]Person, error) {
	return d.look(ctx, subjects, withGroups)
}

// groupReading is whether the groups of people are read as well, which may cost reading those of everybody.
type groupReading bool

const (
	withGroups    groupReading = true
	withoutGroups groupReading = false // they seem to have none
)

func (d *Directory) look(ctx context.Context, subjects []string, reading groupReading) (map[string]Person, error) {
	found := map[string]Person{}
	err := d.pool.asService(ctx, func(c *conn) (err error) {
		clear(found)
		var groups memberships
		if reading == withGroups {
			groups, err = d.memberships(ctx, c)
		}
		if err != nil {
			return err
		}
		for some := range slices.Chunk(subjects, subjectsBatch) {
			people, err := d.readPeople(ctx, c, d.cfg.subjectsFilter(c.kind, some), groups)
			if err != nil {
				return err
			}
			for _, p := range people {
				found[p.Subject] = p
			}
		}
		return nil
	})
	return found, asUnreachable(err)
}

// readPeople reads the people whom a filter means; groups are those of everybody.
func (d *Directory) readPeople(ctx context.Context, c *conn, filter string, groups memberships) ([]Person, error) {
	var list []Person
	request := &ldapv3.SearchRequest{BaseDN: d.cfg.BaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: filter, Attributes: d.cfg.personAttributes(c.kind)}
	err := c.searchAll(ctx, request, ofPeople, func(e *ldapv3.Entry) error {
		p, err := d.cfg.person(c.kind, e)
		if err != nil {
			return err
		}
		if d.cfg.Groups == Search || d.cfg.Groups == Nested {
			d.cfg.setGroups(&p, groups.of(p))
		}
		list = append(list, p)
		return nil
	})
	return list, err
}

// anybody reports whether the directory shows anybody at all.
func (d *Directory) anybody(ctx context.Context) (bool, error) {
	some := false
	err := d.pool.asService(ctx, func(c *conn) error {
		result, err := c.ask(ctx, &ldapv3.SearchRequest{
			BaseDN: d.cfg.BaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: d.cfg.everybody(c.kind), Attributes: []string{"1.1"},
			Controls: []ldapv3.Control{ldapv3.NewControlPaging(1)}, // Samba keeps to no other limit
		})
		some = result != nil && len(result.Entries) > 0
		return err
	})
	return some, asUnreachable(err)
}
