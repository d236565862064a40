package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// signIn opens a stream at the upstream on behalf of id, with a credential that is made
// for it. It returns the features that follow. Many sign-ins at once wait for their turn,
// so that a server that has just started is not run over.
//
// A sign-in that is refused is tried once more with another credential: the first one
// after a restart of Prosody fails while it finds its way back to the site. A password of
// the person's own, where there is one (PassPasswords), is tried once: it would be no
// other the next time, and servers count.
func (r *Relay) signIn(ctx context.Context, id stream.Identity, password string, h clientHeader) (*link, *stream.Element, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.SignInTimeout)
	defer cancel()
	if err := r.acquireTurn(ctx); err != nil {
		r.recordSignIn(ctx, err)
		return nil, nil, err
	}
	defer r.releaseTurn()
	l, features, err := r.attempt(ctx, id, password, h)
	var refused *RefusedError
	if errors.As(err, &refused) && refused.Failure != sasl.AccountDisabled && !r.cfg.PassPasswords {
		l, features, err = r.attempt(ctx, id, password, h)
	}
	r.recordSignIn(ctx, err)
	return l, features, err
}

// acquireTurn waits for one of the turns to sign in, which releaseTurn gives back.
func (r *Relay) acquireTurn(ctx context.Context) error {
	select {
	case r.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a turn to sign in: %w", ctx.Err())
	}
}

func (r *Relay) releaseTurn() { <-r.turns }

// recordSignIn counts a sign-in, and tells the operator what stands in the way of many.
func (r *Relay) recordSignIn(ctx context.Context, err error) {
	var refused *RefusedError
	var missing *credentialError
	switch {
	case err == nil:
		r.counters.signedIn.Add(1)
		r.missing.ended()
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, sasl.NotAuthorized):
		return // the client has left, or has been signed out
	case errors.As(err, &missing):
		r.counters.failed.Add(1)
		r.missing.failed(r.log, r.cfg.Upstream, err)
		return
	case errors.As(err, &refused):
		r.counters.refused.Add(1)
	default:
		r.counters.failed.Add(1)
	}
	r.logOutcome(ctx, err)
}

// logOutcome tells the operator of the upstream, by how a sign-in there went.
func (r *Relay) logOutcome(ctx context.Context, err error) {
	switch {
	case err == nil:
		r.outage.succeeded(r.log)
	case !errors.Is(ctx.Err(), context.Canceled): // else nobody waits any more
		r.outage.failed(r.log, r.cfg.Upstream, err)
	}
}

// credentialError: there is nothing to sign somebody in with, whatever the upstream would
// say.
type credentialError struct{ err error }

func (e *credentialError) Error() string {
	return "no credential for the XMPP server: " + e.err.Error()
}
func (e *credentialError) Unwrap() error { return e.err }

func (r *Relay) attempt(ctx context.Context, id stream.Identity, password string, h clientHeader) (*link, *stream.Element, error) {
	began := time.Now()
	l, features, err := r.connect(ctx, h.lang)
	if err != nil {
		return nil, nil, err
	}
	clearDeadline := l.setDeadline(ctx)
	features, err = r.authenticate(ctx, l, features, id, password, h)
	clearDeadline()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		l.abort()
		return nil, nil, err
	}
	r.signIns.observe(time.Since(began))
	return l, features, nil
}

// authenticate asks for the credential only now that somebody is there to take it: it does not
// live long.
func (r *Relay) authenticate(ctx context.Context, l *link, features *stream.Element, id stream.Identity, password string, h clientHeader) (*stream.Element, error) {
	if r.cfg.PassPasswords {
		if password == "" {
			return nil, &credentialError{errors.New("it wants the person's own password, and the client brought none")}
		}
		return l.provePassword(features, h, id.User, password)
	}
	user, secret, err := r.cfg.Authority.Upstream(ctx, id)
	if err != nil {
		return nil, &credentialError{err}
	}
	return l.authenticate(features, h, user, secret)
}

// checkIdentity asks the site whether id still stands. What it returns is for the client's
// stream.
func (r *Relay) checkIdentity(ctx context.Context, id stream.Identity) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
	defer cancel()
	err := r.cfg.Authority.Current(ctx, id)
	switch {
	case errors.Is(err, sasl.NotAuthorized):
		return errSignedOut
	case err != nil:
		r.failed.Error(r.log, "sign-in", "sign-in could not be checked", "err", err)
		return stream.ErrDisconnected
	}
	return nil
}

var errSignedOut = &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"}
