package cli

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"foyer/token"
)

// What the operator does to give an external server its key, and later another one.
func TestTokenKey(t *testing.T) {
	c := newTerminal(t, nil)
	printed := func(args ...string) (key token.JWK) {
		t.Helper()
		out, err := c.run("", append([]string{"token", "key", "print"}, args...)...)
		if err != nil || json.Unmarshal([]byte(out), &key) != nil {
			t.Errorf("%s %v", out, err)
		}
		return key
	}
	first := printed()
	if first.Type != "OKP" || first.Curve != "Ed25519" || first.X == "" || first.K != "" {
		t.Errorf("%+v", first)
	}
	c.says(`{"keys":[{"kty":"OKP"`, "", "token", "key", "print", "--set")
	c.says(first.ID+"\tEdDSA\tsigning", "", "token", "key", "list")
	c.fails("no key was prepared", "", "token", "key", "print", "--next")
	c.fails("no key was prepared", "", "token", "key", "switch")
	c.says("published", "", "token", "key", "prepare", "--alg", "HS256")
	c.fails("there already", "", "token", "key", "prepare")
	c.fails("a secret", "", "token", "key", "print", "--next")
	next := printed("--next", "--secret")
	if next.Type != "oct" || next.K == "" || next.X != "" {
		t.Errorf("%+v", next)
	}
	// What MongooseIM reads as the key is every byte of the file.
	c.fails("a secret", "", "token", "key", "print", "--next", "--raw")
	c.fails("a public one", "", "token", "key", "print", "--raw")
	if raw, err := c.run("", "token", "key", "print", "--next", "--secret", "--raw"); err != nil || base64.RawURLEncoding.EncodeToString([]byte(raw)) != next.K {
		t.Errorf("%q %v", raw, err)
	}
	if printed() != first {
		t.Error("another key signs already")
	}
	c.says("signs from now on", "", "token", "key", "switch")
	out, err := c.run("", "token", "key", "list")
	if err != nil || !strings.Contains(out, "HS256\tsigning") || !strings.Contains(out, first.ID+"\tEdDSA\tretired") {
		t.Error(out, err)
	}
	c.says("gone", "", "token", "key", "drop", first.ID)
	c.fails("there is no key", "", "token", "key", "drop", first.ID)
}

func TestExtauth(t *testing.T) {
	c := newTerminal(t, nil)
	c.fails("must be on this machine", "", "extauth", "--site", "192.0.2.1:80")
	c.fails("XMPP_AUTH_HTTP=", "", "extauth", "--site", "unix:/"+strings.Repeat("s", 200))
	c.fails("no such file", "", "extauth", "--site", "localhost:1", "--secret-file", "/nowhere")
	if out, err := c.run("\x00\x04nono", "extauth", "--site", "localhost:1"); out != "\x00\x02\x00\x00" || err != nil {
		t.Errorf("%q %v", out, err)
	}
}
