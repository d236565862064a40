package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"foyer/internal/pgdev"
)

// The soak: people who talk in peace, and one attacker after the other beside
// them: each once ended the program, or other people's streams.
// `make soak` runs it. All of it stays on loopback and ends by itself.

// What honest people must not notice.
const (
	honest       = 60
	honestRate   = 60                    // messages a second, of all together
	maxDelay     = 50 * time.Millisecond // at the p99
	maxMemory    = 400 << 10             // KiB
	maxKept      = 32 << 10              // KiB more than before, when the attacker is gone
	attackerName = honest                // the attackers' accounts come after the honest ones
	streamsOfOne = 50
)

// soak runs the program for one attacker after the other, for d each.
func (b *bench) soak(ctx context.Context, program string, d time.Duration, out io.Writer) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The %s. CPU is cores' worth, of the server + of the database; “machine” is the p99\nof how long a program waits for the processor because of all that runs on it.\n\n", b.machine)
	fmt.Fprintf(out, "| beside %d people who talk | messages | cut off | p50 / p99 / machine before, ms | beside, ms | CPU before | beside | memory before, MiB | most | after |\n|---|---|---|---|---|---|---|---|---|---|\n", honest)
	var failed, untold []string
	for _, a := range attacks() {
		if !b.steps.MatchString(a.name) {
			continue
		}
		r, err := b.soakOne(ctx, program, a, d)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		fmt.Fprintf(out, "| %s | %d | %d | %s | %s | %s | %s | %d | %d | %d |\n", a.name, r.beside.messages, r.alone.cutOff+r.beside.cutOff,
			r.alone.times(), r.beside.times(), r.alone.cpu, r.beside.cpu, r.fresh>>10, r.most>>10, r.after>>10)
		switch {
		case r.harmed():
			failed = append(failed, a.name)
		case r.late() && r.busy():
			untold = append(untold, a.name)
		case r.late():
			failed = append(failed, a.name)
		}
	}
	fmt.Fprintf(out, "\nLoad %s afterwards.\n", loadAverage())
	return soakResult(failed, untold)
}

// soakResult is an error unless people fared well beside every attacker. Of a machine
// that was too busy to tell, the run says so; that is no success.
func soakResult(failed, untold []string) error {
	var err error
	if len(failed) > 0 {
		err = fmt.Errorf("somebody was cut off, or the p99 was above %s, or the program took more than %d MiB, or kept %d MiB of it, beside %s", maxDelay, maxMemory>>10, maxKept>>10, strings.Join(failed, "; "))
	}
	if len(untold) > 0 {
		err = errors.Join(err, fmt.Errorf("this machine is too busy to tell how long people wait beside %s: without the attacker, or for the processor alone, the p99 is above %s; run it again with nothing else to do", strings.Join(untold, "; "), maxDelay))
	}
	return err
}

// talked is how people fared in some time.
type talked struct {
	messages, cutOff int
	p50, p99         time.Duration
	machine          time.Duration // the p99 of what something that wants to run waits for the processor, in this process
	cpu              string
}

func (t talked) times() string {
	return fmt.Sprintf("%.1f / %.1f / %.1f", milliseconds(t.p50), milliseconds(t.p99), milliseconds(t.machine))
}

// soaked is what one attacker has brought about.
type soaked struct {
	alone, beside      talked
	fresh, most, after int // KiB
}

// harmed reports whether somebody was cut off, or the program took or kept too much memory.
func (r soaked) harmed() bool {
	return r.alone.cutOff+r.beside.cutOff > 0 || r.most > maxMemory || r.after > r.fresh+maxKept
}

// late reports whether people waited too long beside the attacker.
func (r soaked) late() bool { return r.beside.p99 > maxDelay }

// busy reports whether they would have waited too long without the attacker as well:
// they did before it came, or the processor alone made them.
func (r soaked) busy() bool {
	return max(r.alone.p99, r.alone.machine, r.beside.machine) > maxDelay
}

func (b *bench) soakOne(ctx context.Context, program string, a attack, d time.Duration) (soaked, error) {
	var r soaked
	fmt.Fprintln(b.log, a.name, "…")
	err := b.withDatabase(ctx, func(dir string, pg *pgdev.Server, port int) error {
		w := site{dir: filepath.Join(dir, "site"), pg: pg, pgPort: port, database: "soak", users: honest + 10, passwords: true}
		if err := os.MkdirAll(w.dir, 0o755); err != nil {
			return err
		}
		if err := pg.CreateDatabase(ctx, w.database, ""); err != nil {
			return err
		}
		s, err := startFoyer(ctx, w, program)
		if err != nil {
			return err
		}
		defer s.stop()
		r, err = s.endure(ctx, a, d)
		return err
	})
	return r, err
}

// How long people talk before the attacker comes: a part of the time beside it.
const aloneFor = 6

