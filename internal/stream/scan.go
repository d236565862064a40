package stream

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// The namespaces of XMPP's framing.
const (
	NSClient   = "jabber:client"
	NSStream   = "http://etherx.jabber.org/streams"
	NSStreams  = "urn:ietf:params:xml:ns:xmpp-streams" // of stream errors
	NSFraming  = "urn:ietf:params:xml:ns:xmpp-framing"
	NSHTTPBind = "http://jabber.org/protocol/httpbind"
	NSXBOSH    = "urn:xmpp:xbosh"
	NSXML      = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS    = "http://www.w3.org/2000/xmlns/"
)

// binding is one namespace declaration in force.
type binding struct {
	prefix string
	uri    string
	depth  int // of the element that declares it; 0: in force from outside
}

// rawAttr is an attribute as it stands in the bytes.
type rawAttr struct {
	prefix, local string
	space         string // the prefix's namespace; set once the tag is read
	value         []byte // still escaped
	start, end    int    // of name="value" in the input
}

// scanner walks the tags of one document in one pass, checking as it goes. It
// keeps no tree: only the open tags' names and the namespaces in force.
type scanner struct {
	in         []byte
	pos        int
	limits     Limits
	attrs      []rawAttr // of the tag read last
	open       []openTag
	ns         []binding
	childSpans []childSpan // of the element being read
	// While an element is being cut out of a larger one, outside is the depth
	// of what surrounds it, and used collects the bindings it takes from there.
	outside int
	used    []binding
	content *[]byte // collects the character data of the outermost element; nil: not wanted
}

type openTag struct {
	name []byte // qualified
	decl int    // len(ns) before the tag's own declarations
}

// tag is what the scanner found.
type tag struct {
	kind       tagKind
	name       Name
	prefix     string
	start, end int
	selfClosed bool
}

type tagKind int

const (
	startTag tagKind = iota
	endTag
)

func fail(c Condition, text string) error { return &Error{Condition: c, Text: text} }

// next returns the next tag. Character data on the way is checked; it is
// refused where strict is set, except white space.
func (s *scanner) next(strict bool) (tag, error) {
	for s.pos < len(s.in) {
		if s.in[s.pos] != '<' {
			if err := s.text(strict); err != nil {
				return tag{}, err
			}
			continue
		}
		rest := s.in[s.pos:]
		switch {
		case len(rest) < 2:
			return tag{}, io.ErrUnexpectedEOF
		case rest[1] == '/':
			return s.closeTag()
		case rest[1] == '?':
			return tag{}, fail(RestrictedXML, "processing instructions are not allowed")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			if strict {
				return tag{}, fail(BadFormat, "character data is not allowed here")
			}
			if err := s.cdata(); err != nil {
				return tag{}, err
			}
		case rest[1] == '!':
			return tag{}, fail(RestrictedXML, "comments and document types are not allowed")
		default:
			return s.openTag()
		}
	}
	return tag{}, io.ErrUnexpectedEOF
}

// text checks character data up to the next tag.
func (s *scanner) text(strict bool) error {
	end := bytes.IndexByte(s.in[s.pos:], '<')
	if end < 0 {
		end = len(s.in) - s.pos
	}
	data := s.in[s.pos : s.pos+end]
	s.pos += end
	if strict {
		if !utf8.Valid(data) {
			return fail(UnsupportedEncoding, "not UTF-8")
		}
		if len(bytes.TrimLeft(data, " \t\r\n")) > 0 {
			return fail(BadFormat, "character data is not allowed here")
		}
		return nil
	}
	if bytes.Contains(data, []byte("]]>")) {
		return fail(NotWellFormed, "]]> is not allowed in character data")
	}
	if s.content != nil && len(s.open) == 1 {
		*s.content = append(*s.content, unescape(data)...)
	}
	return checkChars(data, true)
}

// cdata checks a CDATA section: legal XML that RFC 6120 §11.1 does not forbid.
func (s *scanner) cdata() error {
	start := s.pos + len("<![CDATA[")
	end := bytes.Index(s.in[start:], []byte("]]>"))
	if end < 0 {
		return io.ErrUnexpectedEOF
	}
	s.pos = start + end + len("]]>")
	if s.content != nil && len(s.open) == 1 {
		*s.content = append(*s.content, s.in[start:start+end]...)
	}
	return checkChars(s.in[start:start+end], false)
}

