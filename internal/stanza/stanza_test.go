package stanza

import (
	"testing"
	"time"

	"foyer/internal/stream"
)

func message(t *testing.T, children string) *stream.Element {
	t.Helper()
	m, err := stream.Parse([]byte(`<message xmlns="jabber:client" id="m">`+children+`</message>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// XEP-0359 §5, XEP-0203 §4 (S-53, S-91): what only an owner may say.
func TestAttributed(t *testing.T) {
	for raw, want := range map[string]bool{
		`<stanza-id xmlns="urn:xmpp:sid:0" by="a@h" id="1"/>`:   true,
		`<stanza-id xmlns="urn:xmpp:sid:0" by="A@H/r" id="1"/>`: true,
		`<stanza-id xmlns="urn:xmpp:sid:0" id="1"/>`:            true,
		`<stanza-id xmlns="urn:xmpp:sid:0" by="b@h" id="1"/>`:   false,
		`<origin-id xmlns="urn:xmpp:sid:0" by="a@h" id="1"/>`:   false,
		`<delay xmlns="urn:xmpp:delay" from="a@h"/>`:            true,
		`<delay xmlns="urn:xmpp:delay" from="H"/>`:              true,
		`<delay xmlns="urn:xmpp:delay" from="@"/>`:              true,
		`<delay xmlns="urn:xmpp:delay" from="room@elsewhere"/>`: false,
		`<x xmlns="urn:xmpp:delay" from="h"/>`:                  false,
	} {
		c := child(t, raw)
		if got := IsIDBy(c, "h", "a@h") || IsDelayBy(c, "h", "a@h"); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
	m := message(t, string(ID("room@h", "0"))+string(ID("a@h", "1")))
	if id, ok := IDBy(m, "a@h"); !ok || id != "1" {
		t.Error(id, ok)
	}
	if _, ok := IDBy(m, "b@h"); ok {
		t.Error("there is no id of b's")
	}
}

// XEP-0334 §4, XEP-0313 §6.1.1 (S-63, S-64).
func TestShouldArchive(t *testing.T) {
	const body, store = `<body>x</body>`, `<store xmlns="urn:xmpp:hints"/>`
	for children, want := range map[string]bool{
		body:  true,
		store: true,
		``:    false,
		body + `<no-store xmlns="urn:xmpp:hints"/>`:                   false,
		body + store + `<no-permanent-store xmlns="urn:xmpp:hints"/>`: false,
		`<composing xmlns="http://jabber.org/protocol/chatstates"/>`:  false,
		`<received xmlns="urn:xmpp:receipts" id="1"/>`:                true,
		`<request xmlns="urn:xmpp:receipts"/>`:                        false,
		`<encrypted xmlns="eu.siacs.conversations.axolotl"/>`:         true,
	} {
		if got := ShouldArchive(message(t, children)); got != want {
			t.Errorf("%s: %v", children, got)
		}
	}
}

// XEP-0059 §2.
func TestResultSet(t *testing.T) {
	query := func(inner string) stream.Child { return child(t, `<query xmlns="q">`+inner+`</query>`) }
	set := func(inner string) string { return `<set xmlns="http://jabber.org/protocol/rsm">` + inner + `</set>` }
	for raw, want := range map[string]ResultSet{
		``:                                  {Max: -1},
		set(``):                             {Asked: true, Max: -1},
		set(`<max>5</max><after>a</after>`): {Asked: true, Max: 5, After: "a"},
		set(`<before/><max>0</max>`):        {Asked: true, Last: true},
		set("<max>\n\t5\n</max>"):           {Asked: true, Max: 5},
		set(`<before>b</before>`):           {Asked: true, Max: -1, Before: "b", Last: true},
	} {
		if got, err := ParseResultSet(query(raw)); err != nil || got != want {
			t.Errorf("%s: %+v %v", raw, got, err)
		}
	}
	for _, raw := range []string{set(`<max>-1</max>`), set(`<max>x</max>`), set(`<index>1</index>`)} {
		if _, err := ParseResultSet(query(raw)); err == nil {
			t.Errorf("%s: taken", raw)
		}
	}
	if got := string(AppendResultSet(nil, "a", "b", 2, 9)); got != set(`<first index="2">a</first><last>b</last><count>9</count>`) {
		t.Error(got)
	}
	if got := string(AppendResultSet(nil, "", "", 0, -1)); got != set(``) {
		t.Error(got)
	}
}

// RFC 6120 §8.3.1, §8.2.3; XEP-0030 §3.1, §4.1; XEP-0203.
func TestReplies(t *testing.T) {
	el, err := stream.Parse([]byte(`<iq xmlns="jabber:client" type="get" id="&lt;" to="h"><query xmlns="q"/></iq>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	refused := &Error{Type: ErrorWait, Condition: ResourceConstraint, Text: "a & b", Extra: `<x xmlns="x"/>`, Echo: `<q xmlns="q"/>`}
	info := Info{Node: "n", Identities: []Identity{{"server", "im", "F"}, {Category: "pubsub", Type: "pep"}}, Features: []string{"f"}, Forms: [][]byte{[]byte("<x/>")}}
	for want, got := range map[string][]byte{
		`<iq xmlns="jabber:client" type="result" id="&lt;" from="h" to="a@h/r"/>`: Result(el, "a@h/r", nil),
		`<iq xmlns="jabber:client" type="result" id="&lt;" from="h"><x/></iq>`:    Result(el, "", []byte("<x/>")),
		`<iq xmlns="jabber:client" type="error" id="&lt;" from="h" to="a@h"><q xmlns="q"/><error type="wait"><resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>` +
			`<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">a &amp; b</text><x xmlns="x"/></error></iq>`: ErrorReply(el, "h", "a@h", refused),
		`<query xmlns="http://jabber.org/protocol/disco#info" node="n"><identity category="server" type="im" name="F"/><identity category="pubsub" type="pep"/>` +
			`<feature var="f"/><x/></query>`: info.Payload(),
		`<query xmlns="http://jabber.org/protocol/disco#items"><item jid="r@h" name="R"/><set/></query>`: ItemsPayload("", []Item{{JID: "r@h", Name: "R"}}, []byte("<set/>")),
		`<delay xmlns="urn:xmpp:delay" from="h" stamp="2026-01-02T03:04:05.006Z"/>`:                      Delay("h", time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)),
	} {
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if _, err := info.Answer(child(t, `<query xmlns="http://jabber.org/protocol/disco#info" node="x"/>`)); err != ErrItemNotFound {
		t.Error(err)
	}
}
