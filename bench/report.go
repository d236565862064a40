package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// line is one line of the table: one figure, or several beside each other.
type line struct {
	work      string
	transport transport
	figures   []string
	goal      string
}

func table() []line {
	return []line{
		{"idle, KiB per session (1,000 sessions)", webSocket, []string{"idle"}, "≤ 17"},
		{"", bosh, []string{"idle"}, "≤ 22"},
		{"of that, the live heap / stacks", webSocket, []string{"idle-heap", "idle-stacks"}, ""},
		{"", bosh, []string{"idle-heap", "idle-stacks"}, ""},
		{"sign-ins per second (500, 20 at a time)", webSocket, []string{"signin-rate"}, "≥ 3,000"},
		{"server CPU per sign-in, ms", webSocket, []string{"signin-cpu"}, "≤ 0.8"},
		{"1:1 messages per second, archived, 100 sessions", webSocket, []string{"archived-rate"}, "≥ 15,000"},
		{"", bosh, []string{"archived-rate"}, ""},
		{"server + database CPU, archived", webSocket, []string{"archived-cpu"}, "≤ 0.065"},
		{"", bosh, []string{"archived-cpu"}, "≤ 0.075"},
		{"of that, the server", webSocket, []string{"archived-server-cpu"}, ""},
		{"1:1 messages per second, not archived (`no-store`)", webSocket, []string{"nostore-rate"}, "≥ 30,000"},
		{"", bosh, []string{"nostore-rate"}, ""},
		{"server CPU, not archived", webSocket, []string{"nostore-cpu"}, "≤ 0.012"},
		{"", bosh, []string{"nostore-cpu"}, "≤ 0.021"},
		{"one-way latency at 500 messages/s, p50 / p99 ms", webSocket, []string{"latency-p50", "latency-p99"}, "≤ 0.13 / 0.24"},
		{"", bosh, []string{"latency-p50", "latency-p99"}, "≤ 0.45 / 1.1"},
		{"one-way latency at 100 archived messages/s, p50 / p99 ms", webSocket, []string{"latency-archived-p50", "latency-archived-p99"}, "≤ 0.9 / 2.5"},
		{"room of 200, deliveries per second", webSocket, []string{"room-rate"}, "≥ 60,000"},
		{"CPU per 1,000 deliveries", webSocket, []string{"room-cpu"}, "≤ 0.0074"},
		{"", bosh, []string{"room-cpu"}, "≤ 0.016"},
		{"the same in rooms of 10 / 1,000", webSocket, []string{"room-small-cpu", "room-large-cpu"}, "≤ 0.028 / 0.0075"},
		{"join of 200 people into one room, seconds", webSocket, []string{"room-join"}, "≤ 0.4"},
		{"archive pages of 50 per second (10 sessions)", webSocket, []string{"pages-rate"}, "≥ 4,000"},
		{"server CPU per archive page, ms", webSocket, []string{"pages-cpu"}, "≤ 0.3"},
	}
}

// report writes the table, in Markdown.
func (b *bench) report(w io.Writer) {
	fmt.Fprint(w, "| work | transport |")
	for _, name := range b.names {
		fmt.Fprintf(w, " %s |", name)
	}
	fmt.Fprintln(w, " to reach |")
	fmt.Fprintln(w, strings.Repeat("|---", len(b.names)+3)+"|")
	for _, l := range table() {
		fmt.Fprintf(w, "| %s | %s |", l.work, l.transport)
		for _, name := range b.names {
			fmt.Fprintf(w, " %s |", b.cell(name, l))
		}
		fmt.Fprintf(w, " %s |\n", l.goal)
	}
}

func (b *bench) cell(name string, l line) string {
	var out []string
	for _, figure := range l.figures {
		values := b.values[key{name, figure, l.transport}]
		if len(values) == 0 {
			out = append(out, "–")
			continue
		}
		out = append(out, number(median(values)))
	}
	return strings.Join(out, " / ")
}

// number writes a figure with as many digits as mean something.
func number(v float64) string {
	switch {
	case v >= 1000:
		return grouped(strconv.Itoa(int(v + 0.5)))
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// grouped puts commas between thousands.
func grouped(digits string) string {
	if len(digits) <= 3 {
		return digits
	}
	n := len(digits) - 3
	return grouped(digits[:n]) + "," + digits[n:]
}
