package ldap

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"foyer/app/auth"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// What foyer doctor tries, from end to end. Each error says what to change, and on which
// side: here, or in the directory.

// Check implements auth.Checker.
func (s *Source) Check(ctx context.Context) error {
	var all []error
	for _, server := range s.pool.servers {
		if err := s.checkServer(ctx, server); err != nil {
			all = append(all, fmt.Errorf("%s: %w", server.raw, err))
		}
	}
	return errors.Join(all...)
}

// checkServer tries one of LDAP_URL, on a separate connection.
func (s *Source) checkServer(ctx context.Context, server *server) error {
	reaching, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	c, err := server.dial(reaching, s.cfg.Timeout)
	cancel()
	if err != nil {
		return unreachable(err)
	}
	defer c.close()
	if s.cfg.BindDN != Anonymous {
		if err := c.bind(ctx, s.cfg.BindDN, s.cfg.BindPassword); err != nil {
			return fmt.Errorf("it does not let %s in: check LDAP_BIND_DN and LDAP_BIND_PASSWORD here, and that this account may sign in there: %w", s.cfg.BindDN, err)
		}
	}
	if err := s.checkBase(ctx, c, "LDAP_BASE_DN", s.cfg.BaseDN); err != nil {
		return err
	}
	if err := s.checkPeople(ctx, c); err != nil {
		return err
	}
	return s.checkGroups(ctx, c)
}

// unreachable says what it may be that a server cannot be spoken to.
func unreachable(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("nobody known here has signed its certificate: set LDAP_CA_FILE to the file of the authority that did: %w", err)
	case errors.As(err, &name):
		return fmt.Errorf("its certificate is for another name: write that name in LDAP_URL, or give the directory a certificate for this one: %w", err)
	case errors.Is(err, errStartTLS):
		return fmt.Errorf("it does not offer StartTLS: give the directory a certificate, or use ldaps:// where it has one: %w", err)
	case errors.Is(err, errTLS):
		return fmt.Errorf("it does not speak TLS there as it should: use ldap:// for StartTLS, or the port for TLS (636): %w", err)
	}
	return fmt.Errorf("it cannot be reached: check host and port in LDAP_URL, and the firewalls between: %w", err)
}

func (s *Source) checkBase(ctx context.Context, c *conn, setting, dn string) error {
	entries, err := c.search(ctx, &ldapv3.SearchRequest{BaseDN: dn, Scope: ldapv3.ScopeBaseObject, Filter: "(objectClass=*)", Attributes: []string{"1.1"}, SizeLimit: 1})
	if err == nil && len(entries) == 0 {
		err = errors.New("the answer is empty")
	}
	if err != nil {
		return fmt.Errorf("%s=%s cannot be read: correct it here, or let %s read it there: %w", setting, dn, s.cfg.BindDN, err)
	}
	return nil
}

// checkPeople looks at some people as the recheck does: whether they are found, and whether
// what counts of them may be read.
func (s *Source) checkPeople(ctx context.Context, c *conn) error {
	filter := s.cfg.everybody(c.kind)
	result, err := c.ask(ctx, &ldapv3.SearchRequest{
		BaseDN: s.cfg.BaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: filter, Attributes: s.cfg.personAttributes(c.kind),
		Controls: []ldapv3.Control{ldapv3.NewControlPaging(1)},
	})
	switch {
	case err != nil:
		return fmt.Errorf("people cannot be searched: let %s search below %s there: %w", s.cfg.BindDN, s.cfg.BaseDN, err)
	case len(result.Entries) == 0:
		return fmt.Errorf("nobody below %s is meant by %s: correct LDAP_BASE_DN or LDAP_USER_FILTER here, or let %s see people there", s.cfg.BaseDN, filter, s.cfg.BindDN)
	}
	e := result.Entries[0]
	p, err := s.cfg.person(c.kind, e)
	if err != nil {
		return fmt.Errorf("people cannot be told apart: let %s read %s there: %w", s.cfg.BindDN, subjectAttr(c.kind), err)
	}
	if len(e.GetEqualFoldAttributeValues(s.cfg.usernameAttr(c.kind))) == 0 {
		return fmt.Errorf("%s has no %s: set LDAP_USERNAME_ATTRIBUTE to the one with the user name", p.DN, s.cfg.usernameAttr(c.kind))
	}
	if c.kind == activeDirectory && e.GetEqualFoldAttributeValue("userAccountControl") == "" {
		return fmt.Errorf("it cannot be seen who is disabled: let %s read userAccountControl and accountExpires there", s.cfg.BindDN)
	}
	// The recheck finds people by who they are.
	again, err := c.search(ctx, &ldapv3.SearchRequest{
		BaseDN: s.cfg.BaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: s.cfg.subjectsFilter(c.kind, []string{p.Subject}), Attributes: []string{"1.1"},
	})
	if err == nil && len(again) != 1 {
		err = fmt.Errorf("%d entries have the %s of %s", len(again), subjectAttr(c.kind), p.DN)
	}
	if err != nil {
		return fmt.Errorf("people are not found again, so that nobody who is removed could be put out: let %s search by %s there: %w", s.cfg.BindDN, subjectAttr(c.kind), err)
	}
	return nil
}

func (s *Source) checkGroups(ctx context.Context, c *conn) error {
	if s.cfg.Groups == None {
		return nil
	}
	if s.cfg.Groups == Nested && c.kind != activeDirectory {
		return errNoChain
	}
	if err := s.checkBase(ctx, c, "LDAP_GROUP_BASE_DN", s.cfg.GroupBaseDN); err != nil {
		return err
	}
	if s.cfg.Groups == MemberOf {
		return nil // nobody need be in a group
	}
	result, err := c.ask(ctx, &ldapv3.SearchRequest{
		BaseDN: s.cfg.GroupBaseDN, Scope: ldapv3.ScopeWholeSubtree, Filter: s.cfg.GroupFilter, Attributes: []string{"cn"}, Controls: []ldapv3.Control{ldapv3.NewControlPaging(1)},
	})
	if err == nil && len(result.Entries) == 0 {
		err = errors.New("there are none")
	}
	if err != nil {
		return fmt.Errorf("groups below %s cannot be read: correct LDAP_GROUP_BASE_DN or LDAP_GROUP_FILTER here, or let %s read them there: %w", s.cfg.GroupBaseDN, s.cfg.BindDN, err)
	}
	return nil
}

// Describe says what the directory tells of somebody, in a line for the operator.
func (s *Source) Describe(ctx context.Context, typed string) (string, error) {
	name, err := auth.PrepareUsername(typed)
	if err != nil {
		return "", err
	}
	var p Person
	err = s.pool.asService(ctx, func(c *conn) (err error) {
		if p, err = s.find(ctx, c, s.cfg.BaseDN, ldapv3.ScopeWholeSubtree, name); err != nil {
			return err
		}
		return s.groupsOf(ctx, c, &p)
	})
	if errors.Is(err, auth.ErrInvalidCredentials) {
		return "", fmt.Errorf("nobody, or more than one, below %s is meant by LDAP_USER_FILTER with the user name %s", s.cfg.BaseDN, name)
	}
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s is %s, %q, %s", name, p.DN, p.Name, p.Status)
	if s.cfg.Groups != None {
		line += "; groups: " + strings.Join(p.Groups, ", ")
	}
	return line, nil
}
