package stream

import (
	"encoding/xml"
	"iter"
	"slices"
)

// Child is a child element inside an Element, at any depth. Its methods read
// the element's bytes again; they are for payloads, not for routing.
type Child struct {
	Name  Name
	in    []byte    // as it stands in the parent
	outer []binding // namespaces in force around it
}

func (c Child) scanner() *scanner { return newScanner(c.in, unlimited, c.outer) }

// Attr returns an unprefixed attribute of the child, unescaped.
func (c Child) Attr(local string) (string, bool) { return attr(c.in, local) }

// Children yields the child's own child elements.
func (c Child) Children() iter.Seq[Child] {
	return func(yield func(Child) bool) {
		e, err := c.element()
		if err != nil {
			return
		}
		outer := slices.Concat(c.outer, e.outer)
		for _, k := range e.childSpans {
			if !yield(Child{Name: k.name, in: c.in[k.start:k.end:k.end], outer: outer}) {
				return
			}
		}
	}
}

// Find returns the first of the child's own children with that name.
func (c Child) Find(space, local string) (Child, bool) {
	for k := range c.Children() {
		if k.Name == (Name{Space: space, Local: local}) {
			return k, true
		}
	}
	return Child{}, false
}

// Has reports whether the child, or an element inside it at any depth, has a name that fits.
func (c Child) Has(fits func(Name) bool) bool {
	s := c.scanner()
	defer s.free()
	for first := true; ; first = false {
		t, err := s.next(first)
		switch {
		case err != nil:
			return false
		case t.kind == startTag && fits(t.name):
			return true
		case len(s.open) == 0:
			return false
		}
	}
}

func (c Child) element() (*Element, error) {
	s := c.scanner()
	defer s.free()
	t, err := s.next(true)
	if err != nil {
		return nil, err
	}
	return s.element(t)
}

// Text returns the child's character data, unescaped, without that of its
// children.
func (c Child) Text() string {
	var content []byte
	s := c.scanner()
	defer s.free()
	s.content = &content
	t, err := s.next(true)
	if err != nil {
		return ""
	}
	if _, err := s.element(t); err != nil {
		return ""
	}
	return string(content)
}

// Raw returns the child's bytes with every namespace it uses declared on it,
// so that they stand alone.
func (c Child) Raw() []byte {
	s := c.scanner()
	defer s.free()
	t, err := s.next(true)
	if err != nil {
		return nil
	}
	e, err := s.element(t)
	if err != nil {
		return nil
	}
	if len(s.used) > 0 {
		e.declare(s.used)
	}
	return e.Raw
}

// Decode decodes the child with encoding/xml.
func (c Child) Decode(v any) error { return xml.Unmarshal(c.Raw(), v) }

// declare adds declarations to the start tag of an element that was just read, and is
// nobody's yet. Its bytes are a copy from then on.
func (e *Element) declare(needed []binding) {
	decl := make([]byte, 0, 64)
	for _, b := range needed {
		decl = append(decl, " xmlns"...)
		if b.prefix != "" {
			decl = append(append(decl, ':'), b.prefix...)
		}
		decl = append(AppendEscaped(append(decl, `="`...), b.uri), '"')
	}
	at := nameEnd(e.Raw)
	raw := make([]byte, 0, len(e.Raw)+len(decl))
	e.Raw = append(append(append(raw, e.Raw[:at]...), decl...), e.Raw[at:]...)
	e.shift(len(decl))
	e.outer = slices.Insert(e.outer, 0, needed...)
}

// shift moves every offset behind the element's name by n.
func (e *Element) shift(n int) {
	e.tagEnd += n
	if e.closeAt > 0 {
		e.closeAt += n
	}
	for i := range e.childSpans {
		e.childSpans[i].start += n
		e.childSpans[i].end += n
	}
}

// nameEnd returns where the name in a start tag ends.
func nameEnd(raw []byte) int {
	at := 1
	for isNameByte(raw[at]) {
		at++
	}
	return at
}
