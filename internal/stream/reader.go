package stream

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// Sizes of a Reader's buffer, in bytes: what it starts with, what an idle
// stream keeps at most, and what a stream header may take.
const (
	readStart = 1 << 10
	readKept  = 4 << 10
	maxHeader = 8 << 10
)

// Reader cuts the elements of an XML stream (RFC 6120 §4) out of bytes that
// come in pieces of any size. It looks at each byte once for where an element
// ends, checks the element as Parse does, and holds no more than one element
// within the limits, plus what came with it in the same read. White space
// between elements is skipped (RFC 6120 §4.6.1). It is for one goroutine.
type Reader struct {
	src    io.Reader
	limits Limits
	store  []byte   // what buf lies in
	buf    []byte   // read, and not consumed
	cut    splitter // how far the next element was looked at
	header []binding
	name   []byte // qualified, of the header
	ended  bool
}

// Header is what opens a stream (RFC 6120 §4.7).
type Header struct {
	Name                    Name
	Prefixed                bool   // the name has a prefix
	Default                 string // the default namespace
	To, From, Lang, Version string
}

// NewReader returns a Reader of src. Zero limits take their defaults.
func NewReader(src io.Reader, limits Limits) *Reader {
	return &Reader{src: src, limits: limits.orDefault()}
}

// Header reads a stream header: the first, or the one after a restart (RFC 6120
// §4.3.3). Errors as for Next.
func (r *Reader) Header() (Header, error) {
	r.ended = false
	if err := r.declaration(); err != nil {
		return Header{}, err
	}
	r.cut = splitter{startOnly: true}
	end, err := r.find(maxHeader)
	if err != nil {
		return Header{}, err
	}
	s := newScanner(r.buf[:end:end], r.limits, nil)
	defer s.free()
	t, err := s.next(true)
	switch {
	case err != nil:
		return Header{}, wellFormed(err)
	case t.kind == endTag || t.selfClosed:
		return Header{}, fail(BadFormat, "a stream begins with its header")
	}
	e := &Element{}
	s.view(e)
	h := Header{Name: t.name, Prefixed: t.prefix != "", To: e.To, From: e.From, Lang: e.Lang}
	for _, a := range s.attrs {
		if a.prefix == "" && a.local == "version" {
			h.Version = unescape(a.value)
		}
	}
	r.name = bytes.Clone(s.open[0].name)
	r.header = slices.Clone(e.outer) // depth 0: in force from outside
	for _, b := range r.header {
		if b.prefix == "" {
			h.Default = b.uri
		}
	}
	r.consume(end)
	return h, nil
}

// declaration skips an XML declaration (RFC 6120 §11.4).
func (r *Reader) declaration() error {
	for {
		r.skipSpace()
		if n := min(len(r.buf), 2); n > 0 && string(r.buf[:n]) != "<?"[:n] {
			return nil
		}
		if end := bytes.Index(r.buf, []byte("?>")); end > 0 {
			if !declares(r.buf) {
				return fail(RestrictedXML, "processing instructions are not allowed")
			}
			_, err := skipDeclaration(r.buf[:end+2])
			r.consume(end + 2)
			return err
		}
		if len(r.buf) >= maxHeader {
			return fail(PolicyViolation, "the XML declaration is too long")
		}
		if err := r.fill(maxHeader); err != nil {
			return err
		}
	}
}

// Next returns the next first-level element, standing alone: it declares what
// it uses of the stream header's namespaces. Errors: io.EOF at the end tag of
// the stream; an *Error for whatever breaks a rule, as for Parse, and
// bad-format for text between elements; the error of the source.
func (r *Reader) Next() (*Element, error) {
	if r.ended {
		return nil, io.EOF
	}
	r.cut = splitter{}
	end, err := r.find(r.limits.Bytes)
	if err != nil {
		return nil, err
	}
	raw := r.buf[:end:end]
	if r.cut.depth < 0 {
		return nil, r.endTag(raw)
	}
	s := newScanner(raw, r.limits, r.header)
	defer s.free()
	t, err := s.next(true)
	if err != nil {
		return nil, wellFormed(err)
	}
	e, err := s.element(t)
	switch {
	case err != nil:
		return nil, wellFormed(err)
	case s.pos != len(raw):
		return nil, fail(NotWellFormed, "the element ends too early")
	}
	if len(s.used) > 0 {
		e.declare(s.used)
	} else {
		e.Raw = bytes.Clone(e.Raw)
	}
	r.consume(end)
	return e, nil
}

// endTag handles the end tag of the stream itself.
func (r *Reader) endTag(raw []byte) error {
	name := bytes.TrimRight(raw[2:len(raw)-1], " \t\r\n")
	if !bytes.Equal(name, r.name) {
		return fail(NotWellFormed, "the closing tag does not match")
	}
	r.ended = true
	return io.EOF
}

// Buffered returns how many bytes were read and not consumed, except white
// space in front.
func (r *Reader) Buffered() int {
	r.skipSpace()
	return len(r.buf)
}

// find returns where what the splitter looks for ends in the buffer, reading as
// needed, at most limit bytes of it.
func (r *Reader) find(limit int) (int, error) {
	for {
		if r.cut.at == 0 {
			r.skipSpace()
		}
		end, err := r.cut.scan(r.buf[:min(len(r.buf), limit)])
		switch {
		case err != nil:
			return 0, err
		case end > 0:
			return end, nil
		case len(r.buf) >= limit:
			return 0, fail(PolicyViolation, "the stanza is too large")
		}
		if err := r.fill(limit); err != nil {
			return 0, err
		}
	}
}

// fill reads once, to limit and no further.
func (r *Reader) fill(limit int) error {
	if len(r.buf) == cap(r.buf) {
		r.makeRoom(limit)
	}
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	switch {
	case n > 0:
		return nil // an error comes again
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF // not the end of the stream, but of its transport
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

// makeRoom moves what there is to the front, into twice the room if it fills
// more than half.
func (r *Reader) makeRoom(limit int) {
	if 2*len(r.buf) >= cap(r.store) {
		r.store = make([]byte, min(max(2*len(r.buf), readStart), max(limit, readStart)))
	}
	r.buf = r.store[:copy(r.store, r.buf)]
}

// consume forgets n bytes. A large buffer is given back once it is empty.
func (r *Reader) consume(n int) {
	r.buf = r.buf[n:]
	if len(r.buf) > 0 {
		return
	}
	if cap(r.store) > readKept {
		r.store = nil
	}
	r.buf = r.store[:0]
}

func (r *Reader) skipSpace() {
	n := 0
	for n < len(r.buf) && isSpace(r.buf[n]) {
		n++
	}
	if n > 0 {
		r.consume(n)
	}
}
