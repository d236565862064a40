package directory

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/e2e/peers"
)

// BenchmarkCrowd lets 1,000 people sign in for the first time by a directory, over TLS and 10
// connections, within a minute, while 10 others look at pages, and reports how long each took.
// Run it with -benchtime 1x.
func BenchmarkCrowd(b *testing.B) {
	const people, within, readers = 1000, time.Minute, 10
	s := peers.StartSlapd(b)
	for i := range people {
		s.AddPerson(fmt.Sprintf("p%d", i), fmt.Sprintf("Person %d", i))
	}
	x := newSite(b, s, map[string]string{"LDAP_POOL": "10"})
	in := make([]*visitor, readers)
	for i := range in {
		in[i] = x.visitor()
		in[i].http.Transport = &http.Transport{}
		in[i].signIn("alice", "foyer-demo")
	}
	for b.Loop() {
		var mu sync.Mutex
		var pages, signIns []time.Duration
		took := func(list *[]time.Duration, began time.Time) {
			mu.Lock()
			defer mu.Unlock()
			*list = append(*list, time.Since(began))
		}
		stop := make(chan struct{})
		var reading, signing sync.WaitGroup
		for _, v := range in {
			reading.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(200 * time.Millisecond):
					}
					began := time.Now()
					if status, _ := v.get("/settings"); status != http.StatusOK {
						b.Errorf("a page answers %d", status)
					}
					took(&pages, began)
				}
			})
		}
		began := time.Now()
		tick := time.NewTicker(within / people)
		for i := range people {
			<-tick.C
			signing.Go(func() {
				v := x.visitor()
				defer took(&signIns, time.Now())
				if _, body := v.signIn(fmt.Sprintf("p%d", i), peers.SlapdPassword); !strings.Contains(body, "Sign out") {
					b.Errorf("p%d is not in", i)
				}
			})
		}
		tick.Stop()
		signing.Wait()
		b.ReportMetric(time.Since(began).Seconds(), "s/all")
		close(stop)
		reading.Wait()
		b.ReportMetric(percentile(pages, 50), "ms/page-p50")
		b.ReportMetric(percentile(pages, 99), "ms/page-p99")
		b.ReportMetric(percentile(signIns, 50), "ms/signin-p50")
		b.ReportMetric(percentile(signIns, 99), "ms/signin-p99")
	}
}

// percentile is in milliseconds.
func percentile(list []time.Duration, p int) float64 {
	slices.Sort(list)
	return float64(list[(len(list)-1)*p/100].Microseconds()) / 1000
}
