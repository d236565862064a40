//go:build linux

// Command samba runs a domain controller of Active Directory for the browser tests, with the
// people of its arguments (NAME=DISPLAY NAME). It prints a line of JSON that says where it is, or
// why there is none on this machine, and ends when its standard input does.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"foyer/e2e/peers"
)

// said is that line.
type said struct {
	URL      string `json:"url,omitempty"`
	CAFile   string `json:"ca,omitempty"`
	BindDN   string `json:"bind,omitempty"`
	BaseDN   string `json:"base,omitempty"`
	Password string `json:"password,omitempty"` // of everybody
	Skip     string `json:"skip,omitempty"`
}

func main() {
	r := &run{}
	defer r.end(0)
	s := peers.StartSamba(r)
	for _, person := range os.Args[1:] {
		name, shown, _ := strings.Cut(person, "=")
		s.AddPerson(name, "displayName", shown)
	}
	r.say(said{URL: s.TLSURL, CAFile: s.CAFile, BindDN: peers.SambaService, BaseDN: peers.SambaPeople, Password: peers.SambaPassword})
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// run is what peers take for a test: this program. Only the methods that they call are there.
type run struct {
	testing.TB
	cleanups []func()
	failed   bool
}

func (r *run) say(s said) { _ = json.NewEncoder(os.Stdout).Encode(s) }

// end takes everything down, and ends the program.
func (r *run) end(code int) {
	for _, cleanup := range slices.Backward(r.cleanups) {
		cleanup()
	}
	os.Exit(code)
}

func (r *run) Helper()          {}
func (r *run) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *run) Failed() bool     { return r.failed }

func (r *run) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (r *run) Fatal(args ...any) {
	r.failed = true
	fmt.Fprintln(os.Stderr, args...)
	r.end(1)
}

func (r *run) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func (r *run) Skip(args ...any) {
	r.say(said{Skip: fmt.Sprint(args...)})
	r.end(0)
}

func (r *run) Skipf(format string, args ...any) { r.Skip(fmt.Sprintf(format, args...)) }

func (r *run) TempDir() string {
	dir, err := os.MkdirTemp("", "foyer-samba-")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
