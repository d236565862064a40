package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"foyer/models"
	"foyer/token"
)

// Keys of the tokens that an external chat server checks. It has separate keys, and a
// separate name in its tokens, so that none of them is good anywhere else. A new key is
// published before it signs, and an old one for as long as its tokens live: servers that
// check tokens by themselves never meet one that they do not know.

// tokenNonceSize is the length of a key's nonce, in bytes.
const tokenNonceSize = 32

// retiredFor is how long a key is published after it has signed its last token: that
// token's lifetime, and clocks that disagree.
const retiredFor = 5 * token.Lifetime

// ErrOtherTokenKey: keys were made while TOKEN_KEY was another one.
var ErrOtherTokenKey = errors.New("auth: the external server's token key does not follow from TOKEN_KEY, which has changed since it was made; set the former one, or make another key (`foyer token key prepare`, then `switch`), and give it to the server")

// TokenKeys are the keys that sign tokens: the site's own, and those for the external
// server, which are in the database. It is safe for concurrent use.
type TokenKeys struct {
	db        *models.Tokens
	own       *token.Signer
	secret    []byte // what all keys follow from (TOKEN_KEY)
	algorithm string // of new keys, unless another is asked for
	audience  string // the external server in its tokens, by its address (RFC 5122)
}

func newTokenKeys(cfg Config, secret []byte) (*TokenKeys, error) {
	own, err := newSigner(cfg.TokenAlg, secret, cfg.Domain)
	algorithm := "EdDSA"
	if cfg.TokenAlg == "HS256" {
		algorithm = "HS256"
	}
	return &TokenKeys{db: cfg.DB.Tokens, own: own, secret: secret, algorithm: algorithm, audience: "xmpp:" + cfg.Domain}, err
}

// TokenKeys returns the keys of signed tokens.
func (s *Service) TokenKeys() *TokenKeys { return s.tokenKeys }

// signerOf derives a Signer from what is kept of its key. ErrOtherTokenKey.
func (t *TokenKeys) signerOf(k models.TokenKey) (*token.Signer, error) {
	signer, err := t.derive(k.Algorithm, k.Audience, k.Nonce)
	if err == nil && signer.ID() != k.ID {
		err = ErrOtherTokenKey
	}
	return signer, err
}

func (t *TokenKeys) derive(algorithm, audience string, nonce []byte) (*token.Signer, error) {
	key, err := hkdf.Key(sha256.New, t.secret, nonce, "foyer "+algorithm+" key for "+audience, token.SeedSize)
	if err != nil {
		return nil, err
	}
	return newSigner(algorithm, key, audience)
}

// newSigner makes a Signer of an algorithm of TOKEN_ALG.
func newSigner(algorithm string, key []byte, audience string) (*token.Signer, error) {
	if algorithm == "HS256" {
		return token.NewHS256(key, audience)
	}
	return token.NewEd25519(key, audience)
}

// add makes a key for the external server. models.ErrTaken: it has one in this
// state.
func (t *TokenKeys) add(ctx context.Context, algorithm string, state models.TokenKeyState) error {
	k := models.TokenKey{Audience: t.audience, Algorithm: algorithm, State: state}
	var err error
	if k.Nonce, k.ID, err = t.newNonce(k.Algorithm, k.Audience); err != nil {
		return err
	}
	return t.db.AddTokenKey(ctx, k)
}

// newNonce returns what a new key is derived by, and the key's name: one that is typed on
// a command line without looking like a flag.
func (t *TokenKeys) newNonce(algorithm, audience string) (nonce []byte, id string, err error) {
	for {
		nonce = make([]byte, tokenNonceSize)
		_, _ = rand.Read(nonce) // never fails (crypto/rand)
		signer, err := t.derive(algorithm, audience, nonce)
		if err != nil {
			return nil, "", err
		}
		if !strings.HasPrefix(signer.ID(), "-") {
			return nonce, signer.ID(), nil
		}
	}
}

