package stream

import "iter"

// Name is an expanded XML name.
type Name struct{ Space, Local string }

// Element is one complete first-level element: well-formed, within limits,
// free of restricted XML (RFC 6120 §11.1), and standing alone (it declares
// every namespace it uses). Raw must not be modified.
type Element struct {
	Raw   []byte
	Name  Name
	To    string // attribute values, unescaped; "" when absent
	From  string
	ID    string
	Type  string
	Lang  string // xml:lang
	Child Name   // the first child element; zero when there is none
}

// Limits bound one element.
type Limits struct {
	Bytes int // size of the element as sent; 0: DefaultLimits'
	Depth int // nesting of elements
	Attrs int // attributes on one element, namespace declarations included
}

// DefaultLimits allow every stanza that RFC 6120 §13.12 wants served (10,000
// bytes) with ample room for avatars in vCards.
var DefaultLimits = Limits{Bytes: 256 << 10, Depth: 64, Attrs: 64}

// Parse checks one element that came alone, as in a WebSocket message (RFC
// 7395 §3.3.3). An XML declaration in front is tolerated. The error is an
// *Error: restricted-xml, not-well-formed, unsupported-encoding,
// policy-violation (limits).
func Parse(raw []byte, limits Limits) (*Element, error) { panic("stream: Parse") }

// Child is a child element inside an Element.
type Child struct {
	Name Name
	// unexported: the parent and the offsets of the child's bytes
}

// Children yields the direct child elements in document order.
func (e *Element) Children() iter.Seq[Child] { panic("stream: Children") }

// Find returns the first direct child with that name.
func (e *Element) Find(space, local string) (Child, bool) { panic("stream: Find") }

// Attr returns an unprefixed attribute of the element, unescaped.
func (e *Element) Attr(local string) (string, bool) { panic("stream: Attr") }

// Decode decodes the element with encoding/xml.
func (e *Element) Decode(v any) error { panic("stream: Decode") }

// Edit starts a changed copy of the element.
func (e *Element) Edit() *Edit { panic("stream: Edit") }

// Attr returns an unprefixed attribute of the child, unescaped.
func (c Child) Attr(local string) (string, bool) { panic("stream: Child.Attr") }

// Children yields the child's own child elements.
func (c Child) Children() iter.Seq[Child] { panic("stream: Child.Children") }

// Text returns the child's character data, unescaped, without that of its
// children.
func (c Child) Text() string { panic("stream: Child.Text") }

// Raw returns the child's bytes with every namespace it uses declared on it,
// so that they stand alone.
func (c Child) Raw() []byte { panic("stream: Child.Raw") }

// Decode decodes the child with encoding/xml.
func (c Child) Decode(v any) error { panic("stream: Child.Decode") }

// Edit collects changes to an Element; Bytes or Element applies them in one
// pass. What is not named stays as it was, byte for byte.
type Edit struct{}

// Set sets an unprefixed attribute of the element; an empty value removes it.
func (d *Edit) Set(attr, value string) *Edit { panic("stream: Edit.Set") }

// SetLang sets xml:lang unless the element has one.
func (d *Edit) SetLang(lang string) *Edit { panic("stream: Edit.SetLang") }

// Drop removes the direct children for which drop returns true.
func (d *Edit) Drop(drop func(Child) bool) *Edit { panic("stream: Edit.Drop") }

// Append adds complete child elements before the end tag. Each must declare
// the namespaces it uses.
func (d *Edit) Append(raw ...[]byte) *Edit { panic("stream: Edit.Append") }

// Bytes returns the changed element.
func (d *Edit) Bytes() []byte { panic("stream: Edit.Bytes") }

// Element returns the changed element with its view.
func (d *Edit) Element() *Element { panic("stream: Edit.Element") }

// Body is a BOSH wrapper (XEP-0124 §5): its attributes, and its payload as
// standalone elements. Children left in the httpbind namespace are moved to
// jabber:client (XEP-0206 §2).
type Body struct {
	Attrs    map[Name]string // unescaped; Space is "" for unprefixed ones, the namespace for xmpp:* and xml:lang
	Elements []*Element
}

// ParseBody checks a BOSH request. limits bound each payload element; the
// caller bounds the whole. Errors as for Parse, and bad-format for character
// data directly inside the wrapper or a root that is no httpbind body.
func ParseBody(raw []byte, limits Limits) (*Body, error) { panic("stream: ParseBody") }

// AppendEscaped appends s as XML character data, valid in attribute values in
// either kind of quotes too. Characters that XML 1.0 does not allow become
// U+FFFD.
func AppendEscaped(dst []byte, s string) []byte { panic("stream: AppendEscaped") }

// Escape returns s as AppendEscaped writes it.
func Escape(s string) string { return string(AppendEscaped(nil, s)) }
