package relay

import (
	"strconv"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Namespaces of features that are not passed on.
const (
	nsCompress    = "http://jabber.org/features/compress"
	nsRegister    = "http://jabber.org/features/iq-register"
	nsLegacyLogin = "http://jabber.org/features/iq-auth"
)

// passedFeatures are the upstream's features after the sign-in, as the client may see
// them: without what it would negotiate with the relay instead of the upstream (TLS, SASL,
// compression), and on BOSH, which has its own, without stream management. XEP-0198 before
// its third version does not pass. The limits are those of both together.
func passedFeatures(features *stream.Element, p *stream.Peer) []byte {
	dst := []byte(`<stream:features xmlns:stream="` + stream.NSStream + `">`)
	most := p.MaxBytes
	for child := range features.Children() {
		switch {
		case child.Name == stream.Name{Space: stanza.NSStreamLimits, Local: "limits"}:
			most = smaller(most, limitOf(child))
		case passes(child.Name, p.Transport):
			dst = append(dst, child.Raw()...)
		}
	}
	return append(dst, stanza.StreamLimits(most, p.Idle)+`</stream:features>`...)
}

// limitOf returns the size of the largest element that the upstream takes (XEP-0478 §3);
// 0: it does not say.
func limitOf(limits stream.Child) int {
	most, ok := limits.Find(stanza.NSStreamLimits, "max-bytes")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(most.Text()))
	if err != nil {
		return 0
	}
	return n
}

// smaller returns the smaller of two limits, of which 0 is none.
func smaller(a, b int) int {
	if a <= 0 || (b > 0 && b < a) {
		return b
	}
	return a
}

func passes(feature stream.Name, t stream.Transport) bool {
	switch feature.Space {
	case stanza.NSTLS, stanza.NSSASL, stanza.NSSASL2, stanza.NSSASLCB, nsCompress, nsRegister, nsLegacyLogin:
		return false
	case stanza.NSSM:
		return t != stream.BOSH
	}
	return feature.Local != "sm"
}
