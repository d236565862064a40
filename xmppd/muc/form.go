package muc

import (
	"strings"

	"foyer/internal/stream"
	"foyer/xmppd"
)

// Data forms (XEP-0004), as far as rooms need them.

// form builds one.
type form struct{ dst []byte }

func newForm(typ, formType string) *form {
	f := &form{dst: []byte(`<x xmlns="` + nsDataForms + `" type="` + typ + `">`)}
	f.field("hidden", "FORM_TYPE", "", formType)
	return f
}

func (f *form) title(text string) {
	f.dst = append(append(append(f.dst, "<title>"...), stream.Escape(text)...), "</title>"...)
}

func (f *form) open(typ, name, label string) {
	f.dst = xmppd.AppendAttr(append(f.dst, "<field"...), "var", name)
	f.dst = xmppd.AppendAttr(xmppd.AppendAttr(f.dst, "type", typ), "label", label)
	f.dst = append(f.dst, '>')
}

func (f *form) value(text string) {
	f.dst = append(append(append(f.dst, "<value>"...), stream.Escape(text)...), "</value>"...)
}

func (f *form) field(typ, name, label, value string) {
	f.open(typ, name, label)
	f.value(value)
	f.close()
}

func (f *form) close() { f.dst = append(f.dst, "</field>"...) }

func (f *form) text(name, label, value string) { f.field("text-single", name, label, value) }

func (f *form) boolean(name, label string, is bool) {
	value := "0"
	if is {
		value = "1"
	}
	f.field("boolean", name, label, value)
}

// choice is one of a list; each option is a value and what people read.
func (f *form) choice(name, label, value string, options ...[2]string) {
	f.open("list-single", name, label)
	f.value(value)
	for _, o := range options {
		f.dst = append(xmppd.AppendAttr(append(f.dst, "<option"...), "label", o[1]), '>')
		f.value(o[0])
		f.dst = append(f.dst, "</option>"...)
	}
	f.close()
}

func (f *form) bytes() []byte { return append(f.dst, "</x>"...) }

// submission is a form that somebody sent.
type submission struct {
	typ    string
	fields map[string]string // several values are lines
}

// Most fields that are looked at.
const maxFields = 64

// parseForm reads a form. One that names another FORM_TYPE is not meant for this;
// one that names none is taken, since Converse configures new rooms so.
func parseForm(x stream.Child, formType string) (submission, error) {
	s := submission{fields: make(map[string]string)}
	s.typ, _ = x.Attr("type")
	for f := range x.Children() {
		if f.Name.Local != "field" {
			continue
		}
		if len(s.fields) >= maxFields {
			return s, xmppd.ErrBadRequest
		}
		name, _ := f.Attr("var")
		var values []string
		for v := range f.Children() {
			if v.Name.Local == "value" {
				values = append(values, v.Text())
			}
		}
		s.fields[name] = strings.Join(values, "\n")
	}
	if t, ok := s.fields["FORM_TYPE"]; ok && t != formType {
		return s, xmppd.ErrBadRequest
	}
	return s, nil
}

// boolean reads a field into is, if it is there (XEP-0004 §3.3).
func (s submission) boolean(name string, is *bool) error {
	switch v, ok := s.fields[name]; {
	case !ok:
	case v == "1" || v == "true":
		*is = true
	case v == "0" || v == "false":
		*is = false
	default:
		return errNotAcceptable
	}
	return nil
}

// text reads a field of at most max bytes.
func (s submission) text(name string, into *string, max int) error {
	v, ok := s.fields[name]
	if !ok {
		return nil
	}
	if len(v) > max {
		return errNotAcceptable
	}
	*into = strings.TrimSpace(v)
	return nil
}
