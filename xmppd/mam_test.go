package xmppd

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// XEP-0313 §4, §5, §7 (S-58, S-59, S-60, S-61, S-62).
func TestMAM(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice := w.online("alice", "a")
	var ids []string
	var times []time.Time
	for i, to := range []string{"bob", "carol", "bob", "alice", "bob"} {
		time.Sleep(2 * time.Millisecond) // each in a millisecond of its own
		alice.Send(fmt.Sprintf(`<message xmlns="jabber:client" to="%s@h" type="chat" id="m%d"><body>%d</body></message>`, to, i, i))
	}
	alice.Sync()
	for _, e := range w.store.archived() {
		if e.Owner == "alice@h" {
			ids = append(ids, e.ID.String())
			times = append(times, e.Time())
		}
	}
	at := func(i int) string { return times[i].Format(time.RFC3339Nano) }
	query := func(inner string) string {
		return `<iq xmlns="jabber:client" type="set" id="q"><query xmlns="urn:xmpp:mam:2" queryid="f">` + inner + `</query></iq>`
	}
	form := func(fields ...string) string {
		x := `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>urn:xmpp:mam:2</value></field>`
		for i := 0; i < len(fields); i += 2 {
			x += `<field var="` + fields[i] + `"><value>` + fields[i+1] + `</value></field>`
		}
		return x + `</x>`
	}
	rsm := func(inner string) string {
		return `<set xmlns="http://jabber.org/protocol/rsm">` + inner + `</set>`
	}
	for _, c := range []struct{ name, inner, want, complete string }{
		{"all", ``, "m0 m1 m2 m3 m4", "true"},
		{"with", form("with", "bob@h"), "m0 m2 m4", "true"},
		{"with oneself", form("with", "alice@h"), "m3", "true"},
		{"with one of one's own resources", form("with", "alice@h/elsewhere"), "m3", "true"},
		{"with a resource", form("with", "bob@h/r"), "", "true"},
		{"with nobody in particular", form("with", ""), "m0 m1 m2 m3 m4", "true"},
		{"words", form("{urn:xmpp:fulltext:0}fulltext", "2"), "m2", "true"},
		{"from a time on, inclusive", form("start", at(2)), "m2 m3 m4", "true"},
		{"up to a time, inclusive", form("end", at(2)), "m0 m1 m2", "true"},
		{"a page within after-id and before-id", form("after-id", ids[0], "before-id", ids[4]) + rsm(`<max>2</max><after>`+ids[1]+`</after>`), "m2 m3", "true"},
		{"a page cannot leave after-id", form("after-id", ids[2]) + rsm(`<after>`+ids[0]+`</after>`), "m3 m4", "true"},
		{"last page, still oldest first", rsm(`<max>2</max><before/>`), "m3 m4", "!"},
		{"before", rsm(`<max>2</max><before>` + ids[3] + `</before>`), "m1 m2", "!"},
		{"after", rsm(`<max>9</max><after>` + ids[1] + `</after>`), "m2 m3 m4", "true"},
		{"after-id", form("after-id", ids[3]), "m4", "true"},
		{"before-id", form("before-id", ids[1]), "m0", "true"},
		{"ids", form("ids", ids[2]), "m2", "true"},
		{"flipped", rsm(`<max>2</max><before/>`) + `<flip-page/>`, "m4 m3", "!"},
		{"start in the future", form("start", "2999-01-01T00:00:00Z"), "", "true"},
		{"end in the past", form("end", "1999-01-01T00:00:00Z"), "", "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			alice.Send(query(c.inner))
			var got string
			for {
				e := alice.Read()
				if e.Name.Local == "iq" {
					if _, err := streamMatch(`<iq xmlns="jabber:client" type="result" id="q"><fin xmlns="urn:xmpp:mam:2" complete="`+c.complete+`"><any xmlns="test"/></fin></iq>`, e); err != nil {
						t.Error(err)
					}
					break
				}
				m, err := streamMatch(`<message xmlns="jabber:client" to="alice@h/a"><result xmlns="urn:xmpp:mam:2" queryid="f" id="*"><forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="*"/><message xmlns="jabber:client" id="{id}"><any xmlns="test"/></message></forwarded></result></message>`, e)
				if err != nil {
					t.Fatal(err)
				}
				got += " " + m["id"]
			}
			if got != map[bool]string{true: "", false: " "}[c.want == ""]+c.want {
				t.Errorf("got%s", got)
			}
		})
	}
	alice.ask(query(rsm(`<max>0</max>`)), `<iq xmlns="jabber:client" type="result" id="q"><fin xmlns="urn:xmpp:mam:2"><set xmlns="http://jabber.org/protocol/rsm"><count>5</count></set></fin></iq>`)
	// what a form selects is counted, wherever a page begins.
	for inner, count := range map[string]string{
		form("after-id", ids[1]):                                       `><set xmlns="http://jabber.org/protocol/rsm"><count>3</count>`,
		form("before-id", ids[1]):                                      `><set xmlns="http://jabber.org/protocol/rsm"><count>1</count>`,
		form("after-id", ids[0], "before-id", ids[3]):                  `><set xmlns="http://jabber.org/protocol/rsm"><count>2</count>`,
		form("with", "bob@h", "after-id", ids[0]):                      `><set xmlns="http://jabber.org/protocol/rsm"><count>2</count>`,
		form("{urn:xmpp:fulltext:0}fulltext", "2", "after-id", ids[2]): ` complete="true"><set xmlns="http://jabber.org/protocol/rsm"><count>0</count>`,
		form("after-id", ids[1]) + "|<after>" + ids[2] + "</after>":    `><set xmlns="http://jabber.org/protocol/rsm"><count>3</count>`,
	} {
		fields, page, _ := strings.Cut(inner, "|")
		alice.ask(query(fields+rsm(`<max>0</max>`+page)), `<iq xmlns="jabber:client" type="result" id="q"><fin xmlns="urn:xmpp:mam:2"`+count+`</set></fin></iq>`)
	}
	alice.ask(`<iq xmlns="jabber:client" type="get" id="q"><metadata xmlns="urn:xmpp:mam:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="q"><metadata xmlns="urn:xmpp:mam:2"><start id="`+ids[0]+`" timestamp="*"/><end id="`+ids[4]+`" timestamp="*"/></metadata></iq>`)
	alice.ask(`<iq xmlns="jabber:client" type="get" id="q"><query xmlns="urn:xmpp:mam:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="q"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="form"><field var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field><field var="with"/><field var="start"/><field var="end"/><field var="before-id"/><field var="after-id"/><field var="ids"><any xmlns="test"/></field><field var="{urn:xmpp:fulltext:0}fulltext"/></x></query></iq>`)
	alice.ask(`<iq xmlns="jabber:client" type="get" id="d" to="alice@h"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`, `<iq xmlns="jabber:client" type="result" id="d"><query xmlns="http://jabber.org/protocol/disco#info"><identity category="account"/><feature var="urn:xmpp:mam:2"/><feature var="urn:xmpp:mam:2#extended"/><feature var="urn:xmpp:fulltext:0"/><any xmlns="test"/></query></iq>`)
	alice.refused(query(form("odd", "x")), "cancel", "feature-not-implemented")
	alice.refused(query(form("FORM_TYPE", "urn:other")), "modify", "bad-request")
	alice.refused(query(form("with", "@h")), "modify", "jid-malformed")
	alice.refused(query(form("{urn:xmpp:fulltext:0}fulltext", strings.Repeat("x", 2000))), "modify", "bad-request")
	// Both of two bounds must be there, also the wider one (S-61).
	alice.refused(query(form("after-id", "00000000-0000-7000-8000-000000000001")+rsm(`<after>`+ids[1]+`</after>`)), "cancel", "item-not-found")
	alice.refused(query(rsm(`<index>1</index>`)), "cancel", "feature-not-implemented")
	alice.refused(query(rsm(`<max>-1</max>`)), "modify", "bad-request")
	alice.refused(query(form("start", "x")), "modify", "bad-request")
	alice.refused(query(rsm(`<after>unknown</after>`)), "cancel", "item-not-found")
	alice.refused(query(rsm(`<before>`+uuid.NewString()+`</before>`)), "cancel", "item-not-found")
	alice.refused(query(form("ids", uuid.NewString())), "cancel", "item-not-found")
	alice.refused(`<iq xmlns="jabber:client" type="set" id="q" to="bob@h"><query xmlns="urn:xmpp:mam:2"/></iq>`, "auth", "forbidden")
	w.bound("dora", "d").ask(`<iq xmlns="jabber:client" type="get" id="q"><metadata xmlns="urn:xmpp:mam:2"/></iq>`, `<iq xmlns="jabber:client" type="result" id="q"><metadata xmlns="urn:xmpp:mam:2"/></iq>`)
}

