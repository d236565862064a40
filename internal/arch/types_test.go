package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxMethods is how many methods a type may have: beyond it nobody can say what the type
// is for, and everything it holds is within reach of everything it does.
const maxMethods = 100

// TestTypesAreSmall: no type of the program has more than maxMethods.
func TestTypesAreSmall(t *testing.T) {
	counted := methods(t)
	if len(counted) < 100 {
		t.Fatalf("%d types have methods; something is wrong with this test", len(counted))
	}
	for name, list := range counted {
		if len(list) > maxMethods {
			t.Errorf("%s has %d methods: part it where those who use it differ (docs/ARCHITECTURE.md)", name, len(list))
		}
	}
}

// methods returns the names of the methods of every type, by package and type; tests do
// not count, and what several systems have counts once.
func methods(t *testing.T) map[string]map[string]bool {
	t.Helper()
	counted := make(map[string]map[string]bool)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				name := filepath.ToSlash(dir) + "." + receiver(f.Recv.List[0].Type)
				if counted[name] == nil {
					counted[name] = make(map[string]bool)
				}
				counted[name][f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return counted
}

// receiver is the name of a method's type, without what it points to or is made of.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
