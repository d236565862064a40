package stream

import (
	"strings"
	"testing"
)

// RFC 6120 §4.7.4: the language of a stream is a language tag; a text of any other kind or length would go with every stanza.
func TestLanguage(t *testing.T) {
	for _, tag := range []string{"de", "en-GB", "zh-Hans-CN", "x-klingon", "az-Latn-x-latn", "sl-rozaj-biske-1994", "i-enochian"} {
		if got := Language(tag); got != tag {
			t.Errorf("%q: %q", tag, got)
		}
	}
	for _, text := range []string{"", "-", "de-", "de_DE", "de DE", "ä", "wesentlich-deutsch", "a'b", strings.Repeat("aaaaaaa-", 10) + "a", strings.Repeat("x", 200_000)} {
		if got := Language(text); got != "" {
			t.Errorf("%.40q: %q", text, got)
		}
	}
}
