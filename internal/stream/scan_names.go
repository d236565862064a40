package stream

import (
	"bytes"
	"encoding/xml"
	"io"
	"unicode/utf8"
)

// Names and their namespaces (Namespaces in XML 1.0).

// declare puts the tag's namespace declarations in force (Namespaces in XML
// 1.0 §3).
func (s *scanner) declare() error {
	for _, a := range s.attrs {
		var prefix string
		switch {
		case a.prefix == "xmlns":
			prefix = a.local
		case a.prefix == "" && a.local == "xmlns":
		default:
			continue
		}
		uri := internSpace(a.value)
		if err := checkDeclaration(prefix, uri, a.prefix == "xmlns"); err != nil {
			return err
		}
		s.ns = append(s.ns, binding{prefix: prefix, uri: uri, depth: len(s.open)})
	}
	return nil
}

func checkDeclaration(prefix, uri string, prefixed bool) error {
	switch {
	case prefix == "xmlns" || uri == nsXMLNS:
		return fail(NotWellFormed, "the prefix xmlns cannot be declared")
	case (prefix == "xml") != (uri == NSXML):
		return fail(NotWellFormed, "the prefix xml is bound to its own namespace")
	case prefixed && uri == "":
		return fail(NotWellFormed, "a prefix cannot be undeclared")
	}
	return nil
}

// resolve returns the namespace of a prefix; the empty prefix is the default
// namespace.
func (s *scanner) resolve(prefix string) (string, error) {
	if prefix == "xml" {
		return NSXML, nil
	}
	for i := len(s.ns) - 1; i >= 0; i-- {
		if s.ns[i].prefix == prefix {
			if s.ns[i].depth <= s.outside {
				s.use(s.ns[i])
			}
			return s.ns[i].uri, nil
		}
	}
	if prefix != "" {
		return "", fail(NotWellFormed, "a prefix is not declared")
	}
	return "", nil
}

func (s *scanner) use(b binding) {
	for _, u := range s.used {
		if u.prefix == b.prefix {
			return
		}
	}
	b.depth = 0 // in force from outside the element that takes it along
	s.used = append(s.used, b)
}

// checkAttrs refuses unbound prefixes and attributes given twice, by name or
// by expanded name.
func (s *scanner) checkAttrs() error {
	for i := range s.attrs {
		a := &s.attrs[i]
		var err error
		if a.space, err = s.attrSpace(*a); err != nil {
			return err
		}
		for _, b := range s.attrs[:i] {
			if b.local == a.local && (b.prefix == a.prefix || (a.space != "" && b.space == a.space)) {
				return fail(NotWellFormed, "an attribute is given twice")
			}
		}
	}
	return nil
}

func (s *scanner) attrSpace(a rawAttr) (string, error) {
	switch a.prefix {
	case "":
		return "", nil
	case "xmlns":
		return nsXMLNS, nil
	}
	return s.resolve(a.prefix)
}

// qname reads a qualified name: one colon at most, a legal name on each side.
func (s *scanner) qname() ([]byte, error) {
	start, colons, ascii := s.pos, 0, true
	for s.pos < len(s.in) && isNameByte(s.in[s.pos]) {
		switch {
		case s.in[s.pos] == ':':
			colons++
		case s.in[s.pos] >= utf8.RuneSelf:
			ascii = false
		}
		s.pos++
	}
	if s.pos >= len(s.in) {
		return nil, io.ErrUnexpectedEOF
	}
	name := s.in[start:s.pos]
	if !legalName(name, colons) || (!ascii && !legalUnicodeName(name)) {
		return nil, fail(NotWellFormed, "not a legal XML name")
	}
	return name, nil
}

func legalName(name []byte, colons int) bool {
	if len(name) == 0 || colons > 1 || !isNameStart(name[0]) {
		return false
	}
	if colons == 0 {
		return true
	}
	i := bytes.IndexByte(name, ':')
	return i > 0 && i < len(name)-1 && isNameStart(name[i+1])
}

// legalUnicodeName leaves names outside ASCII, which XMPP has none of, to
// encoding/xml's tables.
func legalUnicodeName(name []byte) bool {
	doc := append(append([]byte("<"), name...), "/>"...)
	_, err := xml.NewDecoder(bytes.NewReader(doc)).RawToken()
	return err == nil
}

func isNameByte(b byte) bool {
	return isNameStart(b) || b == ':' || b == '-' || b == '.' || ('0' <= b && b <= '9')
}

func isNameStart(b byte) bool {
	return ('a' <= b && b <= 'z') || ('A' <= b && b <= 'Z') || b == '_' || b >= utf8.RuneSelf
}

func splitName(name []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return nil, name
}
