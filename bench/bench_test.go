package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serverFrame is a frame as servers send it: not masked.
func serverFrame(opcode byte, payload string) []byte {
	out := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		out = append(out, byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, 126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 127), uint64(n))
	}
	return append(out, payload...)
}

func TestCutFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 300, 1<<16 - 1, 1 << 16, 100_000} {
		want := strings.Repeat("x", size)
		raw := append(serverFrame(opText, want), serverFrame(opPing, "next")...)
		opcode, payload, n, err := cutFrame(raw)
		if err != nil || opcode != opText || string(payload) != want {
			t.Fatalf("%d bytes: opcode %d, %d bytes, %v", size, opcode, len(payload), err)
		}
		if opcode, payload, _, err = cutFrame(raw[n:]); err != nil || opcode != opPing || string(payload) != "next" {
			t.Fatalf("after %d bytes: opcode %d, %q, %v", size, opcode, payload, err)
		}
		for _, short := range []int{0, 1, n - 1} {
			if _, _, got, err := cutFrame(raw[:short]); got != 0 || err != nil {
				t.Fatalf("%d of %d bytes gave a frame of %d, %v", short, n, got, err)
			}
		}
	}
	if _, _, _, err := cutFrame(appendFrame(nil, opText, []byte("masked"))); err == nil {
		t.Error("a masked frame was taken from a server (RFC 6455 §5.1)")
	}
}

func TestLetter_CarriesWhenItWasSent(t *testing.T) {
	l := newLetter("a", "b@localhost", "chat", noStore)
	var sent []time.Time
	both := append(l.write(), l.write()...)
	n := stamps(both, func(at int64) { sent = append(sent, time.Unix(0, at)) })
	if n != 2 || len(sent) != 2 {
		t.Fatalf("%d stamps in %s", n, both)
	}
	if d := time.Since(sent[0]); d < 0 || d > time.Minute || sent[1].Before(sent[0]) {
		t.Errorf("sent at %v", sent)
	}
	if !bytes.Contains(both, []byte(`id="a-1"`)) || !bytes.Contains(both, []byte(`id="a-2"`)) {
		t.Errorf("ids: %s", both)
	}
}

func TestRoomCounts(t *testing.T) {
	from := []byte("hall@conference.localhost/")
	in := []byte(`<body><presence from='hall@conference.localhost/u1' to='me'/><presence from="me"/>` +
		`<presence from="hall@conference.localhost/u2"><x/></presence></body>`)
	if n := occupants(in, from); n != 2 {
		t.Errorf("%d occupants, want 2", n)
	}
	in = []byte(`<message from='hall@conference.localhost/u1'><body/></message><message from="hall@conference.localhost/u11"/>`)
	if n := spoken(in, []byte(`/u1"`)); n != 1 {
		t.Errorf("%d spoken, want 1", n)
	}
}

