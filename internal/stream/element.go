package stream

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"math"
	"slices"
	"unicode/utf8"
)

// Name is an expanded XML name.
type Name struct{ Space, Local string }

// Element is one complete first-level element: well-formed, within limits,
// free of restricted XML (RFC 6120 §11.1), and standing alone (it declares
// every namespace it uses). Raw must not be modified. Its methods are safe for
// concurrent use.
type Element struct {
	Raw   []byte
	Name  Name
	To    string // attribute values, unescaped; "" when absent
	From  string
	ID    string
	Type  string
	Lang  string // xml:lang
	Child Name   // the first child element; zero when there is none

	tagEnd     int // where the start tag ends
	closeAt    int // where the end tag starts; 0: the start tag closes itself
	childSpans []childSpan
	outer      []binding  // the declarations on the start tag
	one        [1]binding // where they are kept: most have one
}

// childSpan is where a child element stands in its parent's bytes.
type childSpan struct {
	name       Name
	start, end int
}

// Limits bound one element.
type Limits struct {
	Bytes int // size of the element as sent
	Depth int // nesting of elements
	Attrs int // attributes on one element, namespace declarations included
}

// DefaultLimits allow every stanza that RFC 6120 §13.12 wants served (10,000
// bytes) with ample room for avatars in vCards.
var DefaultLimits = Limits{Bytes: 256 << 10, Depth: 64, Attrs: 64}

// unlimited is for bytes that were checked before.
var unlimited = Limits{Bytes: math.MaxInt, Depth: math.MaxInt, Attrs: math.MaxInt}

// orDefault fills zero fields from DefaultLimits.
func (l Limits) orDefault() Limits {
	if l.Bytes == 0 {
		l.Bytes = DefaultLimits.Bytes
	}
	if l.Depth == 0 {
		l.Depth = DefaultLimits.Depth
	}
	if l.Attrs == 0 {
		l.Attrs = DefaultLimits.Attrs
	}
	return l
}

// Parse checks one element that came alone, as in a WebSocket message (RFC
// 7395 §3.3.3). An XML declaration in front is tolerated. The element keeps
// raw. The error is an *Error: restricted-xml, not-well-formed,
// unsupported-encoding, policy-violation (limits).
func Parse(raw []byte, limits Limits) (*Element, error) {
	limits = limits.orDefault()
	if len(raw) > limits.Bytes {
		return nil, fail(PolicyViolation, "the stanza is too large")
	}
	raw, err := skipDeclaration(raw)
	if err != nil {
		return nil, err
	}
	// RFC 7395 §3.3.3: the first character is <. A byte order mark is a character, too (RFC 6120 §11.6).
	if len(raw) == 0 || raw[0] != '<' {
		if !utf8.Valid(raw) {
			return nil, fail(UnsupportedEncoding, "not UTF-8")
		}
		return nil, fail(NotWellFormed, "a message must begin with <")
	}
	s := newScanner(raw, limits, nil)
	defer s.free()
	t, err := s.next(true)
	if err != nil {
		return nil, wellFormed(err)
	}
	e, err := s.element(t)
	if err != nil {
		return nil, wellFormed(err)
	}
	if len(bytes.TrimRight(raw[s.pos:], " \t\r\n")) > 0 {
		return nil, fail(NotWellFormed, "more than one element")
	}
	return e, nil
}

// wellFormed turns the end of the bytes inside an element into a stream error.
func wellFormed(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(NotWellFormed, "the element is not complete")
	}
	return err
}

// element reads the rest of the element whose start tag t was read last. Its
// Raw is the bytes as they stand.
func (s *scanner) element(t tag) (*Element, error) {
	if t.kind == endTag {
		return nil, fail(NotWellFormed, "a closing tag without its element")
	}
	e := &Element{Name: t.name, tagEnd: t.end - t.start}
	s.view(e)
	s.childSpans = s.childSpans[:0]
	for depth := len(s.open); !t.selfClosed && len(s.open) >= depth; {
		next, err := s.next(false)
		switch {
		case err != nil:
			return nil, err
		case next.kind == endTag && len(s.open) < depth:
			e.closeAt = next.start - t.start
		case next.kind == endTag && len(s.open) == depth:
			s.childSpans[len(s.childSpans)-1].end = next.end - t.start
		case next.kind == startTag && len(s.open) == depth+1 && !next.selfClosed,
			next.kind == startTag && len(s.open) == depth && next.selfClosed:
			s.childSpans = append(s.childSpans, childSpan{name: next.name, start: next.start - t.start, end: next.end - t.start})
		}
	}
	if len(s.childSpans) > 0 {
		e.childSpans = slices.Clone(s.childSpans)
		e.Child = e.childSpans[0].name
	}
	e.Raw = s.in[t.start:s.pos:s.pos]
	return e, nil
}

// view takes what routing needs from the attributes of the start tag.
func (s *scanner) view(e *Element) {
	e.outer = e.one[:0]
	for i := range s.attrs {
		a := &s.attrs[i]
		switch {
		case a.prefix == "xml" && a.local == "lang":
			e.Lang = unescape(a.value)
		case a.prefix == "xmlns":
			e.outer = append(e.outer, binding{prefix: a.local, uri: internSpace(a.value)})
		case a.prefix != "":
		case a.local == "xmlns":
			e.outer = append(e.outer, binding{uri: internSpace(a.value)})
		case a.local == "to":
			e.To = unescape(a.value)
		case a.local == "from":
			e.From = unescape(a.value)
		case a.local == "id":
			e.ID = unescape(a.value)
		case a.local == "type":
			e.Type = internType(a.value)
		}
	}
}

// Children yields the direct child elements in document order.
func (e *Element) Children() iter.Seq[Child] {
	return func(yield func(Child) bool) {
		for _, k := range e.childSpans {
			if !yield(e.child(k)) {
				return
			}
		}
	}
}

func (e *Element) child(k childSpan) Child {
	return Child{Name: k.name, in: e.Raw[k.start:k.end:k.end], outer: e.outer}
}

// Find returns the first direct child with that name.
func (e *Element) Find(space, local string) (Child, bool) {
	for _, k := range e.childSpans {
		if k.name.Local == local && k.name.Space == space {
			return e.child(k), true
		}
	}
	return Child{}, false
}

// Len returns the number of direct child elements.
func (e *Element) Len() int { return len(e.childSpans) }

// Attr returns an unprefixed attribute of the element, unescaped.
func (e *Element) Attr(local string) (string, bool) { return attr(e.Raw, local) }

// Text returns the element's character data, unescaped, without that of its
// children.
func (e *Element) Text() string { return Child{Name: e.Name, in: e.Raw}.Text() }

// Decode decodes the element with encoding/xml.
func (e *Element) Decode(v any) error { return xml.Unmarshal(e.Raw, v) }
