package sasl

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"

	"foyer/internal/stream"
)

// SCRAM (RFC 5802, RFC 7677) proves a password without sending it, and without
// the server knowing it. An account may have several passwords; its name alone
// does not tell which. They share the salt, so that one proof can be held
// against each of them (decision 7).

// SCRAMHash names the hash of a SCRAM mechanism.
type SCRAMHash string

// The hashes.
const (
	SHA1   SCRAMHash = "SHA-1"
	SHA256 SCRAMHash = "SHA-256"
	SHA512 SCRAMHash = "SHA-512"
)

// SCRAMHashes are all of them, the preferred first (RFC 7677 §3).
func SCRAMHashes() []SCRAMHash { return []SCRAMHash{SHA256, SHA512, SHA1} }

// New returns the hash's function.
func (h SCRAMHash) New() func() hash.Hash {
	switch h {
	case SHA1:
		return sha1.New // RFC 5802 has no other; HMAC with it is not broken
	case SHA256:
		return sha256.New
	}
	return sha512.New
}

// SCRAMCredentials are what is kept of an account's passwords, for one hash.
type SCRAMCredentials struct {
	Salt       []byte
	Iterations int
	Keys       []SCRAMKey // none: nobody can sign in; the exchange goes on all the same
}

// SCRAMKey is one password (RFC 5802 §3).
type SCRAMKey struct {
	Identity             stream.Identity
	StoredKey, ServerKey []byte
}

const scramPrefix, plusSuffix = "SCRAM-", "-PLUS"

// scramNames are the mechanisms for a connection: those with channel
// binding first, where TLS ends in this process (S-12).
func scramNames(b stream.Binding) []string {
	var plus, names []string
	for _, h := range SCRAMHashes() {
		names = append(names, scramPrefix+string(h))
		plus = append(plus, scramPrefix+string(h)+plusSuffix)
	}
	if len(BindingTypes(b)) == 0 {
		return names
	}
	return append(plus, names...)
}

func isSCRAM(name string) bool {
	for _, h := range SCRAMHashes() {
		if strings.TrimSuffix(name, plusSuffix) == scramPrefix+string(h) {
			return true
		}
	}
	return false
}

// scram is one exchange:
//
//	client-first ──▶ server-first ──▶ client-final ──▶ success with server-final
type scram struct {
	Options
	hash        SCRAMHash
	plus        bool
	nonce       string // the server's part
	first       scramFirst
	serverFirst string // "": the client's first message is awaited
	credentials SCRAMCredentials
}

func newSCRAM(name string, o Options) Mechanism {
	name = strings.TrimPrefix(name, scramPrefix)
	x := &scram{Options: o, plus: strings.HasSuffix(name, plusSuffix), nonce: rand.Text()}
	x.hash = SCRAMHash(strings.TrimSuffix(name, plusSuffix))
	return x
}

// Next takes the client's first message, and then its last.
func (x *scram) Next(ctx context.Context, message []byte) (Step, error) {
	if x.serverFirst == "" {
		return x.begin(ctx, string(message))
	}
	return x.finish(ctx, string(message))
}

// begin answers the client's first message.
func (x *scram) begin(ctx context.Context, message string) (Step, error) {
	var err error
	if x.first, err = parseSCRAMFirst(message); err != nil {
		return Step{}, err
	}
	if err := x.checkFlag(); err != nil {
		return Step{}, err
	}
	user, err := x.prepareName(x.first.user)
	if err != nil {
		return Step{}, err
	}
	if err := x.checkAuthzid(x.first.authzid, user); err != nil {
		return Step{}, err
	}
	if x.credentials, err = x.Verifier.SCRAM(ctx, user, x.hash); err != nil {
		return Step{}, err
	}
	x.serverFirst = "r=" + x.first.nonce + x.nonce + ",s=" + base64.StdEncoding.EncodeToString(x.credentials.Salt) +
		",i=" + strconv.Itoa(x.credentials.Iterations)
	return Step{Reply: []byte(x.serverFirst)}, nil
}

