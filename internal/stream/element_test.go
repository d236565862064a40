package stream

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func condition(err error) Condition {
	var e *Error
	if errors.As(err, &e) {
		return e.Condition
	}
	return ""
}

// RFC 6120 §4.9.3.18, §11.1, §11.3, §11.6; RFC 7395 §3.3.3 (S-03, S-04, S-06, W-09, W-10).
func TestParse_Refuses(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	for name, c := range map[string]struct {
		raw  string
		want Condition
	}{
		"comment":                {`<a><!-- x --></a>`, RestrictedXML},
		"processing":             {`<a><?php ?></a>`, RestrictedXML},
		"doctype":                {`<!DOCTYPE a><a/>`, RestrictedXML},
		"entity":                 {`<a>&nbsp;</a>`, RestrictedXML},
		"entity in attribute":    {`<a b="&nbsp;"/>`, RestrictedXML},
		"unbalanced":             {`<a><b></a></b>`, NotWellFormed},
		"unfinished":             {`<a><b/>`, NotWellFormed},
		"two roots":              {`<a/><b/>`, NotWellFormed},
		"text":                   {`hello`, NotWellFormed},
		"leading space":          {` <a/>`, NotWellFormed},
		"empty":                  {``, NotWellFormed},
		"unbound prefix":         {`<x:a/>`, NotWellFormed},
		"unbound attr prefix":    {`<a x:b=""/>`, NotWellFormed},
		"attribute twice":        {`<a b="" b=""/>`, NotWellFormed},
		"expanded twice":         {`<a xmlns:x="u" xmlns:y="u" x:b="" y:b=""/>`, NotWellFormed},
		"undeclared prefix":      {`<a xmlns:x=""/>`, NotWellFormed},
		"xmlns bound":            {`<a xmlns:xmlns="u"/>`, NotWellFormed},
		"xml elsewhere":          {`<a xmlns:xml="u"/>`, NotWellFormed},
		"control":                {"<a>\x01</a>", NotWellFormed},
		"reference to control":   {"<a>&#1;</a>", NotWellFormed},
		"bare ampersand":         {"<a>a & b</a>", NotWellFormed},
		"< in value":             {`<a b="<"/>`, NotWellFormed},
		"]]> in text":            {`<a>]]></a>`, NotWellFormed},
		"two colons":             {`<a:b:c xmlns:a="u"/>`, NotWellFormed},
		"no space between":       {`<a b="1"c="2"/>`, NotWellFormed},
		"not UTF-8":              {"<a>\xff</a>", UnsupportedEncoding},
		"other encoding":         {`<?xml version="1.0" encoding="latin1"?><a/>`, UnsupportedEncoding},
		"almost UTF-8":           {`<?xml version="1.0" encoding="x-utf-8"?><a/>`, UnsupportedEncoding},
		"a byte order mark":      {"\ufeff<a/>", NotWellFormed},
		"one before the XML":     {"\ufeff<?xml version='1.0'?><a/>", NotWellFormed},
		"UTF-16":                 {"\xff\xfe<\x00a\x00/\x00>\x00", UnsupportedEncoding},
		"no version":             {`<?xml encoding="UTF-8"?><a/>`, NotWellFormed},
		"XML 2.0":                {`<?xml version="2.0"?><a/>`, NotWellFormed},
		"XML 1.":                 {`<?xml version="1."?><a/>`, NotWellFormed},
		"declared out of order":  {`<?xml encoding="UTF-8" version="1.0"?><a/>`, NotWellFormed},
		"nothing declared":       {`<?xml?><a/>`, NotWellFormed},
		"not declared to an end": {`<?xml version="1.0"><a/>`, NotWellFormed},
		"another instruction":    {`<?xml-stylesheet href="x"?><a/>`, RestrictedXML},
		"declared twice":         {`<?xml version="1.0"?><?xml version="1.0"?><a/>`, RestrictedXML},
		"what XML 1.1 allows":    {`<?xml version="1.1"?><a>&#1;</a>`, NotWellFormed},
		"too large":              {`<a>` + long + `</a>`, PolicyViolation},
		"too deep":               {strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65), PolicyViolation},
		"too many attributes":    {`<a ` + manyAttrs(65) + `/>`, PolicyViolation},
		"closing tag only":       {`</a>`, NotWellFormed},
		"attribute in end tag":   {`<a></a b="">`, NotWellFormed},
		"surrogate in UTF-8":     {"<a>\xed\xa0\x80</a>", UnsupportedEncoding},
		"reference not ended":    {"<a>&lt</a>", NotWellFormed},
		"name starts with digit": {`<1a/>`, NotWellFormed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(c.raw), DefaultLimits); condition(err) != c.want {
				t.Errorf("Parse(%.60q) = %v, want %s", c.raw, err, c.want)
			}
		})
	}
}

