package xmppgw

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// BOSH over HTTP (XEP-0124, XEP-0206): from a request to its session and back.
// The session itself is in bosh_session.go.

const boshContentType = "text/xml; charset=utf-8"

// How long it may take to find out who is asking.
const askTimeout = 15 * time.Second

// boshHTTP is a request as the HTTP adapter hands it over.
type boshHTTP struct {
	header Header
	peer   string // the TCP peer's address
	body   []byte // the session keeps it
	packed bool   // the body is compressed
}

// boshReply is an HTTP response; status 0 closes the connection without one.
type boshReply struct {
	status  int
	body    []byte
	content string // its Content-Type; empty: boshContentType
	packed  bool   // the body is compressed
	refused bool   // it costs the client a refusal
}

// boshCondition is a terminal binding condition (XEP-0124 §17.2).
type boshCondition string

func (c boshCondition) Error() string { return "bosh: " + string(c) }

const (
	boshBadRequest         boshCondition = "bad-request"
	boshHostGone           boshCondition = "host-gone"
	boshHostUnknown        boshCondition = "host-unknown"
	boshImproperAddressing boshCondition = "improper-addressing"
	boshItemNotFound       boshCondition = "item-not-found"
	boshPolicyViolation    boshCondition = "policy-violation"
	boshSystemShutdown     boshCondition = "system-shutdown"

	boshInternalServerError    boshCondition = "internal-server-error"
	boshRemoteConnectionFailed boshCondition = "remote-connection-failed"
	boshSeeOtherURI            boshCondition = "see-other-uri"
)

// terminal is a body that ends a session, or says that there is none.
func terminal(c boshCondition) []byte {
	return []byte(`<body xmlns="` + stream.NSHTTPBind + `" type="terminate" condition="` + string(c) + `"/>`)
}

// refusal answers a request outside any session. Peers that know no conditions
// (they sent no ver) get a status instead (XEP-0124 §17.1, §17.2, B-48).
func refusal(c boshCondition, legacy bool) boshReply {
	status := http.StatusOK
	if legacy {
		switch c {
		case boshBadRequest:
			status = http.StatusBadRequest
		case boshPolicyViolation:
			status = http.StatusForbidden
		case boshItemNotFound:
			status = http.StatusNotFound
		}
	}
	return boshReply{status: status, body: terminal(c), refused: refused(c, false, false) && c != boshItemNotFound}
}

// MaxBody is the largest body of a BOSH request, in bytes: the largest stanza, and
// room for the wrapper around it (B-09).
func (g *Gateway) MaxBody() int { return g.cfg.Limits.Bytes + 4096 }

// post handles one POST, and lets asker have the answer, which may take a while: it
// comes from the session that is returned, or is there already.
func (g *Gateway) post(ctx context.Context, r boshHTTP, asker boshAsker) *boshSession {
	c, err := g.callerOf(r.header, r.peer)
	if err != nil {
		g.refuse(c.addr, asker, boshReply{status: http.StatusForbidden, body: terminal(boshPolicyViolation), refused: true})
		return nil
	}
	if r.packed {
		unpacked, free, err := g.unpack(ctx, c.addr, r.body)
		if err != nil { // clients try again after a 5xx (B-33)
			asker.answer(boshReply{status: http.StatusServiceUnavailable})
			return nil
		}
		defer free()
		r.body = unpacked
	}
	body, rid, why := g.parse(r.body)
	if why != "" {
		g.refuse(c.addr, asker, g.unusable(ctx, c, r, why))
		return nil
	}
	s, refused := g.sessionFor(ctx, c, r, body, rid)
	if s == nil {
		g.refuse(c.addr, asker, refused)
		return nil
	}
	s.serve(&boshRequest{rid: rid, body: body, asker: asker, size: len(r.body)})
	return s
}

// parse reads a request; why is empty when it can be used.
func (g *Gateway) parse(raw []byte) (body *stream.Body, rid uint64, why boshCondition) {
	if len(raw) > g.MaxBody() {
		return nil, 0, boshPolicyViolation
	}
	body, err := stream.ParseBody(raw, g.cfg.Limits)
	if err != nil {
		return nil, 0, parseCondition(err)
	}
	if rid = requestID(body); rid == 0 {
		return nil, 0, boshBadRequest
	}
	return body, rid, ""
}

