package extauth

import (
	"path/filepath"
	"testing"

	"foyer/e2e/peers"
)

// People of a directory sign in to a Prosody that asks the site: by the directory's password, by
// what the site makes for them, and not at all once the directory has them no more. Whose name is
// an account of the site's own is asked of the site, and never of the directory.
func TestProsody_Directory(t *testing.T) {
	t.Parallel()
	d := peers.StartSlapd(t)
	for _, uid := range []string{"zoe", "yann", "alice"} {
		d.AddPerson(uid, uid)
	}
	dir := t.TempDir()
	s := newSiteWith(t, dir, map[string]string{
		"XMPP_AUTH_DOVECOT": "unix:" + filepath.Join(dir, "dovecot"), "XMPP_AUTH_ACCEPT": "token,app-password,password",
		"LDAP_URL": d.TLSURL, "LDAP_CA_FILE": d.CAFile, "LDAP_BIND_DN": peers.SlapdService, "LDAP_BIND_PASSWORD": peers.SlapdPassword, "LDAP_BASE_DN": peers.SlapdPeople,
	})
	addr, _ := packaged(t).start(t, prosodyOptions{socket: s.path("dovecot")})
	const zoe, yann = "zoe@" + domain, "yann@" + domain
	try(t, addr, domain,
		attempt{what: "the directory's password", user: "zoe", password: peers.SlapdPassword, want: zoe},
		attempt{what: "another's", user: "yann", password: peers.SlapdPassword, want: yann},
		attempt{what: "a wrong one", user: "zoe", password: "wrong", want: refused},
		attempt{what: "nobody", user: "nobody", password: peers.SlapdPassword, want: refused},
		attempt{what: "the directory's, for an account here", user: "alice", password: peers.SlapdPassword, want: refused},
		attempt{what: "that account's own", user: "alice", password: password, want: alice},
	)
	try(t, addr, domain, // now that they have accounts
		attempt{what: "a token of the site's", user: "zoe", password: s.temporaryToken("zoe"), want: zoe},
		attempt{what: "an app password", user: "zoe", password: s.appPassword("zoe"), want: zoe},
	)
	d.Delete(d.Person("zoe"))
	d.Set(d.Person("yann"), "pwdAccountLockedTime", "000001010000Z")
	try(t, addr, domain,
		attempt{what: "somebody who is gone", user: "zoe", password: peers.SlapdPassword, want: refused},
		attempt{what: "somebody who is disabled", user: "yann", password: peers.SlapdPassword, want: refused},
	)
}