// XEP-0313 §3, §4.2: whatever the direction, the size, the filter and the
// order of transmission, pages give the archive in its order, each message once
// (S-62, S-63).
func TestMAM_AnyPages(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.online("alice", "a")
	var all []archive.Entry
	for i := range 40 {
		all = append(all, archive.Entry{
			ID: uuid.Must(uuid.NewV7()), Owner: "alice@h", With: []string{"bob@h", "carol@h"}[i%3%2],
			Body: fmt.Sprint("word", i%4), Stanza: []byte(`<message xmlns="jabber:client"/>`),
		})
	}
	if err := w.store.Append(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := pager{backwards: rapid.Bool().Draw(rt, "backwards"), flip: rapid.Bool().Draw(rt, "flip")}
		want := all
		filter := func(name, value string, keep func(e archive.Entry) bool) {
			p.fields += `<field var="` + name + `"><value>` + value + `</value></field>`
			want = slices.DeleteFunc(slices.Clone(want), func(e archive.Entry) bool { return !keep(e) })
		}
		if rapid.Bool().Draw(rt, "with") {
			filter("with", "bob@h", func(e archive.Entry) bool { return e.With == "bob@h" })
		}
		if rapid.Bool().Draw(rt, "text") {
			filter("{urn:xmpp:fulltext:0}fulltext", "word1", func(e archive.Entry) bool { return e.Body == "word1" })
		}
		if i := rapid.IntRange(-1, len(all)-1).Draw(rt, "after-id"); i >= 0 {
			filter("after-id", all[i].ID.String(), func(e archive.Entry) bool { return e.ID.String() > all[i].ID.String() })
		}
		if i := rapid.IntRange(-1, len(all)-1).Draw(rt, "before-id"); i >= 0 {
			filter("before-id", all[i].ID.String(), func(e archive.Entry) bool { return e.ID.String() < all[i].ID.String() })
		}
		var ids []string
		for _, e := range want {
			ids = append(ids, e.ID.String())
		}
		got := p.all(alice, func() int { return rapid.IntRange(1, 15).Draw(rt, "max") })
		if !slices.Equal(got, ids) {
			rt.Fatalf("got %v, want %v", got, ids)
		}
	})
}

