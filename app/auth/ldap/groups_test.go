package ldap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"foyer/app/auth"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

const groupBase = "ou=groups," + base

// groupsAt starts a directory with bob, and groups that it answers with.
func groupsAt(t *testing.T, groups func(a *asked)) (*hostile, *Directory) {
	t.Helper()
	h := startHostile(t, nil)
	h.onSearch(func(a *asked, under, _ string) {
		if strings.HasSuffix(under, groupBase) {
			groups(a)
		} else {
			a.bob()
		}
		a.done(0)
	})
	cfg := h.config()
	cfg.Groups, cfg.GroupBaseDN = Search, groupBase
	return h, opened(t, cfg)
}

// dns are names of entries, the last of which is bob's.
func dns(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("uid=somebody-%06d,ou=people,%s", i, base)
	}
	list[n-1] = "uid=bob," + base
	return list
}

func groupsOfBob(t *testing.T, d *Directory) []string {
	t.Helper()
	found, err := d.Look(t.Context(), []string{bobID})
	if err != nil {
		t.Fatal(err)
	}
	return found[bobID].Groups
}

// [MS-ADTS] §3.1.1.3.1.3.3: Active Directory gives the first 1,500 members of a group, and the others
// when it is asked for them.
func TestLook_MembersInRanges(t *testing.T) {
	members := dns(4000)
	_, d := groupsAt(t, func(a *asked) {
		from := 0
		for _, attr := range a.attrs {
			if bounds, ok := strings.CutPrefix(attr, "member;range="); ok {
				from, _ = strconv.Atoi(strings.TrimSuffix(bounds, "-*"))
			}
		}
		until := min(from+1500, len(members))
		name := fmt.Sprintf("member;range=%d-%d", from, until-1)
		if until == len(members) {
			name = fmt.Sprintf("member;range=%d-*", from)
		}
		_ = a.entryOf("cn=all,"+groupBase, ldapv3.NewEntryAttribute("cn", []string{"all"}),
			ldapv3.NewEntryAttribute("member", nil), ldapv3.NewEntryAttribute(name, members[from:until]))
	})
	if got := groupsOfBob(t, d); !slices.Equal(got, []string{"all"}) {
		t.Errorf("bob is in %q", got)
	}
}

// A directory that gives the same range again and again comes to an end.
func TestLook_MembersInEndlessRanges(t *testing.T) {
	for _, name := range []string{"member;range=0-1", "member;range=0-", "member;range=x-y", "member;range=0-99999999999999999999"} {
		_, d := groupsAt(t, func(a *asked) {
			_ = a.entryOf("cn=all,"+groupBase, ldapv3.NewEntryAttribute(name, dns(2)))
		})
		if found, err := d.Look(t.Context(), []string{bobID}); err == nil {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// Groups in which everybody of a large organisation is.
func TestLook_LargeGroups(t *testing.T) {
	members := dns(100_000)
	_, d := groupsAt(t, func(a *asked) {
		_ = a.entryOf("cn=all,"+groupBase, ldapv3.NewEntryAttribute("cn", []string{"all"}), ldapv3.NewEntryAttribute("member", members))
	})
	if got := groupsOfBob(t, d); !slices.Equal(got, []string{"all"}) {
		t.Errorf("bob is in %q", got)
	}
}

// A directory with more groups than small pages would hold of people.
func TestLook_ManyGroups(t *testing.T) {
	const pages = 6000
	h := startHostile(t, nil)
	page := 0
	h.onSearch(func(a *asked, under, _ string) {
		if !strings.HasSuffix(under, groupBase) {
			a.bob()
			a.done(0)
			return
		}
		if page++; page < pages {
			a.donePage("more")
			return
		}
		_ = a.entry("cn=last,"+groupBase, "cn", "last", "member", "uid=bob,"+base)
		a.donePage("")
	})
	cfg := h.config()
	cfg.Groups, cfg.GroupBaseDN = Search, groupBase
	if got := groupsOfBob(t, opened(t, cfg)); !slices.Equal(got, []string{"last"}) {
		t.Errorf("bob is in %q", got)
	}
}

// However many people are asked about, groups are read once.
func TestLook_ReadsGroupsOnce(t *testing.T) {
	reads := 0
	_, d := groupsAt(t, func(a *asked) {
		reads++
		_ = a.entry("cn=staff,"+groupBase, "cn", "staff", "member", "uid=bob,"+base)
	})
	subjects := []string{bobID}
	for i := range 5 * subjectsBatch {
		subjects = append(subjects, fmt.Sprintf("0d6e3c1e-5f7a-4f6b-9a53-0a2f5f%06x", i))
	}
	found, err := d.Look(t.Context(), subjects)
	if err != nil || !slices.Equal(found[bobID].Groups, []string{"staff"}) || reads != 1 {
		t.Errorf("%+v %v, after %d reads of the groups", found, err, reads)
	}
	if _, _, err := NewSource(d, "", 0).Picture(t.Context(), pictureScheme+bobID+"#x"); err != nil || reads != 1 {
		t.Errorf("%v: a picture reads the groups", err)
	}
}

// RFC 2307 §3: memberUid is a user name to the letter, as the directory writes it; both ways of
// asking say the same.
func TestMemberUid_AsWritten(t *testing.T) {
	cfg := usable()
	cfg.Groups = Search
	p, err := cfg.person(standard, ldapv3.NewEntry("uid=Bob,"+base, map[string][]string{"uid": {"Bob"}, "entryUUID": {bobID}}))
	if err != nil || !p.hasName("bob") {
		t.Fatal(p, err)
	}
	if f := cfg.memberFilter(p); !strings.Contains(f, "(memberUid=Bob)") || !strings.Contains(f, "(memberUid=bob)") {
		t.Error(f)
	}
	for _, written := range []string{"Bob", "bob"} {
		m := memberships{byName: map[string][]group{written: {{name: "staff"}}}}
		if got := m.of(p); len(got) != 1 {
			t.Errorf("%s: %+v", written, got)
		}
	}
}

// Whether one person is still there is asked at each sign-in by a passkey: the groups of everybody are not read for it.
func TestInactive_WithoutGroups(t *testing.T) {
	var questions atomic.Int32
	_, d := groupsAt(t, func(*asked) { questions.Add(1) })
	s := &Source{Directory: d}
	bob := []auth.Identity{{Subject: bobID}}
	gone, err := s.Inactive(t.Context(), bob)
	if err != nil || len(gone) != 0 || questions.Load() != 0 {
		t.Errorf("%v, %v, after %d questions about groups", gone, err, questions.Load())
	}
	if _, now, err := s.RecheckAll(t.Context(), bob); err != nil || len(now) != 1 || questions.Load() == 0 {
		t.Errorf("%v, %v, after %d questions about groups", now, err, questions.Load())
	}
}
