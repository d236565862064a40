package sasl

import "foyer/internal/stanza"

// prepareName prepares the name that a client signs in with. What cannot be one
// belongs to nobody.
func (o Options) prepareName(name string) (user string, err error) {
	a, err := stanza.ParseAddress(name + "@" + o.Domain)
	if err != nil || a.Resource != "" || a.User == "" {
		return "", NotAuthorized
	}
	return a.User, nil
}

// checkAuthzid refuses to act as anybody else (RFC 6120 §6.3.8).
func (o Options) checkAuthzid(authzid, user string) error {
	if authzid == "" {
		return nil
	}
	a, err := stanza.ParseAddress(authzid)
	if err != nil || a != (stanza.Address{User: user, Domain: o.Domain}) {
		return InvalidAuthzid
	}
	return nil
}
