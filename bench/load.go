package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// usage is what a server has used up, and what it has done for it.
type usage struct {
	at             time.Time
	count          int64
	server, tables time.Duration // CPU of the server, and of Postgres
}

// measured is the difference between two usages.
type measured struct {
	count          int64
	elapsed        time.Duration
	server, tables time.Duration
}

func (m measured) rate() float64 { return float64(m.count) / m.elapsed.Seconds() }

// cpu is the server's time per item; total adds Postgres's.
func (m measured) cpu() time.Duration { return m.server / time.Duration(max(m.count, 1)) }
func (m measured) total() time.Duration {
	return (m.server + m.tables) / time.Duration(max(m.count, 1))
}

func (s *server) usage(count int64) usage {
	return usage{at: time.Now(), count: count, server: processTime(s.pid), tables: treeTime(s.postgres)}
}

func between(a, b usage) measured {
	return measured{count: b.count - a.count, elapsed: b.at.Sub(a.at), server: b.server - a.server, tables: b.tables - a.tables}
}

// window measures a load that runs: after a time to get going, for d.
func (s *server) window(ctx context.Context, count *atomic.Int64, d time.Duration) (measured, error) {
	if err := pause(ctx, d/3); err != nil {
		return measured{}, err
	}
	before := s.usage(count.Load())
	if err := pause(ctx, d); err != nil {
		return measured{}, err
	}
	m := between(before, s.usage(count.Load()))
	if m.count == 0 {
		return m, errors.New("nothing arrived")
	}
	return m, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exchangeMessages lets the clients talk in pairs for d: each sends window
// messages, and one more for every message that arrives. So as much is under
// way as the pairs can bear, and never more.
func (s *server) exchangeMessages(ctx context.Context, clients []*client, hints string, window int, d time.Duration) (measured, error) {
	var count atomic.Int64
	stop, finished := s.background(clients, func(c *client) error {
		partner := clients[c.i^1]
		l := newLetter(c.user, partner.user+"@"+domain, "chat", hints)
		return answerEach(c, l, window, &count)
	})
	m, err := s.window(ctx, &count, d)
	stop()
	return m, errors.Join(err, <-finished)
}

// answerEach sends n messages, and one more for each that arrives.
func answerEach(c *client, l *letter, n int, count *atomic.Int64) error {
	var out [][]byte
	for {
		out = out[:0]
		for range n {
			out = append(out, l.write())
		}
		if n > 0 {
			if err := c.write(out...); err != nil {
				return err
			}
		}
		got, err := c.recv()
		if err != nil {
			return err
		}
		n = 0
		for _, g := range got {
			n += stamps(g, nil)
		}
		count.Add(int64(n))
	}
}

// background runs f for every client until stop is called, which closes them;
// finished then tells the first error that came before that.
func (s *server) background(clients []*client, f func(*client) error) (stop func(), finished <-chan error) {
	var stopped atomic.Bool
	done := make(chan error, 1)
	go func() {
		err := each(clients, func(c *client) error {
			if err := f(c); err != nil && !stopped.Load() {
				return err
			}
			return nil
		})
		done <- err
	}()
	return func() { stopped.Store(true); closeAll(clients) }, done
}

// delays collects how long messages were under way.
type delays struct {
	mu  sync.Mutex
	all []time.Duration
}

func (d *delays) add(sent int64) {
	took := time.Duration(time.Now().UnixNano() - sent)
	d.mu.Lock()
	d.all = append(d.all, took)
	d.mu.Unlock()
}

func (d *delays) reset() {
	d.mu.Lock()
	d.all = nil
	d.mu.Unlock()
}

func (d *delays) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.all)
}

// quantile returns the delay that a share q of the messages do not exceed.
func (d *delays) quantile(q float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.all) == 0 {
		return 0
	}
	slices.Sort(d.all)
	return d.all[min(int(q*float64(len(d.all))), len(d.all)-1)]
}

// milliseconds returns the median, and what one in a hundred exceeds.
func (d *delays) milliseconds() (p50, p99 float64) {
	return milliseconds(d.quantile(0.5)), milliseconds(d.quantile(0.99))
}

// pacedMessages sends perSecond messages a second, evenly, from the senders to
// the receivers, for d, and returns how long they were under way.
func (s *server) pacedMessages(ctx context.Context, senders, receivers []*client, hints string, perSecond int, d time.Duration) (*delays, error) {
	took := &delays{}
	begin := time.Now().Add(d / 4)
	stop, finished := s.background(receivers, func(c *client) error {
		for {
			got, err := c.recv()
			if err != nil {
				return err
			}
			for _, g := range got {
				stamps(g, func(sent int64) {
					if sent > begin.UnixNano() {
						took.add(sent)
					}
				})
			}
		}
	})
	interval := time.Duration(len(senders)) * time.Second / time.Duration(perSecond)
	err := each(senders, func(c *client) error {
		l := newLetter(c.user, receivers[c.i].user+"@"+domain, "chat", hints)
		next := time.Now().Add(interval * time.Duration(c.i) / time.Duration(len(senders)))
		for end := begin.Add(d); time.Now().Before(end); next = next.Add(interval) {
			if err := pause(ctx, time.Until(next)); err != nil {
				return err
			}
			if err := c.push(l.write()); err != nil {
				return err
			}
		}
		return nil
	})
	stop()
	closeAll(senders)
	err = errors.Join(err, <-finished)
	if err == nil && len(took.all) == 0 {
		err = errors.New("nothing arrived")
	}
	return took, err
}

// median of three or more runs.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
