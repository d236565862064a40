package sasl

import "foyer/internal/stream"

// The types of channel binding (RFC 5929 §4, RFC 9266).
const (
	bindEndpoint = "tls-server-end-point"
	bindExporter = "tls-exporter"
)

// BindingTypes returns the types of channel binding that a connection has, the best
// first (XEP-0440 §3).
func BindingTypes(b stream.Binding) []string {
	var types []string
	if b.Exporter != nil {
		types = append(types, bindExporter)
	}
	if b.Endpoint != nil {
		types = append(types, bindEndpoint)
	}
	return types
}

// bindingData returns the data of a binding; nil: there is none of that type.
func bindingData(b stream.Binding, kind string) []byte {
	switch kind {
	case bindEndpoint:
		return b.Endpoint
	case bindExporter:
		return b.Exporter
	}
	return nil
}
