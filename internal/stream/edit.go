package stream

// Edit collects changes to an Element; Bytes or Element applies them. What is
// not named stays as it was, byte for byte.
type Edit struct {
	of    *Element
	set   []attrEdit
	lang  string
	drop  func(Child) bool
	added [][]byte
}

type attrEdit struct{ name, value string }

// Edit starts a changed copy of the element.
func (e *Element) Edit() *Edit { return &Edit{of: e} }

// Set sets an unprefixed attribute of the element; an empty value removes it.
func (d *Edit) Set(attr, value string) *Edit {
	d.set = append(d.set, attrEdit{attr, value})
	return d
}

// SetLang sets xml:lang unless the element has one (RFC 6120 §8.1.5).
func (d *Edit) SetLang(lang string) *Edit {
	if d.of.Lang == "" {
		d.lang = lang
	}
	return d
}

// Drop removes the direct children for which drop returns true.
func (d *Edit) Drop(drop func(Child) bool) *Edit {
	d.drop = drop
	return d
}

// Append adds complete child elements before the end tag. Each must declare
// the namespaces it uses.
func (d *Edit) Append(raw ...[]byte) *Edit {
	d.added = append(d.added, raw...)
	return d
}

// Element returns the changed element with its view. The error tells that what
// was appended is not well-formed.
func (d *Edit) Element() (*Element, error) { return Parse(d.Bytes(), unlimited) }

// Bytes returns the changed element.
func (d *Edit) Bytes() []byte {
	e := d.of
	size := len(e.Raw) + 128
	for _, a := range d.added {
		size += len(a)
	}
	out, name := d.startTag(make([]byte, 0, size))
	if e.closeAt == 0 {
		if len(d.added) == 0 {
			return append(out, "/>"...)
		}
		out = d.append(append(out, '>'))
		return append(append(append(out, "</"...), name...), '>')
	}
	out = append(out, '>')
	at := e.tagEnd
	for _, k := range e.kids {
		if d.drop == nil || !d.drop(e.child(k)) {
			continue
		}
		out = append(out, e.Raw[at:k.start]...)
		at = k.end
	}
	out = d.append(append(out, e.Raw[at:e.closeAt]...))
	return append(out, e.Raw[e.closeAt:]...)
}

func (d *Edit) append(out []byte) []byte {
	for _, a := range d.added {
		out = append(out, a...)
	}
	return out
}

// startTag writes the start tag up to its end, which it leaves open, and
// returns the qualified name.
func (d *Edit) startTag(out []byte) (tag, name []byte) {
	raw := d.of.Raw
	at := nameEnd(raw)
	name = raw[1:at]
	out = append(out, raw[:at]...)
	s := &scanner{in: raw, limits: unlimited}
	if _, err := s.next(true); err != nil {
		return out, name // cannot be: the element was checked
	}
	for _, a := range s.attrs {
		if a.prefix == "" && d.sets(a.local) {
			continue
		}
		out = append(append(out, ' '), raw[a.start:a.end]...)
	}
	for i, a := range d.set {
		if a.value == "" || d.setLater(i) {
			continue
		}
		out = append(append(append(out, ' '), a.name...), `="`...)
		out = append(AppendEscaped(out, a.value), '"')
	}
	if d.lang != "" {
		out = append(AppendEscaped(append(out, ` xml:lang="`...), d.lang), '"')
	}
	return out, name
}

func (d *Edit) sets(attr string) bool {
	for _, a := range d.set {
		if a.name == attr {
			return true
		}
	}
	return false
}

// setLater reports whether the i-th change is overruled by a later one.
func (d *Edit) setLater(i int) bool {
	for _, a := range d.set[i+1:] {
		if a.name == d.set[i].name {
			return true
		}
	}
	return false
}