// endure lets people talk, first alone and then while the attacker is at work.
func (s *server) endure(ctx context.Context, a attack, d time.Duration) (soaked, error) {
	var r soaked
	creds, err := s.credentials(ctx, honest)
	if err != nil {
		return r, err
	}
	people, err := s.signInAll(ctx, webSocket, creds, 4)
	if err != nil {
		return r, err
	}
	defer closeAll(people)
	if err := present(people); err != nil {
		return r, err
	}
	for _, c := range people {
		_ = c.link.(*wsLink).conn.SetDeadline(time.Now().Add(2*d + time.Minute)) // a deadline of the usual length is there already
	}
	talk := talkInPairs(people)
	defer talk.stop()
	if err := pause(ctx, 2*time.Second); err != nil { // what signing in left behind
		return r, err
	}
	if r.fresh, err = residentKiB(s.pid); err != nil {
		return r, err
	}
	if r.alone, err = talk.during(ctx, s, d/aloneFor); err != nil {
		return r, err
	}
	under, stop := context.WithTimeout(ctx, d)
	defer stop()
	var work sync.WaitGroup
	work.Go(func() { err = s.attack(under, a) })
	work.Go(func() { r.most = s.watchMemory(under) })
	beside, talkErr := talk.during(ctx, s, d)
	stop()
	work.Wait()
	if r.beside = beside; errors.Join(err, talkErr) != nil {
		return r, errors.Join(err, talkErr)
	}
	talk.stop()
	if err := pause(ctx, min(d, 10*time.Second)); err != nil {
		return r, err
	}
	r.after, err = residentKiB(s.pid)
	return r, err
}

// attack lets a process of its own attack until ctx ends. It gets what the processor
// has left, as if it were elsewhere: what people wait for is the server's doing, not
// that of an attacker that shares the machine with them.
func (s *server) attack(ctx context.Context, a attack) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "nice", "-n", "19", self, "-attack", a.name, "-web", s.web)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return nil // it was told to end
	}
	return fmt.Errorf("the attacker stopped: %w %s", err, out)
}

// attackFrom is the attacker's process.
func attackFrom(ctx context.Context, name, web string) error {
	for _, a := range attacks() {
		if a.name == name {
			a.run(ctx, &server{web: web, webSocket: "ws" + strings.TrimPrefix(web, "http") + "/xmpp-websocket"})
			return nil
		}
	}
	return fmt.Errorf("there is no attacker %q", name)
}

// watchMemory returns the most that the program holds until ctx ends.
func (s *server) watchMemory(ctx context.Context) (most int) {
	for pause(ctx, 100*time.Millisecond) == nil {
		if now, err := residentKiB(s.pid); err == nil {
			most = max(most, now)
		}
	}
	return most
}

// talk is people who write to each other, evenly, until it is stopped.
type talk struct {
	took *delays
	lost atomic.Int64 // people who were cut off
	stop func()
}

// talkInPairs lets every other client write to the next.
func talkInPairs(people []*client) *talk {
	ctx, cancel := context.WithCancel(context.Background())
	t := &talk{took: &delays{}}
	var all sync.WaitGroup
	t.stop = sync.OnceFunc(func() { cancel(); closeAll(people); all.Wait() })
	for _, c := range people {
		all.Go(func() {
			for {
				got, err := c.recv()
				if err != nil {
					if ctx.Err() == nil {
						t.lost.Add(1)
					}
					return
				}
				for _, g := range got {
					stamps(g, t.took.add)
				}
			}
		})
	}
	interval := time.Duration(len(people)/2) * time.Second / honestRate
	for i := 0; i+1 < len(people); i += 2 {
		all.Go(func() {
			l := newLetter(people[i].user, people[i+1].user+"@"+domain, "chat", stored)
			_ = pause(ctx, interval*time.Duration(i)/time.Duration(len(people)))
			for pause(ctx, interval) == nil {
				if people[i].push(l.write()) != nil {
					return // its reader counts it
				}
			}
		})
	}
	return t
}

// during is how the people fare for a time.
func (t *talk) during(ctx context.Context, s *server, d time.Duration) (talked, error) {
	t.took.reset()
	lost, before := t.lost.Load(), s.usage(0)
	late := &delays{}
	for end := before.at.Add(d); time.Now().Before(end); {
		const nap = 5 * time.Millisecond
		due := time.Now().Add(nap).UnixNano()
		if err := pause(ctx, nap); err != nil {
			return talked{}, err
		}
		late.add(due)
	}
	m := between(before, s.usage(0))
	return talked{
		messages: t.took.count(), cutOff: int(t.lost.Load() - lost), p50: t.took.quantile(0.5), p99: t.took.quantile(0.99), machine: late.quantile(0.99),
		cpu: fmt.Sprintf("%.2f + %.2f", m.server.Seconds()/m.elapsed.Seconds(), m.tables.Seconds()/m.elapsed.Seconds()),
	}, nil
}