func manyAttrs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("x", i) + `=""`)
	}
	return b.String()
}

const chat = `<message xmlns="jabber:client" to="bob@h" from='a&amp;b' id="1" type="chat" xml:lang="de">` +
	`<body>Grüß <![CDATA[<dich>]]> &lt;3 &#x1F600;</body><x:y xmlns:x="urn:x"><x:z>q</x:z></x:y><active xmlns="urn:c"/></message>`

func mustParse(t testing.TB, raw string) *Element {
	t.Helper()
	e, err := Parse([]byte(raw), DefaultLimits)
	if err != nil {
		t.Fatalf("Parse(%q): %v", raw, err)
	}
	return e
}

func TestParse_View(t *testing.T) {
	e := mustParse(t, chat)
	if e.Name != (Name{NSClient, "message"}) || e.To != "bob@h" || e.From != "a&b" || e.ID != "1" || e.Type != "chat" || e.Lang != "de" {
		t.Errorf("view: %+v", e)
	}
	if e.Child != (Name{NSClient, "body"}) || e.Len() != 3 {
		t.Errorf("children: %v, %d", e.Child, e.Len())
	}
	body, _ := e.Find(NSClient, "body")
	if got, want := body.Text(), "Grüß <dich> <3 😀"; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	y, ok := e.Find("urn:x", "y")
	if !ok {
		t.Fatal("no y")
	}
	z, ok := y.Find("urn:x", "z")
	if !ok || string(z.Raw()) != `<x:z xmlns:x="urn:x">q</x:z>` {
		t.Errorf("z: %s", z.Raw())
	}
	if got := string(body.Raw()); !strings.HasPrefix(got, `<body xmlns="jabber:client">`) {
		t.Errorf("a child stands alone: %s", got)
	}
}

func TestEdit(t *testing.T) {
	e := mustParse(t, `<message to="b" xmlns="jabber:client"><body>x</body><stanza-id xmlns="urn:xmpp:sid:0" id="1"/>text</message>`)
	got, err := e.Edit().Set("from", `a"<b`).Set("to", "").SetLang("en").
		Drop(func(c Child) bool { return c.Name.Local == "stanza-id" }).
		Append([]byte(`<y xmlns="u"/>`)).Element()
	if err != nil {
		t.Fatal(err)
	}
	want := `<message xmlns="jabber:client" from="a&quot;&lt;b" xml:lang="en"><body>x</body>text<y xmlns="u"/></message>`
	if string(got.Raw) != want {
		t.Errorf("got  %s\nwant %s", got.Raw, want)
	}
	empty := mustParse(t, `<p:iq xmlns:p="u"/>`)
	if got := string(empty.Edit().Append([]byte(`<a xmlns=""/>`)).Bytes()); got != `<p:iq xmlns:p="u"><a xmlns=""/></p:iq>` {
		t.Error(got)
	}
}

