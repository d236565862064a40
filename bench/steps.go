package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// plan is how much is done of everything.
type plan struct {
	seconds     time.Duration // that a load is measured
	paced       time.Duration // that latencies are: the slowest hundredth of a few seconds is chance
	idle        int           // sessions that do nothing
	signIns     int
	concurrency int // sign-ins at a time
	pairs       int // clients that talk in pairs
	window      int // messages under way in each direction
	room        int // occupants of the usual room
	talkers     int // of them who speak
	small       int // occupants of a small room
	large       int // and of a large one
	readers     int // clients that read the archive
	page        int // messages on a page
	settling    time.Duration
}

func fullPlan(seconds time.Duration, idle int) plan {
	return plan{seconds: seconds, paced: 3 * seconds, idle: idle, signIns: 500, concurrency: 20, pairs: 100, window: 10,
		room: 200, talkers: 4, small: 10, large: 1000, readers: 10, page: 50, settling: 5 * time.Second}
}

// step measures one thing and records what it finds.
type step struct {
	name     string
	accounts int
	measure  func(*bench, context.Context, *server) error
}

func steps(p plan) []step {
	return []step{
		{"idle-websocket", p.idle, idle(webSocket)},
		{"idle-bosh", p.idle, idle(bosh)},
		{"signin", p.signIns, (*bench).signIns},
		{"archived-websocket", p.pairs, chat(webSocket, stored, "archived")},
		{"archived-bosh", p.pairs, chat(bosh, stored, "archived")},
		{"nostore-websocket", p.pairs, chat(webSocket, noStore, "nostore")},
		{"nostore-bosh", p.pairs, chat(bosh, noStore, "nostore")},
		{"latency-websocket", p.pairs, latency(webSocket, noStore, 500, "latency")},
		{"latency-bosh", p.pairs, latency(bosh, noStore, 500, "latency")},
		{"latency-archived", p.pairs, latency(webSocket, stored, 100, "latency-archived")},
		{"pages", p.pairs, (*bench).pages},
		{"room-websocket", p.room, room(webSocket, p.room, "room")},
		{"room-bosh", p.room, room(bosh, p.room, "room")},
		{"room-small", p.small, room(webSocket, p.small, "room-small")},
		{"room-large", p.large, room(webSocket, p.large, "room-large")},
	}
}

// The steps that are measured over more than one transport, or in several sizes.

type measure = func(*bench, context.Context, *server) error

func idle(t transport) measure {
	return func(b *bench, ctx context.Context, s *server) error { return b.idle(ctx, s, t) }
}

func chat(t transport, hints, what string) measure {
	return func(b *bench, ctx context.Context, s *server) error { return b.chat(ctx, s, t, hints, what) }
}

func latency(t transport, hints string, perSecond int, what string) measure {
	return func(b *bench, ctx context.Context, s *server) error {
		return b.latency(ctx, s, t, hints, perSecond, what)
	}
}

func room(t transport, n int, what string) measure {
	return func(b *bench, ctx context.Context, s *server) error { return b.room(ctx, s, t, n, what) }
}

// enter signs in the first n accounts, with presence.
func (b *bench) enter(ctx context.Context, s *server, t transport, n int) ([]*client, error) {
	creds, err := s.credentials(ctx, n)
	if err != nil {
		return nil, err
	}
	clients, err := s.signInAll(ctx, t, creds, b.plan.concurrency)
	if err != nil {
		return nil, err
	}
	if err := present(clients); err != nil {
		closeAll(clients)
		return nil, err
	}
	return clients, nil
}

// idle measures the memory of sessions that do nothing, over what the server
// took when it was fresh: what earlier sessions left behind counts. Over BOSH
// each has a request waiting, as a client has.
func (b *bench) idle(ctx context.Context, s *server, t transport) error {
	if s.fresh == (memory{}) {
		var err error
		if s.fresh, err = s.memory(ctx, b.plan.settling); err != nil {
			return err
		}
	}
	clients, err := b.enter(ctx, s, t, b.plan.idle)
	if err != nil {
		return err
	}
	if t == bosh {
		for _, c := range clients {
			go func() { _, _ = c.recv() }() // ends when it is closed
		}
	}
	m, err := s.memory(ctx, b.plan.settling)
	closeAll(clients)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.log, "  %d sessions, one server: %.0f MiB resident, %.0f of them before\n", len(clients), float64(m.resident)/1024, float64(s.fresh.resident)/1024)
	resident, heap, stacks := m.perSession(s.fresh, len(clients))
	b.record(s, "idle", t, resident)
	if s.metrics != "" {
		b.record(s, "idle-heap", t, heap)
		b.record(s, "idle-stacks", t, stacks)
	}
	return nil
}

