package muc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// XEP-0045 §7.10: a nickname is kept for one person, however many ask at once.
func TestRaces_OneNickname(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob", "carol")
	w.store.slow = 5 * time.Millisecond
	w.open("den", nil)
	people := []*client{w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")}
	register := func(inside string) string { return `<query xmlns="jabber:iq:register">` + inside + `</query>` }
	for range 3 {
		answers := make([]string, len(people))
		var asking sync.WaitGroup
		for i, c := range people {
			asking.Go(func() {
				answers[i] = c.ask("set", "den@rooms.h", register(`<x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>Bo</value></field></x>`)).Type
			})
		}
		asking.Wait()
		if got := strings.Join(answers, " "); strings.Count(got, "result") != 1 {
			t.Fatalf("answers: %s", got)
		}
		for _, c := range people {
			if c.ask("set", "den@rooms.h", register("<remove/>")); c.user == "alice" {
				c.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="none"/><item jid="carol@h" affiliation="none"/>`))
			}
		}
	}
}

// XEP-0045 §10.1 (S-89): a change that comes when a temporary room ends does not
// bring it back.
func TestRaces_ChangeOfAnEndingRoom(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Persistent = false })
	alice := w.online("alice", "a")
	gather("den", alice)
	r := w.svc.inMemory("den")
	r.mu.Lock()
	r.state = ending // as its last occupant leaves, and until it is deleted
	r.mu.Unlock()
	owner := &checker{tb: t, user: "alice", jid: "alice@h/a"}
	for _, change := range []struct {
		handler iqHandler
		payload string
	}{
		{handleOwnerSet, `<query xmlns="` + nsOwner + `"><x xmlns="jabber:x:data" type="submit"/></query>`},
		{handleOwnerSet, `<query xmlns="` + nsOwner + `"><x xmlns="jabber:x:data" type="cancel"/></query>`},
		{handleOwnerSet, `<query xmlns="` + nsOwner + `"><destroy/></query>`},
		{handleListSet, items(`<item jid="bob@h" affiliation="member"/>`)},
		{handleRegisterSet, `<query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>Al</value></field></x></query>`},
	} {
		iq, err := stream.Parse([]byte(`<iq xmlns="jabber:client">`+change.payload+`</iq>`), stream.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		payload, _ := iq.Find(iq.Child.Space, iq.Child.Local)
		if _, err := change.handler(t.Context(), r, owner, payload); !errors.Is(err, errEnding) {
			t.Errorf("%s: %v", change.payload, err)
		}
	}
	r.mu.Lock()
	r.state = open
	r.mu.Unlock()
	alice.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/alice"/>`)
	alice.sync()
	alice.refused(alice.ask("set", "den@rooms.h", items(`<item jid="bob@h" affiliation="member"/>`)), "cancel item-not-found")
}

// Nobody gets the right to change a room that is out of memory.
func TestRaces_ChangeOfARoomThatEnded(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	w.open("den", nil)
	r, err := w.svc.room(t.Context(), "den")
	if err != nil {
		t.Fatal(err)
	}
	w.svc.unload(time.Now().Add(time.Hour))
	<-r.ended
	for range 50 {
		if _, err := r.beginChange(t.Context()); !errors.Is(err, errEnding) {
			t.Fatal(err)
		}
	}
	alice := w.online("alice", "a")
	if e := alice.ask("set", "den@rooms.h", `<query xmlns="`+nsOwner+`"><destroy/></query>`); e.Type != "result" || len(w.store.rooms) != 0 {
		t.Errorf("%s: %v", e.Raw, w.store.rooms)
	}
}

// XEP-0045 §10.2 (S-89): a room stays that is made persistent while its last occupant leaves.
func TestRaces_PersistentAsItEmpties(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", func(s *Settings) { s.Persistent = false })
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", bob)
	w.store.changed = func() {
		bob.Send(`<presence xmlns="jabber:client" type="unavailable" to="den@rooms.h/bob"/>`)
		bob.Read() // that he left
	}
	if e := alice.ask("set", "den@rooms.h", `<query xmlns="`+nsOwner+`"><x xmlns="jabber:x:data" type="submit">`+
		`<field var="muc#roomconfig_persistentroom"><value>1</value></field></x></query>`); e.Type != "result" {
		t.Fatalf("%s", e.Raw)
	}
	bob.sync()
	if r, ok := w.store.rooms["den"]; !ok || !r.Settings.Persistent {
		t.Errorf("there: %v: %+v", ok, r.Settings)
	}
	if r := w.svc.inMemory("den"); r == nil || r.state != open {
		t.Errorf("%+v", r)
	}
}

// XEP-0045 §8.1 (S-85): a subject that was not announced is not the room's, nor after it was read again.
func TestRaces_SubjectOfSomebodyWhoIsPutOut(t *testing.T) {
	w := newWorld(t, Config{}, "alice", "bob")
	w.open("den", nil)
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	gather("den", alice, bob)
	subject := func(c *client, text string) {
		c.Send(`<message xmlns="jabber:client" type="groupchat" id="s" to="den@rooms.h"><subject>` + text + `</subject></message>`)
		c.sync()
	}
	subject(alice, "topic")
	bob.sync()
	w.store.changed = func() {
		w.store.changed = nil
		alice.ask("set", "den@rooms.h", items(`<item nick="bob" role="none"/>`))
	}
	bob.Send(`<message xmlns="jabber:client" type="groupchat" id="s" to="den@rooms.h"><subject>refused</subject></message>`)
	if seen := strings.Join(bob.seen(), ", "); !strings.HasSuffix(seen, "error modify not-acceptable") {
		t.Errorf("bob sees %s", seen)
	}
	if kept := w.store.rooms["den"].Subject; kept.Text != "topic" || kept.Nick != "alice" || kept.At.IsZero() {
		t.Errorf("kept: %+v", kept)
	}
	subject(alice, "another")
	if kept := w.store.rooms["den"].Subject; kept.Text != "another" {
		t.Errorf("kept: %+v", kept)
	}
}

// Whoever has less patience with a room that is being read gives up alone; who waits for it reads it.
func TestRaces_ReaderGivesUp(t *testing.T) {
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"went away": context.WithCancel,
		"ran out of it": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Config{}, "alice")
			w.open("den", nil)
			w.svc.unload(time.Now().Add(time.Hour))
			impatient, cancel := end(t.Context())
			defer cancel()
			first := true
			w.store.reading = func(ctx context.Context) error {
				if !first {
					return nil
				}
				first = false
				<-ctx.Done()
				return fmt.Errorf("the room was not read: %w", ctx.Err())
			}
			var asking sync.WaitGroup
			asking.Go(func() {
				if _, err := w.svc.room(impatient, "den"); !errors.Is(err, impatient.Err()) {
					t.Errorf("%s: who gave up: %v", name, err)
				}
			})
			synctest.Wait()
			for range 2 {
				asking.Go(func() {
					if r, err := w.svc.room(t.Context(), "den"); err != nil || r.state != open {
						t.Errorf("%s: who waits: %v", name, err)
					}
				})
			}
			synctest.Wait()
			if name == "went away" {
				cancel()
			}
			asking.Wait()
		})
	}
}

