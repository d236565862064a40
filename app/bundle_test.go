package app

import (
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gofiber/fiber/v2"
)

// bundled is what is in the program, with bundles of it.
func bundled(t *testing.T) (fstest.MapFS, *assets) {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"converse/converse.min.js", "converse/converse.min.css", "lib/turbo.js", "css/site.css", "css/chat.css", "js/site.js", "img/icon.svg"} {
		files[name] = &fstest.MapFile{Data: []byte("/* " + name + " */")}
	}
	a := &assets{files: files}
	sources, err := a.sources()
	if err != nil {
		t.Fatal(err)
	}
	files["bundle/manifest.json"] = &fstest.MapFile{Data: []byte(`{"sources":"` + sources + `","needs":{"bundle/member.js":["bundle/site-ABC.js"]}}`)}
	for _, name := range []string{"visitor.js", "member.js", "site-ABC.js", "member.js.map", "visitor.css", "member.css", "chat.css"} {
		files["bundle/"+name] = &fstest.MapFile{Data: []byte("/* " + name + " */")}
	}
	if a, err = newAssets(files); err != nil {
		t.Fatal(err)
	}
	return files, a
}

func TestPagesLoadBundles(t *testing.T) {
	_, a := bundled(t)
	if a.stale != nil {
		t.Fatal(a.stale)
	}
	member := a.of(&Page{Chat: &ChatConfig{}})
	if path.Base(member.Script) != "member.js" || len(member.Modules) != 1 || len(member.Styles) != 1 || len(a.chatStyles) != 1 {
		t.Errorf("a member's page loads %+v and %v", member, a.chatStyles)
	}
	if visitor := a.of(&Page{}); path.Base(visitor.Script) != "visitor.js" || len(visitor.Modules) != 0 {
		t.Errorf("a visitor's page loads %+v", visitor)
	}
}

// What somebody changed is never hidden behind a bundle of before.
func TestPagesLoadSourcesThatAreNotBundled(t *testing.T) {
	for _, changed := range []string{"js/site.js", "css/chat.css", "lib/turbo.js", "js/new.js"} {
		files, _ := bundled(t)
		files[changed] = &fstest.MapFile{Data: []byte("changed")}
		a, err := newAssets(files)
		if err != nil {
			t.Fatal(err)
		}
		if a.stale == nil || !strings.HasSuffix(a.member.Script, "/js/member.js") || len(a.chatStyles) != len(chatSources) {
			t.Errorf("%s changed, and members' pages load %+v", changed, a.member)
		}
	}
}

// A change of the site's own scripts leaves Converse where browsers have it.
func TestEachDirectoryHasItsVersion(t *testing.T) {
	files, before := bundled(t)
	files["js/site.js"] = &fstest.MapFile{Data: []byte("changed")}
	after, err := newAssets(files)
	if err != nil {
		t.Fatal(err)
	}
	changed := maps.Clone(before.versions)
	maps.DeleteFunc(changed, func(directory, version string) bool { return after.versions[directory] == version })
	if len(changed) != 1 || changed["js"] == "" {
		t.Errorf("the versions of %v changed", changed)
	}
}

// needBundles leaves a test out where nobody says that the bundles are of the sources: make test
// makes them first, and says so, so that nothing is left out there.
func needBundles(t *testing.T) {
	t.Helper()
	if os.Getenv("BUNDLES_ARE_MADE") == "" {
		t.Skip("pages load the sources while somebody works on them; make test makes the bundles, and looks at them")
	}
}

// What is tested is what production serves.
func TestBundlesAreOfTheSources(t *testing.T) {
	needBundles(t)
	if err := CheckAssets(nil); err != nil {
		t.Fatal(err)
	}
}

// What a browser fetches that was never here, without the pages themselves: bench/RESULTS.md
// has goals of 350 kB for somebody who signs in and 40 kB for a visitor. What the chat fetches
// when somebody first does something with it (static/js/chat/lazyBundle.js) is counted apart.
func TestPagesWeighLittle(t *testing.T) {
	needBundles(t)
	const member, later, visitor = 332_500, 21_500, 18_000 // bytes
	a, err := newAssets(staticFiles())
	if err != nil {
		t.Fatal(err)
	}
	needs, err := a.freshBundles()
	if err != nil {
		t.Fatal(err)
	}
	more, err := fs.Glob(a.files, "bundle/lazyBundle-*.js")
	if err != nil || len(more) != 1 {
		t.Fatalf("at a first touch the chat fetches %v, %v", more, err)
	}
	for _, page := range []struct {
		files []string
		most  int
	}{
		{slices.Concat(memberBundle.Styles, needs[memberBundle.Script], []string{memberBundle.Script}, chatBundle, []string{"converse/converse.min.js"}), member},
		{more, later},
		{slices.Concat(visitorBundle.Styles, needs[visitorBundle.Script], []string{visitorBundle.Script}), visitor},
	} {
		sum := 0
		for _, name := range page.files {
			body, encoding, err := a.encoded(name, "br")
			if err != nil || encoding != "br" {
				t.Fatalf("%s: %q, %v", name, encoding, err)
			}
			sum += len(body)
		}
		if sum > page.most {
			t.Errorf("%v are %d bytes; the limit is %d", page.files, sum, page.most)
		}
	}
}

func TestSourceMapsAreForDevelopment(t *testing.T) {
	for _, env := range []string{"development", "production"} {
		_, a := bundled(t)
		web := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error { return c.SendStatus(404) }})
		web.Get("/static/:version/*", a.handler(env == "development"))
		for name, want := range map[string]int{"bundle/member.js.map": map[string]int{"development": 200, "production": 404}[env], "bundle/member.js": 200} {
			answer, err := web.Test(httptest.NewRequest("GET", a.url(name), nil))
			if err != nil {
				t.Fatal(err)
			}
			if told := answer.Header.Get("SourceMap") != ""; answer.StatusCode != want || told != (env == "development" && name == "bundle/member.js") {
				t.Errorf("%s, %s: %d, SourceMap told: %v", env, name, answer.StatusCode, told)
			}
		}
	}
}
