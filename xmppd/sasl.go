package xmppd

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"

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

// saslFailure is a SASL error condition (RFC 6120 §6.5).
type saslFailure string

func (f saslFailure) Error() string { return "sasl: " + string(f) }

const (
	saslAborted            saslFailure = "aborted"
	saslAccountDisabled    saslFailure = "account-disabled"
	saslCredentialsExpired saslFailure = "credentials-expired"
	saslIncorrectEncoding  saslFailure = "incorrect-encoding"
	saslInvalidAuthzid     saslFailure = "invalid-authzid"
	saslInvalidMechanism   saslFailure = "invalid-mechanism"
	saslMalformedRequest   saslFailure = "malformed-request"
	saslMechanismTooWeak   saslFailure = "mechanism-too-weak"
	saslNotAuthorized      saslFailure = "not-authorized"
	saslTemporaryFailure   saslFailure = "temporary-auth-failure"
)

// guess reports whether the failure was that of a password or token.
func (f saslFailure) guess() bool {
	switch f {
	case saslMalformedRequest, saslInvalidMechanism, saslMechanismTooWeak:
		return false
	}
	return true
}

// saslStep is what a mechanism makes of one message of the client: more to ask,
// or who it is with what goes along with the success. An error is the end of
// the exchange.
type saslStep struct {
	reply []byte // nil: nothing
	done  bool
	id    stream.Identity
}

// mechanism is one exchange; it gets the client's messages in order. One that
// the client should have begun gets an empty one first if it did not.
type mechanism func(ctx context.Context, message []byte) (saslStep, error)

// mechanisms returns what the peer may use, the best first: EXTERNAL where the
// site says who is calling, SCRAM and PLAIN where the channel is private and the
// site's mode wants it. Browsers are not offered SCRAM: the tokens they sign in
// with only PLAIN can carry, and Converse would prefer it. With none the list is
// empty, which makes Converse stop.
func (c *conn) mechanisms() []string {
	var m []string
	if c.peer.External && !c.peer.Identity.IsZero() {
		m = append(m, "EXTERNAL")
	}
	if c.peer.SCRAM {
		m = append(m, scramMechanisms(c.peer.Binding)...)
	}
	if c.peer.Password {
		m = append(m, "PLAIN")
	}
	return m
}

// begin starts an exchange.
func (c *conn) begin(name string) (mechanism, error) {
	if !slices.Contains(c.mechanisms(), name) {
		if name == "PLAIN" || isSCRAM(name) {
			// RFC 6120 §6.5.8: known, but not good enough here.
			return nil, saslMechanismTooWeak
		}
		return nil, saslInvalidMechanism
	}
	switch name {
	case "EXTERNAL":
		return c.external, nil
	case "PLAIN":
		return c.plain, nil
	}
	return c.newSCRAM(name), nil
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
		case r.failed.guess():
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
	session *session    // that SASL2 bound or resumed
	failed  saslFailure // empty: it did not
}

var errTooManyAttempts = &stream.Error{Condition: stream.PolicyViolation, Text: "too many attempts to sign in"}

// saslFailure is the funnel: what the client is told. What could not be checked
// is logged, and temporary.
func (c *conn) saslFailure(err error) saslFailure {
	var failure saslFailure
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.Is(err, ErrNotAuthorized):
		return saslNotAuthorized
	case errors.Is(err, ErrDisabled):
		return saslAccountDisabled
	case errors.Is(err, ErrExpired):
		return saslCredentialsExpired
	}
	c.log.Error("sign-in could not be checked", "err", err)
	return saslTemporaryFailure
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
	dst = appendMechanisms(dst, c.mechanisms())
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
	types := bindingTypes(b)
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
	c.server.conns.put(c, id)
	c.log.Debug("signed in", "user", id.User)
}