// What is asked of a room just as it leaves memory is asked of it again.
func TestRaces_Unloaded(t *testing.T) {
	w := newWorld(t, Config{}, "alice")
	w.open("den", nil)
	var seen []*room
	err := w.svc.withRoom(t.Context(), "den", func(r *room) error {
		if seen = append(seen, r); len(seen) == 1 {
			w.svc.unload(time.Now().Add(time.Hour))
		}
		done, err := r.beginChange(t.Context())
		if err == nil {
			defer done()
			_, err = r.newEntriesLocked("alice", nil)
			if r.state == ending {
				err = errEnding
			}
		}
		return err
	})
	if err != nil || len(seen) != 2 || seen[0] == seen[1] {
		t.Errorf("%v: %d rooms", err, len(seen))
	}
}

// Whatever people do at once, entering, leaving, going away, being put out, the
// room made and ended again and again: nothing is left behind that nobody is in
// (S-77, S-86, S-89). The race detector looks on.
func TestRaces_EnteringLeavingEnding(t *testing.T) {
	users := []string{"alice", "bob", "carol", "dave"}
	w := newWorld(t, Config{}, users...)
	var clients []*checker
	for _, user := range users {
		for _, resource := range []string{"a", "b"} {
			clients = append(clients, &checker{tb: t, user: user, jid: user + "@h/" + resource})
		}
	}
	owner := func(inside string) string {
		return `<iq type="set" id="i" to="den@rooms.h"><query xmlns="` + nsOwner + `">` + inside + `</query></iq>`
	}
	does := []string{
		`<presence to="den@rooms.h/NAME"><x xmlns="` + stanza.NSMUC + `"/></presence>`,
		`<presence to="den@rooms.h/NAME"><x xmlns="` + stanza.NSMUC + `"><history maxstanzas="0"/></x></presence>`,
		owner(`<x xmlns="jabber:x:data" type="submit"/>`),
		`<message type="groupchat" to="den@rooms.h" id="m"><body>x</body></message>`,
		`<presence to="den@rooms.h/other"/>`,
		`<iq type="set" id="i" to="den@rooms.h">` + items(`<item nick="alice" role="none"/>`) + `</iq>`,
		`<iq type="set" id="i" to="den@rooms.h">` + items(`<item jid="bob@h" affiliation="owner"/>`) + `</iq>`,
		`<iq type="set" id="i" to="den@rooms.h">` + items(`<item jid="carol@h" affiliation="outcast"/>`) + `</iq>`,
		owner(`<x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_persistentroom"><value>0</value></field></x>`),
		`<presence type="unavailable" to="den@rooms.h/NAME"/>`,
		owner(`<destroy/>`),
	}
	var busy sync.WaitGroup
	for i, c := range clients {
		busy.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 300 {
				switch n := random.IntN(len(does) + 1); n {
				case len(does):
					w.svc.Gone(t.Context(), c, nil)
				default:
					w.handle(c, strings.ReplaceAll(does[n], "NAME", c.user))
				}
			}
		})
	}
	busy.Go(func() {
		for range 300 {
			w.svc.unload(time.Now().Add(time.Hour))
		}
	})
	busy.Wait()
	for _, c := range clients {
		w.svc.Gone(t.Context(), c, nil)
		c.sound()
	}
	if n := len(w.svc.joined.rooms); n != 0 {
		t.Errorf("%d clients are still somewhere", n)
	}
	for _, r := range w.svc.loadedRooms() {
		if len(r.occupants.members)+len(r.occupants.byNick)+len(r.occupants.byClient)+len(r.queue.waiting) != 0 || r.state != open {
			t.Errorf("state %d: %d members, %d occupants, %d in the queue", r.state, len(r.occupants.members), len(r.occupants.byNick), len(r.queue.waiting))
		}
	}
}
