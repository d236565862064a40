package xmppd

import (
	"strings"

	"mellium.im/xmpp/jid"
)

// address is a JID, its parts prepared (RFC 7622).
type address struct{ user, domain, resource string }

// parseAddress prepares a JID (S-07). Anything illegal is jid-malformed (RFC
// 6120 §8.3.3.8).
func parseAddress(s string) (address, error) {
	if a, ok := plainAddress(s); ok {
		return a, nil
	}
	j, err := jid.Parse(s)
	if err != nil {
		return address{}, errJIDMalformed
	}
	return address{j.Localpart(), j.Domainpart(), j.Resourcepart()}, nil
}

// plainAddress splits a JID that is nothing but characters which preparation
// leaves alone, as nearly all are.
func plainAddress(s string) (address, bool) {
	bare, resource, full := strings.Cut(s, "/")
	user, domain, at := strings.Cut(bare, "@")
	if !at {
		user, domain = "", user
	}
	if len(s) > 1023 || domain == "" || (at && user == "") || (full && resource == "") {
		return address{}, false
	}
	if !allIn(user, "._-") || !allIn(domain, ".-") || !allIn(strings.ToLower(resource), "._-/=+:") ||
		strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		return address{}, false
	}
	return address{user, domain, resource}, true
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

func (a address) bare() string {
	if a.user == "" {
		return a.domain
	}
	return a.user + "@" + a.domain
}

func (a address) String() string {
	if a.resource == "" {
		return a.bare()
	}
	return a.bare() + "/" + a.resource
}
