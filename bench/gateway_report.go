package main

import (
	"fmt"
	"io"
	"strings"
)

// The gateway step's part of the file begins with this line.
const gatewayTitle = "## The gateway in front of other servers"

// gatewayFigures are what the gateway step found.
type gatewayFigures struct {
	rows  []string
	notes []string
}

// compare writes the rows of one server.
func (g *gatewayFigures) compare(s *server, all []*front) {
	own := make(map[transport]way)
	for _, m := range all[0].over {
		own[m.transport] = m
	}
	for _, f := range all {
		for _, m := range f.over {
			g.rows = append(g.rows, f.row(s, m, own))
		}
	}
}

// row is what one way costs, beside the server's own endpoint.
func (f *front) row(s *server, m way, own map[transport]way) string {
	name, front, share, idle := "its own", "", "", ""
	if !f.own {
		name, front = f.name, number(m.front)
		share = fmt.Sprintf("%.0f %%", 100*m.front/own[m.transport].back)
		if f.name == gatewayName {
			idle = number(m.idle)
		}
	}
	delay, added := "–", ""
	if !m.withoutDelay {
		delay = number(m.p50) + " / " + number(m.p99)
		if !f.own {
			added = fmt.Sprintf("%+.2f / %+.2f", m.added[0], m.added[1])
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |", s.name, name, m.transport, number(m.rate), number(m.back), front, share, delay, added, idle)
}

// gatewayPart is what stands below its title.
func (b *bench) gatewayPart() string {
	var f strings.Builder
	fmt.Fprintf(&f, `

Written by `+"`make bench ARGS=\"-steps gateway\"`"+` on %s: everything on the same %s;
%s per load, messages that are not archived. CPU is seconds per 1,000 messages; its share is that of what the server's own endpoint costs.
Latency is p50 / p99 in ms at 500 messages a second, for %s. What is added is measured beside a way without it, half of the messages taking each at the same
time: over the server's port for clients (TCP) in the gateway's case, over its own endpoint in nginx's. Memory is what stands in front, for each of 1,000 idle sessions. To reach: at most 25 %%, +0.3 / +2 ms, 30 KiB.

`, today(), b.machine, b.plan.seconds, b.plan.paced)
	b.reportGateway(&f)
	for _, note := range b.gateway.notes {
		fmt.Fprintf(&f, "\n- %s\n", note)
	}
	return f.String()
}

func (b *bench) reportGateway(w io.Writer) {
	fmt.Fprintln(w, "| server | endpoint | over | messages/s | server CPU | CPU in front | share | latency | added | KiB idle |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	for _, row := range b.gateway.rows {
		fmt.Fprintln(w, row)
	}
}
