package xmppd

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// XEP-0012 §4, §5, §7: the server's uptime to everybody, a person's last
// activity to those who see that person's presence.
func TestLastActivity(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	get := func(to string) string {
		return `<iq xmlns="jabber:client" type="get" id="l" to="` + to + `"><query xmlns="jabber:iq:last"/></iq>`
	}
	result := `<iq xmlns="jabber:client" type="result" id="l"><query xmlns="jabber:iq:last" seconds="*">`
	alice.ask(get("h"), result+`</query></iq>`)
	alice.ask(get("bob@h"), `<iq xmlns="jabber:client" type="result" id="l" from="bob@h"><query xmlns="jabber:iq:last" seconds="0"/></iq>`)
	alice.ask(get("alice@h"), `<iq xmlns="jabber:client" type="result" id="l"><query xmlns="jabber:iq:last" seconds="0"/></iq>`)
	carol.refused(get("bob@h"), "auth", "forbidden")
	carol.refused(get("nobody@h"), "auth", "forbidden")
	bob.Send(`<presence xmlns="jabber:client" type="unavailable"><status>off to lunch</status></presence>`)
	bob.Sync()
	alice.ask(get("bob@h"), result+`off to lunch</query></iq>`)
	bob.Close()
	bob.ended()
	alice.ask(get("bob@h"), result+`off to lunch</query></iq>`)
	carol.refused(get("bob@h"), "auth", "forbidden")
}

// XEP-0012 §4: what is known of those who left outlasts the program, those who were there
// when it stopped included.
func TestLastActivity_Kept(t *testing.T) {
	var store *memStore
	t.Cleanup(func() { // after the server has stopped
		for user, status := range map[string]string{"alice": "", "bob": "off to lunch"} {
			if d, ok := store.lastActivity[user]; !ok || d.Status != status {
				t.Errorf("%s: %v %+v", user, ok, d)
			}
		}
	})
	w := newWorld(t, "alice", "bob", "carol")
	store = w.store
	store.subscribe("alice", "carol")
	store.lastActivity["carol"] = LastActivity{"carol", time.Now().Add(-time.Hour), "good night"} // before this program started
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="l" to="carol@h"><query xmlns="jabber:iq:last"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="l"><query xmlns="jabber:iq:last" seconds="*">good night</query></iq>`)
	bob.Send(`<presence xmlns="jabber:client" type="unavailable"><status>off to lunch</status></presence>`)
	bob.Sync()
}

// Departures are written in sets, and again after a failure; those that wait are bounded.
func TestDepartures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.fail = errAway
		d := newLastActivityWriter(store, time.Second, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { d.run(ctx) })
		for i := range maxLastActivity + 10 {
			d.note(LastActivity{User: strconv.Itoa(i), At: time.Now()})
		}
		synctest.Wait()
		if n := len(d.waiting); n != maxLastActivity {
			t.Errorf("%d wait", n)
		}
		time.Sleep(2 * lastActivityDelay)
		store.setFail(nil)
		time.Sleep(2 * lastActivityRetry)
		synctest.Wait()
		if n := len(store.lastActivity); n != maxLastActivity || len(d.waiting) != 0 {
			t.Errorf("%d are kept, %d wait", n, len(d.waiting))
		}
		d.note(LastActivity{User: "last", At: time.Now()})
		stop()
		run.Wait()
		if _, ok := store.lastActivity["last"]; !ok {
			t.Error("what waited at the end was not written")
		}
	})
}
