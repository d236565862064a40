package xmppgw

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"foyer/internal/stream"
)

// boshKeys checks that requests come from who opened the session (XEP-0124 §15),
// for clients that want it: each request reveals the value of which the one
// before it showed the hash. The zero value checks nothing.
type boshKeys struct {
	latest string // the key, or new key, of the latest request that was processed
}

// next takes the keys of the next request in rid order. It reports false when
// they are not from the sequence.
func (k *boshKeys) next(b *stream.Body) bool {
	if k.latest != "" {
		key := b.Attr("key")
		sum := sha1.Sum([]byte(key)) // as it came, whatever its case (§15.3)
		if !sameKey(hex.EncodeToString(sum[:]), strings.ToLower(k.latest)) {
			return false
		}
		k.latest = key
	}
	// The first of a session, or another sequence (§15.5). Without one before it,
	// a new key in the middle of a session proves nothing.
	if fresh := b.Attr("newkey"); fresh != "" && (k.latest != "" || !b.Has("sid")) {
		k.latest = fresh
	}
	return true
}

// repeats reports whether a request that was seen before comes with the key that
// it had then: a repeat uses up none.
func (k *boshKeys) repeats(key, then string) bool {
	return k.latest == "" || sameKey(key, then)
}

func sameKey(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
