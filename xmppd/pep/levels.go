package pep

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Of which messages of a room somebody wants to be notified, kept in its bookmark (XEP-0492),
// where people's apps look for it; the site's pages keep the same with the account. Of
// conversations with people the specification keeps nothing.

const nsNotify = "urn:xmpp:notification-settings:1"

// Level is one of the settings (XEP-0492 §2.1); empty: the bookmark has none.
type Level string

// The levels.
const (
	LevelAlways    Level = "always"
	LevelOnMention Level = "on-mention"
	LevelNever     Level = "never"
)

// For pages the settings count that are for browsers, then those for clients of any kind,
// then those for everything (XEP-0492 §3).
const (
	identityCategory = "client"
	identityType     = "web"
)

// fits reports how much a setting is meant for pages: 0 is not at all.
func fits(setting stream.Child) int {
	category, hasCategory := setting.Attr("identity-category")
	typ, hasType := setting.Attr("identity-type")
	switch {
	case setting.Name.Space != nsNotify || Level(setting.Name.Local) != LevelAlways && Level(setting.Name.Local) != LevelOnMention && Level(setting.Name.Local) != LevelNever:
		return 0
	case !hasCategory && !hasType:
		return 1
	case category != identityCategory:
		return 0
	case !hasType:
		return 2
	case typ == identityType:
		return 3
	}
	return 0
}

// settings returns what a bookmark has of them, and the one that counts for pages, if any.
func (it Item) settings() (notify, counts stream.Child, fit int) {
	conference, _ := it.payload(NodeBookmarks, "conference")
	extensions, _ := conference.Find(NodeBookmarks, "extensions")
	notify, ok := extensions.Find(nsNotify, "notify")
	if !ok {
		return notify, counts, 0
	}
	for c := range notify.Children() {
		if f := fits(c); f > fit {
			counts, fit = c, f
		}
	}
	return notify, counts, fit
}

// Level returns the level that a bookmark has for pages.
func (it Item) Level() Level {
	_, counts, fit := it.settings()
	if fit == 0 {
		return ""
	}
	return Level(counts.Name.Local)
}

// withLevel returns the bookmark with a level for pages. What others keep there stays as it
// is: a setting for clients of any kind, and what is in a setting beside its name (§3).
func (it Item) withLevel(level Level) (Item, error) {
	el, err := stream.Parse(it.Payload, stream.Limits{Bytes: len(it.Payload)})
	if err != nil {
		return it, err
	}
	notify, _, fit := it.settings()
	dst := []byte(`<notify xmlns="` + nsNotify + `">`)
	written, fallback := false, false
	for c := range notify.Children() {
		switch f := fits(c); {
		case f == 0 || f == 2 || f != fit:
			dst = append(dst, c.Raw()...)
			fallback = fallback || f == 1
		case !written: // a second one would contradict it
			dst = appendSetting(dst, c, level)
			written, fallback = true, fallback || f == 1
		}
	}
	if fit == 2 {
		dst = append(dst, `<`+string(level)+` identity-category="`+identityCategory+`" identity-type="`+identityType+`"/>`...)
	}
	if !fallback {
		dst = append(dst, `<`+string(level)+`/>`...)
	}
	dst = append(dst, "</notify>"...)

	isOurs := func(c stream.Child) bool { return c.Name == stream.Name{Space: NodeBookmarks, Local: "extensions"} }
	extensions := []byte(`<extensions xmlns="` + NodeBookmarks + `">`)
	if old, ok := el.Find(NodeBookmarks, "extensions"); ok {
		for c := range old.Children() {
			if c.Name != (stream.Name{Space: nsNotify, Local: "notify"}) {
				extensions = append(extensions, c.Raw()...)
			}
		}
	}
	extensions = append(append(extensions, dst...), "</extensions>"...)
	it.Payload = el.Edit().Drop(isOurs).Append(extensions).Bytes()
	return it, nil
}

// appendSetting appends a setting under another name.
func appendSetting(dst []byte, c stream.Child, level Level) []byte {
	dst = append(append(dst, '<'), level...)
	for _, name := range []string{"identity-category", "identity-type"} {
		value, _ := c.Attr(name)
		dst = stanza.AppendAttr(dst, name, value)
	}
	dst = append(dst, '>')
	for k := range c.Children() {
		dst = append(dst, k.Raw()...)
	}
	return append(append(append(dst, "</"...), level...), '>')
}

// SetLevel writes a level into the bookmark of a room, if there is one, and tells the
// account's clients.
func (s *Service) SetLevel(ctx context.Context, user, room string, level Level) error {
	release, err := s.changing.Lock(ctx, user)
	if err != nil {
		return err
	}
	defer release()
	page, err := s.store.Items(ctx, ItemQuery{User: user, Node: NodeBookmarks, IDs: []string{room}, Max: 1})
	if err != nil || len(page.Items) == 0 || page.Items[0].Level() == level {
		return err
	}
	it, err := page.Items[0].withLevel(level)
	if err != nil {
		return err
	}
	n, err := s.store.UpdateNode(ctx, user, NodeBookmarks, []Item{it}, func(_ *Node, exists bool) (bool, error) { return exists, nil })
	if err != nil {
		return storeBound(err)
	}
	s.notify(ctx, user, n, itemsEvent(n, it))
	return nil
}
