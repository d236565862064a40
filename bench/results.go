package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// The scale step's part of the file begins with this line.
const scaleTitle = "## A large site"

// writeResults writes what was measured, and leaves the other parts of the file as
// they are.
func (b *bench) writeResults(path string) error {
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	rest, pages, _ := strings.Cut(string(old), pageTitle)
	rest, large, _ := strings.Cut(rest, scaleTitle)
	servers, gateway, _ := strings.Cut(rest, gatewayTitle)
	if len(b.names) > 0 {
		servers = b.serversPart()
	}
	if len(b.gateway.rows) > 0 {
		gateway = b.gatewayPart()
	}
	if len(b.facts) > 0 {
		large = b.scalePart()
	}
	if len(b.looks) > 0 {
		pages = b.pagesPart()
	}
	text := strings.TrimRight(servers, "\n") + "\n"
	for _, part := range []struct{ title, text string }{{gatewayTitle, gateway}, {scaleTitle, large}, {pageTitle, pages}} {
		if part.text != "" {
			text += "\n" + part.title + strings.TrimRight(part.text, "\n") + "\n"
		}
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func today() string { return time.Now().UTC().Format("2 January 2006") }

// serversPart is the table of the servers beside each other, with what it needs
// to be understood.
func (b *bench) serversPart() string {
	var f strings.Builder
	fmt.Fprintf(&f, `# Results

Written by `+"`make bench`"+` on %s: %s/%s, clients and servers on the same %s; %s per
load, %s where latencies are measured, medians of %d run(s). CPU is seconds per 1,000 messages or deliveries. Rates drift from run to run; compare CPU and
ratios taken in one run.

`, today(), runtime.GOOS, runtime.GOARCH, b.machine, b.plan.seconds, b.plan.paced, b.runs)
	b.report(&f)
	fmt.Fprintln(&f)
	for _, note := range b.notes {
		fmt.Fprintf(&f, "- %s\n", note)
	}
	return f.String()
}

// scalePart is what stands below its title.
func (b *bench) scalePart() string {
	var f strings.Builder
	fmt.Fprintf(&f, `

Written by `+"`make bench ARGS=\"-steps scale\"`"+` on %s: %s accounts, %s online, %s archived messages; default settings;
clients, server and database on the same %s. It took %s. Times are p50 / p99 as the client sees them, CPU is the server's +
the database's per request; a roster's bytes and pages' are before compression. That the presence of those whom a page shows is live
is tested by `+"`xmppd/watch_test.go`"+`.

`, today(), number(float64(b.size.accounts)), number(float64(b.size.online)), number(float64(b.size.messages)), b.machine, b.took.Round(time.Second))
	reportFacts(&f, b.facts)
	return f.String()
}

func reportFacts(w io.Writer, facts []fact) {
	fmt.Fprintln(w, "| what | reached | to reach |")
	fmt.Fprintln(w, "|---|---|---|")
	for _, f := range facts {
		fmt.Fprintf(w, "| %s | %s | %s |\n", f.what, f.reached, f.goal)
	}
}
