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

// namesFile is a name that looks like one of this repository's files: it may leave out the first directories, as in
// `composer/queue.js`.
var (
	quoted    = regexp.MustCompile("`([^`\n]+)`")
	fenced    = regexp.MustCompile("(?s)```.*?```")
	namesFile = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)*\.(go|js|mjs|ts|css|html|sql|md|sh|lua|yml|yaml)$`)
	inFolder  = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+/?$`)
)

// notHere are names that pages give to files which are elsewhere, or are made.
var notHere = []string{
	"converse.js", "dist/converse.js", "shared-connection-worker.js", // Converse's own
	"member.js", "site.js", "visitor.js", // bundles
	"pg.new.sql", // in an example
}

// TestPaths: a page of docs/, or README.md or CONTRIBUTING.md, that names a file or a folder of this repository names
// one that is there.
func TestPaths(t *testing.T) {
	known := make(map[string]bool) // files and folders, under each of the names that they may go by
	folders := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == ".git" || name == "var" || name == "test-results"):
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for rest, cut := rel, true; cut; _, rest, cut = strings.Cut(rest, "/") {
			known[rest] = true
		}
		if d.IsDir() && !strings.Contains(rel, "/") {
			folders[rel] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob(filepath.Join(root, "docs/decisions/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(append(pages, decisions...), filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"))
	found := 0
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(fenced.ReplaceAllString(string(raw), ""), -1) {
			name := m[1]
			first, _, _ := strings.Cut(name, "/")
			if !namesFile.MatchString(name) && !(inFolder.MatchString(name) && folders[first]) {
				continue
			}
			if found++; !known[strings.TrimSuffix(name, "/")] && !slices.Contains(notHere, name) {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
	}
	if found < 300 {
		t.Errorf("%d names were found; something is wrong with this test", found)
	}
}
