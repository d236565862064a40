package relay

import (
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
// its third version does not pass.
func passedFeatures(features *stream.Element, t stream.Transport) []byte {
	dst := []byte(`<stream:features xmlns:stream="` + stream.NSStream + `">`)
	for child := range features.Children() {
		if passes(child.Name, t) {
			dst = append(dst, child.Raw()...)
		}
	}
	return append(dst, `</stream:features>`...)
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
