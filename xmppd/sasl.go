package xmppd

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"

	"foyer/internal/stream"
)

const nsSASL = "urn:ietf:params:xml:ns:xmpp-sasl"

// Failed attempts before the stream ends (RFC 6120 §6.4.5).
const saslAttempts = 3

// saslFailure is a SASL error condition (RFC 6120 §6.5).
type saslFailure string

func (f saslFailure) Error() string { return "sasl: " + string(f) }

const (
	saslAborted           saslFailure = "aborted"
	saslIncorrectEncoding saslFailure = "incorrect-encoding"
	saslInvalidAuthzid    saslFailure = "invalid-authzid"
	saslInvalidMechanism  saslFailure = "invalid-mechanism"
	saslMalformedRequest  saslFailure = "malformed-request"
	saslNotAuthorized     saslFailure = "not-authorized"
	saslTemporaryFailure  saslFailure = "temporary-auth-failure"
)

// mechanisms returns what the peer may use: EXTERNAL where the site says who is
// calling, PLAIN where the channel is private and the site's mode wants it. With
// neither the list is empty, which makes Converse stop.
func (c *conn) mechanisms() []string {
	var m []string
	if c.peer.External && !c.peer.Identity.IsZero() {
		m = append(m, "EXTERNAL")
	}
	if c.peer.Password {
		m = append(m, "PLAIN")
	}
	return m
}

// authenticate is the first state: it returns nil after <success/>.
func (c *conn) authenticate(ctx context.Context) error {
	if err := c.stream.Send(saslFeatures(c.mechanisms())); err != nil {
		return err
	}
	for failures := 0; ; {
		el, err := c.stream.Recv(ctx)
		if err != nil {
			return err
		}
		if el.Name.Space != nsSASL {
			// RFC 6120 §4.3.5, §7.1: nothing else before authentication.
			return &stream.Error{Condition: stream.NotAuthorized, Text: "sign in first"}
		}
		id, err := c.attempt(ctx, el)
		if err == nil {
			return c.succeed(id)
		}
		var failure saslFailure
		if !errors.As(err, &failure) {
			c.log.Error("sign-in could not be checked", "err", err)
			failure = saslTemporaryFailure
		}
		if err := c.stream.Send([]byte(`<failure xmlns="` + nsSASL + `"><` + string(failure) + `/></failure>`)); err != nil {
			return err
		}
		if failures++; failures >= saslAttempts {
			return &stream.Error{Condition: stream.PolicyViolation, Text: "too many attempts to sign in"}
		}
	}
}

func saslFeatures(mechanisms []string) []byte {
	dst := []byte(`<stream:features xmlns:stream="` + stream.NSStream + `"><mechanisms xmlns="` + nsSASL + `">`)
	for _, m := range mechanisms {
		dst = append(append(append(dst, "<mechanism>"...), m...), "</mechanism>"...)
	}
	return append(dst, "</mechanisms></stream:features>"...)
}

func (c *conn) succeed(id stream.Identity) error {
	c.identity = id
	c.server.conns.put(c, id)
	c.log.Debug("signed in", "user", id.User)
	return c.stream.Send([]byte(`<success xmlns="` + nsSASL + `"/>`))
}

// attempt handles one element of the exchange. Both mechanisms are done with
// the initial response; a client that sends none is asked with an empty
// challenge (RFC 6120 §6.4.2).
func (c *conn) attempt(ctx context.Context, el *stream.Element) (stream.Identity, error) {
	if el.Name.Local != "auth" {
		return stream.Identity{}, c.unexpected(el)
	}
	mechanism, _ := el.Attr("mechanism")
	text := elementText(el)
	if text == "" && c.offers(mechanism) {
		var err error
		if text, err = c.challenge(ctx); err != nil {
			return stream.Identity{}, err
		}
	}
	response, err := decodeSASL(text)
	if err != nil {
		return stream.Identity{}, err
	}
	switch {
	case !c.offers(mechanism):
		return stream.Identity{}, saslInvalidMechanism
	case mechanism == "EXTERNAL":
		return c.external(response)
	default:
		return c.plain(ctx, response)
	}
}

func (c *conn) unexpected(el *stream.Element) error {
	if el.Name.Local == "abort" {
		return saslAborted
	}
	return saslMalformedRequest
}

func (c *conn) offers(mechanism string) bool {
	for _, m := range c.mechanisms() {
		if m == mechanism {
			return true
		}
	}
	return false
}

// challenge asks for the response that was not sent along.
func (c *conn) challenge(ctx context.Context) (string, error) {
	if err := c.stream.Send([]byte(`<challenge xmlns="` + nsSASL + `"/>`)); err != nil {
		return "", err
	}
	el, err := c.stream.Recv(ctx)
	if err != nil {
		return "", err
	}
	if el.Name != (stream.Name{Space: nsSASL, Local: "response"}) {
		return "", c.unexpected(el)
	}
	return elementText(el), nil
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
func (c *conn) external(authzid []byte) (stream.Identity, error) {
	if err := c.checkAuthzid(string(authzid), c.peer.Identity.User); err != nil {
		return stream.Identity{}, err
	}
	return c.peer.Identity, nil
}

// plain checks a password or token (RFC 4616).
func (c *conn) plain(ctx context.Context, response []byte) (stream.Identity, error) {
	parts := bytes.Split(response, []byte{0})
	if len(parts) != 3 || len(parts[1]) == 0 || len(parts[2]) == 0 {
		return stream.Identity{}, saslMalformedRequest
	}
	a, err := parseAddress(string(parts[1]) + "@" + c.server.domain)
	if err != nil || a.resource != "" {
		return stream.Identity{}, saslNotAuthorized
	}
	if err := c.checkAuthzid(string(parts[0]), a.user); err != nil {
		return stream.Identity{}, err
	}
	id, err := c.server.cfg.Authority.Password(ctx, a.user, string(parts[2]), c.peer)
	switch {
	case errors.Is(err, ErrNotAuthorized):
		return stream.Identity{}, saslNotAuthorized
	case err == nil && id.User != a.user:
		return stream.Identity{}, saslNotAuthorized
	}
	return id, err
}

// checkAuthzid refuses to act as anybody else (RFC 6120 §6.3.8).
func (c *conn) checkAuthzid(authzid, user string) error {
	if authzid == "" {
		return nil
	}
	a, err := parseAddress(authzid)
	if err != nil || a != (address{user: user, domain: c.server.domain}) {
		return saslInvalidAuthzid
	}
	return nil
}
