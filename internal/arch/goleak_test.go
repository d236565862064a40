package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoroutinesEnd: every package that starts goroutines, itself or in its
// tests, looks in TestMain whether they have ended.
func TestGoroutinesEnd(t *testing.T) {
	exempt := map[string]string{
		"e2e/cluster": "a program for the browser tests, without tests of its own",
	}
	for _, p := range packages(t) {
		starts, verified := goroutines(t, filepath.Join(root, strings.TrimPrefix(p.ImportPath, module)))
		if starts != "" && !verified && exempt[p.name()] == "" {
			t.Errorf("%s starts a goroutine, and no TestMain of %s calls goleak.VerifyTestMain", starts, p.name())
		}
	}
}

// goroutines returns a place where a directory's package starts a goroutine, or
// "", and whether its tests verify that none is left.
func goroutines(t *testing.T, dir string) (starts string, verified bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	set := token.NewFileSet()
	for _, file := range files {
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				starts = set.Position(n.Pos()).String()
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					break
				}
				switch f.Sel.Name {
				case "Go": // of a sync.WaitGroup
					starts = set.Position(n.Pos()).String()
				case "VerifyTestMain":
					verified = true
				}
			}
			return true
		})
	}
	return starts, verified
}
