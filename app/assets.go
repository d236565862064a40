package app

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"mime"
	"path"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// assets serves the files of static/: under an address that names their
// contents, so that browsers keep them for good, and compressed. The contents of a
// directory of static/ have one name: files find each other there, and a change of the
// site's own leaves Converse where browsers have it.
type assets struct {
	files    fs.FS
	versions map[string]string // by directory
	packed   sync.Map          // []byte by name: gzip of files that have no .gz beside them, once somebody has asked for it

	visitor, member pageFiles
	chatStyles      []string
	stale           error // why the bundles are not what is served; nil: they are
}

// What must be there for the site to work.
var neededAssets = []string{"converse/converse.min.js", "converse/converse.min.css", "lib/turbo.js", "css/site.css"}

// Files worth compressing, by ending.
const compressible = ".js .css .json .svg .wasm .ttf .html .txt "

func newAssets(files fs.FS) (*assets, error) {
	for _, name := range neededAssets {
		if _, err := fs.Stat(files, name); err != nil {
			return nil, fmt.Errorf("static/%s is missing from this program; run `make assets` and build again", name)
		}
	}
	a := &assets{files: files, versions: make(map[string]string)}
	hashes := make(map[string]hash.Hash)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".br") {
			return err
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		h := hashes[directory(name)]
		if h == nil {
			h = sha256.New()
			hashes[directory(name)] = h
		}
		fmt.Fprintf(h, "%s %d\n", name, len(raw))
		h.Write(raw)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, h := range hashes {
		a.versions[name] = hex.EncodeToString(h.Sum(nil)[:6])
	}
	if a.stale = a.choosePageFiles(); a.stale != nil && !errors.Is(a.stale, errStaleBundles) {
		return nil, a.stale
	}
	return a, nil
}

// programAssets are those of this program. They are read once, whoever asks: they never change.
var programAssets = sync.OnceValues(func() (*assets, error) { return newAssets(staticFiles()) })

// directory is the part of static/ that a file is in.
func directory(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

// gzipped returns a small file that was not compressed when it was fetched, compressed:
// the site's own sources, which pages load while somebody works on them. It may be called
// by any number of goroutines.
func (a *assets) gzipped(name string) ([]byte, error) {
	if made, ok := a.packed.Load(name); ok {
		return made.([]byte), nil
	}
	raw, err := fs.ReadFile(a.files, name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	a.packed.Store(name, b.Bytes())
	return b.Bytes(), nil
}

// url returns the address of a file.
func (a *assets) url(name string) string {
	return "/static/" + a.versions[directory(name)] + "/" + name
}

// handler: GET /static/:version/*. With maps, browsers may see the sources of bundles.
func (a *assets) handler(maps bool) fiber.Handler {
	return func(c *fiber.Ctx) error { return a.serve(c, maps) }
}

func (a *assets) serve(c *fiber.Ctx, maps bool) error {
	name := path.Clean(c.Params("*"))
	info, err := fs.Stat(a.files, name)
	if err != nil || info.IsDir() || strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".map") && !maps {
		return pageNotFound(err)
	}
	if c.Params("version") != a.versions[directory(name)] {
		// A page from before an update asks for what it knew.
		return c.Redirect(a.url(name), fiber.StatusFound)
	}
	c.Set("Cache-Control", "public, max-age=31536000, immutable")
	c.Set("Content-Type", mediaType(name))
	c.Vary("Accept-Encoding")
	if _, err := fs.Stat(a.files, name+".map"); err == nil && maps {
		c.Set("SourceMap", path.Base(name)+".map")
	}
	body, encoding, err := a.encoded(name, c.Get("Accept-Encoding"))
	if err != nil {
		return err
	}
	if encoding != "" {
		c.Set("Content-Encoding", encoding)
	}
	return c.Send(body)
}

// encoded returns the smallest form the browser takes.
func (a *assets) encoded(name, accepts string) (body []byte, encoding string, err error) {
	for _, e := range [][2]string{{"br", ".br"}, {"gzip", ".gz"}} {
		if codingWeight(accepts, e[0]) == 0 {
			continue
		}
		if body, err := fs.ReadFile(a.files, name+e[1]); err == nil {
			return body, e[0], nil
		}
		if e[0] == "gzip" && strings.Contains(compressible, path.Ext(name)+" ") {
			body, err := a.gzipped(name)
			return body, "gzip", err
		}
	}
	body, err = fs.ReadFile(a.files, name)
	return body, "", err
}

// mediaType does not depend on what the system knows.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".wasm":
		return "application/wasm"
	case ".svg":
		return "image/svg+xml"
	case ".ttf":
		return "font/ttf"
	case ".ogg":
		return "audio/ogg"
	case ".mp3":
		return "audio/mpeg"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// pageNotFound hides why something is not there.
func pageNotFound(err error) error {
	return &Error{Code: NotFound, Public: "There is no such page.", Err: errors.Join(errNoPage, err)}
}

// CheckAssets reports whether every file the site needs is there, and made of the sources
// that are there: in this program, unless other files are to be looked at.
func CheckAssets(files fs.FS) error {
	if files == nil {
		files = staticFiles()
	}
	a, err := newAssets(files)
	if err != nil {
		return err
	}
	return a.stale
}
