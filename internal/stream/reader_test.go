package stream

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const streamHeader = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='h' version='1.0' xml:lang='de'>`

// readAll returns what a Reader finds in a stream, and how it ended.
func readAll(t testing.TB, src io.Reader, limits Limits) (found []*Element, err error) {
	t.Helper()
	r := NewReader(src, limits)
	if _, err := r.Header(); err != nil {
		return nil, err
	}
	for {
		e, err := r.Next()
		if err != nil {
			return found, err
		}
		found = append(found, e)
	}
}

// RFC 6120 §4.7, §4.4: a header, elements that stand alone, white space between
// them, the end; whatever the pieces.
func TestReader(t *testing.T) {
	in := streamHeader + "\n<message to='bob@h'><body>a<![CDATA[<>]]>b</body></message> \n\t" +
		`<stream:x a=">"/><iq xmlns='other' id="/"/></stream:stream> what follows`
	want := []string{
		`<message xmlns="jabber:client" to='bob@h'><body>a<![CDATA[<>]]>b</body></message>`,
		`<stream:x xmlns:stream="http://etherx.jabber.org/streams" a=">"/>`,
		`<iq xmlns='other' id="/"/>`,
	}
	for name, src := range map[string]io.Reader{
		"whole":        strings.NewReader(in),
		"byte by byte": iotest.OneByteReader(strings.NewReader(in)),
		"halves":       iotest.HalfReader(strings.NewReader(in)),
	} {
		r := NewReader(src, Limits{})
		h, err := r.Header()
		if err != nil || h != (Header{Name: Name{NSStream, "stream"}, Prefixed: true, Default: NSClient, To: "h", Lang: "de", Version: "1.0"}) {
			t.Fatalf("%s: header %+v, %v", name, h, err)
		}
		for i, w := range want {
			e, err := r.Next()
			if err != nil || string(e.Raw) != w {
				t.Fatalf("%s: element %d: %v %v", name, i, e, err)
			}
			if again, err := Parse(e.Raw, Limits{}); err != nil || again.Name != e.Name {
				t.Errorf("%s: %s does not stand alone: %v", name, e.Raw, err)
			}
		}
		for range 2 {
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: ended with %v", name, err)
			}
		}
	}
}

// S-03, S-04, S-06.
func TestReader_Errors(t *testing.T) {
	for in, want := range map[string]Condition{
		`<!-- c -->`:                        RestrictedXML,
		`<?pi x?>`:                          RestrictedXML,
		`<!DOCTYPE a>`:                      RestrictedXML,
		`<a><!-- c --></a>`:                 RestrictedXML,
		`<a>&b;</a>`:                        RestrictedXML,
		`text`:                              BadFormat,
		`<![CDATA[x]]>`:                     RestrictedXML,
		`<a></b>`:                           NotWellFormed,
		`</other>`:                          NotWellFormed,
		`<a <b>`:                            NotWellFormed,
		`<>`:                                NotWellFormed,
		`<a:b/>`:                            NotWellFormed,
		"<a>\xff</a>":                       UnsupportedEncoding,
		`<a>` + strings.Repeat("x", 200):    PolicyViolation,
		strings.Repeat(`<a b="">`, 6):       "",
		`<a><a><a><a/></a></a></a>`:         PolicyViolation,
		`<a b='` + strings.Repeat("x", 200): PolicyViolation,
	} {
		_, err := readAll(t, strings.NewReader(streamHeader+in), Limits{Bytes: 100, Depth: 3, Attrs: 9})
		var se *Error
		switch {
		case want == "" && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Errorf("%s: %v", in, err)
		case want != "" && (!errors.As(err, &se) || se.Condition != want):
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
	for in, want := range map[string]Condition{
		`<?xml version="1.0" encoding="latin1"?><s>`: UnsupportedEncoding,
		`<?xml version="2.0"?><s>`:                   NotWellFormed,
		`<?xml encoding="UTF-8"?><s>`:                NotWellFormed,
		`<?xml-stylesheet href="x"?><s>`:             RestrictedXML,
		"\ufeff<s>":                                  BadFormat, // RFC 6120 §11.6: a character, and no byte order mark
		"\xff\xfe<\x00s\x00":                         UnsupportedEncoding,
		"\xfe\xff\x00<\x00s":                         UnsupportedEncoding,
		`<?php x?><s>`:                               RestrictedXML,
		`<s/>`:                                       BadFormat,
		`</s>`:                                       NotWellFormed,
		`x`:                                          BadFormat,
		`<a:s>`:                                      NotWellFormed,
		`<s a="` + strings.Repeat("x", 9000):         PolicyViolation,
		`<?xml ` + strings.Repeat("x", 9000):         PolicyViolation,
	} {
		_, err := readAll(t, strings.NewReader(in), Limits{})
		var se *Error
		if !errors.As(err, &se) || se.Condition != want {
			t.Errorf("%.40s: %v, want %s", in, err, want)
		}
	}
}

// RFC 6120 §4.3.3: a stream restarts with a new header, whose namespaces count.
func TestReader_Restart(t *testing.T) {
	r := NewReader(strings.NewReader(streamHeader+`<a/>`+` <?xml version="1.0"?><s xmlns="new"><b/>`), Limits{})
	if _, err := r.Header(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if r.Buffered() == 0 {
		t.Error("nothing is buffered")
	}
	if h, err := r.Header(); err != nil || h.Default != "new" {
		t.Fatalf("%+v %v", h, err)
	}
	if e, err := r.Next(); err != nil || e.Name != (Name{"new", "b"}) {
		t.Errorf("%v %v", e, err)
	}
}

// What an idle stream keeps is small, whatever it carried before.
func TestReader_GivesMemoryBack(t *testing.T) {
	big := `<a>` + strings.Repeat("x", 100_000) + `</a>`
	r := NewReader(io.MultiReader(strings.NewReader(streamHeader+big), strings.NewReader(big)), Limits{})
	if _, err := r.Header(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if cap(r.store) > readKept {
		t.Errorf("%d bytes are kept", cap(r.store))
	}
}

// pieces yields data in pieces of the lengths in sizes, over and over.
type pieces struct {
	data  []byte
	sizes []byte
	i     int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := len(p.data)
	if len(p.sizes) > 0 {
		n = min(n, int(p.sizes[p.i%len(p.sizes)])+1)
		p.i++
	}
	n = copy(b, p.data[:n])
	p.data = p.data[n:]
	return n, nil
}

// FuzzReader: any split gives the same elements and the same end; what is found
// is what Parse accepts; and what Parse accepts is found.
func FuzzReader(f *testing.F) {
	f.Add([]byte(`<a><b c='>'/></a><d/>`), []byte{0})
	f.Add([]byte(`<a><![CDATA[]]></a>x</s>`), []byte{3, 0, 7})
	f.Add([]byte(chat), []byte{1})
	f.Fuzz(func(t *testing.T, raw, sizes []byte) {
		limits := Limits{Bytes: 1000, Depth: 5, Attrs: 5}
		in := append([]byte(`<s>`), raw...)
		whole, wholeErr := readAll(t, bytes.NewReader(in), limits)
		split, splitErr := readAll(t, &pieces{data: in, sizes: sizes}, limits)
		if len(whole) != len(split) || wholeErr.Error() != splitErr.Error() {
			t.Fatalf("%q: %d elements and %v; in pieces %d and %v", raw, len(whole), wholeErr, len(split), splitErr)
		}
		for i, e := range whole {
			if !bytes.Equal(e.Raw, split[i].Raw) {
				t.Fatalf("%q; in pieces %q", e.Raw, split[i].Raw)
			}
			again, err := Parse(e.Raw, limits)
			if err != nil || again.Name != e.Name || again.Len() != e.Len() {
				t.Fatalf("%q: Parse says %v", e.Raw, err)
			}
		}
		if e, err := Parse(raw, limits); err == nil && raw[1] != '?' {
			if len(whole) != 1 || !bytes.Equal(whole[0].Raw, e.Raw) || !errors.Is(wholeErr, io.ErrUnexpectedEOF) {
				t.Fatalf("Parse accepts %q, the reader finds %d elements and %v", raw, len(whole), wholeErr)
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	raw := []byte(streamHeader)
	one := `<message to="bob@localhost" id="5f0c7f0e-5d2c-4a3e-9c0b-6f8f5f3c1a2b" type="chat"><body>Hello, how are you today?</body><active xmlns="http://jabber.org/protocol/chatstates"/></message>`
	r := NewReader(io.MultiReader(bytes.NewReader(raw), endless(one)), Limits{})
	if _, err := r.Header(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

// endless yields the same bytes again and again.
type endless string

func (e endless) Read(b []byte) (int, error) { return copy(b, e), nil }