// unusable returns the answer to a request that cannot be read, or is too large. The
// session that its wrapper names ends by it, where that answers who is asking: "these
// binding errors imply that the HTTP session is terminated" (XEP-0124 §17.2, B-08, B-09).
func (g *Gateway) unusable(ctx context.Context, c caller, r boshHTTP, why boshCondition) boshReply {
	wrapper, err := stream.ParseWrapper(r.body, g.cfg.Limits)
	if err != nil {
		return refusal(why, false) // whose it is nobody can tell
	}
	if !wrapper.Has("sid") {
		return refusal(why, !wrapper.Has("ver"))
	}
	s, answer := g.sessionFor(ctx, c, r, wrapper, 0)
	switch {
	case s != nil:
		return s.fail(why)
	case answer.status == http.StatusOK: // there is none
		return refusal(why, false)
	}
	return answer
}

// sessionFor returns the session that a request is for; one that it creates; or
// nil, and what to answer instead.
func (g *Gateway) sessionFor(ctx context.Context, c caller, r boshHTTP, body *stream.Body, rid uint64) (*boshSession, boshReply) {
	s := g.boshSession(body.Attr("sid"))
	if s != nil && s.secure && !c.secure {
		// XEP-0124 §19.1 (B-54): a sid that travels in the clear ends nothing.
		return nil, boshReply{}
	}
	known, fresh := s.knowsCaller(c, r)
	if fresh {
		return s, boshReply{}
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c, err := g.identify(ctx, r.header, r.peer)
	switch {
	case err != nil && known:
		// The database is away, which is no reason to break off a conversation.
		return s, boshReply{}
	case err != nil:
		// Clients try again after a 5xx (B-33).
		g.failed.Error(g.log, "sign-in", "sign-in could not be checked", "err", err)
		return nil, boshReply{status: http.StatusServiceUnavailable}
	case !body.Has("sid"):
		return g.create(c, r, body, rid)
	case s == nil || !s.belongsTo(c):
		return nil, boshReply{status: http.StatusOK, body: terminal(boshItemNotFound)}
	}
	s.remember(r)
	return s, boshReply{}
}

// parseCondition: XML that is refused is a bad request, what is too large is
// against policy (XEP-0124 §17.2).
func parseCondition(err error) boshCondition {
	var se *stream.Error
	if errors.As(err, &se) && se.Condition == stream.PolicyViolation {
		return boshPolicyViolation
	}
	return boshBadRequest
}

// maxRID is the largest request id (XEP-0124 §14.1): a client must be able to count on.
const maxRID = 9007199254740991

// requestID returns a request's id; 0: it has none that may be.
func requestID(b *stream.Body) uint64 {
	rid, err := stanza.ParseNumber(b.Attr("rid"), 64)
	if err != nil || rid > maxRID {
		return 0
	}
	return rid
}

// boshSession returns the session with that sid, or nil.
func (g *Gateway) boshSession(sid string) *boshSession {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sessions[sid]
}

// belongsTo reports whether a request may use the session. One that was opened
// under a site session answers only requests that carry the same; for everybody
// else it does not exist.
func (s *boshSession) belongsTo(c caller) bool {
	return s.peer.Identity.Session == c.identity.Session && s.peer.Identity.User == c.identity.User
}

// proof is what proved the site session, and when it did.
type proof struct {
	of [sha256.Size]byte
	at time.Time
}

// proofOf is the cookies of a request, and what else the site looks at.
func (g *Gateway) proofOf(r boshHTTP) proof {
	all := []string{r.header.Get("Cookie")}
	if len(g.cfg.Proofs) > 0 {
		all = append(all, r.peer)
	}
	for _, name := range g.cfg.Proofs {
		all = append(all, r.header.Get(name))
	}
	return proof{sha256.Sum256([]byte(strings.Join(all, "\n"))), time.Now()} // no header has a line's end
}

// knowsCaller reports whether a request carries the very cookies, and other proofs, that
// proved the site session before (known), and whether that was so lately that the site need
// not be asked again (fresh). A site session that ends takes its BOSH sessions
// with it (Gateway.End), so what was proved still stands.
func (s *boshSession) knowsCaller(c caller, r boshHTTP) (known, fresh bool) {
	switch {
	case s == nil:
		return false, false
	case s.peer.Identity.IsZero() || c.trust != TrustCookies:
		same := s.peer.Identity.IsZero() && c.trust != TrustCookies
		return same, same
	}
	was, now := s.proof.Load(), s.gateway.proofOf(r)
	if was == nil || subtle.ConstantTimeCompare(was.of[:], now.of[:]) == 0 {
		return false, false
	}
	return true, now.at.Sub(was.at) < s.gateway.cfg.Recheck
}

// remember notes what proved the site session just now.
func (s *boshSession) remember(r boshHTTP) {
	p := s.gateway.proofOf(r)
	s.proof.Store(&p)
}
