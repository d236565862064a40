package muc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"foyer/internal/stanza"
)

// occupantIDOf is who somebody is in a room, whatever the nickname, and tells
// nothing to those who do not have the key (XEP-0421 §4, §5, S-91).
func (r *room) occupantIDOf(bare string) string {
	mac := hmac.New(sha256.New, r.svc.cfg.Key)
	mac.Write([]byte(r.jid))
	mac.Write([]byte{0})
	mac.Write([]byte(bare))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// occupantID is the element; ids need no escaping.
func occupantID(id string) []byte {
	return []byte(`<occupant-id xmlns="` + stanza.NSOccupantID + `" id="` + id + `"/>`)
}
