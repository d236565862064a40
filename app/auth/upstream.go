package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"foyer/internal/stream"
)

// Signing in to another XMPP server on people's behalf. That server is behind the
// gateway, and believes the site's signed tokens: it checks them itself (ejabberd),
// or asks the site (Prosody).

// ServiceUser is the local part of the address under which the site itself signs in
// there, to look after rooms. No account can have it: a user name begins with a
// letter or a digit.
const ServiceUser = "_foyer"

// ErrNotPortable: somebody's user name is another one to XMPP servers that follow the
// older rule for names, and would be somebody else's.
var ErrNotPortable = errors.New("auth: other XMPP servers take this user name for another one; the account needs a name without letters such as ß or ς")

// Upstream returns what signs an identity in to the server behind the gateway, by
// SASL PLAIN: the local part of the address, and a signed token that is good once and
// for token.Lifetime. It says jid = user@domain, aud = xmpp:domain and the session it
// stands on, under a key of that server (token_keys.go). sasl.NotAuthorized: what the
// identity stands on has ended. ErrNotPortable.
func (s *Service) Upstream(ctx context.Context, id stream.Identity) (user, secret string, err error) {
	if id.User != ServiceUser {
		if err := s.Current(ctx, id); err != nil {
			return "", "", err
		}
	}
	if !isPortable(id.User) {
		return "", "", fmt.Errorf("%w: %s", ErrNotPortable, id.User)
	}
	signer, err := s.tokenKeys.upstreamSigner(ctx)
	if err != nil {
		return "", "", err
	}
	secret, err = signer.Sign(s.Address(id.User), id.Session, time.Now())
	return id.User, secret, err
}
