package xmppd

import (
	"context"
	"errors"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Failures before the stream ends (RFC 6120 §6.4.5): wrong passwords, and
// exchanges that never came to one, such as those of clients that try every
// mechanism with a channel binding we do not have before they take another.
const (
	saslAttempts = 3
	saslRefusals = 10
)

// saslOptions are what the peer may sign in with: EXTERNAL where the site says who
// is calling, SCRAM and PLAIN where the channel is private and the site's mode wants
// it. Browsers are not offered SCRAM: the tokens they sign in with only PLAIN can
// carry, and Converse would prefer it. Where nothing is offered, Converse stops.
func (c *conn) saslOptions() sasl.Options {
	o := sasl.Options{
		Verifier: verifier{c}, Domain: c.server.domain,
		SCRAM: c.peer.SCRAM, Plain: c.peer.Password, Binding: c.peer.Binding,
	}
	if c.peer.External {
		o.External = c.peer.Identity
	}
	return o
}

// authenticate is the first state: it returns when the client is signed in, by
// either profile. SASL2 may bring a session along.
func (c *conn) authenticate(ctx context.Context) (*session, error) {
	if err := c.reply(c.saslFeatures()); err != nil {
		return nil, err
	}
	one, two := &saslExchange{c, sasl.Exchange{Options: c.saslOptions}}, &sasl2Exchange{conn: c}
	for attempts, refusals := 0, 0; attempts < saslAttempts && refusals < saslRefusals; {
		el, err := c.stream.Recv(ctx)
		if err != nil {
			return nil, err
		}
		var r signInResult
		switch {
		case two.running != nil && !two.takes(el):
			// XEP-0388 §2.4: nothing else in the middle of an exchange.
			err = &stream.Error{Condition: stream.NotAuthorized, Text: "an exchange is under way"}
		case el.Name.Space == stanza.NSSASL:
			r, err = one.handle(ctx, el)
		case el.Name.Space == stanza.NSSASL2 && c.offersSASL2():
			r, err = two.handle(ctx, el)
		default:
			// RFC 6120 §4.3.5, §7.1: nothing else before authentication.
			err = &stream.Error{Condition: stream.NotAuthorized, Text: "sign in first"}
		}
		switch {
		case err != nil:
			return nil, err
		case r.done:
			return r.session, nil
		case r.failed == "":
		case r.failed.IsGuess():
			attempts++
		default:
			refusals++
		}
	}
	return nil, errTooManyAttempts
}

// signInResult is what came of one element while signing in.
type signInResult struct {
	done    bool
	session *session     // that SASL2 bound or resumed
	failed  sasl.Failure // empty: it did not
}

var errTooManyAttempts = &stream.Error{Condition: stream.PolicyViolation, Text: "too many attempts to sign in"}

// failureOf is the funnel: what the client is told. What could not be checked is
// logged, and temporary.
func (c *conn) failureOf(err error) sasl.Failure {
	var failure sasl.Failure
	if errors.As(err, &failure) {
		return failure
	}
	c.log().Error("sign-in could not be checked", "err", err)
	return sasl.TemporaryAuthFailure
}

func (c *conn) saslFeatures() []byte {
	dst := []byte(`<stream:features xmlns:stream="` + stream.NSStream + `"><mechanisms xmlns="` + stanza.NSSASL + `">`)
	dst = sasl.AppendMechanisms(dst, sasl.Names(c.saslOptions()))
	dst = c.appendSASL2(append(dst, "</mechanisms>"...))
	dst = append(appendBindings(dst, c.peer.Binding), streamLimits(c.peer)...)
	return append(dst, "</stream:features>"...)
}

// appendBindings says which channel bindings there are (XEP-0440 §3).
func appendBindings(dst []byte, b stream.Binding) []byte {
	types := sasl.BindingTypes(b)
	if len(types) == 0 {
		return dst
	}
	dst = append(dst, `<sasl-channel-binding xmlns="`+stanza.NSSASLCB+`">`...)
	for _, t := range types {
		dst = append(dst, `<channel-binding type="`+t+`"/>`...)
	}
	return append(dst, `</sasl-channel-binding>`...)
}

// setIdentity notes who has signed in.
func (c *conn) setIdentity(id stream.Identity) {
	c.identity = id
	c.server.conns.put(c, &c.identity)
	c.server.log.Debug("signed in", "conn", c.peer.Conn, "user", id.User)
}

// saslExchange carries the exchanges of RFC 6120 §6.
type saslExchange struct {
	conn *conn
	sasl.Exchange
}

// handle answers one element.
func (x *saslExchange) handle(ctx context.Context, el *stream.Element) (signInResult, error) {
	c := x.conn
	step, err := x.Next(ctx, el)
	switch {
	case err != nil:
		failure := c.failureOf(err)
		return signInResult{failed: failure}, c.reply(sasl.FailureElement(failure))
	case !step.Done:
		return signInResult{}, c.reply(sasl.Element("challenge", sasl.Encode(step.Reply)))
	}
	c.setIdentity(step.Identity)
	if err := c.reply(sasl.Element("success", sasl.Encode(step.Reply))); err != nil {
		return signInResult{}, err
	}
	return signInResult{done: true}, c.stream.Restart(ctx)
}
