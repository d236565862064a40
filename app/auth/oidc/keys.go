package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// algorithms are those that a token may be signed with: the site chooses, not the token (RFC 8725
// §3.1). "none" and everything with a shared secret is missing on purpose.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// Bounds of a provider's keys.
const (
	keysFresh    = time.Hour // then they are asked for again: a key that was withdrawn counts no more
	keysStale    = 24 * time.Hour
	maxKeys      = 64
	minRSA       = 2048 // bits
	keysEvery    = 10 * time.Second
	keysInABurst = 3
)

// keySet is the keys of a provider, from the address that its metadata name. What a token
// says of where its key is to be found (jwk, jku, x5u, x5c) is not looked at. It is safe for
// concurrent use.
type keySet struct {
	client  *http.Client
	url     string
	now     func() time.Time
	timeout time.Duration
	asking  singleflight.Group
	often   *rate.Limiter // strangers can bring tokens of unknown keys

	mu   sync.Mutex
	keys []jose.JSONWebKey
	at   time.Time // when they were read; zero: never
}

func newKeySet(client *http.Client, url string, cfg Config) *keySet {
	return &keySet{client: client, url: url, now: cfg.Now, timeout: cfg.Timeout, often: rate.NewLimiter(rate.Every(keysEvery), keysInABurst)}
}

// VerifySignature implements the library's KeySet: it returns what a token says, if one of the
// provider's keys has signed it. A key that is not known is looked for at the
// provider once more (OpenID Connect Core 1.0 §10.1.1).
func (k *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return nil, err
	}
	known, at := k.known()
	age := k.now().Sub(at)
	if age < keysFresh {
		if payload, ok := verify(jws, known); ok {
			return payload, nil
		}
	}
	asked, err := k.ask(ctx)
	if err != nil && age < keysStale {
		if payload, ok := verify(jws, known); ok {
			return payload, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if payload, ok := verify(jws, asked); ok {
		return payload, nil
	}
	return nil, fmt.Errorf("none of the provider's keys has signed this (key id %.100q)", jws.Signatures[0].Protected.KeyID)
}

func (k *keySet) known() ([]jose.JSONWebKey, time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys, k.at
}

// ask reads the keys from the provider, unless that was done very often just now.
func (k *keySet) ask(ctx context.Context) ([]jose.JSONWebKey, error) {
	if !k.often.Allow() {
		return nil, fmt.Errorf("%w: its keys were asked for several times within the last seconds", ErrUnreachable)
	}
	answer := k.asking.DoChan("", func() (any, error) { return k.read() })
	select {
	case r := <-answer:
		if r.Err != nil {
			return nil, fmt.Errorf("%w: its keys: %w", ErrUnreachable, r.Err)
		}
		return r.Val.([]jose.JSONWebKey), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: its keys: %w", ErrUnreachable, ctx.Err())
	}
}

func (k *keySet) read() ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(context.Background(), k.timeout)
	defer cancel()
	body, err := get(ctx, k.client, k.url, nil)
	if err != nil {
		return nil, err
	}
	keys, err := parseKeys(body)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.at = keys, k.now()
	return keys, nil
}

// parseKeys reads a key set, and takes of it what this site can use: others are not an error
// (RFC 7517 §5).
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys are too many", len(set.Keys))
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err == nil && isUsable(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key for signatures with RS256, PS256, ES256 or EdDSA")
	}
	return keys, nil
}

// isUsable reports whether a key is public, for signatures, and long enough.
func isUsable(key jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= minRSA
	case *ecdsa.PublicKey:
		return public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return true
	}
	return false
}

// fits reports whether a token with this header may be signed by the key: one that says what
// it is for is for nothing else.
func fits(key jose.JSONWebKey, header jose.Header) bool {
	if header.KeyID != "" && header.KeyID != key.KeyID {
		return false
	}
	if key.Algorithm != "" && key.Algorithm != header.Algorithm {
		return false
	}
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return header.Algorithm == string(jose.RS256) || header.Algorithm == string(jose.PS256)
	case *ecdsa.PublicKey:
		return header.Algorithm == string(jose.ES256)
	}
	return header.Algorithm == string(jose.EdDSA)
}

func verify(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) (payload []byte, ok bool) {
	for _, key := range keys {
		if !fits(key, jws.Signatures[0].Protected) {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}
