package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What the kernel says of processes (Linux only).

// The kernel counts in hundredths of a second, whatever its own clock
// (USER_HZ).
const tick = 10 * time.Millisecond

// stat is what is needed of /proc/PID/stat.
type stat struct {
	pid, parent   int
	own, children time.Duration // user and system time; children that were waited for
}

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(pid, raw)
}

// parseStat skips the name, which may hold anything (proc(5)).
func parseStat(pid int, raw []byte) (stat, error) {
	f := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(f) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	var n [15]int
	for _, i := range []int{1, 11, 12, 13, 14} {
		var err error
		if n[i], err = strconv.Atoi(string(f[i])); err != nil {
			return stat{}, err
		}
	}
	return stat{pid: pid, parent: n[1], own: time.Duration(n[11]+n[12]) * tick, children: time.Duration(n[13]+n[14]) * tick}, nil
}

// processTime is the CPU time that one process has used.
func processTime(pid int) time.Duration {
	st, err := readStat(pid)
	if err != nil {
		return 0
	}
	return st.own
}

// treeTime is the CPU time of a process and its children, those that ended
// included, such as Postgres and its backends.
func treeTime(pid int) time.Duration {
	root, err := readStat(pid)
	if err != nil {
		return 0
	}
	total := root.own + root.children
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if st, err := readStat(child); err == nil && st.parent == pid {
			total += st.own
		}
	}
	return total
}

// residentKiB is what a process holds of the memory, shared pages divided among
// those who share them.
func residentKiB(pid int) (int, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		}
	}
	return 0, fmt.Errorf("/proc/%d/smaps_rollup has no Pss", pid)
}
