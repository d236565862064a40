package previews

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"foyer/internal/names"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
)

// The longest texts of a preview, in characters.
const (
	maxTitle       = 200
	maxSite        = 60
	maxDescription = 300
)

// page is what a page says of itself.
type page struct {
	title, site, description string
	picture                  *url.URL // nil: none
}

// described are the names that a page's <meta> may have, the best first
// (https://ogp.me; HTML §4.2.5.1).
func described() map[string][]string {
	return map[string][]string{
		"title":       {"og:title", "twitter:title"},
		"site":        {"og:site_name", "application-name"},
		"description": {"og:description", "twitter:description", "description"},
		"picture":     {"og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"},
	}
}

// parsePage reads what an HTML document says of itself, in whatever encoding it is. Of one
// that is no document, or is cut off, it is what stands there.
func parsePage(at *url.URL, contentType string, body []byte) page {
	meta, title := readHead(encodingOf(body, contentType).NewDecoder().Reader(bytes.NewReader(body)))
	first := func(of string) string {
		for _, name := range described()[of] {
			if value := meta[name]; value != "" {
				return value
			}
		}
		return ""
	}
	p := page{title: clean(first("title"), maxTitle), site: clean(first("site"), maxSite), description: clean(first("description"), maxDescription)}
	if p.title == "" {
		p.title = clean(title, maxTitle)
	}
	if to, err := at.Parse(strings.TrimSpace(first("picture"))); err == nil && *to != *at && first("picture") != "" {
		p.picture = to
	}
	return p
}

// encodingOf is how a document is encoded. Where neither its header nor its beginning says so
// it is UTF-8 if it can be: the old encodings that it would be taken for hardly look like it.
func encodingOf(body []byte, contentType string) encoding.Encoding {
	e, _, certain := charset.DetermineEncoding(body, contentType)
	if !certain && utf8.Valid(wholeCharacters(body)) {
		return encoding.Nop
	}
	return e
}

// wholeCharacters is a text without a character at its end that was cut in two.
func wholeCharacters(text []byte) []byte {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i]
			}
			break
		}
	}
	return text
}

// readHead goes through a document up to where its body begins.
func readHead(r io.Reader) (meta map[string]string, title string) {
	meta = make(map[string]string)
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxPage) // styles and scripts may be as long as a page
	inTitle := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return meta, title
		case html.TextToken:
			if inTitle && title == "" {
				title = string(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			inTitle = t.DataAtom == atom.Title
			if t.DataAtom == atom.Body {
				return meta, title
			}
			if t.DataAtom == atom.Meta {
				note(meta, t.Attr)
			}
		case html.EndTagToken:
			inTitle = false
		}
	}
}

// note keeps what a <meta> says, the first of each name.
func note(meta map[string]string, attributes []html.Attribute) {
	var name, content string
	for _, a := range attributes {
		switch a.Key {
		case "property", "name":
			name = strings.ToLower(strings.TrimSpace(a.Val))
		case "content":
			content = a.Val
		}
	}
	if meta[name] == "" && len(name) < 64 && len(meta) < 256 {
		meta[name] = content
	}
}

// clean makes of a text one line of at most so many characters, without what is invisible
// or turns the line around. Empty: people would see nothing of it.
func clean(text string, most int) string {
	var b strings.Builder
	space, count := false, 0
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case names.IsPart(r): // Persian words, emoji and flags
		case !unicode.IsGraphic(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			continue
		}
		if count >= most-1 && space || count >= most {
			return b.String() + "…"
		}
		if space {
			b.WriteByte(' ')
			count++
		}
		space = false
		b.WriteRune(r)
		count++
	}
	if names.Line(b.String()) == "" {
		return ""
	}
	return b.String()
}
