package stanza

import (
	"strings"
	"testing"

	"foyer/internal/stream"
)

func child(t *testing.T, raw string) stream.Child {
	t.Helper()
	el, err := stream.Parse([]byte(`<iq xmlns="jabber:client">`+raw+`</iq>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	for c := range el.Children() {
		return c
	}
	t.Fatal("no child")
	return stream.Child{}
}

// What is built can be read (XEP-0004).
func TestForm(t *testing.T) {
	f := NewForm("form", "urn:f")
	f.Title("A & B")
	f.Text("text", "Text", " <x> ")
	f.Bool("yes", "", true)
	f.Field("text-multi", "lines", "", "1", "2")
	f.Choice("list-single", "choice", "", []string{"a"}, [2]string{"a", "A"}, [2]string{"b", ""})
	want := `<x xmlns="jabber:x:data" type="form"><field var="FORM_TYPE" type="hidden"><value>urn:f</value></field><title>A &amp; B</title>` +
		`<field var="text" type="text-single" label="Text"><value> &lt;x&gt; </value></field><field var="yes" type="boolean"><value>1</value></field>` +
		`<field var="lines" type="text-multi"><value>1</value><value>2</value></field>` +
		`<field var="choice" type="list-single"><value>a</value><option label="A"><value>a</value></option><option><value>b</value></option></field></x>`
	if got := string(f.Payload()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s, err := ParseForm(child(t, want), "urn:f")
	var text string
	var yes bool
	if err != nil || s.Type != "form" || s.Text("text", &text, 9) != nil || s.Bool("yes", &yes) != nil {
		t.Fatal(s, err)
	}
	if text != "<x>" || !yes || s.Get("lines") != "1\n2" || s.Get("choice") != "a" || s.Get("none") != "" {
		t.Errorf("%q %v %+v", text, yes, s)
	}
	if s.Text("text", &text, 2) == nil || s.Bool("text", &yes) == nil {
		t.Error("what is too long, or neither yes nor no, is taken")
	}
}

func TestParseFormRefuses(t *testing.T) {
	field := `<field var="v"><value>1</value></field>`
	form := func(fields string) string { return `<x xmlns="jabber:x:data" type="submit">` + fields + `</x>` }
	if _, err := ParseForm(child(t, form(strings.Repeat(field, maxFields))), "urn:f"); err != nil {
		t.Error(err)
	}
	for name, fields := range map[string]string{
		"too many fields": strings.Repeat(field, maxFields+1),
		"another purpose": `<field var="FORM_TYPE"><value>urn:g</value></field>`,
	} {
		if _, err := ParseForm(child(t, form(fields)), "urn:f"); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// xs:boolean has four names, and white space around them does not count.
func TestParseBool(t *testing.T) {
	for text, want := range map[string][2]bool{
		"true": {true, true}, "1": {true, true}, " 1 ": {true, true}, "\n\ttrue\r\n": {true, true}, "false": {false, true}, " 0": {false, true},
		"": {}, "TRUE": {}, "yes": {}, "01": {}, "t rue": {}, "\u00a01": {},
	} {
		if value, ok := ParseBool(text); value != want[0] || ok != want[1] {
			t.Errorf("%q is %v, %v", text, value, ok)
		}
	}
}

// so has a number, which may have a plus; it has no other characters.
func TestParseNumber(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "5": 5, " 5 ": 5, "\n\t5\r\n": 5, "+5": 5, "007": 7, "2147483647": 1<<31 - 1} {
		if n, err := ParseNumber(text, 31); err != nil || n != want {
			t.Errorf("%q is %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", " ", "+", "++5", "+ 5", "-1", "1e3", "0x5", "5_0", "5.0", "\u00a05", "٥", "2147483648"} {
		if n, err := ParseNumber(text, 31); err == nil {
			t.Errorf("%q is taken for %d", text, n)
		}
	}
}
