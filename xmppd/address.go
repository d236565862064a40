package xmppd

import (
	"strings"

	"mellium.im/xmpp/jid"
)

// Address is a JID, its parts prepared (RFC 7622).
type Address struct{ User, Domain, Resource string }

// ParseAddress prepares a JID (S-07). Anything illegal is jid-malformed (RFC
// 6120 §8.3.3.8).
func ParseAddress(s string) (Address, error) {
	if a, ok := plainAddress(s); ok {
		return a, nil
	}
	j, err := jid.Parse(s)
	if err != nil {
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
	if len(s) > 1023 || domain == "" || (at && user == "") || (full && resource == "") {
		return Address{}, false
	}
	if !allIn(user, "._-") || !allIn(domain, ".-") || !allIn(strings.ToLower(resource), "._-/=+:") ||
		strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		return Address{}, false
	}
	return Address{user, domain, resource}, true
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

func (a Address) Bare() string {
	if a.User == "" {
		return a.Domain
	}
	return a.User + "@" + a.Domain
}

func (a Address) String() string {
	if a.Resource == "" {
		return a.Bare()
	}
	return a.Bare() + "/" + a.Resource
}
