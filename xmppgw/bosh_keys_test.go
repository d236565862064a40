package xmppgw

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"testing"
)

// keyChain returns a sequence of keys, the one to show first at the front
// (XEP-0124 §15.3).
func keyChain(seed string, n int) []string {
	keys := make([]string, n)
	for i := n - 1; i >= 0; i-- {
		sum := sha1.Sum([]byte(seed))
		seed = hex.EncodeToString(sum[:])
		keys[i] = seed
	}
	return keys
}

func keyed(key string) string { return ` key="` + key + `"` }

// XEP-0124 §15.4, §15.5 (B-44): each request shows what the one before it gave
// the hash of; hashes are compared whatever their case; a repeat uses up no key,
// and needs its own; another sequence begins under the last key of this one.
func TestBOSH_Keys(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	chain, another := keyChain("seed", 8), keyChain("other seed", 3)
	b.create(` newkey="` + strings.ToUpper(chain[0]) + `"`)
	b.post(b.body(keyed(chain[1]), authFrame))
	b.wants(b.post(b.body(restart+keyed(chain[2]), "")), "<stream:features")
	raw := b.body(keyed(chain[3]), message("a", "1"))
	first := b.post(raw)
	b.wants(first, `id="1"`)
	if again := b.post(raw); again.body != first.body {
		t.Errorf("repeated: %s", again.body)
	}
	b.wants(b.post(b.body(keyed(chain[4])+` newkey="`+another[0]+`"`, message("a", "2"))), `id="2"`)
	b.wants(b.post(b.body(keyed(another[1]), message("a", "3"))), `id="3"`)

	// Who only listens to the requests has no key for another one, nor gets
	// anything for a repeat with a key of his own.
	b.wants(b.post(b.body(keyed(chain[5]), message("a", "forged"))), `condition="item-not-found"`)
	if got := s.echo.stanzas(); got != "1 2 3" {
		t.Errorf("the server got %q", got)
	}
	for name, attrs := range map[string]string{"no key": "", "a used key": keyed(chain[0]), "only a new key": ` newkey="` + another[0] + `"`} {
		b := s.bosh(true)
		b.create(` newkey="` + chain[0] + `"`)
		if got := b.post(b.body(attrs, authFrame)).body; got != string(terminal(boshItemNotFound)) {
			t.Errorf("%s: %s", name, got)
		}
	}
	b = s.bosh(true)
	b.create(` newkey="` + chain[0] + `"`)
	b.post(b.body(keyed(chain[1]), authFrame))
	if got := b.post(b.bodyAt(b.rid-1, keyed(chain[0]), authFrame)).body; got != string(terminal(boshItemNotFound)) {
		t.Errorf("a repeat with another key: %s", got)
	}

	b = s.bosh(true) // without keys at creation there is nothing to check
	b.create("")
	b.wants(b.post(b.body(keyed(chain[1])+` newkey="x"`, authFrame)), "<success")
	b.wants(b.post(b.body(restart, "")), "<stream:features")
}
