package muc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// sealer makes the ids of IQs that pass through a room: they tell the room, and
// nobody else, which client asked, under which id. So nothing is kept of a
// request that nobody may ever answer.
type sealer struct{ aead cipher.AEAD }

// newSealer makes one with a fresh key: no request outlives the program.
func newSealer() (*sealer, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, err
}

// seal hides who asked whom under which id.
func (s *sealer) seal(asker, asked, id string) string {
	sealed := s.aead.Seal(nil, nil, []byte(asker+"\x00"+id), []byte(asked))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// open returns who asked, if the one who answers was asked.
func (s *sealer) open(sealed, asked string) (asker, id string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", "", false
	}
	plain, err := s.aead.Open(nil, nil, raw, []byte(asked))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(plain), "\x00")
}
