package stream

import "bytes"

// Body is a BOSH wrapper (XEP-0124 §5): its attributes, and its payload as
// standalone elements. Children left in the httpbind namespace are moved to
// jabber:client (XEP-0206 §2).
type Body struct {
	Attrs    map[Name]string // unescaped; Space is "" for unprefixed ones, the namespace for xmpp:* and xml:lang
	Elements []*Element
}

// Attr returns an unprefixed attribute, or "".
func (b *Body) Attr(local string) string { return b.Attrs[Name{Local: local}] }

// XMPP returns an attribute in the urn:xmpp:xbosh namespace, or "".
func (b *Body) XMPP(local string) string { return b.Attrs[Name{Space: NSXBOSH, Local: local}] }

// Has reports whether the unprefixed attribute is there.
func (b *Body) Has(local string) bool {
	_, ok := b.Attrs[Name{Local: local}]
	return ok
}

// ParseBody checks a BOSH request. limits bound each payload element; the
// caller bounds the whole. Errors as for Parse, and bad-format for character
// data directly inside the wrapper (XEP-0124 §6) or a root that is no httpbind
// body.
func ParseBody(raw []byte, limits Limits) (*Body, error) {
	limits = limits.orDefault()
	s, b, t, err := openBody(raw, limits)
	if err != nil {
		return nil, err
	}
	defer s.free()
	if t.selfClosed {
		return b, s.atEnd()
	}
	s.outside = 1
	for {
		s.used = s.used[:0]
		t, err := s.next(true)
		if err != nil {
			return nil, wellFormed(err)
		}
		if t.kind == endTag {
			return b, s.atEnd()
		}
		e, err := s.payload(t, limits)
		if err != nil {
			return nil, wellFormed(err)
		}
		b.Elements = append(b.Elements, e)
	}
}

// ParseWrapper reads the start tag of a BOSH request's wrapper, whatever follows: what
// is returned has no Elements. It tells whose a request is that ParseBody refuses.
func ParseWrapper(raw []byte, limits Limits) (*Body, error) {
	s, b, _, err := openBody(raw, limits.orDefault())
	if err != nil {
		return nil, err
	}
	s.free()
	return b, nil
}

// openBody reads the wrapper's start tag. Without an error the scanner, which stands
// behind it, is to be freed.
func openBody(raw []byte, limits Limits) (*scanner, *Body, tag, error) {
	// The body of an HTTP request is a document of its own (XEP-0124 §6).
	raw, err := skipDeclaration(bytes.TrimLeft(skipByteOrderMark(raw), " \t\r\n"))
	if err != nil {
		return nil, nil, tag{}, err
	}
	s := newScanner(raw, limits, nil)
	s.limits.Depth++ // the wrapper itself
	t, err := s.next(true)
	switch {
	case err != nil:
		err = wellFormed(err)
	case t.kind != startTag || t.name != (Name{Space: NSHTTPBind, Local: "body"}):
		err = fail(BadFormat, "the root must be <body xmlns='"+NSHTTPBind+"'>")
	default:
		return s, &Body{Attrs: s.wrapperAttrs()}, t, nil
	}
	s.free()
	return nil, nil, tag{}, err
}

func (s *scanner) wrapperAttrs() map[Name]string {
	attrs := make(map[Name]string, len(s.attrs))
	for _, a := range s.attrs {
		if a.prefix == "xmlns" || (a.prefix == "" && a.local == "xmlns") {
			continue
		}
		attrs[Name{Space: a.space, Local: a.local}] = unescape(a.value)
	}
	return attrs
}

// payload cuts one element out of the wrapper, so that it stands alone.
func (s *scanner) payload(t tag, limits Limits) (*Element, error) {
	e, err := s.element(t)
	if err != nil {
		return nil, err
	}
	if len(e.Raw) > limits.Bytes {
		return nil, fail(PolicyViolation, "the stanza is too large")
	}
	inherits := false
	for i := range s.used {
		if s.used[i].prefix == "" && s.used[i].uri == NSHTTPBind {
			s.used[i].uri, inherits = NSClient, true
		}
	}
	if e.Name.Space == NSHTTPBind && !inherits {
		return requalify(e)
	}
	if len(s.used) > 0 {
		e.declare(s.used)
	}
	if inherits {
		e.moveToClient()
	}
	return e, nil
}

// moveToClient follows a changed default namespace in the view.
func (e *Element) moveToClient() {
	move := func(n *Name) {
		if n.Space == NSHTTPBind {
			n.Space = NSClient
		}
	}
	move(&e.Name)
	move(&e.Child)
	for i := range e.childSpans {
		move(&e.childSpans[i].name)
	}
}

// requalify handles a child that declares the httpbind namespace itself.
func requalify(e *Element) (*Element, error) {
	return e.Edit().Set("xmlns", NSClient).Element()
}

// atEnd checks that nothing follows the wrapper.
func (s *scanner) atEnd() error {
	if len(bytes.TrimRight(s.in[s.pos:], " \t\r\n")) > 0 {
		return fail(NotWellFormed, "something follows the body")
	}
	return nil
}
