package app

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"foyer/internal/budget"

	"github.com/prometheus/client_golang/prometheus"
)

// slowFigure is one that is read only when it is told.
type slowFigure struct{ begun, open chan struct{} }

var slowDesc = prometheus.NewDesc("foyer_slow", "For a test.", nil, nil)

func (slowFigure) Describe(to chan<- *prometheus.Desc) { to <- slowDesc }

func (f slowFigure) Collect(to chan<- prometheus.Metric) {
	f.begun <- struct{}{}
	<-f.open
	to <- prometheus.MustNewConstMetric(slowDesc, prometheus.GaugeValue, 1)
}

// Figures are read for a few who ask at once, and no more.
func TestMetrics_AtOnce(t *testing.T) {
	slow := slowFigure{make(chan struct{}, 2*maxConcurrentScrapes), make(chan struct{})}
	metrics := metricsOf(func(r prometheus.Registerer) { r.MustRegister(slow) })
	ask := func() int {
		answer := httptest.NewRecorder()
		metrics.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return answer.Code
	}
	first := make(chan int, maxConcurrentScrapes)
	for range maxConcurrentScrapes {
		go func() { first <- ask() }()
	}
	for range maxConcurrentScrapes {
		<-slow.begun
	}
	one := make(chan int, 1)
	go func() { one <- ask() }()
	select {
	case status := <-one:
		if status != http.StatusServiceUnavailable {
			t.Errorf("one more: %d", status)
		}
	case <-slow.begun:
		t.Error("one more is read")
	}
	close(slow.open)
	for range maxConcurrentScrapes {
		if status := <-first; status != http.StatusOK {
			t.Error(status)
		}
	}
}

// Who asks for many pages at once has them rendered in turn, and nobody else waits.
func TestRender_InTurn(t *testing.T) {
	met := make(told, 10)
	s, base := startChanged(t, nil, func(s *Server) { s.renders = newRenders(met) })
	release, err := s.renders.Acquire(t.Context(), budget.Network("127.0.0.1"), 1<<20) // all that one address has
	if err != nil {
		t.Fatal(err)
	}
	from := func(addr string) string {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
		client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
		resp, err := client.Get(base + "/signin")
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		return resp.Status
	}
	waiting := make(chan string, 1)
	go func() { waiting <- from("127.0.0.1") }()
	select {
	case <-met:
	case got := <-waiting:
		t.Fatalf("beyond its turns: %s", got)
	}
	if got := from("127.0.0.2"); got != "200 OK" {
		t.Errorf("another address: %s", got)
	}
	release()
	if got := <-waiting; got != "200 OK" {
		t.Errorf("in its turn: %s", got)
	}
}
