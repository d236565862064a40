package app

import (
	"foyer/xmppgw/relay"

	"github.com/prometheus/client_golang/prometheus"
)

// upstreamMetrics exports how long another XMPP server takes to answer.
type upstreamMetrics struct {
	stats            func() relay.Stats
	signIns, answers *prometheus.Desc
}

var _ prometheus.Collector = (*upstreamMetrics)(nil)

func newUpstreamMetrics(stats func() relay.Stats, domain string) *upstreamMetrics {
	labels := prometheus.Labels{"domain": domain}
	return &upstreamMetrics{
		stats:   stats,
		signIns: prometheus.NewDesc("foyer_upstream_sign_in_seconds", "How long sign-ins at the XMPP server took, from dialling on; those that worked.", nil, labels),
		answers: prometheus.NewDesc("foyer_upstream_answer_seconds", "How long the XMPP server took to say what had come (stream management).", nil, labels),
	}
}

// metrics are what this chat server has besides.
func (r *upstreamChat) metrics() prometheus.Collector { return newUpstreamMetrics(r.Stats, r.domain) }

// Describe implements prometheus.Collector.
func (m *upstreamMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.signIns
	out <- m.answers
}

// Collect implements prometheus.Collector.
func (m *upstreamMetrics) Collect(out chan<- prometheus.Metric) {
	st := m.stats()
	out <- histogram(m.signIns, st.SignIns)
	out <- histogram(m.answers, st.Answers)
}

func histogram(desc *prometheus.Desc, l relay.Latency) prometheus.Metric {
	buckets := make(map[float64]uint64, len(l.Buckets))
	for most, n := range l.Buckets {
		buckets[most.Seconds()] = uint64(n)
	}
	return prometheus.MustNewConstHistogram(desc, uint64(l.Count), l.Sum.Seconds(), buckets)
}
