package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"foyer/internal/budget"
	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Where there is no site (PassSASL), the upstream alone knows people. The client gets the
// upstream's own mechanisms, and its SASL goes through, message by message, until the
// upstream says that it is signed in; then both sides open their streams again (B-46).
//
// Before that a client is a stranger: only SASL of a bounded size passes, streams that
// have not signed in are few, together and of each address, and an address that the
// upstream has refused too often is refused here before the upstream is asked.

const (
	maxSASL   = 16 << 10 // bytes of one message of the client, as base64; JSON web tokens are the largest
	maxRounds = 8        // messages of the client in one attempt; SCRAM has two
)

// failureWindow is the time within which FailuresPerAddress are allowed.
const failureWindow = 15 * time.Minute

func newSignInBounds(cfg Config) (signingIn *budget.KeyedSemaphore, failures *budget.Rate) {
	each := budget.Limit{Name: "sign-ins of one address at once"}
	refused := budget.Limit{Name: "sign-ins from one address that failed", Setting: "GATEWAY_FAILURES_PER_ADDRESS"}
	return budget.NewKeyedSemaphore(each, int64(cfg.SigningIn), int64(cfg.SigningInPerAddress), cfg.Recorder),
		budget.NewRate(refused, float64(cfg.FailuresPerAddress)/failureWindow.Seconds(), cfg.FailuresPerAddress, cfg.Recorder)
}

// passSASL is the first state: it returns when the upstream has signed the client in, and
// both streams are open again.
func (c *conn) passSASL(ctx context.Context) (*link, *stream.Element, error) {
	if !c.peer.Password {
		return nil, nil, &stream.Error{Condition: stream.PolicyViolation, Text: "passwords want https"}
	}
	stream.Uncork(c.stream) // its header goes out now: the features are the upstream's
	within, cancel := context.WithTimeout(c.ctx, c.relay.cfg.SignInTimeout)
	defer cancel()
	network := budget.Network(c.peer.Addr)
	leave, err := c.relay.signingIn.Acquire(within, network, 1)
	switch {
	case err != nil && c.ctx.Err() != nil:
		return nil, nil, stream.ErrDisconnected
	case err != nil: // which is not the upstream's fault
		return nil, nil, &stream.Error{Condition: stream.ResourceConstraint, Text: "too many are signing in; come back later"}
	}
	defer leave()
	l, features, err := c.relay.connectInTurn(within, c.peer.Lang)
	if err != nil {
		return nil, nil, c.unreachableError(err)
	}
	clearDeadline := l.setDeadline(within)
	x := &passedSASL{conn: c, link: l, network: network, offered: passedMechanisms(features)}
	features, err = x.run(ctx, features)
	clearDeadline()
	if err != nil {
		l.abort()
		return nil, nil, err
	}
	c.relay.counters.signedIn.Add(1)
	c.relay.outage.succeeded(c.relay.log)
	return l, features, nil
}

// connectInTurn is connect, for one of many clients that come back at once.
func (r *Relay) connectInTurn(ctx context.Context, lang string) (*link, *stream.Element, error) {
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("waiting for a turn to sign in: %w", ctx.Err())
	}
	return r.connect(ctx, lang)
}

// unreachableError is what the client's stream ends with when the upstream is away: with
// system-shutdown, whether the client has had features or not. That is not what B-50 has for
// before: remote-connection-failed would end Converse's chat for good when it comes back during
// an outage, while it tries again after system-shutdown (B-61).
func (c *conn) unreachableError(err error) error {
	if c.ctx.Err() != nil {
		return stream.ErrDisconnected // ended meanwhile, and the client knows why
	}
	c.relay.counters.failed.Add(1)
	c.relay.outage.failed(c.relay.log, c.relay.cfg.Upstream, err)
	return &stream.Error{Condition: stream.SystemShutdown, Text: "the chat server is away"}
}

// passedSASL is the SASL of one client on its way to the upstream, one message at a time
// each way (RFC 6120 §6.4).
type passedSASL struct {
	conn    *conn
	link    *link
	network string   // what the client's failures are counted under
	offered []string // mechanisms
	user    string   // whom the attempt under way names, as far as its messages say; empty: nobody
}

// run returns the upstream's features after the sign-in.
func (x *passedSASL) run(ctx context.Context, features *stream.Element) (*stream.Element, error) {
	c := x.conn
	if err := c.stream.Send(strangerFeatures(features, x.offered, c.peer)); err != nil {
		return nil, err
	}
	for range saslAttempts {
		success, err := x.attempt(ctx)
		if err != nil {
			return nil, err
		}
		if success == nil {
			continue
		}
		if err := c.stream.Send(success.Raw); err != nil {
			return nil, err
		}
		if err := c.stream.Restart(ctx); err != nil {
			return nil, err
		}
		stream.Uncork(c.stream) // likewise
		features, err := x.link.openSignedIn(headerOf(c.peer), x.user)
		if err != nil {
			return nil, x.broken(err)
		}
		return features, nil
	}
	return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "too many attempts to sign in"}
}

