package muc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

func pubsub(inside string) string {
	return `<pubsub xmlns="` + stanza.NSPubsub + `">` + inside + `</pubsub>`
}

func publishPin(id string) string {
	return pubsub(`<publish node="` + nodePinned + `"><item id="` + id + `"/></publish>`)
}

func retractPin(id string) string {
	return pubsub(`<retract node="` + nodePinned + `" notify="true"><item id="` + id + `"/></retract>`)
}

// pinned is what a client finds when it asks for what is pinned.
func (c *client) pinned(room string) string {
	c.w.t.Helper()
	e := c.ask("get", room+"@rooms.h", pubsub(`<items node="`+nodePinned+`"/>`))
	el, _ := e.Find(stanza.NSPubsub, "pubsub")
	items, ok := el.Find(stanza.NSPubsub, "items")
	if !ok {
		c.w.t.Fatalf("%s", e.Raw)
	}
	return pinsIn(items)
}

// pinsIn is what items say, in short.
func pinsIn(items stream.Child) string {
	var out []string
	for item := range items.Children() {
		id, _ := item.Attr("id")
		p, _ := item.Find(nodePinned, "pinned")
		said, _ := p.Find(nsSaid, "said")
		by, _ := p.Attr("by")
		who, _ := said.Attr("by")
		version, _ := said.Attr("id")
		switch {
		case item.Name.Local == "retract":
			out = append(out, "no "+id)
		case version != id:
			out = append(out, fmt.Sprintf("%s by %s: %s: %s (edited)", id, by, who, said.Text()))
		default:
			out = append(out, fmt.Sprintf("%s by %s: %s: %s", id, by, who, said.Text()))
		}
	}
	return strings.Join(out, "\n")
}

