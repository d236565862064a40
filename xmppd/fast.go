package xmppd

import (
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Fast authentication tokens (XEP-0484): a client that has signed in once with
// an app password, or with the person's own, gets a token, and signs in with that in one
// round trip. A token is for one client and one mechanism, and goes with its app password, or
// with the session that its sign-in began. No early data: TLS 1.3's is not accepted.

const nsFAST = "urn:xmpp:fast:0"

// A token older than this is replaced when it is used.
const fastRenew = 24 * time.Hour

// fastMechanisms are those for this connection; none without a store.
func (c *conn) fastMechanisms() []string {
	if c.server.cfg.FAST == nil {
		return nil
	}
	return sasl.HTNames(c.peer.Binding)
}

// appendFAST appends the feature (XEP-0484 §3.1).
func (c *conn) appendFAST(dst []byte) []byte {
	names := c.fastMechanisms()
	if len(names) == 0 {
		return dst
	}
	dst = append(dst, `<fast xmlns="`+nsFAST+`">`...)
	return append(sasl.AppendMechanisms(dst, names), `</fast>`...)
}

// fastRequest is what <fast/> says: the mechanism is one of tokens.
type fastRequest struct {
	invalidate bool
	used       *FASTToken // that signed the client in
}

func parseFAST(fast stream.Child) *fastRequest {
	attr, _ := fast.Attr("invalidate")
	invalidate, _ := stanza.ParseBool(attr)
	return &fastRequest{invalidate: invalidate}
}

// newFAST begins the exchange. A token is found by the client's own id, so that one
// without has none.
func (c *conn) newFAST(r *sasl2Request) (sasl.Mechanism, error) {
	if c.server.cfg.FAST == nil || r.agent == "" {
		return nil, sasl.InvalidMechanism
	}
	return sasl.NewHT(r.mechanism, c.saslOptions(), &fastVerifier{conn: c, request: r})
}

// fastVerifier knows the tokens of one client.
type fastVerifier struct {
	conn    *conn
	request *sasl2Request
	tokens  []FASTToken
}

// Tokens implements sasl.TokenVerifier.
func (v *fastVerifier) Tokens(ctx context.Context, user string) ([]sasl.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, v.conn.server.cfg.StoreTimeout)
	defer cancel()
	var err error
	if v.tokens, err = v.conn.server.cfg.FAST.FASTTokens(ctx, user, v.request.agent); err != nil {
		return nil, err
	}
	tokens := make([]sasl.Token, len(v.tokens))
	for i, t := range v.tokens {
		tokens[i] = t.Token
	}
	return tokens, nil
}

// Used implements sasl.TokenVerifier: earlier tokens of the same client end, and
// this one too if the client wants that (XEP-0484 §3.5, §3.6).
func (v *fastVerifier) Used(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, v.conn.server.cfg.StoreTimeout)
	defer cancel()
	t := v.tokens[i]
	if err := v.conn.server.cfg.Authority.CredentialUsed(ctx, t.Identity); err != nil {
		return err
	}
	v.request.fast.used = &t
	if v.request.fast.invalidate {
		return v.conn.server.cfg.FAST.RevokeFAST(ctx, t)
	}
	return v.conn.server.cfg.FAST.UseFAST(ctx, t)
}

// newToken returns a <token/> for a client that asks for one, or whose own is
// due; nothing, for one that cannot have any. That it failed is no reason not to
// let the client in.
func (c *conn) newToken(ctx context.Context, r *sasl2Request) []byte {
	mechanism := r.token
	if used := r.usedToken(); mechanism == "" && used != nil && !r.fast.invalidate && time.Since(used.Issued) > fastRenew {
		mechanism = used.Mechanism
	}
	if mechanism == "" || r.agent == "" || !slices.Contains(c.fastMechanisms(), mechanism) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
	defer cancel()
	t, err := c.server.cfg.FAST.IssueFAST(ctx, c.identity, r.agent, mechanism)
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			c.log().Error("a token could not be issued", "err", err)
		}
		return nil
	}
	dst := stanza.AppendAttr([]byte(`<token xmlns="`+nsFAST+`"`), "token", t.Secret)
	return append(stanza.AppendAttr(dst, "expiry", t.Expires.UTC().Format(time.RFC3339)), `/>`...)
}

func (r *sasl2Request) usedToken() *FASTToken {
	if r.fast == nil {
		return nil
	}
	return r.fast.used
}
