// Package markup shows as html what somebody wrote.
package markup

import (
	"html/template"
	"regexp"
	"strings"
)

// webAddress is an address of the web in what somebody said, without what ends the sentence
// that it stands in.
var webAddress = regexp.MustCompile(`\bhttps?://[^\s<>"]*[^\s<>".,:;!?'*_~\x60()\[\]{}]`)

// withBracket is where an address ends that began and ended so: with the bracket that closes one within it.
func withBracket(text string, from, to int) int {
	within := text[from:to]
	if strings.HasPrefix(text[to:], ")") && strings.Count(within, "(") > strings.Count(within, ")") {
		return to + 1
	}
	return to
}

// Linked is what somebody wrote as html, with links in the place of addresses of the web. That
// the site does not vouch for them says rel.
func Linked(text string) template.HTML {
	var out strings.Builder
	end := 0
	for _, at := range webAddress.FindAllStringIndex(text, -1) {
		out.WriteString(template.HTMLEscapeString(text[end:at[0]]))
		at[1] = withBracket(text, at[0], at[1])
		address := template.HTMLEscapeString(text[at[0]:at[1]])
		out.WriteString(`<a href="` + address + `" rel="nofollow ugc noopener">` + address + `</a>`)
		end = at[1]
	}
	out.WriteString(template.HTMLEscapeString(text[end:]))
	return template.HTML(out.String())
}
