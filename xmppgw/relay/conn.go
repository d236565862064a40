package relay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// saslAttempts are the failures before the stream ends (RFC 6120 §6.4.5).
const saslAttempts = 3

// conn is one stream of a client being served:
//
//	authenticating ──proved──▶ signing in at the upstream ──success──▶ (restart) ──▶ carrying
//	passing SASL ────────────────────────────────────────────success──▶ (restart) ──▶ carrying
//
// Each state is one method; all run on the goroutine that called Serve.
type conn struct {
	relay  *Relay
	stream stream.Stream
	peer   *stream.Peer
	ctx    context.Context // ends with End, for what waits for the upstream
	cancel context.CancelFunc
	leave  func() // gives back the stream's place; more than once does no harm
	active bool   // somebody looks at it (active_clients.go)

	mu       sync.Mutex
	identity stream.Identity
	password string       // that goes to the upstream (PassPasswords)
	side     upstreamSide // nil: not carrying
	reason   error        // why it was ended from outside; nil: it was not
}

// Serve implements stream.Server.
func (r *Relay) Serve(ctx context.Context, st stream.Stream, peer *stream.Peer) error {
	c := &conn{relay: r, stream: st, peer: peer, identity: peer.Identity}
	c.ctx, c.cancel = context.WithCancel(ctx)
	defer c.cancel()
	if !r.conns.put(c) {
		err := &stream.Error{Condition: stream.SystemShutdown}
		st.Close(err)
		return err
	}
	defer r.conns.remove(c)
	var ok bool
	if c.leave, ok = r.streams.TryAcquire(r.cfg.Domain, 1); !ok {
		err := &stream.Error{Condition: stream.ResourceConstraint, Text: "too many streams to this domain; come back later"}
		st.Close(err)
		return err
	}
	defer c.leave()
	err := c.run(ctx)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	c.close(err)
	if err != nil && !stream.IsEnd(err) {
		c.log().Info("stream ended", "user", c.who().User, "reason", err)
	}
	return err
}

// close ends the client's stream. Who is told to come back finds its place free.
func (c *conn) close(err error) {
	c.leave()
	c.stream.Close(err)
}

// log is the logger for what concerns the stream, made when something is to be told.
func (c *conn) log() *slog.Logger { return c.relay.log.With("conn", c.peer.Conn) }

// who returns whose stream it is; before the sign-in, who is calling.
func (c *conn) who() stream.Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity
}

// ownPassword returns what signs the person in at the upstream; empty: a credential of the
// site's does.
func (c *conn) ownPassword() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.password
}

// end ends the stream on both sides, at once: Recv may return only when the client has
// closed its side as well (RFC 7395 §3.6).
func (c *conn) end(reason error) {
	c.mu.Lock()
	if c.reason == nil {
		c.reason = cmp.Or(reason, stream.ErrClosed)
	}
	s, first := c.side, c.reason
	c.mu.Unlock()
	c.stream.Close(reason)
	c.cancel()
	if s != nil {
		s.end(first)
	}
}

// endedWith returns why the stream was ended from outside, or otherwise.
func (c *conn) endedWith(otherwise error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.reason, otherwise)
}

func (c *conn) keepAlive(now time.Time) {
	c.mu.Lock()
	s := c.side
	c.mu.Unlock()
	if s != nil {
		s.keepAlive(now)
	}
}

func (c *conn) run(ctx context.Context) error {
	authenticate := c.authenticate
	if c.relay.cfg.PassSASL {
		authenticate = c.passSASL
	}
	l, features, err := authenticate(ctx)
	if err != nil {
		return err
	}
	return c.pump(ctx, l, features)
}

