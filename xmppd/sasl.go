package xmppd

import (
	"context"
	"encoding/base64"
	"errors"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

const nsSASLCB = "urn:xmpp:sasl-cb:0"

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
	if err := c.stream.Send(c.saslFeatures()); err != nil {
		return nil, err
	}
	one, two := &saslExchange{conn: c}, &sasl2Exchange{conn: c}
	for attempts, refusals := 0, 0; attempts < saslAttempts && refusals < saslRefusals; {
		el, err := c.stream.Recv(ctx)
		if err != nil {
			return nil, err
		}
		var r signInResult
		switch {
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

func saslElement(name, content string) []byte {
	if content == "" {
		return []byte(`<` + name + ` xmlns="` + stanza.NSSASL + `"/>`)
	}
	return []byte(`<` + name + ` xmlns="` + stanza.NSSASL + `">` + content + `</` + name + `>`)
}

// saslText encodes what goes with a challenge or success; nothing at all is
// told from something empty (RFC 6120 §6.4.2).
func saslText(data []byte) string {
	switch {
	case data == nil:
		return ""
	case len(data) == 0:
		return "="
	}
	return base64.StdEncoding.EncodeToString(data)
}

func (c *conn) saslFeatures() []byte {
	dst := []byte(`<stream:features xmlns:stream="` + stream.NSStream + `"><mechanisms xmlns="` + stanza.NSSASL + `">`)
	dst = appendMechanisms(dst, sasl.Names(c.saslOptions()))
	dst = c.appendSASL2(append(dst, "</mechanisms>"...))
	dst = append(appendBindings(dst, c.peer.Binding), streamLimits(c.peer)...)
	return append(dst, "</stream:features>"...)
}

func appendMechanisms(dst []byte, names []string) []byte {
	for _, m := range names {
		dst = append(append(append(dst, "<mechanism>"...), m...), "</mechanism>"...)
	}
	return dst
}

// appendBindings says which channel bindings there are (XEP-0440 §3).
func appendBindings(dst []byte, b stream.Binding) []byte {
	types := sasl.BindingTypes(b)
	if len(types) == 0 {
		return dst
	}
	dst = append(dst, `<sasl-channel-binding xmlns="`+nsSASLCB+`">`...)
	for _, t := range types {
		dst = append(dst, `<channel-binding type="`+t+`"/>`...)
	}
	return append(dst, `</sasl-channel-binding>`...)
}

func (c *conn) signedIn(id stream.Identity) {
	c.identity = id
	c.server.conns.put(c, &c.identity)
	c.server.log.Debug("signed in", "conn", c.peer.Conn, "user", id.User)
}

// saslExchange is one exchange after the other:
//
//	(none) ──auth──▶ under way ──response──▶ done
//	                  ▲      │
//	                  └──────┘ response
type saslExchange struct {
	conn      *conn
	running   sasl.Mechanism // nil: none is under way
	discarded int            // exchanges that a new <auth/> cut short
}

// handle answers one element.
func (x *saslExchange) handle(ctx context.Context, el *stream.Element) (signInResult, error) {
	c := x.conn
	step, err := x.step(ctx, el)
	switch {
	case err != nil:
		failure := c.failureOf(err)
		return signInResult{failed: failure}, c.stream.Send(saslElement("failure", `<`+string(failure)+`/>`))
	case !step.Done:
		return signInResult{}, c.stream.Send(saslElement("challenge", saslText(step.Reply)))
	}
	c.signedIn(step.Identity)
	if err := c.stream.Send(saslElement("success", saslText(step.Reply))); err != nil {
		return signInResult{}, err
	}
	return signInResult{done: true}, c.stream.Restart(ctx)
}

// step handles one element. A new <auth/> discards the exchange under way (RFC
// 6120 §6.4.2, S-18), but not for ever.
func (x *saslExchange) step(ctx context.Context, el *stream.Element) (sasl.Step, error) {
	m := x.running
	x.running = nil
	text := elementText(el)
	switch {
	case el.Name.Local == "abort":
		return sasl.Step{}, sasl.Aborted
	case el.Name.Local == "auth":
		if m != nil {
			x.discarded++
		}
		name, _ := el.Attr("mechanism")
		var err error
		if m, err = sasl.New(name, x.conn.saslOptions()); err != nil {
			return sasl.Step{}, err
		}
		if text == "" && x.discarded < saslAttempts {
			// §6.4.2: the client waits to be asked.
			x.running = m
			return sasl.Step{}, nil
		}
	case el.Name.Local != "response" || m == nil:
		return sasl.Step{}, sasl.MalformedRequest
	}
	message, err := decodeSASL(text)
	if err != nil {
		return sasl.Step{}, err
	}
	step, err := m.Next(ctx, message)
	if err == nil && !step.Done {
		x.running = m
	}
	return step, err
}

// elementText returns the text of an element that has no children.
func elementText(el *stream.Element) string {
	var content struct {
		Text string `xml:",chardata"`
	}
	if err := el.Decode(&content); err != nil {
		return ""
	}
	return content.Text
}

// decodeSASL decodes a response; = stands for one of no length (RFC 6120
// §6.4.2).
func decodeSASL(text string) ([]byte, error) {
	if text == "=" || text == "" {
		return nil, nil
	}
	response, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, sasl.IncorrectEncoding
	}
	return response, nil
}
