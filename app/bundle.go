package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"foyer/views"
)

// pageFiles are what a kind of page loads, as addresses.
type pageFiles struct {
	Styles  []string
	Modules []string // what the script begins with, to be fetched at the same time
	Script  string
}

// What pages load: the sources, and their bundles (scripts/bundle.mjs).
var (
	visitorSources = pageFiles{
		Styles: []string{"css/tokens.css", "lib/pico.conditional.min.css", "css/site.css", "css/landing.css"}, Script: "js/visitor.js",
	}
	memberSources = pageFiles{
		Styles: []string{"css/tokens.css", "lib/pico.conditional.min.css", "css/site.css", "css/list.css", "css/search.css"}, Script: "js/member.js",
	}
	chatSources = []string{"converse/converse.min.css", "css/chat.css", "css/panel.css"}

	visitorBundle = pageFiles{Styles: []string{"bundle/visitor.css"}, Script: "bundle/visitor.js"}
	memberBundle  = pageFiles{Styles: []string{"bundle/member.css"}, Script: "bundle/member.js"}
	chatBundle    = []string{"bundle/chat.css"}
)

// errStaleBundles: pages load the sources then.
var errStaleBundles = errors.New("static/bundle is not made of what is in static/js, static/css, static/lib and views; run `make assets` and build again")

// choosePageFiles takes the bundles if they are of the sources in this program, else the
// sources: what somebody changed is never hidden behind a bundle of before.
func (a *assets) choosePageFiles() error {
	needs, err := a.freshBundles()
	visitor, member, chat := visitorBundle, memberBundle, chatBundle
	if err != nil {
		visitor, member, chat = visitorSources, memberSources, chatSources
	}
	visitor.Modules, member.Modules = needs[visitor.Script], needs[member.Script]
	a.visitor, a.member, a.chatStyles = a.addresses(visitor), a.addresses(member), a.urls(chat)
	return err
}

func (a *assets) addresses(f pageFiles) pageFiles {
	return pageFiles{Styles: a.urls(f.Styles), Modules: a.urls(f.Modules), Script: a.url(f.Script)}
}

func (a *assets) urls(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = a.url(name)
	}
	return out
}

// of returns what a page loads.
func (a *assets) of(p *Page) pageFiles {
	if p.Chat != nil {
		return a.member
	}
	return a.visitor
}

// ahead returns what the page after a sign-in loads: a browser fetches it while somebody
// types their password.
func (a *assets) ahead() []string {
	return slices.Concat(a.member.Styles, a.member.Modules, []string{a.member.Script}, a.chatStyles, []string{a.url("converse/converse.min.js")})
}

// freshBundles returns which files the bundled scripts begin with: errStaleBundles.
func (a *assets) freshBundles() (map[string][]string, error) {
	raw, err := fs.ReadFile(a.files, "bundle/manifest.json")
	if err != nil {
		return nil, errors.Join(errStaleBundles, err)
	}
	var manifest struct {
		Sources string              `json:"sources"`
		Needs   map[string][]string `json:"needs"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, errors.Join(errStaleBundles, err)
	}
	now, err := a.sources()
	if err != nil {
		return nil, err
	}
	if now != manifest.Sources {
		return nil, errStaleBundles
	}
	return manifest.Needs, nil
}

// sources is what bundles are made of, as one number: sources in scripts/bundle.mjs.
func (a *assets) sources() (string, error) {
	texts := make(map[string]func() ([]byte, error))
	add := func(files fs.FS, directory, prefix string, endings ...string) error {
		return fs.WalkDir(files, directory, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains(endings, path.Ext(name)) {
				texts[prefix+name] = func() ([]byte, error) { return fs.ReadFile(files, name) }
			}
			return err
		})
	}
	err := errors.Join(
		add(a.files, "js", "static/", ".js"), add(a.files, "css", "static/", ".css"),
		add(a.files, "lib", "static/", ".js", ".css"), add(views.FS, ".", "views/", ".html"),
	)
	if err != nil {
		return "", err
	}
	names := make([]string, 0, len(texts))
	for name := range texts {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	h := sha256.New()
	for _, name := range names {
		raw, err := texts[name]()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n", name, len(raw))
		h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
