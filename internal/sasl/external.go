package sasl

import "context"

// externalExchange accepts the identity that is known from elsewhere (RFC 6120
// §6.3.8, XEP-0178): the authzid, if any, must be its own.
type externalExchange struct{ Options }

// Next takes the authzid.
func (x externalExchange) Next(_ context.Context, authzid []byte) (Step, error) {
	if err := x.checkAuthzid(string(authzid), x.External.User); err != nil {
		return Step{}, err
	}
	return Step{Done: true, Identity: x.External}, nil
}
