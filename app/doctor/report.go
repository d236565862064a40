package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// State is how a check went.
type State string

// The states.
const (
	OK   State = "ok"
	Warn State = "warn" // it works, and could be better, or could not be told
	Fail State = "fail"
)

// Finding is what a check found.
type Finding struct {
	Check string   `json:"check"`
	State State    `json:"state"`
	Text  string   `json:"text"`
	Mend  string   `json:"mend,omitempty"`  // what to change, and where
	Paste []string `json:"paste,omitempty"` // lines that are ready to be pasted there
}

// Report collects findings, and tells people each at once.
type Report struct {
	out    io.Writer
	asJSON bool
	all    []Finding
}

// NewReport returns an empty Report, which writes to out.
func NewReport(out io.Writer, asJSON bool) *Report {
	return &Report{out: out, asJSON: asJSON, all: []Finding{}}
}

// Tell takes a finding.
func (r *Report) Tell(f Finding) {
	r.all = append(r.all, f)
	if r.asJSON {
		return
	}
	fmt.Fprintf(r.out, "%-4s  %s: %s\n", f.State, printable(f.Check), printable(f.Text))
	if f.Mend != "" {
		fmt.Fprintf(r.out, "      → %s\n", printable(f.Mend))
	}
	for _, line := range f.Paste {
		fmt.Fprintf(r.out, "        %s\n", printable(line))
	}
}

// printable spells out what a terminal would obey, such as escape sequences, and what
// turns a line around: findings quote servers and name servers that may be anybody's.
func printable(text string) string {
	var out strings.Builder
	for _, c := range text {
		if c == '\n' || unicode.IsPrint(c) {
			out.WriteRune(c)
		} else {
			out.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		}
	}
	return out.String()
}

// Close writes what programs read, and returns how many checks failed.
func (r *Report) Close() (failed int, err error) {
	for _, f := range r.all {
		if f.State == Fail {
			failed++
		}
	}
	if r.asJSON {
		to := json.NewEncoder(r.out)
		to.SetIndent("", "  ")
		err = to.Encode(r.all)
	}
	return failed, err
}

func ok(check, format string, args ...any) []Finding {
	return []Finding{{Check: check, State: OK, Text: fmt.Sprintf(format, args...)}}
}

func warn(check, mend, format string, args ...any) []Finding {
	return []Finding{{Check: check, State: Warn, Text: fmt.Sprintf(format, args...), Mend: mend}}
}

func fail(check, mend, format string, args ...any) []Finding {
	return []Finding{{Check: check, State: Fail, Text: fmt.Sprintf(format, args...), Mend: mend}}
}

// unanswered is a check whose request came to nothing, while others were answered.
func unanswered(check string, err error) []Finding {
	return fail(check, "Try again. If it stays so, look at the error log of the proxy, and at the site's (journalctl -u foyer).", "it was not answered: %v", err)
}