// saslExchange is one exchange after the other:
//
//	(none) ──auth──▶ under way ──response──▶ done
//	                  ▲      │
//	                  └──────┘ response
type saslExchange struct {
	conn      *conn
	running   mechanism // nil: none is under way
	discarded int       // exchanges that a new <auth/> cut short
}

// handle answers one element.
func (x *saslExchange) handle(ctx context.Context, el *stream.Element) (signInResult, error) {
	c := x.conn
	step, err := x.step(ctx, el)
	switch {
	case err != nil:
		failure := c.saslFailure(err)
		return signInResult{failed: failure}, c.stream.Send(saslElement("failure", `<`+string(failure)+`/>`))
	case !step.done:
		return signInResult{}, c.stream.Send(saslElement("challenge", saslText(step.reply)))
	}
	c.signedIn(step.id)
	if err := c.stream.Send(saslElement("success", saslText(step.reply))); err != nil {
		return signInResult{}, err
	}
	return signInResult{done: true}, c.stream.Restart(ctx)
}

// step handles one element. A new <auth/> discards the exchange under way (RFC
// 6120 §6.4.2, S-18), but not for ever.
func (x *saslExchange) step(ctx context.Context, el *stream.Element) (saslStep, error) {
	m := x.running
	x.running = nil
	text := elementText(el)
	switch {
	case el.Name.Local == "abort":
		return saslStep{}, saslAborted
	case el.Name.Local == "auth":
		if m != nil {
			x.discarded++
		}
		name, _ := el.Attr("mechanism")
		var err error
		if m, err = x.conn.begin(name); err != nil {
			return saslStep{}, err
		}
		if text == "" && x.discarded < saslAttempts {
			// §6.4.2: the client waits to be asked.
			x.running = m
			return saslStep{}, nil
		}
	case el.Name.Local != "response" || m == nil:
		return saslStep{}, saslMalformedRequest
	}
	message, err := decodeSASL(text)
	if err != nil {
		return saslStep{}, err
	}
	step, err := m(ctx, message)
	if err == nil && !step.done {
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
		return nil, saslIncorrectEncoding
	}
	return response, nil
}

// external accepts the identity that the site vouches for (RFC 6120 §6.3.8,
// XEP-0178): the authzid, if any, must be its own.
func (c *conn) external(_ context.Context, authzid []byte) (saslStep, error) {
	if err := c.checkAuthzid(string(authzid), c.peer.Identity.User); err != nil {
		return saslStep{}, err
	}
	return saslStep{done: true, id: c.peer.Identity}, nil
}

// plain checks a password or token (RFC 4616).
func (c *conn) plain(ctx context.Context, response []byte) (saslStep, error) {
	parts := bytes.Split(response, []byte{0})
	if len(parts) != 3 || len(parts[1]) == 0 || len(parts[2]) == 0 {
		return saslStep{}, saslMalformedRequest
	}
	user, err := c.authcid(string(parts[1]))
	if err != nil {
		return saslStep{}, err
	}
	if err := c.checkAuthzid(string(parts[0]), user); err != nil {
		return saslStep{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	id, err := c.server.cfg.Authority.Password(ctx, user, string(parts[2]), c.peer)
	if err == nil && id.User != user {
		err = saslNotAuthorized
	}
	return saslStep{done: true, id: id}, err
}

// authcid prepares the name that a client signs in with. What cannot be one
// belongs to nobody.
func (c *conn) authcid(name string) (user string, err error) {
	a, err := stanza.ParseAddress(name + "@" + c.server.domain)
	if err != nil || a.Resource != "" || a.User == "" {
		return "", saslNotAuthorized
	}
	return a.User, nil
}

// checkAuthzid refuses to act as anybody else (RFC 6120 §6.3.8).
func (c *conn) checkAuthzid(authzid, user string) error {
	if authzid == "" {
		return nil
	}
	a, err := stanza.ParseAddress(authzid)
	if err != nil || a != (stanza.Address{User: user, Domain: c.server.domain}) {
		return saslInvalidAuthzid
	}
	return nil
}