// checkFlag checks what the client says of channel binding (RFC 5802 §6): it
// must be used with -PLUS and only there; who could, and thinks that we cannot,
// was lied to.
func (x *scram) checkFlag() error {
	switch {
	case x.plus != (x.first.flag == "p"):
		return MalformedRequest
	case x.plus && bindingData(x.Binding, x.first.binding) == nil:
		return MalformedRequest
	case x.first.flag == "y" && len(BindingTypes(x.Binding)) > 0:
		return MalformedRequest // no wrong password: see Failure.IsGuess
	}
	return nil
}

// finish checks the client's proof, and proves in turn that the server knows the
// password (RFC 5802 §3).
func (x *scram) finish(ctx context.Context, message string) (Step, error) {
	at := strings.LastIndex(message, ",p=")
	if at < 0 {
		return Step{}, MalformedRequest
	}
	withoutProof := message[:at]
	proof, err := base64.StdEncoding.DecodeString(message[at+len(",p="):])
	if err != nil || len(proof) != x.hash.New()().Size() {
		return Step{}, MalformedRequest
	}
	attrs := strings.Split(withoutProof, ",")
	if len(attrs) < 2 || checkOptional(attrs[2:]) != nil {
		return Step{}, MalformedRequest
	}
	if err := x.checkFinal(attrs[0], attrs[1]); err != nil {
		return Step{}, err
	}
	authMessage := []byte(x.first.bare + "," + x.serverFirst + "," + withoutProof)
	key, ok := x.proven(authMessage, proof)
	if !ok {
		return Step{}, NotAuthorized
	}
	if err := x.Verifier.CredentialUsed(ctx, key.Identity); err != nil {
		return Step{}, err
	}
	signature := base64.StdEncoding.EncodeToString(mac(x.hash, key.ServerKey, authMessage))
	return Step{Reply: []byte("v=" + signature), Done: true, Identity: key.Identity}, nil
}

// checkFinal compares the binding and the nonce with what went before.
func (x *scram) checkFinal(binding, nonce string) error {
	encoded, ok := strings.CutPrefix(binding, "c=")
	if !ok || !strings.HasPrefix(nonce, "r=") {
		return MalformedRequest
	}
	got, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return MalformedRequest
	}
	want := []byte(x.first.header)
	if x.plus {
		want = append(want, bindingData(x.Binding, x.first.binding)...)
	}
	if !bytes.Equal(got, want) || nonce != "r="+x.first.nonce+x.nonce {
		return NotAuthorized
	}
	return nil
}

// proven returns the password that the proof is of. All of them are tried, and
// one that nobody has where there is none, in equal time.
func (x *scram) proven(authMessage, proof []byte) (found SCRAMKey, ok bool) {
	keys := x.credentials.Keys
	if len(keys) == 0 {
		keys = []SCRAMKey{{StoredKey: make([]byte, len(proof))}}
	}
	for _, k := range keys {
		clientKey := mac(x.hash, k.StoredKey, authMessage)
		subtle.XORBytes(clientKey, clientKey, proof)
		h := x.hash.New()()
		h.Write(clientKey)
		if subtle.ConstantTimeCompare(h.Sum(nil), k.StoredKey) == 1 && !k.Identity.IsZero() {
			found, ok = k, true
		}
	}
	return found, ok
}

func mac(h SCRAMHash, key, message []byte) []byte {
	m := hmac.New(h.New(), key)
	m.Write(message)
	return m.Sum(nil)
}

// DeriveSCRAM returns what is stored of a password (RFC 5802 §3).
func DeriveSCRAM(h SCRAMHash, password string, salt []byte, iterations int) (storedKey, serverKey []byte, err error) {
	salted, err := pbkdf2.Key(h.New(), password, salt, iterations, h.New()().Size())
	if err != nil {
		return nil, nil, err
	}
	sum := h.New()()
	sum.Write(mac(h, salted, []byte("Client Key")))
	return sum.Sum(nil), mac(h, salted, []byte("Server Key")), nil
}
