package xmppgw

import (
	"encoding/json"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Discovery of the endpoints (XEP-0156), from the site's public URL.

// endpoints returns the public URLs. http gives ws: that is for development on
// loopback only, and clients ignore such links.
func (g *Gateway) endpoints() (bosh, ws string) {
	return endpointsOf(strings.TrimSuffix(g.cfg.BaseURL(), "/"))
}

// endpointsOf returns those of a site.
func endpointsOf(base string) (bosh, ws string) {
	return base + BOSHPath, "ws" + strings.TrimPrefix(base, "http") + "/xmpp-websocket"
}

// hostMeta is the XRD form (XEP-0156 §2, W-18).
func (g *Gateway) hostMeta() []byte {
	bosh, ws := g.endpoints()
	return []byte(`<?xml version='1.0' encoding='utf-8'?><XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>` +
		`<Link rel='` + stanza.NSAltBOSH + `' href='` + stream.Escape(bosh) + `'/><Link rel='` + stanza.NSAltWebSocket + `' href='` + stream.Escape(ws) + `'/></XRD>`)
}

// hostMetaJSON is the JRD form (XEP-0156 §2.3, W-19).
func (g *Gateway) hostMetaJSON() ([]byte, error) {
	type link struct {
		Rel  string `json:"rel"`
		Href string `json:"href"`
	}
	bosh, ws := g.endpoints()
	return json.Marshal(map[string][]link{"links": {{stanza.NSAltBOSH, bosh}, {stanza.NSAltWebSocket, ws}}})
}
