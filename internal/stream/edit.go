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
	d.set = append(d.set, attrEdit{attr, legal(value)})
	return d
}

// SetLang sets xml:lang unless the element has one (RFC 6120 §8.1.5).
func (d *Edit) SetLang(lang string) *Edit {
	if _, has := attr(d.of.Raw, "xml:lang"); !has { // an empty one says something, too
		d.lang = legal(lang)
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
func (d *Edit) Element() (*Element, error) {
	if len(d.added) > 0 || d.sets("xmlns") {
		return Parse(d.Bytes(), unlimited)
	}
	// What is left was checked before: only the places change.
	e := *d.of
	e.childSpans, e.Child = nil, Name{}
	e.Raw = d.write(&e)
	if len(e.childSpans) > 0 {
		e.Child = e.childSpans[0].name
	}
	for _, a := range d.set {
		if view := e.viewOf(a.name); view != nil {
			*view = a.value
		}
	}
	if d.lang != "" {
		e.Lang = d.lang
	}
	return &e, nil
}

// viewOf returns where the view holds an attribute, or nil.
func (e *Element) viewOf(attr string) *string {
	switch attr {
	case "to":
		return &e.To
	case "from":
		return &e.From
	case "id":
		return &e.ID
	case "type":
		return &e.Type
	}
	return nil
}

// Bytes returns the changed element.
func (d *Edit) Bytes() []byte {
	var unused Element
	return d.write(&unused)
}

// write returns the changed element, and notes in e where its parts are, except
// what is appended.
func (d *Edit) write(e *Element) []byte {
	of := d.of
	size := len(of.Raw) + 128
	for _, a := range d.added {
		size += len(a)
	}
	out, name := d.startTag(make([]byte, 0, size))
	if of.closeAt == 0 {
		if len(d.added) == 0 {
			out = append(out, "/>"...)
			e.tagEnd = len(out)
			return out
		}
		out = d.append(append(out, '>'))
		return append(append(append(out, "</"...), name...), '>')
	}
	out = append(out, '>')
	e.tagEnd = len(out)
	if len(of.childSpans) > 0 {
		e.childSpans = make([]childSpan, 0, len(of.childSpans))
	}
	at := of.tagEnd
	for _, k := range of.childSpans {
		if d.drop != nil && d.drop(of.child(k)) {
			out = closeText(append(out, of.Raw[at:k.start]...))
			at = k.end
			continue
		}
		moved := len(out) - at
		e.childSpans = append(e.childSpans, childSpan{k.name, k.start + moved, k.end + moved})
	}
	out = d.append(append(out, of.Raw[at:of.closeAt]...))
	e.closeAt = len(out)
	return append(out, of.Raw[of.closeAt:]...)
}

// closeText keeps the text before a child that is dropped from becoming ]]> with
// the text behind it, which XML 1.0 §2.4 forbids.
func closeText(out []byte) []byte {
	if out[len(out)-1] != ']' {
		return out
	}
	return append(out[:len(out)-1], "&#93;"...)
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
	for a, ok := attrAt(raw, at); ok; a, ok = attrAt(raw, a.end) {
		if !d.sets(string(a.name)) {
			out = append(append(out, ' '), raw[a.start:a.end]...)
		}
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
