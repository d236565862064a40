// Package passkeytest is an authenticator and a browser in one, for tests: it makes passkeys and signs in by them, and can
// be made to lie.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Flags of an authenticator's word (WebAuthn §6.1).
const (
	UserPresent  byte = 1 << 0
	UserVerified byte = 1 << 2
	attested     byte = 1 << 6
)

// Authenticator keeps one passkey. It is for one goroutine.
type Authenticator struct {
	Origin string // of the page, as its browser says
	Site   string // the relying party whose page it thinks that is; empty: the one that asks
	Handle []byte // whose passkey it is, as it says; made by Make
	Count  uint32 // how often it was used, as it says; each use adds Step
	Step   uint32
	Flags  byte // what it says of the person

	Challenge string // it answers this one; empty: the one that it is asked
	ID        []byte
	key       *ecdsa.PrivateKey
}

// New is an authenticator without a passkey, at a page of an origin.
func New(origin string) *Authenticator {
	return &Authenticator{Origin: origin, Step: 1, Flags: UserPresent | UserVerified}
}

var b64 = base64.RawURLEncoding

// Make answers what navigator.credentials.create is called with, and returns what a page's script sends.
func (a *Authenticator) Make(options []byte) (string, error) {
	var o struct {
		RP                     struct{ ID string }
		User                   struct{ ID string }
		Challenge, Attestation string
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
		ExcludeCredentials     []struct{ ID string }
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return "", err
	}
	if s := o.AuthenticatorSelection; s.ResidentKey != "required" || s.UserVerification != "required" || o.Attestation != "none" {
		return "", fmt.Errorf("passkeytest: asked for %s", options)
	}
	for _, one := range o.ExcludeCredentials {
		if one.ID == b64.EncodeToString(a.ID) {
			return "", fmt.Errorf("passkeytest: InvalidStateError")
		}
	}
	var err error
	if a.Handle, err = b64.DecodeString(o.User.ID); err != nil {
		return "", err
	}
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return "", err
	}
	if a.ID == nil { // else it has the id of another one
		a.ID = make([]byte, 32)
		_, _ = rand.Read(a.ID)
	}
	raw, err := a.key.PublicKey.Bytes() // 4, x, y (SEC 1 §2.3.3)
	if err != nil {
		return "", err
	}
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21}, byteString(raw[1:33])...) // EC2, ES256, P-256 (RFC 9053 §7.1.1)
	cose = append(append(cose, 0x22), byteString(raw[33:])...)
	data := a.data(o.RP.ID, attested)
	data = append(data, make([]byte, 16)...) // AAGUID: it does not say what it is
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(a.ID))), a.ID...)
	data = append(data, cose...)
	object := append([]byte{0xa3}, textString("fmt")...)
	object = append(object, textString("none")...)
	object = append(append(object, textString("attStmt")...), 0xa0)
	object = append(append(object, textString("authData")...), byteString(data)...)
	return a.answer(map[string]string{"clientDataJSON": a.client("webauthn.create", o.Challenge), "attestationObject": b64.EncodeToString(object)})
}

// Use answers what navigator.credentials.get is called with.
func (a *Authenticator) Use(options []byte) (string, error) {
	var o struct{ RPID, Challenge, UserVerification string }
	if err := json.Unmarshal(options, &o); err != nil {
		return "", err
	}
	if o.UserVerification != "required" {
		return "", fmt.Errorf("passkeytest: asked for %s", options)
	}
	a.Count += a.Step
	data, client := a.data(o.RPID, 0), a.client("webauthn.get", o.Challenge)
	raw, err := b64.DecodeString(client)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(raw)
	sum := sha256.Sum256(append(data, hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		return "", err
	}
	return a.answer(map[string]string{
		"clientDataJSON": client, "authenticatorData": b64.EncodeToString(data), "signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(a.Handle),
	})
}

// data is what the authenticator says (WebAuthn §6.1).
func (a *Authenticator) data(site string, more byte) []byte {
	if a.Site != "" {
		site = a.Site
	}
	hash := sha256.Sum256([]byte(site))
	return binary.BigEndian.AppendUint32(append(hash[:], a.Flags|more), a.Count)
}

// client is what the browser says (WebAuthn §5.8.1).
func (a *Authenticator) client(kind, challenge string) string {
	if a.Challenge != "" {
		challenge = a.Challenge
	}
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false})
	return b64.EncodeToString(raw)
}

func (a *Authenticator) answer(response map[string]string) (string, error) {
	id := b64.EncodeToString(a.ID)
	raw, err := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	return string(raw), err
}

// byteString and textString are CBOR's (RFC 8949 §3.1), of less than 64 KiB.
func byteString(b []byte) []byte { return append(head(0x40, len(b)), b...) }
func textString(s string) []byte { return append(head(0x60, len(s)), s...) }

func head(kind byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{kind | byte(n)}
	case n < 256:
		return []byte{kind | 24, byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{kind | 25}, uint16(n))
}
