package extauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foyer/token"
)

// tokenDomain is the host that checks tokens by itself.
const tokenDomain = "tokens.test"

func encode(v any) string {
	raw, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// hs256 signs whatever it is given.
func hs256(key []byte, header, claims map[string]any) string {
	signed := encode(header) + "." + encode(claims)
	m := hmac.New(sha256.New, key)
	m.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// with returns good claims, some of them changed.
func with(changed map[string]any) map[string]any {
	c := map[string]any{"jid": "alice@" + tokenDomain, "aud": "xmpp:" + tokenDomain, "exp": time.Now().Add(time.Minute).Unix(), "jti": encode(time.Now().UnixNano())}
	maps.Copy(c, changed)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// The module lets in whom a good token is for, once, and nobody else (RFC 7519, RFC 8725).
func TestProsody_Tokens(t *testing.T) {
	t.Parallel()
	key := []byte(strings.Repeat("k", 32))
	signer, err := token.NewHS256(key, "xmpp:"+tokenDomain)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := signer.SecretJWK()
	addr, _ := packaged(t).start(t, prosodyOptions{keys: writeJSON(t, filepath.Join(t.TempDir(), "jwk"), secret)})
	mint := mintWith(t, signer)
	good := mint("alice")
	header := map[string]any{"alg": "HS256", "typ": "JWT"}
	forge := func(changed map[string]any) string { return hs256(key, header, with(changed)) }
	anyAudience := forge(map[string]any{"aud": []string{"other", "xmpp:" + tokenDomain}})
	attempts := []attempt{
		{what: "a token", password: good, want: "alice@" + tokenDomain},
		{what: "the same again", password: good},
		{what: "of another user", user: "bob", password: mint("alice")},
		{what: "as another user", authzid: "bob@" + tokenDomain, user: "bob", password: mint("alice")},
		{what: "for several servers", password: anyAudience, want: "alice@" + tokenDomain},
		{what: "changed", password: changed(mint("alice"))},
		{what: "with another key", password: hs256([]byte(strings.Repeat("x", 32)), header, with(nil))},
		{what: "with an empty key", password: hs256(nil, header, with(nil))},
		{what: "none", password: encode(map[string]any{"alg": "none"}) + "." + encode(with(nil)) + "."},
		{what: "none, with something for a signature", password: encode(map[string]any{"alg": "none"}) + "." + encode(with(nil)) + ".AA"},
		{what: "another algorithm's name", password: hs256(key, map[string]any{"alg": "HS512"}, with(nil))},
		{what: "no algorithm", password: hs256(key, map[string]any{}, with(nil))},
		{what: "an unknown key", password: hs256(key, map[string]any{"alg": "HS256", "kid": "x"}, with(nil))},
		{what: "something critical", password: hs256(key, map[string]any{"alg": "HS256", "crit": []string{"x"}}, with(nil))},
		{what: "expired", password: forge(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})},
		{what: "without an end", password: forge(map[string]any{"exp": nil})},
		{what: "an end that is a text", password: forge(map[string]any{"exp": "never"})},
		{what: "good for a year", password: forge(map[string]any{"exp": time.Now().AddDate(1, 0, 0).Unix()})},
		{what: "not good yet", password: forge(map[string]any{"nbf": time.Now().Add(time.Minute).Unix()})},
		{what: "for another server", password: forge(map[string]any{"aud": "xmpp:elsewhere.test"})},
		{what: "for nobody", password: forge(map[string]any{"aud": nil})},
		{what: "without an address", password: forge(map[string]any{"jid": nil})},
		{what: "an address that is none", password: forge(map[string]any{"jid": 7})},
		{what: "of another domain", password: forge(map[string]any{"jid": "alice@elsewhere.test"})},
		{what: "with a resource", password: forge(map[string]any{"jid": "alice@" + tokenDomain + "/x"})},
		{what: "without an id", password: forge(map[string]any{"jti": nil})},
		{what: "no claims", password: hs256(key, header, nil)},
		{what: "too long", password: forge(map[string]any{"x": strings.Repeat("x", 1000)}), want: "malformed-request"}, // Prosody's own SASLprep
		{what: "a password", password: "a few words in a row"},
		{what: "dots", password: "..."},
		{what: "another one after all that", password: mint("alice"), want: "alice@" + tokenDomain},
	}
	tryTokens(t, addr, attempts)
}

func tryTokens(t *testing.T, addr string, attempts []attempt) {
	t.Helper()
	for i := range attempts {
		if attempts[i].user == "" {
			attempts[i].user = "alice"
		}
		if attempts[i].want == "" {
			attempts[i].want = refused
		}
	}
	try(t, addr, tokenDomain, attempts...)
}

func mintWith(t *testing.T, signer *token.Signer) func(user string) string {
	return func(user string) string {
		t.Helper()
		text, err := signer.Sign(user+"@"+tokenDomain, "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// changed returns a token whose signature is of another one.
func changed(text string) string {
	head, tail, _ := strings.Cut(text, ".")
	_, signature, _ := strings.Cut(tail, ".")
	return head + "." + encode(with(map[string]any{"jid": "alice@" + tokenDomain})) + "." + signature
}

func newEd25519(t *testing.T, seed string) *token.Signer {
	t.Helper()
	signer, err := token.NewEd25519([]byte(strings.Repeat(seed, token.SeedSize)), "xmpp:"+tokenDomain)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// With public keys alone, in Prosody 13: two are known while one takes over from the
// other, and what is known publicly signs nothing.
func TestProsody_PublicKeys(t *testing.T) {
	t.Parallel()
	first, second := newEd25519(t, "1"), newEd25519(t, "2")
	set := func(signers ...*token.Signer) (set token.JWKSet) {
		for _, s := range signers {
			key, _ := s.PublicJWK()
			set.Keys = append(set.Keys, key)
		}
		return set
	}
	file := writeJSON(t, filepath.Join(t.TempDir(), "jwks"), set(first))
	addr, reload := newer(t).start(t, prosodyOptions{keys: file})
	known := set(first).Keys[0]
	public, err := base64.RawURLEncoding.DecodeString(known.X)
	if err != nil {
		t.Fatal(err)
	}
	short, err := token.NewEd25519([]byte(strings.Repeat("1", token.SeedSize)), "xmpp:elsewhere.test")
	if err != nil {
		t.Fatal(err)
	}
	mint, mintNext := mintWith(t, first), mintWith(t, second)
	good := mint("alice")
	tryTokens(t, addr, []attempt{
		{what: "a token", password: good, want: "alice@" + tokenDomain},
		{what: "the same again", password: good},
		{what: "changed", password: changed(mint("alice"))},
		{what: "for another server", password: mintWith(t, short)("alice")},
		{what: "a key that is not known yet", password: mintNext("alice")},
		{what: "the public key as a shared secret", password: hs256(public, map[string]any{"alg": "HS256"}, with(nil))}, // RFC 8725 §2.1
		{what: "the same under its name", password: hs256(public, map[string]any{"alg": "HS256", "kid": known.ID}, with(nil))},
		{what: "none", password: encode(map[string]any{"alg": "none", "kid": known.ID}) + "." + encode(with(nil)) + "."},
		{what: "no signature", password: encode(map[string]any{"alg": "EdDSA"}) + "." + encode(with(nil)) + "."},
		{what: "a short signature", password: encode(map[string]any{"alg": "EdDSA"}) + "." + encode(with(nil)) + ".AAAA"},
	})
	writeJSON(t, file, set(first, second))
	reload()
	tryTokens(t, addr, []attempt{
		{what: "the next key", password: mintNext("alice"), want: "alice@" + tokenDomain},
		{what: "beside the former", password: mint("alice"), want: "alice@" + tokenDomain},
	})
}
