package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNamespaces: the name of each XML namespace is written down once in the whole
// program, as a constant, so that no two places can differ. In tests it is part of
// the transcript; jabber:client is in every stanza that is built.
func TestNamespaces(t *testing.T) {
	found := make(map[string][]string)
	for _, dir := range []string{"internal", "xmppd", "xmppgw", "models", "app"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test") {
				return err
			}
			// The parser knows the common namespaces as bytes, to allocate none.
			if filepath.Base(path) == "chars.go" {
				return nil
			}
			return namespaces(path, func(ns string) { found[ns] = append(found[ns], path) })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 40 {
		t.Fatalf("%d namespaces; something is wrong with this test", len(found))
	}
	for ns, paths := range found {
		if len(paths) > 1 {
			t.Errorf("%s is in %s", ns, strings.Join(paths, ", "))
		}
	}
}

var namespace = regexp.MustCompile(`(urn:(xmpp|ietf):|https?://(\w+\.)?jabber\.org/|http://www\.w3\.org/|jabber:(client|iq|x)|vcard-temp|storage:|eu\.siacs\.)[^"'\s<>]*`)

// namespaces calls found with those in the string literals of a file. Struct tags
// cannot refer to constants.
func namespaces(path string, found func(string)) error {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			n.Tag = nil
		case *ast.BasicLit:
			if n.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(n.Value)
			if err != nil {
				return true
			}
			for _, ns := range namespace.FindAllString(text, -1) {
				if ns != "jabber:client" || ns == text {
					found(ns)
				}
			}
		}
		return true
	})
	return nil
}
