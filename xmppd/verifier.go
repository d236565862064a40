package xmppd

import (
	"context"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// verifier asks the Authority for the mechanisms of one connection, for a bounded
// time.
type verifier struct{ conn *conn }

var _ sasl.Verifier = verifier{}

func (v verifier) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, v.conn.server.cfg.StoreTimeout)
}

// Password implements sasl.Verifier.
func (v verifier) Password(ctx context.Context, user, password string) (stream.Identity, error) {
	ctx, cancel := v.bounded(ctx)
	defer cancel()
	return v.conn.server.cfg.Authority.Password(ctx, user, password, *v.conn.peer)
}

// SCRAM implements sasl.Verifier.
func (v verifier) SCRAM(ctx context.Context, user string, hash sasl.SCRAMHash) (sasl.SCRAMCredentials, error) {
	ctx, cancel := v.bounded(ctx)
	defer cancel()
	return v.conn.server.cfg.Authority.SCRAM(ctx, user, hash)
}

// CredentialUsed implements sasl.Verifier.
func (v verifier) CredentialUsed(ctx context.Context, id stream.Identity) error {
	ctx, cancel := v.bounded(ctx)
	defer cancel()
	return v.conn.server.cfg.Authority.CredentialUsed(ctx, id)
}
