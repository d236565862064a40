// Package arch holds the tests of what the project has agreed on about itself:
// which package may import which, and what docs/SPECS.md claims.
package arch

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "foyer"

// listed is what `go list -json` says of a package; test imports count as well,
// since a test that reaches across an arrow is a dependency like any other.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// ours returns the packages of the module that p imports.
func (p listed) ours(imports []string) []string {
	var out []string
	for _, i := range imports {
		if name, ok := strings.CutPrefix(i, module+"/"); ok && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages; something is wrong with this test", len(all))
	}
	return all
}

// mayImport names, for every package, the packages of ours that it may import.
// A name ending in /... stands for a package and those below it. A package that
// is not here may import none, so a new one has to be written down.
func mayImport() map[string][]string {
	return map[string][]string{
		module: {"app/cli"}, // main.go

		"app":               {"app/auth", "app/auth/ldap", "app/auth/oidc", "app/auth/passkey", "app/doctor", "app/extauth", "app/pictures", "app/previews", "app/push", "app/remote", "app/uploads/...", "internal/budget", "internal/markup", "internal/names", "internal/netaddr", "internal/pgdev", "internal/sasl", "internal/socket", "internal/stanza", "internal/stream", "migrations", "models", "static", "token", "views", "xmppd/...", "xmppgw", "xmppgw/relay"},
		"app/auth":          {"app/auth/passkey", "internal/budget", "internal/names", "internal/sasl", "internal/stanza", "internal/stream", "models", "token", "xmppd"},
		"app/auth/oidc":     {"app/auth", "internal/netaddr", "internal/stanza", "token"},
		"app/auth/passkey":  nil,
		"app/auth/ldap":     {"app/auth", "internal/names", "internal/netaddr"},
		"app/extauth":       {"app/auth", "internal/budget", "internal/netaddr", "internal/stanza"},
		"app/doctor":        {"internal/stanza", "internal/stream"},
		"app/move":          {"internal/stanza", "internal/stream", "models", "xmppd", "xmppd/archive", "xmppd/muc", "xmppd/pep"},
		"app/pictures":      {"internal/budget", "internal/fetch"},
		"app/previews":      {"app/pictures", "internal/budget", "internal/fetch", "internal/names", "models"},
		"app/push":          {"internal/budget", "internal/netaddr", "internal/stanza", "internal/stream", "models", "xmppd/muc"},
		"app/remote":        {"internal/names", "internal/stanza", "internal/stream"},
		"app/uploads":       {"app/uploads/files", "internal/budget", "internal/names", "internal/stanza", "models", "token", "xmppd"},
		"app/uploads/files": nil,
		"app/cli":           {"app/...", "internal/budget", "internal/pgdev", "internal/stanza", "models", "token"},

		// Storage depends on the domain, never the other way.
		"models": {"internal/budget", "internal/netaddr", "internal/socket", "internal/stanza", "internal/stream", "migrations", "xmppd", "xmppd/archive", "xmppd/muc", "xmppd/pep"},

		// The gateway and the server know streams, and not each other.
		"xmppgw":        {"internal/budget", "internal/socket", "internal/stanza", "internal/stream"},
		"xmppgw/relay":  {"internal/budget", "internal/netaddr", "internal/sasl", "internal/socket", "internal/stanza", "internal/stream"},
		"xmppd":         {"internal/budget", "internal/names", "internal/sasl", "internal/stanza", "internal/stream", "xmppd/archive"},
		"xmppd/archive": {"internal/budget", "internal/stanza", "internal/stream"},
		"xmppd/muc":     {"internal/budget", "internal/names", "internal/sasl", "internal/stanza", "internal/stream", "xmppd", "xmppd/archive"},
		"xmppd/pep":     {"internal/sasl", "internal/stanza", "internal/stream", "xmppd", "xmppd/archive"},

		"internal/budget":              nil,
		"internal/fetch":               {"internal/netaddr"},
		"internal/names":               nil,
		"internal/netaddr":             nil,
		"internal/socket":              nil,
		"internal/testcert":            nil,
		"internal/testdns":             nil,
		"internal/leaks":               nil,
		"internal/sasl":                {"internal/stanza", "internal/stream"},
		"internal/stanza":              {"internal/stream"},
		"internal/stream":              nil,
		"internal/stream/streamtest":   {"internal/stream"},
		"app/auth/oidc/oidctest":       nil,
		"app/auth/passkey/passkeytest": nil,
		"internal/pgdev":               {"internal/netaddr"},
		"internal/pgdev/pgtest":        {"internal/netaddr", "internal/pgdev"},

		"token": nil, "migrations": nil, "static": nil, "views": nil,

		"e2e/cluster":   {"internal/netaddr", "internal/pgdev"},
		"e2e/peers":     {"internal/netaddr", "internal/testcert"},
		"e2e/samba":     {"e2e/peers"},
		"e2e/relay":     {"e2e/peers", "internal/sasl", "internal/stream", "xmppgw", "xmppgw/relay"},
		"e2e/extauth":   {"e2e/peers", "app", "app/auth", "app/cli", "internal/stream", "models", "token"},
		"e2e/instances": {"e2e/peers", "app/cli", "internal/stanza", "internal/stream"},
		"e2e/directory": {"e2e/peers", "app", "app/auth", "app/auth/ldap", "app/cli", "internal/stream", "models"},
		"e2e/moving":    {"e2e/peers", "app/cli", "app/move", "internal/stream", "models", "xmppd", "xmppd/archive", "xmppd/muc", "xmppd/pep"},
		"e2e/referee":   {"e2e/peers", "app", "models", "token"},
		"bench":         {"internal/netaddr", "internal/pgdev"},
	}
}

