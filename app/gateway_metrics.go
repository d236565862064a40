package app

import (
	"foyer/internal/stream"
	"foyer/xmppgw"

	"github.com/prometheus/client_golang/prometheus"
)

// gatewayMetrics exports what the gateway counts, from one look at it.
type gatewayMetrics struct {
	stats   func() xmppgw.Stats
	domains []string

	open, opened, ended, elements, bytes, logins *prometheus.Desc
	requests, repeats, waiting, queued           *prometheus.Desc
}

var _ prometheus.Collector = (*gatewayMetrics)(nil)

func newGatewayMetrics(stats func() xmppgw.Stats, domains ...string) *gatewayMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("foyer_"+name, help, labels, nil)
	}
	return &gatewayMetrics{
		stats: stats, domains: domains,
		open:     desc("streams_open", "Streams open now; of no domain are those that have named none that is served.", "domain", "transport"),
		opened:   desc("streams_opened_total", "Streams opened.", "domain", "transport"),
		ended:    desc("streams_ended_total", "Streams that ended, by stream condition or BOSH condition: none after an orderly end, disconnected when the client was lost.", "domain", "transport", "condition"),
		elements: desc("elements_total", "XML elements, stanzas above all; in is from clients.", "domain", "transport", "direction"),
		bytes:    desc("element_bytes_total", "Bytes of them, without what the transport adds.", "domain", "transport", "direction"),
		logins:   desc("logins_total", "Logins to the chat by XMPP_LOGIN, and native for clients that are no pages.", "domain", "mode", "outcome"),
		requests: desc("bosh_requests_total", "BOSH requests within a session."),
		repeats:  desc("bosh_repeats_total", "BOSH requests that had come before: their answer was lost, or took too long."),
		waiting:  desc("bosh_requests_waiting", "BOSH requests without an answer now."),
		queued:   desc("bosh_elements_queued", "Elements that wait for a BOSH request now."),
	}
}

// Describe implements prometheus.Collector.
func (m *gatewayMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.open, m.opened, m.ended, m.elements, m.bytes, m.logins, m.requests, m.repeats, m.waiting, m.queued} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *gatewayMetrics) Collect(out chan<- prometheus.Metric) {
	st := m.stats()
	counter := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	for kind := range m.kinds(st) {
		transport, traffic := string(kind.Transport), st.Traffic[kind]
		gauge(m.open, st.Open[kind], kind.Domain, transport)
		counter(m.opened, st.Opened[kind], kind.Domain, transport)
		counter(m.elements, traffic.ElementsIn, kind.Domain, transport, "in")
		counter(m.elements, traffic.ElementsOut, kind.Domain, transport, "out")
		counter(m.bytes, traffic.BytesIn, kind.Domain, transport, "in")
		counter(m.bytes, traffic.BytesOut, kind.Domain, transport, "out")
	}
	for e, n := range st.Ended {
		counter(m.ended, n, e.Domain, string(e.Transport), e.Condition)
	}
	for l, n := range st.Logins {
		counter(m.logins, n, l.Domain, l.Mode, string(l.Outcome))
	}
	counter(m.requests, st.BOSHRequests)
	counter(m.repeats, st.BOSHRepeats)
	gauge(m.waiting, st.BOSHWaiting)
	gauge(m.queued, st.BOSHQueued)
}

// kinds are what streams are counted by: each domain over each transport, whether one came
// or not, since a rate needs the zero before the first, and what else there is.
func (m *gatewayMetrics) kinds(st xmppgw.Stats) map[xmppgw.StreamKind]bool {
	kinds := make(map[xmppgw.StreamKind]bool)
	for _, domain := range m.domains {
		for _, transport := range []stream.Transport{stream.WebSocket, stream.BOSH, stream.TCP} {
			kinds[xmppgw.StreamKind{Transport: transport, Domain: domain}] = true
		}
	}
	for kind := range st.Opened {
		kinds[kind] = true
	}
	return kinds
}
