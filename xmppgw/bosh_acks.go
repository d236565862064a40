package xmppgw

import (
	"slices"
	"strconv"
	"time"

	"foyer/internal/stanza"
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
		n, err := stanza.ParseNumber(r.body.Attr("ack"), 64)
		if err != nil {
			return
		}
		last = min(n, last)
	}
	s.answered = slices.DeleteFunc(s.answered, func(a boshAnswer) bool { return a.rid <= last })
	s.missedLocked(last + 1)
}

// How long an answer may be under way before a client without it is told.
const reportAfter = time.Second

// missedLocked lets the client know with the next answer, which comes at once, that
// it may have missed one; each is reported once (XEP-0124 §9.2, B-42).
func (s *boshSession) missedLocked(rid uint64) {
	if len(s.answered) == 0 || s.answered[0].rid != rid || s.reported >= rid {
		return
	}
	if s.gateway.now()-s.answered[0].at >= reportAfter {
		s.report, s.reported = rid, rid
	}
}

// reportAttrsLocked tells which answer may have been missed, and how many
// milliseconds ago it was sent.
func (s *boshSession) reportAttrsLocked() string {
	if s.report == 0 {
		return ""
	}
	rid := s.report
	s.report = 0
	i := slices.IndexFunc(s.answered, func(a boshAnswer) bool { return a.rid == rid })
	if i < 0 {
		return ""
	}
	ago := (s.gateway.now() - s.answered[i].at).Milliseconds()
	return ` report="` + strconv.FormatUint(rid, 10) + `" time="` + strconv.FormatInt(ago, 10) + `"`
}