// pager reads an archive page by page.
type pager struct {
	backwards, flip bool
	fields          string
}

func (p pager) all(c *client, size func() int) (got []string) {
	for mark := ""; ; {
		edge := "<after>" + mark + "</after>"
		if p.backwards {
			edge = "<before>" + mark + "</before>"
		} else if mark == "" {
			edge = ""
		}
		page, complete := p.page(c, fmt.Sprintf(`<max>%d</max>%s`, size(), edge))
		if p.backwards {
			got = append(slices.Clone(page), got...)
		} else {
			got = append(got, page...)
		}
		if complete {
			return got
		}
		mark = page[len(page)-1]
		if p.backwards {
			mark = page[0]
		}
	}
}

func (p pager) page(c *client, rsm string) (ids []string, complete bool) {
	flip := ""
	if p.flip {
		flip = "<flip-page/>"
	}
	c.Send(`<iq xmlns="jabber:client" type="set" id="q"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="submit">` + p.fields +
		`</x><set xmlns="http://jabber.org/protocol/rsm">` + rsm + `</set>` + flip + `</query></iq>`)
	for {
		e := c.Read()
		if r, ok := e.Find(stanza.NSMAM, "result"); ok {
			id, _ := r.Attr("id")
			ids = append(ids, id)
			continue
		}
		fin, _ := e.Find(stanza.NSMAM, "fin")
		text, _ := fin.Attr("complete")
		if p.flip {
			slices.Reverse(ids)
		}
		return ids, text == "true"
	}
}
