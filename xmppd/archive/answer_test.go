package archive

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/uuid"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// FuzzParseQuery: whatever a client asks (XEP-0313 §4.1, XEP-0059 §2),
// the query is bounded, or refused with an error that the client may see.
func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{
		``, `<set xmlns="http://jabber.org/protocol/rsm"><max>5</max><before/></set><flip-page/>`,
		`<x xmlns="jabber:x:data"><field var="with"><value>a@b/c</value></field><field var="ids"><value>018f0000-0000-7000-8000-000000000000</value></field></x>`,
		`<x xmlns="jabber:x:data"><field var="start"><value>2026-01-01T00:00:00.123456Z</value></field><field var="end"><value>9999-12-31T23:59:59+14:00</value></field></x>`,
		`<x xmlns="jabber:x:data"><field var="after-id"><value>x</value></field><field var="{urn:xmpp:fulltext:0}fulltext"><value>a -b "c</value></field></x>`,
		`<set xmlns="http://jabber.org/protocol/rsm"><max>99999999999999999999</max><after>018f0000-0000-7000-8000-000000000000</after><index>3</index></set>`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, inner string) {
		el, err := stream.Parse([]byte(`<iq xmlns="jabber:client"><query xmlns="urn:xmpp:mam:2">`+inner+`</query></iq>`), stream.DefaultLimits)
		if err != nil || el.Child.Space != stanza.NSMAM {
			return // no such request
		}
		query, _ := el.Find(stanza.NSMAM, "query")
		q, err := parseQuery("alice@h", query, 100)
		if err != nil {
			if _, ok := err.(*stanza.Error); !ok {
				t.Fatalf("%q: %v is no error for the client", inner, err)
			}
			return
		}
		if q.Max < 0 || q.Max > 100 || q.MaxBytes <= 0 || q.WithCount != (q.Max == 0) || q.Owner != "alice@h" || len(q.Text) > maxSearchText {
			t.Errorf("%q: %+v", inner, q)
		}
		if slices.Contains(q.Named, uuid.Nil) || slices.Contains(q.IDs, uuid.Nil) {
			t.Errorf("%q: %+v", inner, q)
		}
	})
}

// One buffer for a page, and results that do not reach into each other
// (XEP-0313 §4.2, S-59).
func TestArchiveResults(t *testing.T) {
	var entries []Entry
	for i := range 3 {
		entries = append(entries, Entry{ID: uuid.Must(uuid.NewV7()), Stanza: fmt.Appendf(nil, `<message xmlns="jabber:client" id="m%d"/>`, i)})
	}
	built := results("alice@h", "alice@h/a", `<&">`, entries, func(e Entry) []byte { return e.Stanza })
	for i, r := range built {
		el, err := stream.Parse(r, stream.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`<message xmlns="jabber:client" from="alice@h" to="alice@h/a"><result xmlns="urn:xmpp:mam:2" queryid="&lt;&amp;&quot;&gt;" id="%s"><forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="%s"/><message xmlns="jabber:client" id="m%d"/></forwarded></result></message>`,
			entries[i].ID, entries[i].Time().Format("2006-01-02T15:04:05.000Z"), i)
		if _, err := streamtest.Match(want, el.Raw); err != nil {
			t.Error(err)
		}
		_ = append(r, "this must not get into the next"...)
	}
}

// BenchmarkArchivePage is a page of 50 from the query's bytes to the client's
// queue, without the database.
func BenchmarkArchivePage(b *testing.B) {
	var entries []Entry
	for range 50 {
		entries = append(entries, Entry{ID: uuid.Must(uuid.NewV7()), Owner: "alice@h", With: "bob@h", Stanza: []byte(
			`<message xmlns="jabber:client" from="bob@h/converse.js-123456" to="alice@h" type="chat" id="7f9b0a3e-8f0c-4f3b-9d9c-0a1b2c3d4e5f"><body>Hello, how are you today? Shall we meet?</body><request xmlns="urn:xmpp:receipts"/><origin-id xmlns="urn:xmpp:sid:0" id="7f9b0a3e-8f0c-4f3b-9d9c-0a1b2c3d4e5f"/></message>`)})
	}
	a := New(onePage{page: Page{Entries: entries}}, 100, slog.New(slog.DiscardHandler), nil)
	el, err := stream.Parse([]byte(`<iq xmlns="jabber:client" type="set" id="q"><query xmlns="urn:xmpp:mam:2" queryid="f"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field><field var="with"><value>bob@h</value></field></x><set xmlns="http://jabber.org/protocol/rsm"><max>50</max><before/></set></query></iq>`), stream.DefaultLimits)
	if err != nil {
		b.Fatal(err)
	}
	query, _ := el.Find(stanza.NSMAM, "query")
	c := &sink{full: "alice@h/a"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Answer(b.Context(), c, "alice@h", query, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// onePage is an archive whose every page is the same.
type onePage struct {
	Store
	page Page
}

func (o onePage) Query(context.Context, Query) (Page, error) { return o.page, nil }

// sink is a client that reads at once.
type sink struct {
	full  string
	bytes int
}

func (s *sink) JID() string                 { return s.full }
func (s *sink) Deliver(stanza []byte)       { s.bytes += len(stanza) }
func (s *sink) Ready(context.Context) error { return nil }
