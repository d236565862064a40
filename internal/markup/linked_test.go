package markup

import "testing"

// Visitors follow what is said in a page; what is no address of the web is text, whatever it tries.
func TestLinked(t *testing.T) {
	link := func(address string) string {
		return `<a href="` + address + `" rel="nofollow ugc noopener">` + address + `</a>`
	}
	for text, want := range map[string]string{
		"no link":                          "no link",
		"See https://example.org/a?b=1&c.": "See " + link("https://example.org/a?b=1&amp;c") + ".",
		"(http://a.example/x) and *https://b.example/*": "(" + link("http://a.example/x") + ") and *" + link("https://b.example/") + "*",
		`https://a.example/"onmouseover="x`:             link("https://a.example/") + "&#34;onmouseover=&#34;x",
		"<b>javascript://a.example</b>":                 "&lt;b&gt;javascript://a.example&lt;/b&gt;",
		"https://":                                      "https://",
		"https://a.example/Foyer_(room)":                link("https://a.example/Foyer_(room)"),
		"(see https://a.example/Foyer_(room))":          "(see " + link("https://a.example/Foyer_(room)") + ")",
	} {
		if got := string(Linked(text)); got != want {
			t.Errorf("%q is %s; want %s", text, got, want)
		}
	}
}
