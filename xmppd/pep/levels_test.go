package pep

import (
	"strings"
	"testing"
)

func roomWith(extensions string) Item {
	return Item{ID: "a@rooms.h", Payload: []byte(`<conference xmlns="urn:xmpp:bookmarks:1" autojoin="true" name="A"><nick>n</nick>` + extensions + `</conference>`)}
}

func settings(inner string) string {
	return `<extensions><pinned xmlns="urn:x"/><notify xmlns="urn:xmpp:notification-settings:1">` + inner + `</notify></extensions>`
}

// XEP-0492 §3: what is meant most for browsers counts; another level is written so that it
// counts, and leaves what others keep there as it is.
func TestLevel(t *testing.T) {
	const advanced = `<advanced xmlns="urn:xmpp:notification-settings:1"><x xmlns="urn:y"/></advanced>`
	for _, c := range []struct {
		name, extensions string
		is               Level
		keeps            []string // once it is never
	}{
		{"no extensions", "", "", []string{`name="A"`, "<nick>n</nick>", `autojoin="true"`}},
		{"of others", `<extensions><pinned xmlns="urn:x"/></extensions>`, "", []string{`<pinned xmlns="urn:x"/>`}},
		{"for everything", settings(`<always/>`), LevelAlways, []string{`<pinned xmlns="urn:x"/>`}},
		{"with more in it", settings(`<on-mention><advanced><x xmlns="urn:y"/></advanced></on-mention>`), LevelOnMention, []string{"<never>" + advanced + "</never>"}},
		{"for phones", settings(`<always identity-category="client" identity-type="phone"/>`), "",
			[]string{`<always xmlns="urn:xmpp:notification-settings:1" identity-category="client" identity-type="phone"/>`, "<never/>"}},
		{"for phones and gateways", settings(`<always identity-category="client" identity-type="phone"/><on-mention identity-category="gateway"/><mute xmlns="urn:z"/>`), "",
			[]string{`identity-type="phone"/><on-mention`, `identity-category="gateway"/><mute xmlns="urn:z"/>`, "<never/>"}},
		{"for browsers", settings(`<never/><always identity-category="client" identity-type="web"/>`), LevelAlways, []string{`<never identity-category="client" identity-type="web">`, "<never"}},
		{"for all clients", settings(`<never/><on-mention identity-category="client"/><always identity-category="gateway"/>`), LevelOnMention,
			[]string{`identity-category="client"/>`, `<never identity-category="client" identity-type="web"/>`, `identity-category="gateway"`}},
	} {
		it := roomWith(c.extensions)
		if got := it.Level(); got != c.is {
			t.Errorf("%s: %q, not %q", c.name, got, c.is)
		}
		changed, err := it.withLevel(LevelNever)
		if err != nil || changed.Level() != LevelNever {
			t.Errorf("%s: %q, %v\n%s", c.name, changed.Level(), err, changed.Payload)
		}
		for _, kept := range c.keeps {
			if !strings.Contains(string(changed.Payload), kept) {
				t.Errorf("%s: %s is not in %s", c.name, kept, changed.Payload)
			}
		}
		if b, ok := parseBookmarkItem(changed); !ok || !b.autojoin || b.nick != "n" {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
}

// A level that somebody chose on a page is told to their apps; without a bookmark there is
// nowhere to keep it.
func TestSetLevel(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.asking("alice", "x", NodeBookmarks)
	if err := w.svc.SetLevel(t.Context(), "alice", "a@rooms.h", LevelNever); err != nil {
		t.Fatal(err)
	}
	alice.none()
	alice.publishes(NodeBookmarks, "a@rooms.h", string(roomWith("").Payload), bookmarkOptions())
	alice.Sync()
	for range 2 {
		if err := w.svc.SetLevel(t.Context(), "alice", "a@rooms.h", LevelNever); err != nil {
			t.Fatal(err)
		}
	}
	told := alice.Sync()
	if len(told) != 1 || !strings.Contains(string(told[0].Raw), `<notify xmlns="urn:xmpp:notification-settings:1"><never/></notify>`) {
		t.Errorf("it is told %d times", len(told))
	}
}
