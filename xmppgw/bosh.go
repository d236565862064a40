package xmppgw

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"foyer/internal/stream"
)

// BOSH over HTTP (XEP-0124, XEP-0206): from a request to its session and back.
// The session itself is in bosh_session.go.

const boshContentType = "text/xml; charset=utf-8"

// boshHTTP is a request as the HTTP adapter hands it over.
type boshHTTP struct {
	header Header
	peer   string // the TCP peer's address
	body   []byte // the session keeps it
}

// boshReply is an HTTP response; status 0 closes the connection without one.
type boshReply struct {
	status int
	body   []byte
}

// boshCondition is a terminal binding condition (XEP-0124 §17.2).
type boshCondition string

func (c boshCondition) Error() string { return "bosh: " + string(c) }

const (
	boshBadRequest         boshCondition = "bad-request"
	boshHostUnknown        boshCondition = "host-unknown"
	boshImproperAddressing boshCondition = "improper-addressing"
	boshItemNotFound       boshCondition = "item-not-found"
	boshPolicyViolation    boshCondition = "policy-violation"
	boshSystemShutdown     boshCondition = "system-shutdown"

	boshInternalServerError    boshCondition = "internal-server-error"
	boshRemoteConnectionFailed boshCondition = "remote-connection-failed"
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
	return boshReply{status, terminal(c)}
}

// MaxBody is the largest body of a BOSH request, in bytes: the largest stanza, and
// room for the wrapper around it (B-09).
func (g *Gateway) MaxBody() int { return g.cfg.Limits.Bytes + 4096 }

// post handles one POST, and lets asker have the answer, which may take a while: it
// comes from the session that is returned, or is there already.
func (g *Gateway) post(ctx context.Context, r boshHTTP, asker boshAsker) *boshSession {
	if len(r.body) > g.MaxBody() {
		asker.answer(refusal(boshPolicyViolation, false))
		return nil
	}
	c, err := g.arrive(r.header, r.peer)
	if err != nil {
		asker.answer(boshReply{http.StatusForbidden, terminal(boshPolicyViolation)})
		return nil
	}
	body, err := stream.ParseBody(r.body, g.cfg.Limits)
	if err != nil {
		asker.answer(refusal(parseCondition(err), false))
		return nil
	}
	rid, err := requestID(body)
	if err != nil {
		asker.answer(refusal(boshBadRequest, !body.Has("ver") && !body.Has("sid")))
		return nil
	}
	s, refused := g.sessionFor(ctx, c, r, body, rid)
	if s == nil {
		asker.answer(refused)
		return nil
	}
	s.serve(&boshRequest{rid: rid, body: body, asker: asker})
	return s
}

