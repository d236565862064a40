//go:build linux

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

// What BenchmarkCrowd plays.
const (
	crowd   = 1000
	within  = time.Minute
	readers = 10
	alone   = 15 * time.Second // the readers, before the crowd comes
	pause   = 200 * time.Millisecond
)

// BenchmarkCrowd lets 1,000 people sign in for the first time by a directory, over TLS and 10
// connections, within a minute, while 10 others look at pages, and reports how long each took.
// Run it with -benchtime 1x.
//
// Site, browsers, directory and Postgres share the machine, so that all of their work counts
// against the pages. What else the machine does counts as well: cores/elsewhere says how much
// that was, and ms/page-alone-p99 what pages took before the crowd came. Both have to be small
// for the other figures to say something of the site. cpu-ms/signin is the work of all of them
// for one more person who comes in, and does not depend on what else there is.
func BenchmarkCrowd(b *testing.B) {
	s := peers.StartSlapd(b)
	for i := range crowd {
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
		began := look(b)
		pages := read(in, func() { time.Sleep(alone) })
		before := began.until(look(b))
		b.ReportMetric(percentile(pages, 99), "ms/page-alone-p99")

		var signIns []time.Duration
		began = look(b)
		pages = read(in, func() { signIns = x.comeIn() })
		during := began.until(look(b))
		b.ReportMetric(during.elapsed.Seconds(), "s/all")
		b.ReportMetric(percentile(pages, 50), "ms/page-p50")
		b.ReportMetric(percentile(pages, 99), "ms/page-p99")
		b.ReportMetric(percentile(signIns, 50), "ms/signin-p50")
		b.ReportMetric(percentile(signIns, 99), "ms/signin-p99")
		b.ReportMetric((during.ours-before.ours*during.elapsed.Seconds()/before.elapsed.Seconds())*1000/crowd, "cpu-ms/signin")
		b.ReportMetric(during.elsewhere/during.elapsed.Seconds(), "cores/elsewhere")
	}
}

// read lets each of them look at a page again and again while something happens, and returns
// how long each page took.
func read(in []*visitor, meanwhile func()) []time.Duration {
	var t times
	stop := make(chan struct{})
	var reading sync.WaitGroup
	for i, v := range in {
		reading.Go(func() {
			for wait := pause * time.Duration(i) / readers; ; wait = pause {
				select {
				case <-stop:
					return
				case <-time.After(wait):
				}
				began := time.Now()
				if status, _ := v.get("/settings"); status != http.StatusOK {
					v.site.t.Errorf("a page answers %d", status)
				}
				t.took(began)
			}
		})
	}
	meanwhile()
	close(stop)
	reading.Wait()
	return t.list
}

// comeIn signs the crowd in, one after the other as they come, and returns how long each took:
// the form, the answer, and the page behind it.
func (x *site) comeIn() []time.Duration {
	var t times
	var signing sync.WaitGroup
	tick := time.NewTicker(within / crowd)
	defer tick.Stop()
	for i := range crowd {
		<-tick.C
		signing.Go(func() {
			v := x.visitor()
			defer t.took(time.Now())
			if _, body := v.signIn(fmt.Sprintf("p%d", i), peers.SlapdPassword); !strings.Contains(body, "Sign out") {
				x.t.Errorf("p%d is not in", i)
			}
		})
	}
	signing.Wait()
	return t.list
}

// times are how long things took. took is safe for concurrent use.
type times struct {
	mu   sync.Mutex
	list []time.Duration
}

func (t *times) took(began time.Time) {
	took := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, took)
}

// percentile is in milliseconds.
func percentile(list []time.Duration, p int) float64 {
	slices.Sort(list)
	return float64(list[(len(list)-1)*p/100].Microseconds()) / 1000
}