// upstreamSigner returns what signs for the external server now. Its first key is made
// when it is asked for.
func (t *TokenKeys) upstreamSigner(ctx context.Context) (*token.Signer, error) {
	k, err := t.db.SigningKey(ctx, t.audience)
	if errors.Is(err, models.ErrNotFound) {
		if err := t.add(ctx, t.algorithm, models.KeySigning); err != nil && !errors.Is(err, models.ErrTaken) {
			return nil, err
		}
		k, err = t.db.SigningKey(ctx, t.audience)
	}
	if err != nil {
		return nil, err
	}
	return t.signerOf(k)
}

// verify says what a signed token proves: one of the site's own, or one for the
// external server. Errors: those of token.Signer.Verify; others mean that the database
// could not be asked.
func (t *TokenKeys) verify(ctx context.Context, text string) (token.Claims, error) {
	id := token.KeyID(text)
	if id == t.own.ID() {
		return t.own.Verify(text)
	}
	k, err := t.db.TokenKey(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return token.Claims{}, token.ErrInvalid
	}
	if err != nil {
		return token.Claims{}, err
	}
	signer, err := t.signerOf(k)
	if err != nil {
		return token.Claims{}, err
	}
	return signer.Verify(text)
}

// TokenKey is one key of the external server's tokens.
type TokenKey struct {
	models.TokenKey
	JWK   token.JWK // what the server has to know; zero: the key follows from another TOKEN_KEY
	Stale bool      // it follows from another TOKEN_KEY, and is good for nothing
}

// List returns all keys that are published for the external server, the newest
// first. One is made if there is none.
func (t *TokenKeys) List(ctx context.Context) ([]TokenKey, error) {
	if _, err := t.upstreamSigner(ctx); err != nil && !errors.Is(err, ErrOtherTokenKey) {
		return nil, err
	}
	list, err := t.db.TokenKeys(ctx, t.audience)
	keys := make([]TokenKey, len(list))
	for i, k := range list {
		signer, err := t.signerOf(k)
		if err != nil && !errors.Is(err, ErrOtherTokenKey) {
			return nil, err
		}
		keys[i] = TokenKey{TokenKey: k, Stale: err != nil}
		if err == nil {
			keys[i].JWK = jwkFor(signer)
		}
	}
	return keys, err
}

// Public returns the keys with which the external server checks tokens. Secrets that it
// shares are not among them.
func (t *TokenKeys) Public(ctx context.Context) (token.JWKSet, error) {
	set := token.JWKSet{Keys: []token.JWK{}}
	list, err := t.List(ctx)
	for _, k := range list {
		if k.JWK.Public() {
			set.Keys = append(set.Keys, k.JWK)
		}
	}
	return set, err
}

// jwkFor is what the server that checks has to know.
func jwkFor(signer *token.Signer) token.JWK {
	key, ok := signer.PublicJWK()
	if !ok {
		key, _ = signer.SecretJWK()
	}
	return key
}

// Prepare makes the key that will sign after Switch, and publishes it.
// algorithm: EdDSA, HS256, or empty for that of TOKEN_ALG. models.ErrTaken: there is one
// that waits.
func (t *TokenKeys) Prepare(ctx context.Context, algorithm string) error {
	if _, err := t.upstreamSigner(ctx); err != nil && !errors.Is(err, ErrOtherTokenKey) {
		return err
	}
	if algorithm == "" {
		algorithm = t.algorithm
	}
	return t.add(ctx, algorithm, models.KeyNext)
}

// Switch lets the prepared key sign. The former one verifies while its tokens
// live. models.ErrNotFound: none was prepared.
func (t *TokenKeys) Switch(ctx context.Context) error {
	return t.db.SwitchTokenKey(ctx, t.audience, time.Now().Add(retiredFor))
}

// Drop takes back a key that does not sign, and with it all of its tokens.
// models.ErrNotFound: there is none, or it signs.
func (t *TokenKeys) Drop(ctx context.Context, id string) error {
	if err := t.db.DropTokenKey(ctx, t.audience, id); err != nil {
		return fmt.Errorf("key %s: %w", id, err)
	}
	return nil
}
