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
	for i := range s.attrs {
		a := &s.attrs[i]
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
		if a.space, err = s.attrSpace(a.prefix); err != nil {
			return err
		}
		for j := range i {
			b := &s.attrs[j]
			if b.local == a.local && (b.prefix == a.prefix || (a.space != "" && b.space == a.space)) {
				return fail(NotWellFormed, "an attribute is given twice")
			}
		}
	}
	return nil
}

func (s *scanner) attrSpace(prefix string) (string, error) {
	switch prefix {
	case "":
		return "", nil
	case "xmlns":
		return nsXMLNS, nil
	}
	return s.resolve(prefix)
}

// qname reads a qualified name: one colon at most, a legal name on each side.
func (s *scanner) qname() ([]byte, error) {
	rest, n, holds := s.in[s.pos:], 0, uint8(0)
	for n < len(rest) {
		is := nameBytes[rest[n]]
		if is == 0 {
			break
		}
		holds |= is
		n++
	}
	name := rest[:n]
	if s.pos += n; n == len(rest) {
		return nil, io.ErrUnexpectedEOF
	}
	if !legalName(name, holds&colon != 0) || (holds&unicodeName != 0 && !legalUnicodeName(name)) {
		return nil, fail(NotWellFormed, "not a legal XML name")
	}
	return name, nil
}

func legalName(name []byte, hasColon bool) bool {
	if len(name) == 0 || !isNameStart(name[0]) {
		return false
	}
	if !hasColon {
		return true
	}
	prefix, local, _ := bytes.Cut(name, []byte(":"))
	return len(prefix) > 0 && len(local) > 0 && isNameStart(local[0]) && bytes.IndexByte(local, ':') < 0
}

// legalUnicodeName leaves names outside ASCII, which XMPP has none of, to
// encoding/xml's tables.
func legalUnicodeName(name []byte) bool {
	doc := append(append([]byte("<"), name...), "/>"...)
	_, err := xml.NewDecoder(bytes.NewReader(doc)).RawToken()
	return err == nil
}

// What a byte may be in a qualified name (XML 1.0 §2.3), as far as one byte tells; 0: nothing.
const (
	startsName  = 1 << iota
	colon       // between the prefix and the rest
	unicodeName // part of a character outside ASCII
	restOfName
)

var nameBytes = func() (of [256]uint8) {
	for i := range of {
		switch b := byte(i); {
		case ('a' <= b && b <= 'z') || ('A' <= b && b <= 'Z') || b == '_':
			of[i] = startsName
		case b >= utf8.RuneSelf:
			of[i] = startsName | unicodeName
		case b == ':':
			of[i] = colon
		case b == '-' || b == '.' || ('0' <= b && b <= '9'):
			of[i] = restOfName
		}
	}
	return of
}()

func isNameByte(b byte) bool { return nameBytes[b] != 0 }

func isNameStart(b byte) bool { return nameBytes[b]&startsName != 0 }

func splitName(name []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return nil, name
}
