package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// machine is what a run was measured on. Times of two runs, on different days or machines, are compared by its yardstick.
type machine struct {
	load      string        // before the run
	yardstick time.Duration // the work of yardstickWork on one core, the best of five
}

func lookAtMachine() machine {
	m := machine{load: loadAverage(), yardstick: yardstickWork()}
	for range 4 {
		m.yardstick = min(m.yardstick, yardstickWork())
	}
	return m
}

// String reads on from "on the same".
func (m machine) String() string {
	return fmt.Sprintf("machine: %d cores, a load of %s before, %.0f ms for the yardstick (bench/machine.go)", runtime.NumCPU(), m.load, milliseconds(m.yardstick))
}

// loadAverage is what the machine had to do besides; see proc(5).
func loadAverage() string {
	raw, _ := os.ReadFile("/proc/loadavg") // without it the report says nothing
	load, _, _ := strings.Cut(string(raw), " ")
	return load
}

// How many texts yardstickWork makes, and a prime above it.
const (
	yardstickTexts = 200_000
	yardstickPrime = 200_003
)

// yardstickWork is always the same: texts are made, put in order and counted. It returns how long it took.
func yardstickWork() time.Duration {
	begin := time.Now()
	texts := make([]string, yardstickTexts)
	for i := range texts {
		texts[i] = strconv.Itoa(i * 7919 % yardstickPrime)
	}
	slices.Sort(texts)
	counts := make(map[string]int)
	for _, text := range texts {
		counts[text]++
	}
	took := time.Since(begin)
	runtime.KeepAlive(counts)
	return took
}