// hears is what a client was told of pins in the meantime.
func (c *client) hears(want ...string) {
	c.w.t.Helper()
	var got []string
	for _, e := range c.sync() {
		event, ok := e.Find(nsPubsubEvent, "event")
		if !ok {
			continue
		}
		if e.From != "den@rooms.h" || e.Type != "headline" {
			c.w.t.Errorf("%s", e.Raw)
		}
		items, _ := event.Find(nsPubsubEvent, "items")
		got = append(got, pinsIn(items))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		c.w.t.Errorf("%s hears\n%s\nwant\n%s", c.user, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// XEP-0316, XEP-0060 §6.5, §7.1, §7.2: moderators pin what was said; everybody who is there is
// told, and who comes later finds it, also after the room was out of memory.
func TestPins(t *testing.T) {
	w := newWorld(t, Config{Idle: time.Minute}, "alice", "bob", "carol")
	w.open("den", func(s *Settings) { s.MembersOnly = true })
	w.store.people["den"]["bob"] = Affiliated{User: "bob", Affiliation: Member}
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob)
	alice.has(alice.ask("get", "den@rooms.h", `<query xmlns="`+stanza.NSDiscoInfo+`"/>`), `<feature var="`+nodePinned+`"/>`)
	bob.say("den", "1", "tea at &lt;four&gt;")
	bob.say("den", "2", "bring cups")
	bob.sync()
	one, two := w.store.entries[0].ID.String(), w.store.entries[1].ID.String()

	bob.refused(bob.ask("set", "den@rooms.h", publishPin(one)), "auth forbidden")
	carol.refused(carol.ask("set", "den@rooms.h", publishPin(one)), "cancel not-acceptable")
	carol.refused(carol.ask("get", "den@rooms.h", pubsub(`<items node="`+nodePinned+`"/>`)), "auth forbidden")
	for what, want := range map[string]string{
		publishPin("00000000-0000-7000-8000-000000000000"): "cancel item-not-found",
		publishPin("garden"):                                                        "cancel item-not-found",
		pubsub(`<publish node="` + nodePinned + `"/>`):                              "modify bad-request modify item-required",
		pubsub(`<publish node="urn:xmpp:other"><item id="` + one + `"/></publish>`): "cancel item-not-found",
		pubsub(`<subscribe node="` + nodePinned + `"/>`):                            "cancel feature-not-implemented",
		retractPin(one): "cancel item-not-found",
	} {
		alice.refused(alice.ask("set", "den@rooms.h", what), want)
	}
	bob.hears()

	alice.has(alice.ask("set", "den@rooms.h", publishPin(one)), `<publish node="`+nodePinned+`"><item id="`+one+`"/>`)
	alice.ask("set", "den@rooms.h", publishPin(two))
	first, second := one+" by alice: bob: tea at <four>", two+" by alice: bob: bring cups"
	bob.hears(first, second)
	if got := bob.pinned("den"); got != second+"\n"+first {
		t.Errorf("%s", got)
	}
	for _, c := range []*client{alice, bob} {
		c.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/` + c.user + `"/>`)
		c.sync()
	}
	w.svc.unload(time.Now().Add(2 * time.Minute))
	gather("den", alice, bob)
	if got := bob.pinned("den"); got != second+"\n"+first {
		t.Errorf("after it was unloaded: %s", got)
	}
	bob.hears()
	alice.ask("set", "den@rooms.h", retractPin(two))
	bob.hears("no " + two)
	if got := bob.pinned("den"); got != first {
		t.Errorf("%s", got)
	}

	// A room that keeps nothing any more pins nothing; what is pinned can be taken away.
	alice.configure("den", [2]string{"enablearchiving", "0"})
	alice.refused(alice.ask("set", "den@rooms.h", publishPin(two)), "cancel item-not-found")
	bob.sync()
	alice.ask("set", "den@rooms.h", retractPin(one))
	bob.hears("no " + one)
}

// A pin says what the message says: what its author corrects (XEP-0308), and nothing once it was
// taken back by its author (XEP-0424) or by a moderator (XEP-0425).
func TestPins_FollowTheMessage(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.open("den", nil)
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	gather("den", alice, bob, carol)
	correct := func(id, corrects, text string) {
		bob.Send(`<message xmlns="jabber:client" type="groupchat" id="` + id + `" to="den@rooms.h"><body>` + text + `</body><replace xmlns="urn:xmpp:message-correct:0" id="` + corrects + `"/></message>`)
		bob.sync()
	}
	for i, text := range []string{"tea at four", "cups", "cake"} {
		bob.say("den", fmt.Sprint(i), text)
	}
	bob.sync()
	correct("c1", "0", "tea at five")
	id := func(i int) string { return w.store.entries[i].ID.String() }
	alice.ask("set", "den@rooms.h", publishPin(id(3))) // the correction, by whose id clients know it
	alice.ask("set", "den@rooms.h", publishPin(id(1)))
	alice.ask("set", "den@rooms.h", publishPin(id(2)))
	carol.hears(id(0)+" by alice: bob: tea at five (edited)", id(1)+" by alice: bob: cups", id(2)+" by alice: bob: cake")
	correct("c2", "0", "tea at six")
	bob.say("den", "x", "nothing that is pinned")
	correct("c3", "x", "nor this")
	carol.hears(id(0) + " by alice: bob: tea at six (edited)")

	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="r" to="den@rooms.h"><retract xmlns="` + stanza.NSRetract + `" id="` + id(1) + `"/></message>`)
	bob.sync()
	alice.ask("set", "den@rooms.h", `<moderate xmlns="`+stanza.NSModerate+`" id="`+id(2)+`"><retract xmlns="`+stanza.NSRetract+`"/></moderate>`)
	carol.hears("no "+id(1), "no "+id(2))
	alice.refused(alice.ask("set", "den@rooms.h", publishPin(id(1))), "cancel item-not-found")
	if got := bob.pinned("den"); got != id(0)+" by alice: bob: tea at six (edited)" {
		t.Errorf("%s", got)
	}
}

// A room has at most so many pins.
func TestPins_Bound(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	w.open("den", nil)
	alice := w.online("alice", "a")
	gather("den", alice)
	for i := range maxPins + 1 {
		alice.say("den", fmt.Sprint(i), "x")
	}
	alice.sync()
	for i := range maxPins {
		alice.ask("set", "den@rooms.h", publishPin(w.store.entries[i].ID.String()))
	}
	alice.refused(alice.ask("set", "den@rooms.h", publishPin(w.store.entries[maxPins].ID.String())), "wait resource-constraint")
	if e := alice.ask("set", "den@rooms.h", publishPin(w.store.entries[0].ID.String())); e.Type != "result" {
		t.Errorf("one that is pinned: %s", e.Raw)
	}
}