// authenticate is the first state: it returns when the client is signed in on both sides,
// and has opened its stream again.
func (c *conn) authenticate(ctx context.Context) (*link, *stream.Element, error) {
	if err := c.stream.Send(c.saslFeatures()); err != nil {
		return nil, nil, err
	}
	exchange := sasl.Exchange{Options: c.saslOptions}
	for range saslAttempts {
		el, err := c.stream.Recv(ctx)
		if err != nil {
			return nil, nil, err
		}
		if el.Name.Space != stanza.NSSASL {
			// RFC 6120 §4.3.5, §7.1: nothing else before authentication.
			return nil, nil, &stream.Error{Condition: stream.NotAuthorized, Text: "sign in first"}
		}
		step, err := exchange.Next(ctx, el)
		switch {
		case err != nil:
			err = c.stream.Send(sasl.FailureElement(c.failureOf(err)))
		case step.Done:
			return c.signIn(ctx, step.Identity)
		default:
			err = c.stream.Send(sasl.Element("challenge", sasl.Encode(step.Reply)))
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, &stream.Error{Condition: stream.PolicyViolation, Text: "too many attempts to sign in"}
}

// signIn signs in at the upstream; only then does the client learn of its success.
//
// When the upstream is away, or refuses a credential that was made for it, the stream is
// dropped without a word, and not refused by SASL: Converse stops for good at a SASL
// failure, and at remote-connection-failed (B-61), but comes back after a lost
// connection, and then the upstream may have ended its restart. The client has had our
// features before, so that BOSH reports system-shutdown, which brings it back as well
// (B-50).
func (c *conn) signIn(ctx context.Context, id stream.Identity) (*link, *stream.Element, error) {
	c.mu.Lock()
	c.identity = id
	c.mu.Unlock()
	l, features, err := c.relay.signIn(c.ctx, id, c.ownPassword(), headerOf(c.peer))
	if err != nil {
		return nil, nil, c.notSignedIn(err)
	}
	// The identity may have been ended since it was checked; from here on, End sees the
	// stream.
	err = c.relay.checkIdentity(ctx, id)
	if err == nil {
		err = c.stream.Send(sasl.Element("success", ""))
	}
	if err == nil {
		err = c.stream.Restart(ctx)
	}
	if err != nil {
		l.close()
		l.finish()
		return nil, nil, err
	}
	return l, features, nil
}

// notSignedIn is what the client's stream ends with.
func (c *conn) notSignedIn(err error) error {
	if c.ctx.Err() != nil {
		return stream.ErrDisconnected // ended meanwhile, and the client knows why
	}
	var failure sasl.Failure // the site's
	var refused *RefusedError
	if errors.As(err, &refused) {
		failure = refused.Failure
	} else if errors.As(err, &failure) && failure == sasl.NotAuthorized {
		return errSignedOut
	}
	switch {
	case failure == sasl.AccountDisabled: // that does not mend itself
		_ = c.stream.Send(sasl.FailureElement(failure))
		return &stream.Error{Condition: stream.NotAuthorized, Text: "the account is disabled"}
	case refused != nil && c.relay.cfg.PassPasswords: // the password is another one there
		_ = c.stream.Send(sasl.FailureElement(failure))
		return &stream.Error{Condition: stream.NotAuthorized, Text: "the chat server knows another password"}
	}
	return stream.ErrDisconnected
}

// saslOptions are what the client may sign in with: EXTERNAL where the site says who is
// calling, PLAIN where the channel is private and the site's mode wants it.
func (c *conn) saslOptions() sasl.Options {
	o := sasl.Options{Verifier: verifier{c}, Domain: c.relay.cfg.Domain, Plain: c.peer.Password}
	if c.peer.External {
		o.External = c.peer.Identity
	}
	return o
}

func (c *conn) saslFeatures() []byte {
	dst := []byte(`<stream:features xmlns:stream="` + stream.NSStream + `"><mechanisms xmlns="` + stanza.NSSASL + `">`)
	dst = sasl.AppendMechanisms(dst, sasl.Names(c.saslOptions()))
	return append(dst, "</mechanisms>"+stanza.StreamLimits(c.peer.MaxBytes, c.peer.Idle)+"</stream:features>"...)
}

// failureOf is the funnel: what the client is told. What could not be checked is logged,
// and temporary.
func (c *conn) failureOf(err error) sasl.Failure {
	var failure sasl.Failure
	if errors.As(err, &failure) {
		return failure
	}
	c.log().Error("sign-in could not be checked", "err", err)
	return sasl.TemporaryAuthFailure
}

// verifier asks the Authority for the mechanisms of one stream, for a bounded time. The
// upstream's own passwords are not ours to verify: SCRAM is not offered.
type verifier struct{ conn *conn }

var _ sasl.Verifier = verifier{}

// Password implements sasl.Verifier.
func (v verifier) Password(ctx context.Context, user, password string) (stream.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, v.conn.relay.cfg.StoreTimeout)
	defer cancel()
	id, err := v.conn.relay.cfg.Authority.Password(ctx, user, password, *v.conn.peer)
	if err == nil && v.conn.relay.cfg.PassPasswords {
		v.conn.mu.Lock()
		v.conn.password = password
		v.conn.mu.Unlock()
	}
	return id, err
}

// SCRAM implements sasl.Verifier.
func (v verifier) SCRAM(context.Context, string, sasl.SCRAMHash) (sasl.SCRAMCredentials, error) {
	return sasl.SCRAMCredentials{}, sasl.InvalidMechanism
}

// CredentialUsed implements sasl.Verifier.
func (v verifier) CredentialUsed(context.Context, stream.Identity) error { return nil }
