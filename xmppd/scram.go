package xmppd

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

// scramMechanisms are the mechanisms for a connection: those with channel
// binding first, where TLS ends in this process (S-12).
func scramMechanisms(b stream.Binding) []string {
	var plus, names []string
	for _, h := range SCRAMHashes() {
		names = append(names, scramPrefix+string(h))
		plus = append(plus, scramPrefix+string(h)+plusSuffix)
	}
	if len(bindingTypes(b)) == 0 {
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

// The types of channel binding (RFC 5929 §4, RFC 9266).
const (
	bindEndpoint = "tls-server-end-point"
	bindExporter = "tls-exporter"
)

func bindingTypes(b stream.Binding) []string {
	var types []string
	if b.Exporter != nil {
		types = append(types, bindExporter)
	}
	if b.Endpoint != nil {
		types = append(types, bindEndpoint)
	}
	return types
}

// bindingData returns the data of a binding; nil: there is none of that type.
func bindingData(b stream.Binding, kind string) []byte {
	switch kind {
	case bindEndpoint:
		return b.Endpoint
	case bindExporter:
		return b.Exporter
	}
	return nil
}

// scram is one exchange:
//
//	client-first ──▶ server-first ──▶ client-final ──▶ success with server-final
type scram struct {
	conn        *conn
	hash        SCRAMHash
	plus        bool
	nonce       string // the server's part
	first       scramFirst
	serverFirst string // "": the client's first message is awaited
	credentials SCRAMCredentials
}

// scramFirst is the client's first message (RFC 5802 §7).
type scramFirst struct {
	flag, binding string // p with its type, n or y
	authzid, user string // as sent, unescaped
	nonce         string
	header, bare  string // the two parts as sent
}

func (c *conn) newSCRAM(name string) mechanism {
	name = strings.TrimPrefix(name, scramPrefix)
	x := &scram{conn: c, plus: strings.HasSuffix(name, plusSuffix), nonce: rand.Text()}
	x.hash = SCRAMHash(strings.TrimSuffix(name, plusSuffix))
	return x.step
}

func (x *scram) step(ctx context.Context, message []byte) (saslStep, error) {
	if x.serverFirst == "" {
		return x.begin(ctx, string(message))
	}
	return x.finish(ctx, string(message))
}

// begin answers the client's first message.
func (x *scram) begin(ctx context.Context, message string) (saslStep, error) {
	var err error
	if x.first, err = parseSCRAMFirst(message); err != nil {
		return saslStep{}, err
	}
	if err := x.checkFlag(); err != nil {
		return saslStep{}, err
	}
	user, err := x.conn.authcid(x.first.user)
	if err != nil {
		return saslStep{}, err
	}
	if err := x.conn.checkAuthzid(x.first.authzid, user); err != nil {
		return saslStep{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, x.conn.server.cfg.StoreTimeout)
	defer cancel()
	if x.credentials, err = x.conn.server.cfg.Authority.SCRAM(ctx, user, x.hash); err != nil {
		return saslStep{}, err
	}
	x.serverFirst = "r=" + x.first.nonce + x.nonce + ",s=" + base64.StdEncoding.EncodeToString(x.credentials.Salt) +
		",i=" + strconv.Itoa(x.credentials.Iterations)
	return saslStep{reply: []byte(x.serverFirst)}, nil
}

// checkFlag checks what the client says of channel binding (RFC 5802 §6): it
// must be used with -PLUS and only there; who could, and thinks that we cannot,
// was lied to.
func (x *scram) checkFlag() error {
	switch {
	case x.plus != (x.first.flag == "p"):
		return saslMalformedRequest
	case x.plus && bindingData(x.conn.peer.Binding, x.first.binding) == nil:
		return saslMalformedRequest
	case x.first.flag == "y" && len(bindingTypes(x.conn.peer.Binding)) > 0:
		return saslMalformedRequest // no wrong password: see saslRefusals
	}
	return nil
}

// parseSCRAMFirst reads a client-first-message (RFC 5802 §7).
func parseSCRAMFirst(message string) (f scramFirst, err error) {
	parts := strings.SplitN(message, ",", 3)
	if len(parts) != 3 {
		return f, saslMalformedRequest
	}
	f.header, f.bare = parts[0]+","+parts[1]+",", parts[2]
	if f.flag, f.binding, err = parseGS2Flag(parts[0]); err != nil {
		return f, err
	}
	if parts[1] != "" {
		name, ok := strings.CutPrefix(parts[1], "a=")
		if f.authzid, err = unescapeSCRAM(name); !ok || err != nil {
			return f, saslMalformedRequest
		}
	}
	attrs := strings.Split(f.bare, ",")
	if len(attrs) < 2 {
		return f, saslMalformedRequest
	}
	name, isName := strings.CutPrefix(attrs[0], "n=") // an m= in front is refused here (§5.1)
	nonce, isNonce := strings.CutPrefix(attrs[1], "r=")
	if f.user, err = unescapeSCRAM(name); !isName || !isNonce || err != nil || !isPrintable(nonce) {
		return f, saslMalformedRequest
	}
	f.nonce = nonce
	return f, checkOptional(attrs[2:])
}

func parseGS2Flag(s string) (flag, binding string, err error) {
	if s == "n" || s == "y" {
		return s, "", nil
	}
	if binding, ok := strings.CutPrefix(s, "p="); ok && binding != "" {
		return "p", binding, nil
	}
	return "", "", saslMalformedRequest
}

// checkOptional lets unknown attributes pass (RFC 5802 §5.1), but for m, which
// stands for extensions that must be understood.
func checkOptional(attrs []string) error {
	for _, a := range attrs {
		if len(a) < 2 || a[1] != '=' || a[0] == 'm' || !isLetter(a[0]) {
			return saslMalformedRequest
		}
	}
	return nil
}

func isLetter(b byte) bool { return ('a' <= b && b <= 'z') || ('A' <= b && b <= 'Z') }

// isPrintable reports whether s is a nonce (RFC 5802 §7).
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e || s[i] == ',' {
			return false
		}
	}
	return s != "" && len(s) <= 1024
}

// unescapeSCRAM reads a saslname (RFC 5802 §5.1); empty is none.
func unescapeSCRAM(s string) (string, error) {
	var out strings.Builder
	for {
		plain, escaped, found := strings.Cut(s, "=")
		out.WriteString(plain)
		switch {
		case !found && out.Len() == 0:
			return "", saslMalformedRequest
		case !found:
			return out.String(), nil
		case strings.HasPrefix(escaped, "2C"):
			out.WriteByte(',')
		case strings.HasPrefix(escaped, "3D"):
			out.WriteByte('=')
		default:
			return "", saslMalformedRequest
		}
		s = escaped[2:]
	}
}

// finish checks the client's proof, and proves in turn that the server knows the
// password (RFC 5802 §3).
func (x *scram) finish(ctx context.Context, message string) (saslStep, error) {
	at := strings.LastIndex(message, ",p=")
	if at < 0 {
		return saslStep{}, saslMalformedRequest
	}
	withoutProof := message[:at]
	proof, err := base64.StdEncoding.DecodeString(message[at+len(",p="):])
	if err != nil || len(proof) != x.hash.New()().Size() {
		return saslStep{}, saslMalformedRequest
	}
	attrs := strings.Split(withoutProof, ",")
	if len(attrs) < 2 || checkOptional(attrs[2:]) != nil {
		return saslStep{}, saslMalformedRequest
	}
	if err := x.checkFinal(attrs[0], attrs[1]); err != nil {
		return saslStep{}, err
	}
	authMessage := []byte(x.first.bare + "," + x.serverFirst + "," + withoutProof)
	key, ok := x.proven(authMessage, proof)
	if !ok {
		return saslStep{}, saslNotAuthorized
	}
	ctx, cancel := context.WithTimeout(ctx, x.conn.server.cfg.StoreTimeout)
	defer cancel()
	if err := x.conn.server.cfg.Authority.SignedIn(ctx, key.Identity); err != nil {
		return saslStep{}, err
	}
	signature := base64.StdEncoding.EncodeToString(mac(x.hash, key.ServerKey, authMessage))
	return saslStep{reply: []byte("v=" + signature), done: true, id: key.Identity}, nil
}

// checkFinal compares the binding and the nonce with what went before.
func (x *scram) checkFinal(binding, nonce string) error {
	encoded, ok := strings.CutPrefix(binding, "c=")
	if !ok || !strings.HasPrefix(nonce, "r=") {
		return saslMalformedRequest
	}
	got, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return saslMalformedRequest
	}
	want := []byte(x.first.header)
	if x.plus {
		want = append(want, bindingData(x.conn.peer.Binding, x.first.binding)...)
	}
	if !bytes.Equal(got, want) || nonce != "r="+x.first.nonce+x.nonce {
		return saslNotAuthorized
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
