package sasl

import (
	"bytes"
	"context"
)

// plainExchange checks a password, or a token in its place (RFC 4616).
type plainExchange struct{ Options }

// Next takes authzid, name and password.
func (x plainExchange) Next(ctx context.Context, message []byte) (Step, error) {
	parts := bytes.Split(message, []byte{0})
	if len(parts) != 3 || len(parts[1]) == 0 || len(parts[2]) == 0 {
		return Step{}, MalformedRequest
	}
	user, err := x.prepareName(string(parts[1]))
	if err != nil {
		return Step{}, err
	}
	if err := x.checkAuthzid(string(parts[0]), user); err != nil {
		return Step{}, err
	}
	id, err := x.Verifier.Password(ctx, user, string(parts[2]))
	if err == nil && id.User != user {
		err = NotAuthorized
	}
	if err != nil {
		return Step{}, err
	}
	return Step{Done: true, Identity: id}, nil
}