// attempt passes one attempt through. It returns the upstream's success; nil, and no
// error, after a failure of which the client has been told.
func (x *passedSASL) attempt(ctx context.Context) (success *stream.Element, err error) {
	x.user = ""
	mechanism, asked := "", false // asked: the upstream is in the middle of the exchange
	for range maxRounds {
		el, err := x.receive(ctx)
		if err != nil {
			return nil, err
		}
		if el.Name.Local == "auth" {
			if asked {
				if err := x.discard(); err != nil {
					return nil, err
				}
			}
			mechanism, _ = el.Attr("mechanism")
			x.user, asked = "", false
		}
		raw, err := x.checked(el, mechanism, asked)
		var failure sasl.Failure
		if errors.As(err, &failure) {
			return nil, x.refuse(failure, asked)
		}
		if err != nil {
			return nil, err
		}
		answer, err := x.roundTrip(raw)
		if err != nil {
			return nil, err
		}
		switch answer.Name.Local {
		case "success":
			return answer, nil
		case "failure":
			return nil, x.failed(answer)
		}
		asked = true
		if err := x.conn.stream.Send(answer.Raw); err != nil {
			return nil, err
		}
	}
	return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "this takes too many messages"}
}

// discard ends the exchange that is under way at the upstream: the client has begun another
// (RFC 6120 §6.4.2).
func (x *passedSASL) discard() error {
	answer, err := x.roundTrip(`<abort xmlns="` + stanza.NSSASL + `"/>`)
	if err == nil && answer.Name.Local != "failure" {
		err = x.broken(fmt.Errorf("it answers <abort/> with <%s/>", answer.Name.Local))
	}
	return err
}

// receive returns the client's next message, which must be SASL (RFC 6120 §4.3.5, §7.1),
// and small.
func (x *passedSASL) receive(ctx context.Context) (*stream.Element, error) {
	el, err := x.conn.stream.Recv(ctx)
	switch {
	case err != nil:
		return nil, err
	case el.Name.Space != stanza.NSSASL:
		return nil, &stream.Error{Condition: stream.NotAuthorized, Text: "sign in first"}
	case len(el.Raw) > maxSASL:
		return nil, &stream.Error{Condition: stream.PolicyViolation, Text: "this is too large before the sign-in"}
	}
	return el, nil
}

// checked returns what goes to the upstream in place of a message; a sasl.Failure refuses
// it. What passes is written afresh: the element's name, the mechanism and the message, and
// nothing else that the client may have put there.
func (x *passedSASL) checked(el *stream.Element, mechanism string, asked bool) (string, error) {
	switch name := el.Name.Local; {
	case name == "abort" && asked:
		return `<abort xmlns="` + stanza.NSSASL + `"/>`, nil
	case name == "auth" && !asked:
		switch {
		case !slices.Contains(x.offered, mechanism):
			return "", sasl.InvalidMechanism
		case !x.conn.relay.failures.Has(x.network, 1):
			return "", sasl.TemporaryAuthFailure // RFC 6120 §6.5.12
		}
	case name == "response" && asked:
	default:
		return "", sasl.MalformedRequest
	}
	text, user, err := ownMessage(mechanism, el.Text(), x.conn.relay.cfg.Domain)
	if err != nil {
		return "", err
	}
	if user != "" {
		x.user = user
		x.conn.named(user)
	}
	if el.Name.Local == "auth" {
		return `<auth xmlns="` + stanza.NSSASL + `" mechanism="` + stream.Escape(mechanism) + `">` + text + `</auth>`, nil
	}
	return `<response xmlns="` + stanza.NSSASL + `">` + text + `</response>`, nil
}

// named notes who the client says it is, for the log.
func (c *conn) named(user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity.User = user
}

// refuse tells the client that its message goes no further. In the middle of an exchange
// the upstream would wait for it; the stream ends.
func (x *passedSASL) refuse(failure sasl.Failure, asked bool) error {
	if err := x.conn.stream.Send(sasl.FailureElement(failure)); err != nil {
		return err
	}
	if asked {
		return &stream.Error{Condition: stream.NotAuthorized}
	}
	return nil
}

// roundTrip returns the upstream's answer to a message.
func (x *passedSASL) roundTrip(raw string) (*stream.Element, error) {
	if err := x.link.writeNow(raw); err != nil {
		return nil, x.broken(err)
	}
	answer, err := x.link.nextNegotiated()
	if err != nil {
		return nil, x.broken(err)
	}
	if answer.Name.Space == stanza.NSSASL {
		switch answer.Name.Local {
		case "challenge", "success", "failure":
			return answer, nil
		}
	}
	return nil, x.broken(fmt.Errorf("it answers a sign-in with <%s/>", answer.Name.Local))
}

// failed passes on the upstream's refusal, which counts against the address.
func (x *passedSASL) failed(answer *stream.Element) error {
	c := x.conn
	c.relay.counters.refused.Add(1)
	if f := refusalOf(answer).Failure; f.IsGuess() && f != sasl.Aborted && f != sasl.TemporaryAuthFailure {
		c.relay.failures.Charge(x.network, 1)
	}
	return c.stream.Send(answer.Raw)
}

// broken is what the client's stream ends with when the upstream's has failed.
func (x *passedSASL) broken(err error) error {
	var said *StreamError
	if errors.As(err, &said) {
		return x.conn.passedError(said.element)
	}
	return x.conn.unreachableError(err)
}
