// Package ldap signs people in by a directory that speaks LDAP, such as OpenLDAP or
// Active Directory, and tells who of them is still in it.
//
//	ldap.go            the Directory: somebody signs in
//	config.go          its settings, and what is wrong with them
//	query.go           filters and names of entries, safe from what people type
//	entry.go           what an entry says of a person
//	account_status.go  whether they may sign in, and the words for why not
//	groups.go          the groups that somebody is in
//	members.go         many people at once: who is still there, and in which groups
//	removal_guard.go   which answers of that kind are believed
//	pool.go            connections, and servers that are tried in turn
//	conn.go            one connection: TLS, bounds in time and in bytes
//
// The rules that all of it keeps:
//
//   - A password goes to the directory over TLS or over loopback, and nowhere else: it is
//     neither kept nor logged. An empty one does not go there at all, since the directory
//     would answer that anybody may come in (RFC 4513 §5.1.2).
//   - Nothing that a person typed is part of a filter or of an entry's name without being
//     escaped (RFC 4515 §3, RFC 4514 §2.4).
//   - Who somebody is follows from the entry's entryUUID (RFC 4530) or objectGUID, which
//     outlive every change of name.
//   - Referrals are not followed: they would take a password to another server.
//   - Every answer is bounded, in time and in bytes.
package ldap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"foyer/app/auth"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// maxPassword is the longest password that is passed on, in bytes. Longer ones are
// nobody's.
const maxPassword = 1024

// Directory is an LDAP directory. It is safe for concurrent use.
type Directory struct {
	cfg  Config
	log  *slog.Logger
	pool *pool
}

// New returns a Directory; nothing is connected yet. The error says which settings are
// wrong.
func New(cfg Config) (*Directory, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	pool, err := newPool(cfg)
	if err != nil {
		return nil, err
	}
	return &Directory{cfg: cfg, log: cfg.Logger, pool: pool}, nil
}

// Close closes the connections.
func (d *Directory) Close() { d.pool.close() }

// SignIn returns the person whose user name and password these are. Errors:
// auth.ErrInvalidCredentials, also as an *auth.HiddenReasonError; an auth.Refusal, which says after a right
// password why it is no good;
// auth.ErrUnreachable: the directory could not be asked.
func (d *Directory) SignIn(ctx context.Context, typed, password string) (Person, error) {
	name, err := userName(typed)
	if err != nil || !passable(password) {
		return Person{}, auth.ErrInvalidCredentials
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	if d.cfg.UserDN != "" {
		return d.signInByPattern(ctx, name, password)
	}
	return d.signInBySearch(ctx, name, password)
}

// userName is the user name that somebody means: alice, and with a domain, as Active Directory
// has it, CORP\alice or alice@corp.example. So people can say that they mean the directory,
// where the site has an account of that name.
func userName(typed string) (string, error) {
	if at := strings.LastIndexByte(typed, '\\'); at >= 0 {
		typed = typed[at+1:]
	} else if name, _, found := strings.Cut(typed, "@"); found {
		typed = name
	}
	return auth.PrepareUsername(typed)
}

// passable reports whether a password may be passed on. One that begins with NUL is
// empty to servers written in C (RFC 4513 §5.1.2).
func passable(password string) bool {
	return password != "" && len(password) <= maxPassword && !strings.ContainsRune(password, 0)
}

// signInBySearch finds the entry of a user name, and signs in to the directory as that.
func (d *Directory) signInBySearch(ctx context.Context, name, password string) (Person, error) {
	var p Person
	err := d.pool.asService(ctx, func(c *conn) (err error) {
		p, err = d.find(ctx, c, d.cfg.BaseDN, ldapv3.ScopeWholeSubtree, name)
		return err
	})
	if err != nil {
		return Person{}, err
	}
	if err := d.pool.asPerson(ctx, p.DN, password, func(*conn) error { return nil }); err != nil {
		return Person{}, p.Status.hiddenReason(err)
	}
	if err := p.Status.refusal(); err != nil {
		return Person{}, err
	}
	err = d.pool.asService(ctx, func(c *conn) error { return d.complete(ctx, c, &p) })
	return p, err
}

// signInByPattern signs in to the directory as somebody whose entry's name follows from
// the user name, and reads the entry as they may.
func (d *Directory) signInByPattern(ctx context.Context, name, password string) (Person, error) {
	var p Person
	dn := d.cfg.userDN(name)
	err := d.pool.asPerson(ctx, dn, password, func(c *conn) (err error) {
		base, scope := dn, ldapv3.ScopeBaseObject
		if !isDN(dn) { // bob@example.org, EXAMPLE\bob
			base, scope = d.cfg.BaseDN, ldapv3.ScopeWholeSubtree
		}
		if p, err = d.find(ctx, c, base, scope, name); err != nil {
			return err
		}
		return d.complete(ctx, c, &p)
	})
	if err == nil {
		err = p.Status.refusal()
	}
	if err != nil {
		return Person{}, err
	}
	return p, nil
}

// find returns the one entry of a user name. auth.ErrInvalidCredentials: there is none, or more
// than one, or the directory answers with somebody else's.
func (d *Directory) find(ctx context.Context, c *conn, base string, scope int, name string) (Person, error) {
	entries, err := c.search(ctx, &ldapv3.SearchRequest{
		BaseDN: base, Scope: scope, SizeLimit: 2, Filter: d.cfg.userFilter(c.kind, name), Attributes: d.cfg.personAttributes(c.kind),
	})
	switch {
	case ldapv3.IsErrorWithCode(err, ldapv3.LDAPResultSizeLimitExceeded), len(entries) > 1:
		d.log.Warn("several entries in the directory have this user name, so that nobody can sign in by it; make LDAP_USER_FILTER or LDAP_BASE_DN narrower", "user", name)
		return Person{}, auth.ErrInvalidCredentials
	case ldapv3.IsErrorWithCode(err, ldapv3.LDAPResultNoSuchObject) && scope == ldapv3.ScopeBaseObject:
		return Person{}, auth.ErrInvalidCredentials
	case err != nil:
		return Person{}, asUnreachable(err)
	case len(entries) == 0:
		return Person{}, auth.ErrInvalidCredentials
	}
	p, err := d.cfg.person(c.kind, entries[0])
	if err != nil {
		d.log.Error("an entry in the directory cannot be used", "user", name, "err", err)
		return Person{}, auth.ErrInvalidCredentials
	}
	if !p.hasName(name) {
		d.log.Warn("the directory answered with an entry of another name", "user", name, "entry", p.DN)
		return Person{}, auth.ErrInvalidCredentials
	}
	p.Username = name
	return p, nil
}

// complete adds what is asked only of people who are in: groups and picture.
func (d *Directory) complete(ctx context.Context, c *conn, p *Person) error {
	if err := d.groupsOf(ctx, c, p); err != nil {
		return asUnreachable(err)
	}
	photo, err := d.photo(ctx, c, p.DN)
	if err != nil {
		// A picture is not worth a sign-in.
		d.log.Warn("a picture was not read from the directory", "user", p.Username, "err", err)
	}
	p.Photo = photo
	return nil
}

// asUnreachable is the error for a directory that could not be asked, with the reason.
func asUnreachable(err error) error {
	if err == nil || errors.Is(err, auth.ErrUnreachable) {
		return err
	}
	return fmt.Errorf("%w: %w", auth.ErrUnreachable, err)
}