func (b *bench) signIns(ctx context.Context, s *server) error {
	creds, err := s.credentials(ctx, b.plan.signIns)
	if err != nil {
		return err
	}
	before := s.usage(0)
	clients, err := s.signInAll(ctx, webSocket, creds, b.plan.concurrency)
	if err != nil {
		return err
	}
	m := between(before, s.usage(int64(len(clients))))
	closeAll(clients)
	b.record(s, "signin-rate", webSocket, m.rate())
	b.record(s, "signin-cpu", webSocket, milliseconds(m.cpu()))
	return nil
}

// perThousand is CPU seconds for a thousand of what takes d.
func perThousand(d time.Duration) float64 { return d.Seconds() * 1000 }

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func (b *bench) chat(ctx context.Context, s *server, t transport, hints, what string) error {
	clients, err := b.enter(ctx, s, t, b.plan.pairs)
	if err != nil {
		return err
	}
	m, err := s.exchangeMessages(ctx, clients, hints, b.plan.window, b.plan.seconds)
	if err != nil {
		return err
	}
	b.record(s, what+"-rate", t, m.rate())
	if what == "archived" {
		b.record(s, what+"-cpu", t, perThousand(m.total()))
		b.record(s, what+"-server-cpu", t, perThousand(m.cpu()))
	} else {
		b.record(s, what+"-cpu", t, perThousand(m.cpu()))
	}
	return nil
}

func (b *bench) latency(ctx context.Context, s *server, t transport, hints string, perSecond int, what string) error {
	creds, err := s.credentials(ctx, b.plan.pairs)
	if err != nil {
		return err
	}
	took, err := b.delays(ctx, s, t, creds, hints, perSecond)
	if err != nil {
		return err
	}
	p50, p99 := took.milliseconds()
	b.record(s, what+"-p50", t, p50)
	b.record(s, what+"-p99", t, p99)
	return nil
}

// delays signs accounts in; half of them write to the other half.
func (b *bench) delays(ctx context.Context, s *server, t transport, creds []credential, hints string, perSecond int) (*delays, error) {
	half := len(creds) / 2
	receivers, err := s.signInAll(ctx, t, creds[:half], b.plan.concurrency)
	if err != nil {
		return nil, err
	}
	if err := present(receivers); err != nil {
		closeAll(receivers)
		return nil, err
	}
	senders, err := s.signInAll(ctx, t, creds[half:], b.plan.concurrency)
	if err != nil {
		closeAll(receivers)
		return nil, err
	}
	return s.pacedMessages(ctx, senders, receivers, hints, perSecond, b.plan.paced)
}

// room measures a room of n people: everybody joins, then some speak.
func (b *bench) room(ctx context.Context, s *server, t transport, n int, what string) error {
	clients, err := b.enter(ctx, s, t, n)
	if err != nil {
		return err
	}
	b.rooms++
	name := fmt.Sprintf("hall%d@%s", b.rooms, mucDomain)
	took, err := s.join(ctx, clients, name)
	if err != nil {
		closeAll(clients)
		return err
	}
	b.record(s, what+"-join", t, took.Seconds())
	m, err := s.talk(ctx, clients, name, b.plan.talkers, b.plan.seconds)
	if err != nil {
		return err
	}
	b.record(s, what+"-rate", t, m.rate())
	b.record(s, what+"-cpu", t, perThousand(m.cpu()))
	return nil
}

// pages reads the archives that the messages before have filled.
func (b *bench) pages(ctx context.Context, s *server) error {
	clients, err := b.enter(ctx, s, webSocket, b.plan.readers)
	if err != nil {
		return err
	}
	m, err := s.readArchive(ctx, clients, b.plan.page, b.plan.seconds)
	if err != nil {
		return err
	}
	b.record(s, "pages-rate", webSocket, m.rate())
	b.record(s, "pages-cpu", webSocket, milliseconds(m.cpu()))
	runtime.GC() // the pages are large; the next step should not pay for them
	return nil
}