func TestQuantile(t *testing.T) {
	d := &delays{}
	for i := 100; i > 0; i-- {
		d.all = append(d.all, time.Duration(i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := d.quantile(q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Errorf("median %v", m)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0.0123: "0.012", 0.25: "0.25", 3.14159: "3.1", 446.2: "446", 1649: "1,649", 63894.4: "63,894"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

// A process may be called anything.
func TestParseStat(t *testing.T) {
	st, err := parseStat(7, []byte("7 (a) b) S 3 7 7 0 -1 4194560 1 0 0 0 120 30 4 5 20 0 1 0"))
	if err != nil || st.parent != 3 || st.own != 1500*time.Millisecond || st.children != 90*time.Millisecond {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestProcess_OfThisOne(t *testing.T) {
	if _, err := os.Stat("/proc/self/smaps_rollup"); err != nil {
		t.Skip("no /proc as Linux has it")
	}
	if kib, err := residentKiB(os.Getpid()); err != nil || kib < 1000 {
		t.Errorf("%d KiB, %v", kib, err)
	}
	before := processTime(os.Getpid())
	for end := time.Now().Add(time.Minute); processTime(os.Getpid()) == before; {
		if time.Now().After(end) {
			t.Fatal("time stands still")
		}
	}
	if all := treeTime(os.Getpid()); all < before {
		t.Errorf("with its children %v, alone %v", all, before)
	}
}

// Every figure of the table is measured by some step.
func TestTable_OfAFullRun(t *testing.T) {
	b := &bench{names: []string{"One"}, values: make(map[key][]float64)}
	for _, l := range table() {
		for _, figure := range l.figures {
			b.values[key{"One", figure, l.transport}] = []float64{1, 3, 2}
		}
	}
	var out bytes.Buffer
	b.report(&out)
	if strings.Contains(out.String(), "–") || !strings.Contains(out.String(), "| 2.0 / 2.0 |") {
		t.Error(out.String())
	}
	if rows := slices.Collect(strings.Lines(out.String())); len(rows) != len(table())+2 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestWithoutMessages(t *testing.T) {
	const in = `<body><message type='error'><body>x</body></message><presence/><message type='error'/><iq type='error'/><message>`
	if got := string(withoutMessages([]byte(in))); got != "<body><presence/>" {
		t.Error(got)
	}
	if !failed(withoutMessages([]byte(`<message type='error'></message><iq type='error'/>`))) {
		t.Error("an answer that is an error was left out")
	}
}

// What the gateway costs stands beside the server's own endpoint.
func TestGatewayFigures(t *testing.T) {
	own := &front{own: true, over: []way{{transport: webSocket, back: 0.2, p50: 0.9, p99: 9}, {transport: tcp, back: 0.1, p50: 0.5, p99: 5}}}
	through := &front{server: &server{name: gatewayName}, over: []way{{transport: webSocket, front: 0.02, back: 0.1, p50: 0.6, p99: 5.5, added: [2]float64{0.1, 0.5}, idle: 20}}}
	nginx := &front{server: &server{name: "nginx"}, over: []way{{transport: webSocket, front: 0.1, back: 0.2, p50: 1, p99: 10, added: [2]float64{0.1, 1}}}}
	var g gatewayFigures
	g.compare(&server{name: "One"}, []*front{own, through, nginx})
	want := []string{
		"| One | its own | WebSocket | 0.000 | 0.20 |  |  | 0.90 / 9.0 |  |  |",
		"| One | its own | TCP | 0.000 | 0.10 |  |  | 0.50 / 5.0 |  |  |",
		"| One | foyer gateway | WebSocket | 0.000 | 0.10 | 0.020 | 10 % | 0.60 / 5.5 | +0.10 / +0.50 | 20.0 |",
		"| One | nginx | WebSocket | 0.000 | 0.20 | 0.10 | 50 % | 1.0 / 10.0 | +0.10 / +1.00 |  |",
	}
	if !slices.Equal(g.rows, want) {
		t.Errorf("the rows are\n%s", strings.Join(g.rows, "\n"))
	}
}

// Each part of the results stays when only another is measured.
func TestWriteResults_LeavesTheOtherParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "RESULTS.md")
	servers := &bench{names: []string{"Foyer"}, notes: []string{"a note"}}
	large := &bench{facts: []fact{{"the home page", "1.0 ms", "≤ 2 ms"}}}
	gateway := &bench{gateway: gatewayFigures{rows: []string{"| a row |"}}}
	pages := &bench{looks: []fact{{"a reload", "0.2 s", "≤ 0.4 s"}}}
	for _, b := range []*bench{servers, pages, large, gateway, servers, gateway, pages, large} {
		if err := b.writeResults(path); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, once := range []string{"# Results\n", "- a note\n", gatewayTitle + "\n", "| a row |\n", scaleTitle + "\n", "| the home page | 1.0 ms | ≤ 2 ms |\n", pageTitle + "\n", "| a reload | 0.2 s | ≤ 0.4 s |\n"} {
		if strings.Count(string(raw), once) != 1 {
			t.Errorf("%q is there %d times in:\n%s", once, strings.Count(string(raw), once), raw)
		}
	}
}

// A p99 above 50 ms beside an attacker fails the soak; where the machine made people wait
// that long by itself, the run says so, and does not pass either.
func TestSoak_Result(t *testing.T) {
	const fine, long = 4 * time.Millisecond, 60 * time.Millisecond
	for name, want := range map[string]struct {
		r                  soaked
		harmed, late, busy bool
	}{
		"in time":                     {r: soaked{alone: talked{p99: fine, machine: fine}, beside: talked{p99: maxDelay, machine: fine}}},
		"late":                        {r: soaked{alone: talked{p99: 45 * time.Millisecond, machine: fine}, beside: talked{p99: long, machine: fine}}, late: true},
		"late before it came":         {r: soaked{alone: talked{p99: long}, beside: talked{p99: 2 * long}}, late: true, busy: true},
		"late for the processor":      {r: soaked{alone: talked{p99: fine}, beside: talked{p99: long, machine: long}}, late: true, busy: true},
		"in time on a busy machine":   {r: soaked{alone: talked{p99: long}, beside: talked{p99: fine}}, busy: true},
		"cut off":                     {r: soaked{beside: talked{cutOff: 1}}, harmed: true},
		"memory that was not given":   {r: soaked{fresh: 1, after: 2 + maxKept}, harmed: true},
		"more memory than is bounded": {r: soaked{most: maxMemory + 1}, harmed: true},
	} {
		if r := want.r; r.harmed() != want.harmed || r.late() != want.late || r.busy() != want.busy {
			t.Errorf("%s: harmed %v, late %v, busy %v", name, r.harmed(), r.late(), r.busy())
		}
	}
	if err := soakResult(nil, nil); err != nil {
		t.Error(err)
	}
	if err := soakResult(nil, []string{"X-50"}); err == nil || !strings.Contains(err.Error(), "too busy") {
		t.Errorf("a machine that cannot tell: %v", err)
	}
	if err := soakResult([]string{"X-52"}, []string{"X-50"}); err == nil || !strings.Contains(err.Error(), "X-52") || !strings.Contains(err.Error(), "X-50") {
		t.Errorf("both: %v", err)
	}
}
