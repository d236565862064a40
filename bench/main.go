// Command bench measures Foyer beside other XMPP servers, in one run: the same
// machine, the same Postgres with a database each, the same clients, no TLS,
// no traffic limits, archives on. It runs each server as an operator would, on
// free ports of loopback and in a directory of its own, and ends it afterwards.
// `make bench` runs it and writes bench/RESULTS.md.
//
// It reads processes' time and memory from /proc, and so needs Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"foyer/internal/pgdev"
)

// The longest a whole run may take; it ends by itself.
const runLifetime = 4 * time.Hour

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, runLifetime)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	plan    plan
	steps   *regexp.Regexp
	runs    int
	log     io.Writer
	names   []string // of the servers, in the order of the table
	notes   []string // what the report says besides
	values  map[key][]float64
	machine machine
	rooms   int
	size    size   // of the scale step
	facts   []fact // what it found
	took    time.Duration

	gateway gatewayFigures
	looks   []fact // what the page step found
}

// key names a figure.
type key struct {
	server, figure string
	transport      transport
}

func (b *bench) record(s *server, figure string, t transport, v float64) {
	k := key{s.name, figure, t}
	b.values[k] = append(b.values[k], v)
	fmt.Fprintf(b.log, "  %-22s %-10s %s\n", figure, t, number(v))
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	program := flags.String("foyer", "bin/foyer", "the program to measure")
	which := flags.String("servers", "foyer,prosody,ejabberd", "which servers")
	match := flags.String("steps", "", "a regular expression: only the steps whose name matches")
	seconds := flags.Duration("time", 6*time.Second, "how long each load is measured")
	idle := flags.Int("idle", 1000, "how many sessions do nothing when their memory is measured")
	runs := flags.Int("runs", 1, "how often; the table has the medians")
	soak := flags.Duration("soak", 0, "instead: let people talk beside each attacker for so long; -steps picks some")
	attacker := flags.String("attack", "", "instead: be this attacker of the site at -web, until interrupted")
	web := flags.String("web", "", "the attacked site")
	result := flags.String("o", "", "the file to write the table to, besides")
	var z size
	flags.IntVar(&z.accounts, "accounts", 100_000, "how many accounts the site of the scale step has; 2,600 at least")
	flags.IntVar(&z.messages, "messages", 10_000_000, "and how many archived messages")
	flags.IntVar(&z.online, "online", 2000, "and how many people are online")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *attacker != "" {
		return attackFrom(ctx, *attacker, *web)
	}
	z.arriving = 500
	steps, err := regexp.Compile(*match)
	if err != nil {
		return err
	}
	b := &bench{plan: fullPlan(*seconds, *idle), steps: steps, runs: *runs, log: log, size: z, values: make(map[key][]float64), machine: lookAtMachine()}
	if *soak > 0 {
		return b.soak(ctx, *program, *soak, out)
	}
	if err := b.all(ctx, strings.Split(*which, ","), *program); err != nil {
		return err
	}
	if len(b.names) > 0 {
		b.report(out)
	}
	if len(b.facts) > 0 {
		reportFacts(out, b.facts)
	}
	if len(b.gateway.rows) > 0 {
		b.reportGateway(out)
	}
	if len(b.looks) > 0 {
		reportFacts(out, b.looks)
	}
	if *result == "" {
		return nil
	}
	return b.writeResults(*result)
}

// all measures one server after the other on one Postgres.
func (b *bench) all(ctx context.Context, names []string, program string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	return b.withDatabase(ctx, func(dir string, pg *pgdev.Server, port int) error {
		return b.allOn(ctx, names, program, dir, pg, port)
	})
}

// allOn is all, on a Postgres that runs.
func (b *bench) allOn(ctx context.Context, names []string, program, dir string, pg *pgdev.Server, port int) error {
	if b.steps.String() != "" && b.steps.MatchString("scale") {
		if err := b.measureScale(ctx, pg, port, dir, program); err != nil {
			return err
		}
	}
	if b.steps.String() != "" && b.steps.MatchString("gateway") {
		if err := b.measureGateway(ctx, names, pg, port, dir, program); err != nil {
			return err
		}
	}
	if b.steps.String() == "page" {
		return b.measurePages(ctx, pg, port, dir, program)
	}
	if b.accounts() == 0 {
		return nil
	}
	for _, name := range names {
		w := site{dir: filepath.Join(dir, name), pg: pg, pgPort: port, database: name, users: b.accounts()}
		if err := os.MkdirAll(w.dir, 0o755); err != nil {
			return err
		}
		if err := pg.CreateDatabase(ctx, name, ""); err != nil {
			return err
		}
		if err := b.one(ctx, name, w, program); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := pg.DropDatabase(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// accounts returns how many accounts the steps that were asked for need.
func (b *bench) accounts() int {
	n := 0
	for _, step := range steps(b.plan) {
		if b.steps.MatchString(step.name) {
			n = max(n, step.accounts)
		}
	}
	return n
}

// one measures one server. One that is not installed is passed over.
func (b *bench) one(ctx context.Context, name string, w site, program string) error {
	fmt.Fprintf(b.log, "%s: starting …\n", name)
	var s *server
	var err error
	switch name {
	case "foyer":
		s, err = startFoyer(ctx, w, program)
	case "prosody":
		s, err = startProsody(ctx, w)
	case "ejabberd":
		s, err = startEjabberd(ctx, w)
	default:
		err = fmt.Errorf("there is no server %q here", name)
	}
	if errors.Is(err, errMissing) {
		b.notes = append(b.notes, err.Error())
		fmt.Fprintln(b.log, err)
		return nil
	}
	if err != nil {
		return err
	}
	defer s.stop()
	b.names = append(b.names, s.name)
	b.notes = append(b.notes, strings.TrimSpace(s.name+" "+s.version)+": "+s.note)
	for range b.runs {
		for _, step := range steps(b.plan) {
			if !b.steps.MatchString(step.name) {
				continue
			}
			fmt.Fprintf(b.log, "%s: %s\n", s.name, step.name)
			if err := step.measure(b, ctx, s); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				b.notes = append(b.notes, fmt.Sprintf("%s, %s: %.300s", s.name, step.name, err))
				fmt.Fprintln(b.log, "  failed:", err)
			}
			if err := pause(ctx, time.Second); err != nil { // the sessions' ends
				return err
			}
		}
	}
	return nil
}
