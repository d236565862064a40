package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	mark    = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks: where a page of this repository leads to another of its files, or to a heading
// there, it is there. docs/SERVERS.md names the test that proves each of its rows so.
func TestLinks(t *testing.T) {
	pages := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "var" || d.Name() == "static" || d.Name() == ".git"):
			return filepath.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		pages++
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(raw), -1) {
			if lacks := target(path, m[1]); lacks != "" {
				t.Errorf("%s leads to %s: there is no %s", path, m[1], lacks)
			}
		}
		return nil
	})
	if err != nil || pages < 20 {
		t.Fatalf("%d pages, %v", pages, err)
	}
}

// target returns what a link of a page lacks; empty: nothing.
func target(page, to string) (lacks string) {
	if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
		return ""
	}
	name, anchor, anchored := strings.Cut(to, "#")
	file := page
	if name != "" {
		file = filepath.Join(filepath.Dir(page), name)
	}
	raw, err := os.ReadFile(file)
	if info, statErr := os.Stat(file); statErr != nil || (err != nil && !info.IsDir()) {
		return name
	}
	if !anchored {
		return ""
	}
	for _, m := range heading.FindAllStringSubmatch(string(raw), -1) {
		if strings.ReplaceAll(strings.ToLower(mark.ReplaceAllString(m[1], "")), " ", "-") == anchor {
			return ""
		}
	}
	return "heading " + anchor
}
