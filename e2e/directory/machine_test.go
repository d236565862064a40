//go:build linux

package directory

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ticks is how many units of its clock Linux counts in a second for programs (USER_HZ).
const ticks = 100

// machine is how much all processors have worked, in seconds, up to a moment: for this process
// and those that it started, and for all there is.
type machine struct {
	at        time.Time
	ours, all float64
}

// worked is that between two moments.
type worked struct {
	elapsed         time.Duration
	ours, elsewhere float64
}

func (m machine) until(later machine) worked {
	ours := later.ours - m.ours
	return worked{later.at.Sub(m.at), ours, max(0, later.all-m.all-ours)}
}

// look reads it from proc(5).
func look(t testing.TB) machine {
	t.Helper()
	m := machine{at: time.Now()}
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, field := range strings.Fields(line)[1:9] { // user nice system idle iowait irq softirq steal
		if i != 3 && i != 4 {
			m.all += number(field)
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents, spent := map[string]string{}, map[string]float64{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, _, _ := strings.Cut(string(raw), " ")
		_, behind, _ := strings.Cut(string(raw), ") ") // of its name, which may hold anything but this
		fields := strings.Fields(behind)
		parents[pid] = fields[1]
		spent[pid] = number(fields[11]) + number(fields[12]) // utime, stime
	}
	self := strconv.Itoa(os.Getpid())
	for pid := range spent {
		for up := pid; up != ""; up = parents[up] {
			if up == self {
				m.ours += spent[pid]
				break
			}
		}
	}
	return m
}

func number(field string) float64 {
	n, _ := strconv.ParseFloat(field, 64)
	return n / ticks
}
