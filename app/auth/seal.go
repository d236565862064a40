package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
)

// What is kept for one browser is sealed under a key that follows from the secret in its
// cookie, of which the database has a hash: without the cookie nobody reads it.

// sealPurpose keeps keys of one secret apart.
type sealPurpose string

const (
	sealPassword sealPurpose = "foyer kept password"
	sealSignOut  sealPurpose = "foyer sign-out hint"
	sealPending  sealPurpose = "foyer pending"
	sealRedirect sealPurpose = "foyer redirect"
	sealPasskey  sealPurpose = "foyer passkey"
)

// sealFor seals a text under a key that follows from secret. It opens only with the same
// purpose and bound (additional data, RFC 5116 §2.1).
func sealFor(secret string, purpose sealPurpose, text, bound []byte) ([]byte, error) {
	seal, err := sealOf(secret, purpose)
	if err != nil {
		return nil, err
	}
	return seal.Seal(nil, nil, text, bound), nil
}

// openFor opens what sealFor sealed. An error means that it was not.
func openFor(secret string, purpose sealPurpose, sealed, bound []byte) ([]byte, error) {
	seal, err := sealOf(secret, purpose)
	if err != nil {
		return nil, err
	}
	return seal.Open(nil, nil, sealed, bound)
}

// sealOf is AES-256-GCM under a key that follows from a secret, with a random nonce before
// each text.
func sealOf(secret string, purpose sealPurpose) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, string(purpose), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
