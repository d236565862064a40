package xmppgw

import (
	"slices"
	"strconv"

	"foyer/internal/stream"
)

// Acknowledgements (XEP-0124 §9), for clients that ask for them when they open
// the session. Others see no trace of them.

// wantsAcks reports whether a creation request asks for acknowledgements.
func wantsAcks(b *stream.Body) bool { return b.Attr("ack") == "1" }

// ackAttrLocked acknowledges the requests that have come so far, in the answer to one
// of them; that it came itself needs no saying (§9.1, B-43).
func (s *boshSession) ackAttrLocked(rid uint64) string {
	if !s.acks || (!s.first && s.next-1 == rid) {
		return ""
	}
	if !s.first {
		rid = s.next - 1
	}
	return ` ack="` + strconv.FormatUint(rid, 10) + `"`
}

// acknowledgedLocked forgets the answers that a request says have arrived: up to the
// one it names, or, when it names none, all before it (§9.2, B-42).
func (s *boshSession) acknowledgedLocked(r *boshRequest) {
	if !s.acks || s.first {
		return
	}
	last := r.rid - 1
	if r.body.Has("ack") {
		n, err := strconv.ParseUint(r.body.Attr("ack"), 10, 64)
		if err != nil {
			return
		}
		last = min(n, last)
	}
	s.answered = slices.DeleteFunc(s.answered, func(a boshAnswer) bool { return a.rid <= last })
}
