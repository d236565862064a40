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
		if len(got.kids) == 0 {
			got.kids = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n got %+v\nwant %+v", raw, got, want)
		}
	})
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
