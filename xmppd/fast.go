package xmppd

import (
	"bytes"
	"context"
	"crypto/hmac"
	"errors"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Fast authentication tokens (XEP-0484): a client that has signed in once with
// an app password gets a token, and signs in with that in one round trip. A
// token is for one client and one mechanism, and goes with its app password. No
// early data: TLS 1.3's is not accepted.

const nsFAST = "urn:xmpp:fast:0"

// A token older than this is replaced when it is used.
const fastRenew = 24 * time.Hour

// The mechanisms of hashed tokens (draft-schmaus-kitten-sasl-ht), by the channel
// binding that they need.
const (
	htPlain    = "HT-SHA-256-NONE"
	htEndpoint = "HT-SHA-256-ENDP"
	htExporter = "HT-SHA-256-EXPR"
)

// fastMechanisms are those for this connection; none without a store.
func (c *conn) fastMechanisms() []string {
	if c.server.cfg.FAST == nil {
		return nil
	}
	var names []string
	if c.peer.Binding.Exporter != nil {
		names = append(names, htExporter)
	}
	if c.peer.Binding.Endpoint != nil {
		names = append(names, htEndpoint)
	}
	return append(names, htPlain)
}

func htBinding(b stream.Binding, mechanism string) []byte {
	switch mechanism {
	case htExporter:
		return b.Exporter
	case htEndpoint:
		return b.Endpoint
	}
	return nil
}

// appendFAST appends the feature (XEP-0484 §3.1).
func (c *conn) appendFAST(dst []byte) []byte {
	names := c.fastMechanisms()
	if len(names) == 0 {
		return dst
	}
	dst = append(dst, `<fast xmlns="`+nsFAST+`">`...)
	return append(appendMechanisms(dst, names), `</fast>`...)
}

// fastRequest is what <fast/> says: the mechanism is one of tokens.
type fastRequest struct {
	invalidate bool
	used       *FASTToken // that signed the client in
}

func parseFAST(fast stream.Child) *fastRequest {
	invalidate, _ := fast.Attr("invalidate")
	return &fastRequest{invalidate: invalidate == "true" || invalidate == "1"}
}

// newFAST is the exchange: one message, and an answer that proves that the
// server knows the token too.
func (c *conn) newFAST(r *sasl2Request) mechanism {
	return func(ctx context.Context, message []byte) (saslStep, error) {
		name, proof, ok := bytes.Cut(message, []byte{0})
		if !ok {
			return saslStep{}, saslMalformedRequest
		}
		user, err := c.authcid(string(name))
		if err != nil {
			return saslStep{}, err
		}
		ctx, cancel := context.WithTimeout(ctx, c.server.cfg.StoreTimeout)
		defer cancel()
		tokens, err := c.server.cfg.FAST.FASTTokens(ctx, user, r.agent)
		if err != nil {
			return saslStep{}, err
		}
		binding := htBinding(c.peer.Binding, r.mechanism)
		t, ok := findToken(tokens, r.mechanism, binding, proof)
		switch {
		case !ok:
			return saslStep{}, saslNotAuthorized
		case time.Now().After(t.Expires):
			return saslStep{}, saslCredentialsExpired
		}
		if err := c.useToken(ctx, t, r.fast.invalidate); err != nil {
			return saslStep{}, err
		}
		r.fast.used = &t
		return saslStep{reply: tokenMAC(t, "Responder", binding), done: true, id: t.Identity}, nil
	}
}

// findToken returns the token that the proof is of. All are tried, and one that
// nobody has where there is none.
func findToken(tokens []FASTToken, mechanism string, binding, proof []byte) (found FASTToken, ok bool) {
	if len(tokens) == 0 {
		tokens = []FASTToken{{}}
	}
	for _, t := range tokens {
		// §3.4: only with the mechanism that it was issued for.
		if hmac.Equal(tokenMAC(t, "Initiator", binding), proof) && t.Secret != "" && t.Mechanism == mechanism {
			found, ok = t, true
		}
	}
	return found, ok
}

func tokenMAC(t FASTToken, who string, binding []byte) []byte {
	return mac(SHA256, []byte(t.Secret), append([]byte(who), binding...))
}

// useToken notes that the token was used: earlier ones of the same client end,
// and this one too if the client wants that (XEP-0484 §3.5, §3.6).
func (c *conn) useToken(ctx context.Context, t FASTToken, invalidate bool) error {
	if err := c.server.cfg.Authority.SignedIn(ctx, t.Identity); err != nil {
		return err
	}
	if invalidate {
		return c.server.cfg.FAST.RevokeFAST(ctx, t)
	}
	return c.server.cfg.FAST.UseFAST(ctx, t)
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
			c.log.Error("a token could not be issued", "err", err)
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