// sessionFor returns the session that a request is for; one that it creates; or
// nil, and what to answer instead.
func (g *Gateway) sessionFor(ctx context.Context, c caller, r boshHTTP, body *stream.Body, rid uint64) (*boshSession, boshReply) {
	s := g.boshSession(body.Attr("sid"))
	if s != nil && s.secure && !c.secure {
		// XEP-0124 §19.1 (B-54): a sid that travels in the clear ends nothing.
		return nil, boshReply{}
	}
	known, fresh := s.recognises(c, r.header)
	if fresh {
		return s, boshReply{}
	}
	c, err := g.identify(ctx, r.header, r.peer)
	switch {
	case err != nil && known:
		// The database is away, which is no reason to break off a conversation.
		return s, boshReply{}
	case err != nil:
		// Clients try again after a 5xx (B-33).
		g.log.Error("sign-in could not be checked", "err", err)
		return nil, boshReply{http.StatusServiceUnavailable, nil}
	case !body.Has("sid"):
		return g.create(c, r.header, body, rid)
	case s == nil || !s.belongsTo(c):
		return nil, boshReply{http.StatusOK, terminal(boshItemNotFound)}
	}
	s.remember(r.header)
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

func requestID(b *stream.Body) (uint64, error) {
	rid, err := strconv.ParseUint(b.Attr("rid"), 10, 64)
	if err != nil || rid == 0 || rid > maxRID {
		return 0, boshBadRequest
	}
	return rid, nil
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

// proof is the cookies that proved the site session, and when they did.
type proof struct {
	cookies [sha256.Size]byte
	at      time.Time
}

func proofOf(h Header) proof {
	return proof{sha256.Sum256([]byte(h.Get("Cookie"))), time.Now()}
}

// recognises reports whether a request carries the very cookies that proved the
// site session before (known), and whether that was so lately that the site need
// not be asked again (fresh). A site session that ends takes its BOSH sessions
// with it (Gateway.End), so what was proved still stands.
func (s *boshSession) recognises(c caller, h Header) (known, fresh bool) {
	switch {
	case s == nil:
		return false, false
	case s.peer.Identity.IsZero() || c.trust != TrustCookies:
		same := s.peer.Identity.IsZero() && c.trust != TrustCookies
		return same, same
	}
	was, now := s.proof.Load(), proofOf(h)
	if was == nil || subtle.ConstantTimeCompare(was.cookies[:], now.cookies[:]) == 0 {
		return false, false
	}
	return true, now.at.Sub(was.at) < s.gateway.cfg.Recheck
}

// remember notes the cookies that proved the site session just now.
func (s *boshSession) remember(h Header) {
	p := proofOf(h)
	s.proof.Store(&p)
}

// create opens a session (XEP-0124 §7), or returns nil, and what to answer
// instead.
func (g *Gateway) create(c caller, h Header, body *stream.Body, rid uint64) (*boshSession, boshReply) {
	legacy := !body.Has("ver")
	switch to := body.Attr("to"); {
	case to == "":
		return nil, refusal(boshImproperAddressing, legacy)
	case !g.serves(to):
		return nil, refusal(boshHostUnknown, legacy)
	}
	s, err := g.newBOSH(c, body, rid)
	if err != nil {
		return nil, refusal(admissionCondition(err), legacy)
	}
	s.remember(h)
	return s, boshReply{}
}

// admissionCondition: what is no refusal is a fault of the gateway (B-50).
func admissionCondition(err error) boshCondition {
	var se *stream.Error
	switch {
	case !errors.As(err, &se):
		return boshInternalServerError
	case se.Condition == stream.SystemShutdown:
		return boshSystemShutdown
	}
	return boshPolicyViolation
}

// params are the session's, as agreed (XEP-0124 §7.1, §7.2).
type params struct {
	wait, hold, requests int
	polling, inactivity  time.Duration
	ver                  string
	from                 string
}

// The limits that are offered.
const (
	boshMaxHold  = 2
	boshMaxPause = 120 * time.Second
	boshPolling  = 2 * time.Second
)

func (g *Gateway) negotiate(b *stream.Body) params {
	p := params{
		wait:       clamp(b.Attr("wait"), int(g.cfg.MaxWait.Seconds())),
		hold:       clamp(b.Attr("hold"), boshMaxHold),
		polling:    boshPolling,
		inactivity: g.cfg.Inactivity,
		ver:        lowerVersion(b.Attr("ver")),
		from:       b.Attr("from"),
	}
	// B-15, B-57: one more than hold, and never less than two.
	p.requests = max(p.hold+1, 2)
	return p
}

// clamp reads a number and bounds it; without one the bound is it.
func clamp(text string, most int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return most
	}
	return min(n, most)
}

// lowerVersion returns the lower of the peer's version and ours, compared as
// two integers (XEP-0124 §7.1, B-16); empty for a peer that named none.
func lowerVersion(ver string) string {
	const ourMajor, ourMinor = 1, 11
	major, minor, ok := strings.Cut(ver, ".")
	x, err1 := strconv.Atoi(major)
	y, err2 := strconv.Atoi(minor)
	switch {
	case ver == "":
		return ""
	case !ok || err1 != nil || err2 != nil || x > ourMajor || (x == ourMajor && y > ourMinor):
		return "1.11"
	}
	return ver
}
