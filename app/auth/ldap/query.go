package ldap

import (
	"encoding/hex"
	"strings"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

// kind is what a directory is, as far as it matters here.
type kind int

const (
	standard        kind = iota // RFC 4512, such as OpenLDAP
	activeDirectory             // [MS-ADTS], and Samba
)

// usernameAttr is the attribute with the user name.
func (c Config) usernameAttr(k kind) string {
	switch {
	case c.UsernameAttr != "":
		return c.UsernameAttr
	case k == activeDirectory:
		return "sAMAccountName"
	}
	return "uid"
}

// subjectAttr is the attribute that says for ever who somebody is.
func subjectAttr(k kind) string {
	if k == activeDirectory {
		return "objectGUID" // [MS-ADTS] §3.1.1.1.4
	}
	return "entryUUID" // RFC 4530
}

// filterPattern is the filter of people who may sign in, with {username}.
func (c Config) filterPattern(k kind) string {
	if c.UserFilter != "" {
		return c.UserFilter
	}
	of := "(" + c.usernameAttr(k) + "=" + username + ")"
	if k == activeDirectory {
		return "(&(objectCategory=person)(objectClass=user)" + of + ")"
	}
	return "(&(objectClass=person)" + of + ")"
}

// userFilter is the filter of one user name. RFC 4515 §3: what has a meaning in
// filters is escaped.
func (c Config) userFilter(k kind, name string) string {
	return strings.ReplaceAll(c.filterPattern(k), username, ldapv3.EscapeFilter(name))
}

// everybody is the filter of all people who may sign in: their user name is present.
func (c Config) everybody(k kind) string {
	return strings.ReplaceAll(c.filterPattern(k), username, "*")
}

// subjectsFilter is the filter of those of them whose subjects these are.
func (c Config) subjectsFilter(k kind, subjects []string) string {
	var b strings.Builder
	b.WriteString("(&" + c.everybody(k) + "(|")
	for _, s := range subjects {
		b.WriteString("(" + subjectAttr(k) + "=" + subjectValue(k, s) + ")")
	}
	b.WriteString("))")
	return b.String()
}

// userDN is the name by which somebody signs in to the directory. In the name of an
// entry, what has a meaning there is escaped (RFC 4514 §2.4).
func (c Config) userDN(name string) string {
	if isDN(strings.ReplaceAll(c.UserDN, username, "x")) {
		name = ldapv3.EscapeDN(name)
	}
	return strings.ReplaceAll(c.UserDN, username, name)
}

// isDN reports whether a name is that of an entry. Active Directory takes others too,
// such as bob@example.org.
func isDN(name string) bool {
	dn, err := ldapv3.ParseDN(name)
	return err == nil && len(dn.RDNs) > 0
}

// subject writes the value of subjectAttr as people read it: 32 hexadecimal digits
// with hyphens. ok: it is one.
func subject(k kind, raw []byte) (s string, ok bool) {
	if k != activeDirectory {
		s = strings.ToLower(string(raw))
		digits, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
		return s, err == nil && len(digits) == 16 && len(s) == 36
	}
	if len(raw) != 16 {
		return "", false
	}
	// [MS-DTYP] §2.3.4.2: the first three parts are little-endian.
	order := []int{3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15}
	var b strings.Builder
	for _, i := range order {
		if i < 0 {
			b.WriteByte('-')
			continue
		}
		b.WriteString(hex.EncodeToString(raw[i : i+1]))
	}
	return b.String(), true
}

// subjectValue writes a subject as a value in a filter.
func subjectValue(k kind, s string) string {
	digits, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if k != activeDirectory || err != nil || len(digits) != 16 {
		return ldapv3.EscapeFilter(s)
	}
	var b strings.Builder
	for _, i := range []int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15} {
		b.WriteString(`\` + hex.EncodeToString(digits[i:i+1]))
	}
	return b.String()
}
