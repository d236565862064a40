package stream

import (
	"reflect"
	"testing"
)

// edits changes what the server changes of a stanza.
func edits(e *Element, value string, keep bool) *Edit {
	n := 0
	return e.Edit().Set("from", value).Set("id", "").Set("from", value).SetLang("en").Drop(func(Child) bool {
		n++
		return !keep && n%2 == 0
	})
}

// FuzzEdit: the view that an edit makes is the one that its bytes have.
func FuzzEdit(f *testing.F) {
	for _, raw := range []string{
		chat, `<a/>`, `<a from = 'x' ></a >`, `<iq xmlns="jabber:client" id='1'><a/><b>t</b><c/></iq>`,
		`<p:a xmlns:p="u" p:from="1" from="2"><p:b/>text<p:c><p:d/></p:c></p:a>`,
		`<a xml:lang=''/>`, `<a><b/>]]<b/>></a>`, `<a><b/>]<b/><b/><b/>]></a>`,
	} {
		f.Add([]byte(raw), "juliet@example.org/\"a'&<>\n", false)
		f.Add([]byte(raw), "\x01\xff", true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, value string, keep bool) {
		e, err := Parse(raw, DefaultLimits)
		if err != nil {
			return
		}
		got, err := edits(e, value, keep).Element()
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		want, err := Parse(edits(e, value, keep).Bytes(), unlimited)
		if err != nil {
			t.Fatalf("%q became malformed: %v", raw, err)
		}
		if len(got.childSpans) == 0 {
			got.childSpans = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n got %+v\nwant %+v", raw, got, want)
		}
	})
}

// XML 1.0 §2.4, §3.1: what is left when something is dropped, and what is added,
// is well-formed.
func TestEdit_WellFormed(t *testing.T) {
	for raw, want := range map[string]string{
		`<a xml:lang=''/>`:           `<a xml:lang='' from="x"/>`,
		`<a><b/>]]<b/>></a>`:         `<a from="x" xml:lang="en"><b/>]&#93;></a>`,
		`<a><b/>]<b/><c/><b/>]></a>`: `<a from="x" xml:lang="en"><b/>&#93;<c/>]></a>`,
	} {
		e, err := Parse([]byte(raw), DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		got := edits(e, "x", false).Bytes()
		if string(got) != want {
			t.Errorf("%s became %s, want %s", raw, got, want)
		}
		if _, err := Parse(got, DefaultLimits); err != nil {
			t.Errorf("%s became %s: %v", raw, got, err)
		}
	}
}

// A child of a stanza that came in a BOSH wrapper stands alone after an edit: it
// takes along what the wrapper declares (XEP-0124 §5).
func TestEdit_OutOfWrapper(t *testing.T) {
	b, err := ParseBody([]byte(`<body xmlns='http://jabber.org/protocol/httpbind' xmlns:p='urn:p'><message><p:x/></message></body>`), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	e, err := b.Elements[0].Edit().Set("from", "x").Element()
	if err != nil {
		t.Fatal(err)
	}
	x, ok := e.Find("urn:p", "x")
	if got := string(x.Raw()); !ok || got != `<p:x xmlns:p="urn:p"/>` {
		t.Errorf("%s gives %s", e.Raw, got)
	}
}

func BenchmarkEdit(b *testing.B) {
	e, err := Parse([]byte(chat), DefaultLimits)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Edit().Set("from", "alice@localhost/web").SetLang("en").Element(); err != nil {
			b.Fatal(err)
		}
	}
}
