package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// mongooseIM is what MongooseIM does with a password when auth.jwt is set as deploy/mongooseim
// says (src/auth/ejabberd_auth_jwt.erl, doc/authentication-methods/jwt.md): the key is the
// file's bytes, exp, iat and nbf are looked at, and username_key names the claim that has to
// be the local part of the address to the letter. There is no package of it to ask.
func mongooseIM(file []byte, usernameKey, user, password string, now time.Time) bool {
	parts := strings.Split(password, ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg string }
	var claims map[string]any
	if !decode(parts[0], &header) || !decode(parts[1], &claims) || header.Alg != "HS256" {
		return false
	}
	mac := hmac.New(sha256.New, file)
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if parts[2] != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
		return false
	}
	at := float64(now.Unix())
	expires, bounded := claims["exp"].(float64)
	issued, _ := claims["iat"].(float64)
	begins, _ := claims["nbf"].(float64)
	return bounded && at < expires && issued <= at && begins <= at && claims[usernameKey] == user
}

func decode(part string, v any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(raw, v) == nil
}

// A token for a server that reads the local part of the address in a claim.
func TestSign_MongooseIM(t *testing.T) {
	key := []byte(strings.Repeat("k", 32))
	s, err := NewHS256(key, "xmpp:example.org")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	text, err := s.Sign("alice@example.org", "session", now)
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]bool{
		"alice":             mongooseIM(key, "sub", "alice", text, now),
		"not bob":           !mongooseIM(key, "sub", "bob", text, now),
		"by the address":    !mongooseIM(key, "jid", "alice", text, now),
		"another key":       !mongooseIM([]byte("another"), "sub", "alice", text, now),
		"after its minute":  !mongooseIM(key, "sub", "alice", text, now.Add(Lifetime+time.Second)),
		"a changed subject": !mongooseIM(key, "sub", "bob", strings.Replace(text, ".", ".x", 1), now),
	} {
		if !got {
			t.Error(what)
		}
	}
	if c, err := s.Verify(text); err != nil || c.Subject != "alice" || c.JID != "alice@example.org" {
		t.Errorf("%+v %v", c, err)
	}
}
