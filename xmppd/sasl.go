package xmppd

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"

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
	exchange := &saslExchange{conn: c}
	for failures := 0; failures < saslAttempts; {
		el, err := c.stream.Recv(ctx)
		if err != nil {
			return err
		}
		if el.Name.Space != nsSASL {
			// RFC 6120 §4.3.5, §7.1: nothing else before authentication.
			return &stream.Error{Condition: stream.NotAuthorized, Text: "sign in first"}
		}
		id, err := exchange.step(ctx, el)
		if err == nil {
			return c.succeed(id)
		}
		answer, failed := c.saslAnswer(err)
		if failed {
			failures++
		}
		if err := c.stream.Send(answer); err != nil {
			return err
		}
	}
	return &stream.Error{Condition: stream.PolicyViolation, Text: "too many attempts to sign in"}
}

// saslAnswer is what the client gets for a step that did not succeed.
func (c *conn) saslAnswer(err error) (answer []byte, failed bool) {
	if errors.Is(err, errSASLContinue) {
		return []byte(`<challenge xmlns="` + nsSASL + `"/>`), false
	}
	var failure saslFailure
	if !errors.As(err, &failure) {
		c.log.Error("sign-in could not be checked", "err", err)
		failure = saslTemporaryFailure
	}
	return []byte(`<failure xmlns="` + nsSASL + `"><` + string(failure) + `/></failure>`), true
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

// errSASLContinue asks for the response that was not sent along.
var errSASLContinue = errors.New("sasl: continue")

// saslExchange is one exchange after the other:
//
//	(none) ──auth with response──▶ done
//	   │ auth alone                  ▲
//	   ▼                             │
//	challenged ──────response────────┘
type saslExchange struct {
	conn       *conn
	challenged string // the mechanism whose response is awaited
	discarded  int    // exchanges that a new <auth/> cut short
}

// step handles one element. Both mechanisms are done with the initial response;
// a client that sends none is asked with an empty challenge (RFC 6120 §6.4.2).
// A new <auth/> discards the exchange under way (§6.4.2, S-18).
func (x *saslExchange) step(ctx context.Context, el *stream.Element) (stream.Identity, error) {
	mechanism := x.challenged
	x.challenged = ""
	switch {
	case el.Name.Local == "abort":
		return stream.Identity{}, saslAborted
	case el.Name.Local == "auth":
		if mechanism != "" {
			x.discarded++
		}
		mechanism, _ = el.Attr("mechanism")
	case el.Name.Local != "response" || mechanism == "":
		return stream.Identity{}, saslMalformedRequest
	}
	if !x.conn.offers(mechanism) {
		return stream.Identity{}, saslInvalidMechanism
	}
	text := elementText(el)
	if text == "" && el.Name.Local == "auth" && x.discarded < saslAttempts {
		x.challenged = mechanism
		return stream.Identity{}, errSASLContinue
	}
	response, err := decodeSASL(text)
	if err != nil {
		return stream.Identity{}, err
	}
	if mechanism == "EXTERNAL" {
		return x.conn.external(response)
	}
	return x.conn.plain(ctx, response)
}

func (c *conn) offers(mechanism string) bool { return slices.Contains(c.mechanisms(), mechanism) }

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
	a, err := ParseAddress(string(parts[1]) + "@" + c.server.domain)
	if err != nil || a.Resource != "" {
		return stream.Identity{}, saslNotAuthorized
	}
	if err := c.checkAuthzid(string(parts[0]), a.User); err != nil {
		return stream.Identity{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	id, err := c.server.cfg.Authority.Password(ctx, a.User, string(parts[2]), c.peer)
	switch {
	case errors.Is(err, ErrNotAuthorized):
		return stream.Identity{}, saslNotAuthorized
	case err == nil && id.User != a.User:
		return stream.Identity{}, saslNotAuthorized
	}
	return id, err
}

// checkAuthzid refuses to act as anybody else (RFC 6120 §6.3.8).
func (c *conn) checkAuthzid(authzid, user string) error {
	if authzid == "" {
		return nil
	}
	a, err := ParseAddress(authzid)
	if err != nil || a != (Address{User: user, Domain: c.server.domain}) {
		return saslInvalidAuthzid
	}
	return nil
}
