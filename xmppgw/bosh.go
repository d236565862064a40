package xmppgw

import (
	"context"
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

// boshRequest is what the HTTP adapter hands over.
type boshHTTP struct {
	header Header
	peer   string // the TCP peer's address
	body   []byte
	gone   func() bool // whether the peer has closed the connection meanwhile
}

// boshReply is an HTTP response.
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

// post handles one POST and returns when it is answered.
func (g *Gateway) post(ctx context.Context, r boshHTTP) boshReply {
	// Room for the wrapper around the largest stanza (B-09).
	if len(r.body) > g.cfg.Limits.Bytes+4096 {
		return refusal(boshPolicyViolation, false)
	}
	c, err := g.identify(ctx, r.header, r.peer)
	switch {
	case errors.Is(err, errForeignOrigin):
		return boshReply{http.StatusForbidden, terminal(boshPolicyViolation)}
	case err != nil:
		// The database is away: clients try again after a 5xx (B-33).
		g.log.Error("sign-in could not be checked", "err", err)
		return boshReply{http.StatusServiceUnavailable, nil}
	}
	body, err := stream.ParseBody(r.body, g.cfg.Limits)
	if err != nil {
		return refusal(parseCondition(err), false)
	}
	rid, err := requestID(body)
	if err != nil {
		return refusal(boshBadRequest, !body.Has("ver") && !body.Has("sid"))
	}
	if !body.Has("sid") {
		return g.create(c, body, rid, r.gone)
	}
	s := g.find(body.Attr("sid"), c)
	if s == nil {
		return boshReply{http.StatusOK, terminal(boshItemNotFound)}
	}
	return s.serve(&boshRequest{rid: rid, body: body, gone: r.gone})
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

// The largest request id (XEP-0124 §14.1): a client must be able to count on.
const maxRID = 9007199254740991

func requestID(b *stream.Body) (uint64, error) {
	rid, err := strconv.ParseUint(b.Attr("rid"), 10, 64)
	if err != nil || rid == 0 || rid > maxRID {
		return 0, boshBadRequest
	}
	return rid, nil
}

// find returns the session. One that was opened under a site session answers
// only requests that carry the same; for everybody else it does not exist.
func (g *Gateway) find(sid string, c caller) *boshSession {
	g.mu.Lock()
	s := g.sessions[sid]
	g.mu.Unlock()
	if s == nil || s.peer.Identity.Session != c.identity.Session || s.peer.Identity.User != c.identity.User {
		return nil
	}
	return s
}

// create opens a session (XEP-0124 §7).
func (g *Gateway) create(c caller, body *stream.Body, rid uint64, gone func() bool) boshReply {
	legacy := !body.Has("ver")
	switch to := body.Attr("to"); {
	case to == "":
		return refusal(boshImproperAddressing, legacy)
	case to != g.cfg.Domain:
		return refusal(boshHostUnknown, legacy)
	}
	s, err := g.newBOSH(c, body, rid)
	if err != nil {
		return refusal(admissionCondition(err), legacy)
	}
	return s.serve(&boshRequest{rid: rid, body: body, gone: gone})
}

func admissionCondition(err error) boshCondition {
	var se *stream.Error
	if errors.As(err, &se) && se.Condition == stream.SystemShutdown {
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
