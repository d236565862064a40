//go:build linux

package directory

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/app/auth"
	"foyer/app/auth/ldap"
	"foyer/e2e/peers"
)

// TestSamba meets a domain controller of Active Directory, which takes some seconds to
// make: one for all.
func TestSamba(t *testing.T) {
	s := peers.StartSamba(t)
	cfg := ldap.Config{URLs: []string{s.TLSURL}, Roots: s.Roots, BindDN: peers.SambaService, BindPassword: peers.SambaPassword, BaseDN: peers.SambaBase, PoolSize: 10, Timeout: 10 * time.Second}
	t.Run("signing in", func(t *testing.T) { sambaSignIn(t, s, cfg) })
	t.Run("standing", func(t *testing.T) { sambaStanding(t, s, cfg) })
	t.Run("groups", func(t *testing.T) { sambaGroups(t, s, cfg) })
	t.Run("recheck", func(t *testing.T) { sambaRecheck(t, s, cfg) })
}

// By search, by pattern, over TLS either way; the search brings references to other
// servers, which are not followed. A renamed person stays who they are.
func sambaSignIn(t *testing.T, s *peers.Samba, cfg ldap.Config) {
	s.AddPerson("Bob", "displayName", "Bob Ross", "thumbnailPhoto", "not a picture")
	ways := map[string]func(*ldap.Config){
		"ldaps":     func(*ldap.Config) {},
		"StartTLS":  func(c *ldap.Config) { c.URLs = []string{s.URL} },
		"a pattern": func(c *ldap.Config) { c.UserDN = "{username}@example.test" },
		"a domain":  func(c *ldap.Config) { c.UserDN = `EXAMPLE\{username}` },
		"an entry":  func(c *ldap.Config) { c.UserDN = "CN={username}," + peers.SambaPeople },
	}
	subjects := map[string]bool{}
	for name, change := range ways {
		cfg := cfg
		change(&cfg)
		d := open(t, cfg)
		p, err := d.SignIn(t.Context(), "bob", peers.SambaPassword)
		if err != nil || p.Username != "bob" || p.Name != "Bob Ross" || string(p.Photo) != "not a picture" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		subjects[p.Subject] = true
		for typed, password := range map[string]string{"bob": "wrong", "nobody": peers.SambaPassword, "b*": peers.SambaPassword} {
			if _, err := d.SignIn(t.Context(), typed, password); !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Errorf("%s, %q: %v", name, typed, err)
			}
		}
	}
	s.Rename(s.Person("Bob"), "CN=Robert")
	s.Set(s.Person("Robert"), "sAMAccountName", "robert")
	p, err := open(t, cfg).SignIn(t.Context(), "robert", peers.SambaPassword)
	if subjects[p.Subject] = true; err != nil || len(subjects) != 1 {
		t.Errorf("%v, %v", subjects, err)
	}
	// A domain controller takes no password in clear.
	plain := cfg
	plain.URLs, plain.Plain = []string{s.URL}, true
	if _, err := open(t, plain).SignIn(t.Context(), "robert", peers.SambaPassword); !errors.Is(err, auth.ErrUnreachable) {
		t.Errorf("in clear: %v", err)
	}
}

// What is wrong with an account is said after the right password, and not before.
func sambaStanding(t *testing.T, s *peers.Samba, cfg ldap.Config) {
	for _, name := range []string{"disabled", "expired", "mustchange", "locked"} {
		s.AddPerson(name)
	}
	s.Set(s.Person("disabled"), "userAccountControl", "514")
	s.Set(s.Person("expired"), "accountExpires", "133485408000000000") // 2024-01-01
	s.Set(s.Person("mustchange"), "pwdLastSet", "0")
	d := open(t, cfg)
	for range 6 { // the domain locks after 5
		_, _ = d.SignIn(t.Context(), "locked", "wrong")
	}
	want := map[string]error{"disabled": ldap.ErrDisabled, "expired": ldap.ErrExpired, "mustchange": ldap.ErrMustChange, "locked": auth.ErrInvalidCredentials}
	for name, want := range want {
		_, err := d.SignIn(t.Context(), name, peers.SambaPassword)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", name, err, want)
		}
		if hidden, ok := errors.AsType[*auth.HiddenReasonError](err); ok != (name == "locked") || ok && hidden.Reason != ldap.ErrLocked {
			t.Errorf("%s: withheld: %v", name, hidden)
		}
		if _, err := d.SignIn(t.Context(), name, "wrong"); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("%s, with a wrong password: %v", name, err)
		}
	}
	all := everybody(t, d)
	for name, want := range map[string]ldap.AccountStatus{"disabled": ldap.Disabled, "expired": ldap.Expired, "mustchange": ldap.MustChange, "locked": ldap.Locked, "robert": ldap.Active} {
		if got := all[name].Status; got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Groups within groups, the same for one person and for all.
func sambaGroups(t *testing.T, s *peers.Samba, cfg ldap.Config) {
	s.AddPerson("alice")
	s.AddGroup("engineers", s.Person("alice"))
	s.AddGroup("staff", s.Person("engineers"), s.Person("Robert"))
	s.AddGroup("everybody here", s.Person("staff"))
	cfg.GroupBaseDN, cfg.GroupFilter = peers.SambaPeople, "(|(sAMAccountName=engineers)(sAMAccountName=staff)(sAMAccountName=everybody here))"
	cfg.AdminGroups = []string{"Staff"}
	want := map[ldap.GroupMode]map[string][]string{
		ldap.Nested:   {"alice": {"engineers", "everybody here", "staff"}, "robert": {"everybody here", "staff"}},
		ldap.Search:   {"alice": {"engineers"}, "robert": {"staff"}},
		ldap.MemberOf: {"alice": {"engineers"}, "robert": {"staff"}},
	}
	for mode, want := range want {
		cfg.Groups = mode
		d := open(t, cfg)
		all := everybody(t, d)
		for name, want := range want {
			p, err := d.SignIn(t.Context(), name, peers.SambaPassword)
			if err != nil {
				t.Fatal(err)
			}
			for way, p := range map[string]ldap.Person{"signing in": p, "among all": all[name]} {
				if !slices.Equal(p.Groups, want) || p.Admin == nil || *p.Admin != slices.Contains(want, "staff") {
					t.Errorf("%s: %s, %s: %q, not %q; admin %v", mode, name, way, p.Groups, want, p.Admin)
				}
			}
		}
	}
}

func sambaRecheck(t *testing.T, s *peers.Samba, cfg ldap.Config) {
	for _, name := range []string{"stays", "leaves", "is disabled"} {
		s.AddPerson(strings.ReplaceAll(name, " ", "-"))
	}
	d := open(t, cfg)
	all := everybody(t, d)
	subjects := []string{all["stays"].Subject, all["leaves"].Subject, all["is-disabled"].Subject}
	s.Delete(s.Person("leaves"))
	s.Set(s.Person("is-disabled"), "userAccountControl", "514")
	report, err := d.Recheck(t.Context(), subjects)
	slices.Sort(report.Gone)
	gone := subjects[1:]
	slices.Sort(gone)
	if err != nil || len(report.Present) != 1 || !slices.Equal(report.Gone, gone) {
		t.Errorf("%+v, %v", report, err)
	}
}
