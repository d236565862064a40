package stanza

import (
	"strconv"
	"strings"

	"foyer/internal/stream"
)

// Data forms (XEP-0004).

// Form builds a form, field by field. Labels that are empty are left out.
type Form struct{ dst []byte }

// NewForm begins a form of a type (form or result) for a purpose, its FORM_TYPE
// (XEP-0068).
func NewForm(typ, formType string) *Form {
	f := &Form{dst: []byte(`<x xmlns="` + NSDataForms + `" type="` + typ + `">`)}
	f.Field("hidden", "FORM_TYPE", "", formType)
	return f
}

// Title adds what stands above the form.
func (f *Form) Title(text string) {
	f.dst = append(append(append(f.dst, "<title>"...), stream.Escape(text)...), "</title>"...)
}

// Field adds a field of any type, with its values.
func (f *Form) Field(typ, name, label string, values ...string) {
	f.Choice(typ, name, label, values)
}

// Text adds a line of text.
func (f *Form) Text(name, label, value string) { f.Field("text-single", name, label, value) }

// Bool adds a yes or no.
func (f *Form) Bool(name, label string, is bool) { f.Field("boolean", name, label, FormatBool(is)) }

// Choice adds a field with options; each is a value and what people read.
func (f *Form) Choice(typ, name, label string, values []string, options ...[2]string) {
	f.dst = AppendAttr(append(f.dst, "<field"...), "var", name)
	f.dst = append(AppendAttr(AppendAttr(f.dst, "type", typ), "label", label), '>')
	for _, v := range values {
		f.value(v)
	}
	for _, o := range options {
		f.dst = append(AppendAttr(append(f.dst, "<option"...), "label", o[1]), '>')
		f.value(o[0])
		f.dst = append(f.dst, "</option>"...)
	}
	f.dst = append(f.dst, "</field>"...)
}

func (f *Form) value(text string) {
	f.dst = append(stream.AppendEscaped(append(f.dst, "<value>"...), text), "</value>"...)
}

// Payload returns the whole form.
func (f *Form) Payload() []byte { return append(f.dst, "</x>"...) }

// Submission is a form that somebody sent.
type Submission struct {
	Type   string // submit or cancel
	Fields []Field
}

// Field is one field of it.
type Field struct {
	Name   string
	Values []string
}

// maxFields is the maximum number of fields that are read.
const maxFields = 64

// ParseForm reads a form. One that names another FORM_TYPE is not meant for this,
// and is a bad-request; one that names none is taken, since Converse configures
// new rooms so.
func ParseForm(x stream.Child, formType string) (Submission, error) {
	var s Submission
	s.Type, _ = x.Attr("type")
	for c := range x.Children() {
		if c.Name != (stream.Name{Space: NSDataForms, Local: "field"}) {
			continue
		}
		if len(s.Fields) >= maxFields {
			return s, ErrBadRequest
		}
		f := Field{}
		f.Name, _ = c.Attr("var")
		for v := range c.Children() {
			if v.Name.Local == "value" {
				f.Values = append(f.Values, v.Text())
			}
		}
		s.Fields = append(s.Fields, f)
	}
	if t, ok := s.Value("FORM_TYPE"); ok && t != formType {
		return s, ErrBadRequest
	}
	return s, nil
}

// Value returns a field's text; several values are lines. Of a field that comes
// twice the last one counts.
func (s Submission) Value(name string) (value string, ok bool) {
	for i := len(s.Fields) - 1; i >= 0; i-- {
		if s.Fields[i].Name == name {
			return strings.Join(s.Fields[i].Values, "\n"), true
		}
	}
	return "", false
}

// Get returns a field's text, or "".
func (s Submission) Get(name string) string {
	v, _ := s.Value(name)
	return v
}

// Bool reads a field into is, if it is there. The error is not-acceptable.
func (s Submission) Bool(name string, is *bool) error {
	v, ok := s.Value(name)
	if !ok {
		return nil
	}
	value, ok := ParseBool(v)
	if !ok {
		return ErrNotAcceptable
	}
	*is = value
	return nil
}

// Text reads a field of at most limit bytes, if it is there. The error is
// not-acceptable.
func (s Submission) Text(name string, into *string, limit int) error {
	v, ok := s.Value(name)
	if !ok {
		return nil
	}
	if len(v) > limit {
		return ErrNotAcceptable
	}
	*into = strings.TrimSpace(v)
	return nil
}

// ParseBool reads an xs:boolean (XML Schema Part 2 §3.2.2, XEP-0004 §3.3). White
// space around it does not count.
func ParseBool(s string) (value, ok bool) {
	switch strings.Trim(s, " \t\r\n") {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}

// ParseNumber reads a number that is not below 0, of so many bits, as the types of XML Schema
// have them (Part 2 §3.3.20 and after it): with a plus or without, and white space around it does not count.
func ParseNumber(s string, bits int) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(strings.Trim(s, " \t\r\n"), "+"), 10, bits)
}

// FormatBool writes an xs:boolean.
func FormatBool(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
