package muc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"pgregory.net/rapid"
)

// view is what a client knows of a room by what it was told.
type view struct {
	checker
	inside bool
	nicks  map[string]string // nickname → role and affiliation
	heard  []string
	read   int
}

// catchUp takes in what came. The client knows its own presence by 110.
func (v *view) catchUp(t *rapid.T) {
	for ; v.read < len(v.got); v.read++ {
		el, err := stream.Parse(v.got[v.read], stream.Limits{Bytes: len(v.got[v.read])})
		if err != nil {
			t.Fatal(err)
		}
		if el.Name.Local == "message" && el.Type == "groupchat" && strings.HasPrefix(el.ID, "said") {
			v.heard = append(v.heard, el.ID)
		}
		if el.Name.Local != "presence" || el.Type == "error" {
			continue
		}
		v.presence(el)
	}
}

func (v *view) presence(el *stream.Element) {
	nick := el.From[len("den@rooms.h/"):]
	x, _ := el.Find(stanza.NSMUCUser, "x")
	self, renamed := false, false
	for c := range x.Children() {
		code, _ := c.Attr("code")
		self = self || code == codeSelf
		renamed = renamed || code == codeNickChanged
	}
	if el.Type == "unavailable" {
		delete(v.nicks, nick)
		if self && !renamed {
			v.inside, v.nicks = false, map[string]string{}
		}
		return
	}
	if self {
		v.inside = true
	}
	item, _ := x.Find(stanza.NSMUCUser, "item")
	role, _ := item.Attr("role")
	affiliation, _ := item.Attr("affiliation")
	v.nicks[nick] = affiliation + "/" + role
}

// What every client has been told of who is in the room is who is in the room,
// whatever people do, and everybody hears the same in the same order (S-77, S-81,
// S-83, S-86, S-87).
func TestProperty_EverybodyKnowsWhoIsThere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, Config{}, "alice", "bob", "carol")
		w.open("den", nil)
		var views []*view
		for _, user := range []string{"alice", "bob", "carol"} {
			for _, resource := range []string{"a", "b"} {
				views = append(views, &view{checker: checker{tb: t, user: user, jid: user + "@h/" + resource}, nicks: map[string]string{}})
			}
		}
		nick := rapid.SampledFrom([]string{"ann", "ben", "cat", "Ann"})
		number := rapid.IntRange(0, len(views)-1)
		who := func(t *rapid.T) *view { return views[number.Draw(t, "who")] }
		person := rapid.SampledFrom([]string{"alice", "bob", "carol"})
		said := 0
		actions := map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				w.handle(who(t), `<presence to="den@rooms.h/`+nick.Draw(t, "nick")+`"><x xmlns="`+stanza.NSMUC+`"><history maxstanzas="0"/></x></presence>`)
			},
			"show": func(t *rapid.T) {
				w.handle(who(t), `<presence to="den@rooms.h/`+nick.Draw(t, "nick")+`"><show>away</show></presence>`)
			},
			"leave": func(t *rapid.T) {
				w.handle(who(t), `<presence type="unavailable" to="den@rooms.h/x"/>`)
			},
			"gone": func(t *rapid.T) { w.svc.Gone(context.Background(), who(t), nil) },
			"say": func(t *rapid.T) {
				said++
				w.handle(who(t), fmt.Sprintf(`<message type="groupchat" to="den@rooms.h" id="said%d"><body>x</body></message>`, said))
			},
			"role": func(t *rapid.T) {
				role := rapid.SampledFrom([]string{"none", "visitor", "participant", "moderator"}).Draw(t, "role")
				w.handle(who(t), `<iq type="set" id="i" to="den@rooms.h">`+items(`<item nick="`+nick.Draw(t, "nick")+`" role="`+role+`"/>`)+`</iq>`)
			},
			"affiliation": func(t *rapid.T) {
				a := rapid.SampledFrom([]string{"none", "member", "admin", "owner", "outcast"}).Draw(t, "affiliation")
				w.handle(who(t), `<iq type="set" id="i" to="den@rooms.h">`+items(`<item jid="`+person.Draw(t, "person")+`@h" affiliation="`+a+`"/>`)+`</iq>`)
			},
			"members only": func(t *rapid.T) {
				value := rapid.SampledFrom([]string{"0", "1"}).Draw(t, "value")
				w.handle(who(t), `<iq type="set" id="i" to="den@rooms.h"><query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_membersonly"><value>`+value+`</value></field></x></query></iq>`)
			},
			"": func(t *rapid.T) { agree(t, w, views) },
		}
		rt.Repeat(actions)
		order := w.store.entries
		for _, v := range views {
			at := 0
			for _, id := range v.heard {
				for at < len(order) && order[at].StanzaID != id {
					at++
				}
			}
			if at == len(order) && len(v.heard) > 0 {
				rt.Fatalf("%s heard %v in another order than the archive's", v.jid, v.heard)
			}
		}
	})
}

// agree compares every client's view with the room.
func agree(t *rapid.T, w *world, views []*view) {
	r, err := w.svc.room(context.Background(), "den")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, o := range r.occupants.byNick {
		want[o.nick] = string(r.affiliations.ofLocked(o.user)) + "/" + string(o.role)
	}
	if !r.affiliations.ownedLocked() {
		t.Fatal("nobody owns the room")
	}
	for _, v := range views {
		v.catchUp(t)
		if inside := r.occupants.memberLocked(v) != nil; v.inside != inside {
			t.Fatalf("%s thinks it is inside: %v; it is: %v", v.jid, v.inside, inside)
		}
		if v.inside && !maps.Equal(v.nicks, want) {
			t.Fatalf("%s knows %v; there is %v", v.jid, v.nicks, want)
		}
	}
	if m := len(r.occupants.members); m != len(r.occupants.byClient) || slices.ContainsFunc(r.occupants.members, func(m *member) bool { return !slices.Contains(m.occupant.all, m) }) {
		t.Fatal("the room does not know itself who is in it")
	}
}
