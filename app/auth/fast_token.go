package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd"
)

// Tokens that apps sign in with after the first time (XEP-0484). Such a token
// proves by HMAC, so the one who checks it must know it: it is not stored, but
// follows from a stored nonce and the key of tokens, TOKEN_KEY.

// fastLifetime is how long an app may be away before it needs its password.
const fastLifetime = 21 * 24 * time.Hour

var _ xmppd.FASTStore = fastTokens{}

// fastTokens implements xmppd.FASTStore.
type fastTokens struct {
	db  *models.Tokens
	key []byte
}

// newFastTokens derives the tokens' key from that of signed tokens.
func newFastTokens(db *models.Tokens, tokenKey []byte) (fastTokens, error) {
	key, err := hkdf.Key(sha256.New, tokenKey, nil, "foyer fast tokens", sha256.Size)
	return fastTokens{db, key}, err
}

// FAST returns the tokens as a chat server asks for them.
func (s *Service) FAST() xmppd.FASTStore { return s.fast }

func (f fastTokens) secret(t models.FastToken) string {
	m := hmac.New(sha256.New, f.key)
	for _, part := range [][]byte{[]byte(t.StandsOn), t.Agent, []byte(t.Mechanism), t.Nonce} {
		m.Write([]byte{byte(len(part))})
		m.Write(part)
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func hashAgent(agent string) []byte {
	sum := sha256.Sum256([]byte(agent))
	return sum[:]
}

// FASTTokens implements xmppd.FASTStore.
func (f fastTokens) FASTTokens(ctx context.Context, user, agent string) ([]xmppd.FASTToken, error) {
	list, err := f.db.FastTokens(ctx, user, hashAgent(agent))
	tokens := make([]xmppd.FASTToken, len(list))
	for i, t := range list {
		tokens[i] = f.token(user, agent, t)
	}
	return tokens, err
}

func (f fastTokens) token(user, agent string, t models.FastToken) xmppd.FASTToken {
	return xmppd.FASTToken{
		Token: sasl.Token{
			Identity: stream.Identity{User: user, Session: t.StandsOn}, Mechanism: t.Mechanism, Secret: f.secret(t), Expires: t.ExpiresAt,
		},
		Agent: agent, Issued: t.IssuedAt, Fresh: t.Fresh, Nonce: t.Nonce,
	}
}

// IssueFAST implements xmppd.FASTStore.
func (f fastTokens) IssueFAST(ctx context.Context, id stream.Identity, agent, mechanism string) (xmppd.FASTToken, error) {
	t := models.FastToken{
		StandsOn: id.Session, Agent: hashAgent(agent), Fresh: true, Mechanism: mechanism,
		Nonce: []byte(rand.Text()), IssuedAt: time.Now(), ExpiresAt: time.Now().Add(fastLifetime),
	}
	err := f.db.IssueFastToken(ctx, t)
	if errors.Is(err, models.ErrNotFound) {
		err = xmppd.ErrNotFound
	}
	return f.token(id.User, agent, t), err
}

// UseFAST implements xmppd.FASTStore.
func (f fastTokens) UseFAST(ctx context.Context, t xmppd.FASTToken) error {
	return f.db.UseFastToken(ctx, stored(t))
}

// RevokeFAST implements xmppd.FASTStore.
func (f fastTokens) RevokeFAST(ctx context.Context, t xmppd.FASTToken) error {
	return f.db.RevokeFastTokens(ctx, stored(t))
}

func stored(t xmppd.FASTToken) models.FastToken {
	return models.FastToken{StandsOn: t.Identity.Session, Agent: hashAgent(t.Agent), Fresh: t.Fresh, Nonce: t.Nonce}
}