// Tests may import these besides; none of them is part of the program.
func testHelpers() []string {
	return []string{"app/auth/oidc/oidctest", "app/auth/passkey/passkeytest", "internal/leaks", "internal/pgdev/...", "internal/stream/streamtest", "internal/testcert", "internal/testdns"}
}

func allowed(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		base, below := strings.CutSuffix(pattern, "/...")
		return name == base || (below && strings.HasPrefix(name, base+"/"))
	})
}

// TestArrows: the arrows of docs/ARCHITECTURE.md.
func TestArrows(t *testing.T) {
	rules := mayImport()
	for _, p := range packages(t) {
		name := p.name()
		for _, imported := range p.ours(p.Imports) {
			if !allowed(imported, rules[name]) {
				t.Errorf("%s imports %s; docs/ARCHITECTURE.md does not have that arrow", name, imported)
			}
		}
		for _, imported := range p.ours(append(p.TestImports, p.XTestImports...)) {
			if imported != name && !allowed(imported, rules[name]) && !allowed(imported, testHelpers()) {
				t.Errorf("the tests of %s import %s; docs/ARCHITECTURE.md does not have that arrow", name, imported)
			}
		}
	}
}

// TestFiberAdapter: in the gateway, Fiber is seen in one file.
func TestFiberAdapter(t *testing.T) {
	files, err := filepath.Glob("../../xmppgw/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files in xmppgw", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue // the tests speak to the adapter as the site does
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if strings.HasPrefix(i.Path.Value, `"github.com/gofiber/`) && filepath.Base(file) != "fiber.go" {
				t.Errorf("%s imports %s; only xmppgw/fiber.go may", file, i.Path.Value)
			}
		}
	}
}

