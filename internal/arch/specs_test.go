package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// row is a line of the table in docs/SPECS.md.
type row struct {
	spec, what, status, note string
	where                    []string
}

// specRows reads the table.
func specRows(t *testing.T) []row {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs/SPECS.md"))
	if err != nil {
		t.Fatal(err)
	}
	file := regexp.MustCompile("`([^`]+)`")
	var rows []row
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 7 || strings.HasPrefix(cells[1], "---") || strings.TrimSpace(cells[1]) == "spec" {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		r := row{spec: cells[1], what: cells[2], status: cells[3], note: cells[5]}
		for _, m := range file.FindAllStringSubmatch(cells[4], -1) {
			r.where = append(r.where, m[1])
		}
		rows = append(rows, r)
	}
	if len(rows) < 10 {
		t.Fatalf("docs/SPECS.md has %d rows; something is wrong with it or with this test", len(rows))
	}
	return rows
}

// TestSpecs: what docs/SPECS.md says is implemented is where it says.
func TestSpecs(t *testing.T) {
	for _, r := range specRows(t) {
		switch {
		case r.status != "yes" && r.status != "part" && r.status != "no":
			t.Errorf("%s: status %q is none of yes, part, no", r.spec, r.status)
		case r.status == "no" && len(r.where) > 0:
			t.Errorf("%s is in %v, but its status is no", r.spec, r.where)
		case r.status != "no" && len(r.where) == 0:
			t.Errorf("%s: say where it is", r.spec)
		case r.status == "part" && r.note == "":
			t.Errorf("%s: say which part", r.spec)
		}
		for _, file := range r.where {
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %v", r.spec, err)
			}
		}
	}
}

// TestSpecs_Cited: what a source says it does of an XEP has a row in docs/SPECS.md, which says how much of it.
func TestSpecs_Cited(t *testing.T) {
	listed := make(map[string]bool)
	for _, r := range specRows(t) {
		for _, number := range xepNumbers(r.spec) {
			listed[number] = true
		}
	}
	found := 0
	walkSources(t, []string{".go", ".js", ".mjs", ".ts", ".html", ".css", ".sql", ".lua"}, func(path string, raw []byte) {
		for _, number := range xepNumbers(string(raw)) {
			if found++; !listed[number] {
				t.Errorf("%s cites XEP-%s, which has no row in docs/SPECS.md: write one", path, number)
			}
		}
	})
	if found < 500 {
		t.Errorf("%d citations were found; something is wrong with this test", found)
	}
}

// xepNumbers are those that a text cites: XEP-0124, or XEP-0054, 0153.
func xepNumbers(text string) (numbers []string) {
	for _, list := range xepList.FindAllString(text, -1) {
		numbers = append(numbers, strings.Split(strings.TrimPrefix(list, "XEP-"), ", ")...)
	}
	return numbers
}

var xepList = regexp.MustCompile(`XEP-\d{4}(?:, \d{4}\b)*`)

// walkSources visits the files of the repository with one of these ends, apart from what is made of others.
func walkSources(t *testing.T, ends []string, visit func(path string, raw []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch name := d.Name(); name {
			case "node_modules", "bundle", "converse", "var", "test-results":
				return filepath.SkipDir
			default:
				if name != ".." && strings.HasPrefix(name, ".") {
					return filepath.SkipDir
				}
			}
			return nil
		}
		if !slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(path, end) }) {
			return nil
		}
		raw, err := os.ReadFile(path)
		visit(path, raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// cited returns the ids of requirements that tests mention.
func cited(t *testing.T) map[string]bool {
	t.Helper()
	ids := make(map[string]bool)
	id := regexp.MustCompile(`\b[BWS]-\d{2,3}\b`)
	walkSources(t, []string{"_test.go", ".spec.ts"}, func(_ string, raw []byte) {
		for _, m := range id.FindAllString(string(raw), -1) {
			ids[m] = true
		}
	})
	return ids
}

// TestRequirements: a ticked line of docs/REQUIREMENTS.md is cited by a test, and
// tests cite no line that is not there. Those of the gateway are all ticked.
func TestRequirements(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "docs/REQUIREMENTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := cited(t)
	known := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^- \[([ x])\] \*\*([BWS]-\d+)\*\*`).FindAllStringSubmatch(string(raw), -1) {
		known[m[2]] = true
		if m[1] != "x" && m[2][0] != 'S' {
			t.Errorf("%s: all that is asked of the gateway is there, and stays", m[2])
		}
		if m[1] == "x" && !tests[m[2]] {
			t.Errorf("%s is ticked in docs/REQUIREMENTS.md, but no test cites it", m[2])
		}
	}
	if len(known) < 100 {
		t.Fatalf("docs/REQUIREMENTS.md has %d lines; something is wrong with it or with this test", len(known))
	}
	for id := range tests {
		if !known[id] {
			t.Errorf("a test cites %s, which docs/REQUIREMENTS.md does not have", id)
		}
	}
}
