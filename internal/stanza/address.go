package stanza

import (
	"strings"

	"golang.org/x/net/idna"
	"mellium.im/xmpp/jid"
)

// Address is a JID, its parts prepared (RFC 7622), so that two of them are the
// same address when they are equal.
type Address struct{ User, Domain, Resource string }

// ParseAddress prepares a JID (S-07). Anything illegal is jid-malformed (RFC
// 6120 §8.3.3.8).
func ParseAddress(s string) (Address, error) {
	if a, ok := plainAddress(s); ok {
		return a, nil
	}
	j, err := jid.Parse(s)
	if err != nil || strings.HasPrefix(j.Domainpart(), ".") || strings.Contains(j.Domainpart(), "..") {
		return Address{}, ErrJIDMalformed
	}
	return Address{j.Localpart(), j.Domainpart(), j.Resourcepart()}, nil
}

// plainAddress splits a JID that is nothing but characters which preparation
// leaves alone, as nearly all are.
func plainAddress(s string) (Address, bool) {
	bare, resource, full := strings.Cut(s, "/")
	user, domain, at := strings.Cut(bare, "@")
	if !at {
		user, domain = "", user
	}
	if len(s) > 1023 || (at && user == "") || (full && resource == "") {
		return Address{}, false
	}
	if !allIn(user, "._-") || !isPlainDomain(domain) || !allIn(strings.ToLower(resource), "._-/=+:") {
		return Address{}, false
	}
	return Address{user, domain, resource}, true
}

// isPlainDomain reports whether preparation leaves a domain as it is. One with an
// A-label is not plain: it becomes Unicode (RFC 7622 §3.2.1).
func isPlainDomain(s string) bool {
	return s != "" && allIn(s, ".-") && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".") &&
		!strings.Contains(s, "..") && !strings.Contains(s, "xn--")
}

// allIn reports whether s has only lower-case ASCII letters, digits and the
// extra characters.
func allIn(s, extra string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}

// Bare returns the address without its resource.
func (a Address) Bare() string {
	if a.User == "" {
		return a.Domain
	}
	return a.User + "@" + a.Domain
}

// String returns the whole address.
func (a Address) String() string {
	if a.Resource == "" {
		return a.Bare()
	}
	return a.Bare() + "/" + a.Resource
}

// PrepareDomain prepares the domain of an address: in lower case, without a dot
// at its end, and A-labels (xn--…) as Unicode (RFC 7622 §3.2). The error is
// jid-malformed.
func PrepareDomain(s string) (string, error) {
	if isPlainDomain(s) {
		return s, nil
	}
	if strings.ContainsAny(s, "@/") {
		return "", ErrJIDMalformed
	}
	a, err := ParseAddress(s)
	return a.Domain, err
}

// SameDomain reports whether s names a domain that is prepared already, in any of
// the ways there are to write it. An equal one costs one comparison.
func SameDomain(prepared, s string) bool {
	if s == prepared {
		return true
	}
	if isPlainDomain(s) {
		return false
	}
	other, err := PrepareDomain(s)
	return err == nil && other == prepared
}

// ASCIIDomain returns a prepared domain as certificates and the DNS have it: with
// A-labels (RFC 6120 §13.7.1.2). One that cannot be written so is returned as it is.
func ASCIIDomain(prepared string) string {
	ascii, err := idna.Lookup.ToASCII(prepared)
	if err != nil {
		return prepared
	}
	return ascii
}