// XEP-0206 §2: payload stands alone and is in jabber:client (B-11, S-05).
func TestParseBody_Payload(t *testing.T) {
	b, err := ParseBody([]byte(`<?xml version='1.0'?><body rid="7" xmpp:restart="true" xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh" xmlns:q="urn:q">`+
		`<message to="b"><body>hi</body><q:x q:y="1"/></message> <presence xmlns="jabber:client"/><iq xmlns="http://jabber.org/protocol/httpbind"/></body>`), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if b.Attr("rid") != "7" || b.XMPP("restart") != "true" || b.Has("sid") {
		t.Errorf("attributes %v", b.Attrs)
	}
	empty, err := ParseBody([]byte(`<body xmpp:restart="true" xml:lang="de" xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh"/>`), DefaultLimits)
	if err != nil || empty.XMPP("restart") != "true" || empty.Attrs[Name{NSXML, "lang"}] != "de" {
		t.Errorf("an empty body: %v %v", empty, err)
	}
	want := []string{
		`<message xmlns="jabber:client" xmlns:q="urn:q" to="b"><body>hi</body><q:x q:y="1"/></message>`,
		`<presence xmlns="jabber:client"/>`,
		`<iq xmlns="jabber:client"/>`,
	}
	for i, e := range b.Elements {
		if string(e.Raw) != want[i] || e.Name.Space != NSClient {
			t.Errorf("%d: %v %s", i, e.Name, e.Raw)
		}
	}
	if body, ok := b.Elements[0].Find(NSClient, "body"); !ok || body.Text() != "hi" {
		t.Error("the view did not follow")
	}
}

// XEP-0124 §6 (B-08).
func TestParseBody_Refuses(t *testing.T) {
	for raw, want := range map[string]Condition{
		`<body xmlns="http://jabber.org/protocol/httpbind">text</body>`: BadFormat,
		`<body/>`: BadFormat,
		"\ufeff\ufeff" + `<body xmlns="http://jabber.org/protocol/httpbind"/>`: BadFormat,
		" \ufeff" + `<body xmlns="http://jabber.org/protocol/httpbind"/>`:      BadFormat,
		"\xfe\xff\x00<": UnsupportedEncoding,
		`<?xml version="2.0"?><body xmlns="http://jabber.org/protocol/httpbind"/>`:             NotWellFormed,
		`<body xmlns="http://jabber.org/protocol/httpbind"><!-- --></body>`:                    RestrictedXML,
		`<body xmlns="http://jabber.org/protocol/httpbind"><message></body>`:                   NotWellFormed,
		`<body xmlns="http://jabber.org/protocol/httpbind"/><x/>`:                              NotWellFormed,
		`<body xmlns="http://jabber.org/protocol/httpbind">`:                                   NotWellFormed,
		`<body xmlns="http://jabber.org/protocol/httpbind"><![CDATA[x]]></body>`:               BadFormat,
		`<!DOCTYPE body [<!ENTITY a "b">]><body xmlns="http://jabber.org/protocol/httpbind"/>`: RestrictedXML,
	} {
		if _, err := ParseBody([]byte(raw), DefaultLimits); condition(err) != want {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}

// XML 1.0 §2.8: a declaration, of which every version 1.x is read as 1.0 (RFC 6120 §11.4, §11.6, W-10). In front of a
// document of its own, as a BOSH body is, a byte order mark may stand (§4.3.3); elsewhere U+FEFF is a character.
func TestDeclaration(t *testing.T) {
	for _, declaration := range []string{
		"", `<?xml version="1.0"?>`, `<?xml version='1.1'?>`, "<?xml\n\tversion = '1.0'\r\n encoding = \"utf-8\" ?>\n", `<?xml version="1.23" encoding='UTF-8' standalone="no"?>`,
		`<?xml version="1.0" standalone='yes'?>`,
	} {
		const body = `<body xmlns="http://jabber.org/protocol/httpbind" rid="7"/>`
		if e, err := Parse([]byte(declaration+"<a>\ufeff</a>"), DefaultLimits); err != nil || string(e.Raw) != "<a>\ufeff</a>" {
			t.Errorf("Parse: %s: %v", declaration, err)
		}
		for _, mark := range []string{"", "\ufeff"} {
			if b, err := ParseBody([]byte(mark+declaration+body), DefaultLimits); err != nil || b.Attr("rid") != "7" {
				t.Errorf("ParseBody: %q: %v", mark+declaration, err)
			}
			if b, err := ParseWrapper([]byte(mark+declaration+body), DefaultLimits); err != nil || b.Attr("rid") != "7" {
				t.Errorf("ParseWrapper: %q: %v", mark+declaration, err)
			}
		}
		if h, err := NewReader(strings.NewReader(declaration+`<s to="h">`), Limits{}).Header(); err != nil || h.To != "h" {
			t.Errorf("Header: %s: %v", declaration, err)
		}
	}
}

// FuzzParse holds Parse against encoding/xml: what we accept, it must accept,
// with the same root and as many children; and what Edit makes parses again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{chat, `<a/>`, `<?xml version="1.0"?><a b='"'>&#65;</a>`, `<a xmlns:b="c"><b:d b:e="f"/></a>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := Parse(raw, DefaultLimits)
		if err != nil {
			return
		}
		compareWithOracle(t, e)
		edited, err := e.Edit().Set("from", "x@y").Append([]byte(`<z xmlns="urn:z"/>`)).Element()
		if err != nil {
			t.Fatalf("Edit of %q: %v", raw, err)
		}
		if edited.From != "x@y" || edited.Len() != e.Len()+1 || edited.Name != e.Name {
			t.Fatalf("Edit of %q made %q", raw, edited.Raw)
		}
		for c := range e.Children() {
			if k, err := Parse(c.Raw(), DefaultLimits); err != nil || k.Name != c.Name {
				t.Fatalf("child %q of %q: %v", c.Raw(), raw, err)
			}
		}
	})
}