func (s *scanner) closeTag() (tag, error) {
	start := s.pos
	s.pos += 2
	name, err := s.qname()
	if err != nil {
		return tag{}, err
	}
	s.space()
	if s.pos >= len(s.in) {
		return tag{}, io.ErrUnexpectedEOF
	}
	if s.in[s.pos] != '>' {
		return tag{}, fail(NotWellFormed, "a closing tag has only a name")
	}
	s.pos++
	if len(s.open) == 0 || !bytes.Equal(s.open[len(s.open)-1].name, name) {
		return tag{}, fail(NotWellFormed, "the closing tag does not match")
	}
	s.pop()
	return tag{kind: endTag, start: start, end: s.pos}, nil
}

func (s *scanner) pop() {
	last := len(s.open) - 1
	s.ns = s.ns[:s.open[last].decl]
	s.open = s.open[:last]
}

func (s *scanner) openTag() (tag, error) {
	t := tag{kind: startTag, start: s.pos}
	s.pos++
	name, err := s.qname()
	if err != nil {
		return tag{}, err
	}
	if len(s.open) >= s.limits.Depth {
		return tag{}, fail(PolicyViolation, "elements are nested too deeply")
	}
	s.open = append(s.open, openTag{name: name, decl: len(s.ns)})
	if t.selfClosed, err = s.attributes(); err != nil {
		return tag{}, err
	}
	t.end = s.pos
	if err := s.declare(); err != nil {
		return tag{}, err
	}
	prefix, local := splitName(name)
	t.prefix, t.name.Local = intern(prefix), intern(local)
	if t.name.Space, err = s.resolve(t.prefix); err != nil {
		return tag{}, err
	}
	if err := s.checkAttrs(); err != nil {
		return tag{}, err
	}
	if t.selfClosed {
		s.pop()
	}
	return t, nil
}

// attributes reads up to the end of a start tag.
func (s *scanner) attributes() (selfClosed bool, err error) {
	s.attrs = s.attrs[:0]
	for {
		spaced := s.space()
		if s.pos >= len(s.in) {
			return false, io.ErrUnexpectedEOF
		}
		switch s.in[s.pos] {
		case '>':
			s.pos++
			return false, nil
		case '/':
			if s.pos+1 >= len(s.in) {
				return false, io.ErrUnexpectedEOF
			}
			if s.in[s.pos+1] != '>' {
				return false, fail(NotWellFormed, "a stray / in a tag")
			}
			s.pos += 2
			return true, nil
		}
		if !spaced {
			return false, fail(NotWellFormed, "attributes must be separated by white space")
		}
		if err := s.attribute(); err != nil {
			return false, err
		}
	}
}

func (s *scanner) attribute() error {
	if len(s.attrs) >= s.limits.Attrs {
		return fail(PolicyViolation, "too many attributes")
	}
	a := rawAttr{start: s.pos}
	name, err := s.qname()
	if err != nil {
		return err
	}
	s.space()
	if s.pos >= len(s.in) {
		return io.ErrUnexpectedEOF
	}
	if s.in[s.pos] != '=' {
		return fail(NotWellFormed, "an attribute needs a value")
	}
	s.pos++
	s.space()
	if s.pos >= len(s.in) {
		return io.ErrUnexpectedEOF
	}
	quote := s.in[s.pos]
	if quote != '"' && quote != '\'' {
		return fail(NotWellFormed, "an attribute's value must be quoted")
	}
	s.pos++
	end := bytes.IndexByte(s.in[s.pos:], quote)
	if end < 0 {
		return io.ErrUnexpectedEOF
	}
	a.value = s.in[s.pos : s.pos+end]
	s.pos += end + 1
	a.end = s.pos
	prefix, local := splitName(name)
	a.prefix, a.local = intern(prefix), intern(local)
	s.attrs = append(s.attrs, a)
	if bytes.IndexByte(a.value, '<') >= 0 {
		return fail(NotWellFormed, "< is not allowed in an attribute's value")
	}
	return checkChars(a.value, true)
}

// space skips white space and reports whether there was any.
func (s *scanner) space() bool {
	from := s.pos
	for s.pos < len(s.in) && isSpace(s.in[s.pos]) {
		s.pos++
	}
	return s.pos > from
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }
