package xmppgw

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Creating a BOSH session, and what is agreed on then (XEP-0124 §7).

// create opens a session (XEP-0124 §7), or returns nil, and what to answer
// instead.
func (g *Gateway) create(c caller, r boshHTTP, body *stream.Body, rid uint64) (*boshSession, boshReply) {
	legacy := !body.Has("ver")
	to := body.Attr("to")
	if to == "" {
		return nil, refusal(boshImproperAddressing, legacy)
	}
	where, err := g.hostOf(to)
	switch {
	case isGone(err):
		return nil, refusal(boshHostGone, legacy)
	case err != nil, !g.takesRoute(where.domain, body.Attr("route")):
		return nil, refusal(boshHostUnknown, legacy)
	}
	if elsewhere := g.seeOther(stream.BOSH); elsewhere != "" {
		return nil, boshReply{status: http.StatusOK, body: seeOtherBody(elsewhere)}
	}
	s, err := g.newBOSH(c, body, rid, where)
	if err != nil {
		return nil, refusal(admissionCondition(err), legacy)
	}
	s.remember(r)
	return s, boshReply{}
}

// isGone reports whether hostOf found a domain that was served once (XEP-0124 §17.2, B-18).
func isGone(err error) bool {
	var se *stream.Error
	return errors.As(err, &se) && se.Condition == stream.HostGone
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
	content              string // of Content-Type; empty: boshContentType
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
	if p.polls() {
		p.inactivity += p.polling + time.Second // XEP-0124 §12 (B-39)
	}
	if content := b.Attr("content"); boshContents[strings.ToLower(content)] {
		p.content = content
	}
	return p
}

// polls reports whether no request is held (XEP-0124 §12).
func (p params) polls() bool { return p.wait == 0 || p.hold == 0 }

// boshContents are what a client may have answers called (XEP-0124 §7.1, B-03):
// nothing that a browser would run, or that says more than a type.
var boshContents = map[string]bool{
	"text/xml": true, "text/xml; charset=utf-8": true, "text/xml;charset=utf-8": true,
	"application/xml": true, "application/xml; charset=utf-8": true, "text/plain": true, "text/plain; charset=utf-8": true,
}

// clamp reads a number and bounds it; without one the bound is it.
func clamp(text string, most int) int {
	n, err := stanza.ParseNumber(text, 31)
	if err != nil {
		return most
	}
	return min(int(n), most)
}

// lowerVersion returns the lower of the peer's version and ours, compared as
// two integers (XEP-0124 §7.1, B-16); empty for a peer that named none.
func lowerVersion(ver string) string {
	const ourMajor, ourMinor = 1, 11
	major, minor, ok := strings.Cut(ver, ".")
	x, err1 := strconv.ParseUint(major, 10, 31) // no signs
	y, err2 := strconv.ParseUint(minor, 10, 31)
	switch {
	case ver == "":
		return ""
	case !ok || err1 != nil || err2 != nil || x > ourMajor || (x == ourMajor && y > ourMinor):
		return "1.11"
	}
	return ver
}
