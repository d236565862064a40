package markup

import (
	"html/template"
	"regexp"
	"strings"

	"mellium.im/xmpp/styling"
)

// elements are what shows each kind of styling (XEP-0393) but quotations, by the marks that begin and end it.
var elements = []struct {
	start, end styling.Style
	name       string
}{
	{styling.BlockPreStart, styling.BlockPreEnd, "pre"},
	{styling.SpanStrongStart, styling.SpanStrongEnd, "strong"},
	{styling.SpanEmphStart, styling.SpanEmphEnd, "em"},
	{styling.SpanStrikeStart, styling.SpanStrikeEnd, "del"},
	{styling.SpanPreStart, styling.SpanPreEnd, "code"},
}

// tooDeep is a line that quotes quotations more than ten times: each level costs as much as the whole
// text, and nobody reads them.
var tooDeep = regexp.MustCompile(`(?m)^(> ?){11}`)

// Styled is what somebody wrote as html: with its styling (XEP-0393) in the place of the marks, and
// with links. Each line of a quotation begins with marks again; how many says how deep it is.
func Styled(text string) template.HTML {
	if tooDeep.MatchString(text) {
		return Linked(text)
	}
	var out styledHTML
	for d := styling.NewDecoder(strings.NewReader(text)); d.Next(); {
		token, depth := d.Token(), int(d.Quote())
		if token.Mask&styling.BlockQuoteEnd != 0 {
			continue // the next token is less deep
		}
		out.quote(depth)
		if token.Mask&styling.BlockQuoteStart != 0 {
			continue
		}
		isMark := false
		for _, e := range elements {
			if token.Mask&(e.start|e.end) == 0 {
				continue
			}
			isMark = true
			if token.Mask&e.start != 0 {
				out.open(e.name)
			} else {
				out.close(e.name)
			}
		}
		switch {
		case isMark:
		case token.Mask&(styling.BlockPre|styling.SpanPre) != 0:
			template.HTMLEscape(&out.Builder, token.Data)
		default:
			out.WriteString(string(Linked(string(token.Data))))
		}
	}
	out.closeTo(0)
	return template.HTML(out.String())
}

// styledHTML is written from its start to its end, and closes every element that it opens.
type styledHTML struct {
	strings.Builder
	elements []string // that are open, the outermost first
	quotes   int      // of them: they are the first
}

func (h *styledHTML) open(element string) {
	h.WriteString("<" + element + ">")
	h.elements = append(h.elements, element)
}

// close ends an element that is open, and what is within it.
func (h *styledHTML) close(element string) {
	for i := len(h.elements) - 1; i >= h.quotes; i-- {
		if h.elements[i] == element {
			h.closeTo(i)
			return
		}
	}
}

func (h *styledHTML) closeTo(count int) {
	for len(h.elements) > count {
		last := len(h.elements) - 1
		h.WriteString("</" + h.elements[last] + ">")
		h.elements = h.elements[:last]
	}
	h.quotes = min(h.quotes, count)
}

// quote goes into quotations, or out of them, to a depth.
func (h *styledHTML) quote(depth int) {
	if depth == h.quotes {
		return
	}
	h.closeTo(min(depth, h.quotes))
	for h.quotes < depth {
		h.open("blockquote")
		h.quotes++
	}
}
