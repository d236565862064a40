package muc

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"

	"github.com/google/uuid"
)

// checker is a client that looks at everything it gets.
type checker struct {
	xmppd.Client
	tb        testing.TB
	user, jid string
	mu        sync.Mutex
	got       [][]byte
}

func (c *checker) JID() string                 { return c.jid }
func (c *checker) Bare() string                { return c.user + "@h" }
func (c *checker) User() string                { return c.user }
func (c *checker) Ready(context.Context) error { return nil }

func (c *checker) SendSentCarbons(sent *stream.Element, _ uuid.UUID) {
	if sent.From != c.jid {
		c.tb.Errorf("a copy of what %s sent is from %s", c.jid, sent.From)
	}
}

func (c *checker) Deliver(raw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, raw)
}

// sound fails the test unless everything that came is a stanza from the rooms to
// this client, in which nobody but the room says what only the room may say.
func (c *checker) sound() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, raw := range c.got {
		el, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
		if err != nil {
			c.tb.Fatalf("%s got %v: %s", c.jid, err, raw)
		}
		from, err := stanza.ParseAddress(el.From)
		if err != nil || from.Domain != "rooms.h" || el.To != c.jid || el.Name.Space != stream.NSClient {
			c.tb.Fatalf("%s got %s", c.jid, raw)
		}
		ids := 0
		for child := range el.Children() {
			if child.Name.Space == stanza.NSOccupantID {
				ids++
			}
			if child.Name.Space == nsHats {
				c.tb.Fatalf("a hat that nobody gave: %s", raw)
			}
			if by, _ := child.Attr("by"); child.Name == (stream.Name{Space: "urn:xmpp:sid:0", Local: "stanza-id"}) && by == "den@rooms.h" {
				if id, _ := child.Attr("id"); id == "forged" {
					c.tb.Fatalf("a forged id: %s", raw)
				}
			}
		}
		if ids > 1 {
			c.tb.Fatalf("two occupant ids: %s", raw)
		}
	}
}

// FuzzRoom sends a room whatever a client may send, a stanza a line, from an owner
// (lines that begin with +) and from anybody. Whatever it is, the room goes on,
// nobody gets anything unsound, and a message of the other is heard (S-91).
func FuzzRoom(f *testing.F) {
	for _, seed := range []string{
		`<message type="groupchat" to="den@rooms.h" id="1"><body>hi</body><stanza-id xmlns="urn:xmpp:sid:0" by="den@rooms.h" id="forged"/><occupant-id xmlns="urn:xmpp:occupant-id:0" id="x"/></message>`,
		`<presence to="den@rooms.h/eve"><show>away</show><hats xmlns="urn:xmpp:hats:0"/></presence>` + "\n" + `<presence to="den@rooms.h/other"/>`,
		`<presence to="den@rooms.h/mallory"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="5" since="2000-01-01T00:00:00Z"/><password>x</password></x></presence>`,
		`<presence type="unavailable" to="den@rooms.h/mallory"><status>bye</status></presence>`,
		`<message to="den@rooms.h"><x xmlns="http://jabber.org/protocol/muc#user"><invite to="alice@h"><reason>r</reason></invite></x></message>`,
		`<message to="den@rooms.h"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#request</value></field><field var="muc#role"><value>participant</value></field></x></message>`,
		`+<message to="den@rooms.h"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#request</value></field><field var="muc#jid"><value>mallory@h/m</value></field><field var="muc#roomnick"><value>mallory</value></field><field var="muc#request_allow"><value>1</value></field></x></message>`,
		`<message type="chat" to="den@rooms.h/alice" id="q"><retract xmlns="urn:xmpp:message-retract:1" id="p"/></message>`,
		`<message type="error" to="den@rooms.h/alice"><error type="cancel"><gone/></error></message>`,
		`<message type="groupchat" to="den@rooms.h" id="s"><subject>topic</subject></message>`,
		`<message type="chat" to="den@rooms.h/alice" id="p"><body>psst</body></message>`,
		`<iq type="set" id="m" to="den@rooms.h"><query xmlns="urn:xmpp:mam:2"><set xmlns="http://jabber.org/protocol/rsm"><max>5</max><before/></set></query></iq>`,
		`<iq type="set" id="r" to="den@rooms.h"><query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>me</value></field></x></query></iq>`,
		`<iq type="get" id="v" to="den@rooms.h/alice"><query xmlns="jabber:iq:version"/></iq>`,
		`<iq type="result" id="v" to="den@rooms.h/alice"/>`,
		`+<iq type="set" id="c" to="den@rooms.h"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_moderatedroom"><value>1</value></field></x></query></iq>`,
		`+<iq type="set" id="a" to="den@rooms.h"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="mallory" role="none"><reason>r</reason></item></query></iq>`,
		`+<iq type="set" id="b" to="den@rooms.h"><query xmlns="http://jabber.org/protocol/muc#admin"><item jid="mallory@h" affiliation="outcast"/></query></iq>`,
		`+<iq type="set" id="d" to="den@rooms.h"><query xmlns="http://jabber.org/protocol/muc#owner"><destroy jid="x@rooms.h"><reason>r</reason></destroy></query></iq>`,
		`+<iq type="set" id="o" to="den@rooms.h"><moderate xmlns="urn:xmpp:message-moderate:1" id="0190f3c0-0000-7000-8000-000000000000"><retract xmlns="urn:xmpp:message-retract:1"/></moderate></iq>`,
		`+<iq type="set" id="u" to="den@rooms.h"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="urn:foyer:pinned:0"><item id="0190f3c0-0000-7000-8000-000000000000"/></publish></pubsub></iq>`,
		`<iq type="get" id="w" to="den@rooms.h"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="urn:foyer:pinned:0"/></pubsub></iq>`,
		`<presence to="new@rooms.h/me"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
		`<iq type="get" id="i" to="rooms.h"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		w := newWorld(t, Config{}, "alice", "mallory", "bob")
		w.open("den", nil)
		alice := &checker{tb: t, user: "alice", jid: "alice@h/a"}
		mallory := &checker{tb: t, user: "mallory", jid: "mallory@h/m"}
		bob := &checker{tb: t, user: "bob", jid: "bob@h/b"}
		for _, c := range []*checker{alice, mallory, bob} {
			w.handle(c, `<presence to="den@rooms.h/`+c.user+`"><x xmlns="`+stanza.NSMUC+`"/></presence>`)
		}
		for n, line := range bytes.Split(in, []byte("\n")) {
			if n == 8 {
				break
			}
			who := mallory
			if owner, ok := bytes.CutPrefix(line, []byte("+")); ok {
				who, line = alice, owner
			}
			w.handle(who, string(line))
		}
		// However that went, a room like this one can be entered, and works.
		w.handle(bob, `<presence to="after@rooms.h/bob"><x xmlns="`+stanza.NSMUC+`"/></presence>`)
		w.handle(bob, `<iq type="set" id="o" to="after@rooms.h"><query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit"/></query></iq>`)
		w.handle(bob, `<message type="groupchat" to="after@rooms.h" id="last"><body>here</body></message>`)
		if n := len(bob.got); n == 0 || !bytes.Contains(bob.got[n-1], []byte("<body>here</body>")) {
			t.Fatal("bob is not heard any more")
		}
		for _, c := range []*checker{alice, mallory, bob} {
			c.sound()
			w.svc.Gone(context.Background(), c, nil)
		}
		for _, r := range w.svc.loadedRooms() {
			if len(r.occupants.members) != 0 || len(r.occupants.byNick) != 0 || len(r.occupants.byClient) != 0 || len(r.queue.waiting) != 0 {
				t.Fatalf("somebody is left in %s", r.name)
			}
		}
		if len(w.svc.joined.rooms) != 0 || len(w.svc.unconfiguredByCreator) != 0 {
			t.Fatalf("left behind: %v, %v", w.svc.joined.rooms, w.svc.unconfiguredByCreator)
		}
	})
}

// handle does what the server does before a service is asked: what is no stanza
// to the rooms does not come here.
func (w *world) handle(c xmppd.Client, raw string) {
	el, err := stream.Parse([]byte(strings.Replace(raw, " ", ` xmlns="jabber:client" `, 1)), stream.DefaultLimits)
	if err != nil || el.Name.Space != stream.NSClient {
		return
	}
	switch el.Name.Local {
	case "message", "presence":
	case "iq":
		request := el.Type == "get" || el.Type == "set"
		if el.ID == "" || (request && el.Len() != 1) || (!request && el.Type != "result" && el.Type != "error") {
			return
		}
	default:
		return
	}
	to, err := stanza.ParseAddress(el.To)
	if err != nil || to.Domain != "rooms.h" {
		return
	}
	stamped, err := el.Edit().Set("from", c.JID()).Element()
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.HasPrefix(stamped.Raw, []byte("<"+el.Name.Local)) {
		return // prefixed stanzas are refused before
	}
	if err := w.svc.Handle(w.t.Context(), c, stamped, to); err != nil {
		w.t.Logf("%s: %v", raw, err)
	}
}