func compareWithOracle(t *testing.T, e *Element) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(e.Raw)))
	depth, children := 0, 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("accepted %q, encoding/xml says %v", e.Raw, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if depth == 0 && (tok.Name.Local != e.Name.Local || tok.Name.Space != e.Name.Space) {
				t.Fatalf("%q: name %v, encoding/xml says %v", e.Raw, e.Name, tok.Name)
			}
			if depth == 1 {
				children++
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
		default:
			t.Fatalf("accepted %T in %q", tok, e.Raw)
		}
	}
	if children != e.Len() {
		t.Fatalf("%q: %d children, encoding/xml says %d", e.Raw, e.Len(), children)
	}
}

// FuzzParseBody: every payload element stands alone.
func FuzzParseBody(f *testing.F) {
	f.Add([]byte(`<body xmlns='http://jabber.org/protocol/httpbind' rid='1'><message><body>x</body></message></body>`))
	f.Add([]byte(`<body xmlns='http://jabber.org/protocol/httpbind' xmlns:a='b'><a:c a:d='e'/><b:iq xmlns:b='jabber:client'/></body>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := ParseBody(raw, DefaultLimits)
		if err != nil {
			return
		}
		for _, e := range b.Elements {
			again, err := Parse(e.Raw, unlimited)
			if err != nil || again.Name != e.Name || again.Len() != e.Len() || again.To != e.To {
				t.Fatalf("payload %q of %q: %v", e.Raw, raw, err)
			}
			for c := range e.Children() {
				if _, ok := again.Find(c.Name.Space, c.Name.Local); !ok {
					t.Fatalf("%q lost %v", e.Raw, c.Name)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := []byte(`<message xmlns="jabber:client" to="bob@localhost" id="5f0c7f0e-5d2c-4a3e-9c0b-6f8f5f3c1a2b" type="chat"><body>Hello, how are you today?</body><active xmlns="http://jabber.org/protocol/chatstates"/><origin-id xmlns="urn:xmpp:sid:0" id="5f0c7f0e-5d2c-4a3e-9c0b-6f8f5f3c1a2b"/></message>`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw, DefaultLimits); err != nil {
			b.Fatal(err)
		}
	}
}

// RFC 6120 §11.1, §11.6: what is not allowed is found wherever it stands, and what is, is
// let through; and what is written can be read again.
func TestParse_CharactersAnywhere(t *testing.T) {
	const text = "0123456789 abcdefghij"
	for odd, want := range map[string]Condition{
		"\x00": NotWellFormed, "\x1f": NotWellFormed, "\xff": UnsupportedEncoding, "\xc3": UnsupportedEncoding, "\ufffe": NotWellFormed,
		"&": NotWellFormed, "&x;": RestrictedXML, "&#0;": NotWellFormed,
		" ": "", "%": "", "'": "", "!": "", "\t": "", "\n": "", "\x7f": "", "é": "", "𝔘": "", "&amp;": "", "&#x7f;": "",
	} {
		for length := range len(text) {
			for at := range length + 1 {
				data := text[:at] + odd + text[at:length]
				for _, raw := range []string{`<a>` + data + `</a>`, `<a b="` + data + `"/>`} {
					_, err := Parse([]byte(raw), DefaultLimits)
					var se *Error
					if errors.As(err, &se); (err != nil) != (want != "") || (err != nil && se.Condition != want) {
						t.Fatalf("%q: %v, want %q", raw, err, want)
					}
				}
				e, err := Parse([]byte(`<a id="`+Escape(data)+`"/>`), DefaultLimits)
				if err != nil || e.ID != legal(data) {
					t.Fatalf("%q comes back as %q, %v", data, e.ID, err)
				}
			}
		}
	}
}
