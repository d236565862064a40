package xmppgw

import (
	"strings"

	"foyer/internal/stream"
)

// Clients that are sent to another site (RFC 7395 §3.6.1, XEP-0124 §17.2).

// seeOther returns the address where new streams go instead, or "". Nobody is sent
// from TLS to where there is none (W-17).
func (g *Gateway) seeOther(t stream.Transport) string {
	base := strings.TrimSuffix(g.cfg.SeeOther, "/")
	if base == "" || (strings.HasPrefix(g.cfg.BaseURL(), "https:") && !strings.HasPrefix(base, "https:")) {
		return ""
	}
	bosh, ws := endpointsOf(base)
	if t == stream.BOSH {
		return bosh
	}
	return ws
}

// seeOtherBody ends a BOSH session before it began (XEP-0124 §17.2, B-52).
func seeOtherBody(uri string) []byte {
	return []byte(`<body xmlns="` + stream.NSHTTPBind + `" type="terminate" condition="` + string(boshSeeOtherURI) +
		`"><uri>` + stream.Escape(uri) + `</uri></body>`)
}

// seeOther ends a WebSocket stream that goes on elsewhere, at that address.
type seeOther string

func (s seeOther) Error() string { return "xmppgw: the stream goes on at " + string(s) }

// element is what answers an <open/> then (RFC 7395 §3.6.1).
func (s seeOther) element() []byte {
	return []byte(`<close xmlns="` + stream.NSFraming + `" see-other-uri="` + stream.Escape(string(s)) + `" />`)
}
