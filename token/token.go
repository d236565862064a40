// Package token makes and checks the tokens that sign people in to the chat:
// temporary ones, which are random and stored as a hash, and signed ones
// (JWT).
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// New returns a temporary token of 256 random bits, and the hash to store.
func New() (secret string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, Hash(secret)
}

// Hash returns what is stored of a token. The token is random, so a plain hash
// is enough.
func Hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