// TestChatSeam: the website knows its chat server as an app.Chat, which one file
// makes out of the embedded server, and one out of the relay to another. Pages that
// knew which server is there could not be had with another one. The settings know how
// an address is written.
func TestChatSeam(t *testing.T) {
	mayKnow := []string{"embedded.go", "upstream_chat.go", // each implements app.Chat
		"upstream_chat_rooms.go",   // of upstream_chat.go
		"upstream_push.go",         // likewise
		"upstream_push_deliver.go", // likewise
		"upstream_chat_check.go",   // likewise, for foyer doctor
		"embedded_search.go",       // of embedded.go
		"upstream_metrics.go",      // of upstream_chat.go
		"standalone.go"}            // which has no pages
	settings := []string{"config.go", "standalone_config.go"}
	servers := []string{module + "/xmppd/...", module + "/xmppgw/relay", module + "/app/remote"}
	files, err := filepath.Glob(filepath.Join(root, "app/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in app: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || slices.Contains(mayKnow, name) {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path := strings.Trim(i.Path.Value, `"`); allowed(path, servers) && !(slices.Contains(settings, name) && path == module+"/xmppgw/relay") {
				t.Errorf("app/%s imports %s; pages ask app.Chat", name, path)
			}
		}
	}
}

// TestCookies: cookies are read in one way, that of app/cookie.go, for pages and for the chat: Fiber's own takes what another
// program of the domain set for ours.
func TestCookies(t *testing.T) {
	reads := regexp.MustCompile(`\.Cookies\(|CookieParser\(|Header\.(Cookie|VisitAllCookie)\(`)
	if !reads.MatchString("c.Cookies(name)") || reads.MatchString("c.Cookie(&fiber.Cookie{") {
		t.Fatal("something is wrong with this test")
	}
	found := 0
	walkSources(t, []string{".go"}, func(path string, raw []byte) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		found += strings.Count(string(raw), "readCookie(")
		if read := reads.Find(raw); read != nil {
			t.Errorf("%s has %s; readCookie of app/cookie.go reads cookies", path, read)
		}
	})
	if found < 3 {
		t.Errorf("readCookie was found %d times; something is wrong with this test", found)
	}
}

// TestNoBackendLink: the gateway hands its streams to the server within the
// program, and neither calls anybody. The only link that could want TLS is that of
// xmppgw/relay, whose tests are TestTLS… (XEP-0124 §19.2, B-55).
func TestNoBackendLink(t *testing.T) {
	for _, pattern := range []string{"xmppgw/*.go", "xmppd/*.go", "xmppd/*/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", pattern, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if dials := regexp.MustCompile(`\b(net|tls|http|websocket)\.(\w*Dial\w*|Get|Post\w*|Client\b)`).Find(raw); dials != nil && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s has %s", file, dials)
			}
		}
	}
}

// TestThirdParties: each outside package of weight has one place.
func TestThirdParties(t *testing.T) {
	places := map[string][]string{
		"gorm.io/":                   {"models"},
		"github.com/gofiber/":        {"app/...", "xmppgw"},
		"github.com/fasthttp/":       {"xmppgw", "bench"},
		"github.com/jackc/pgx":       {"models", "app/move", "internal/pgdev/...", "e2e/cluster", "bench"},
		"github.com/alecthomas/kong": {"app/cli"},
		"github.com/golang-jwt/":     {"token", "app/auth/oidc/oidctest"},
		"github.com/coreos/go-oidc/": {"app/auth/oidc"},
		"github.com/go-jose/":        {"app/auth/oidc/..."},
		"github.com/minio/":          {"app/uploads/files"},
	}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for prefix, where := range places {
				if strings.HasPrefix(imported, prefix) && !allowed(p.name(), where) {
					t.Errorf("%s imports %s, which belongs into %s", p.name(), imported, strings.Join(where, ", "))
				}
			}
		}
	}
}

// TestSecurityTests: the tests that docs/security.md names are there.
func TestSecurityTests(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Z][A-Za-z0-9_]*)`").FindAllSubmatch(doc, -1)
	if len(named) < 20 {
		t.Fatalf("%d tests are named; something is wrong with this test", len(named))
	}
	there := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(raw, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range named {
		if name := string(m[1]); !there[name] {
			t.Errorf("docs/security.md names %s, which is nowhere", name)
		}
	}
}
