package xmppd

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"pgregory.net/rapid"
)

func presences(els []*stream.Element) (out []string) {
	for _, e := range els {
		if e.Name.Local == "presence" {
			out = append(out, e.Type+" "+e.From)
		}
	}
	return out
}

// RFC 6121 §4.2.2, §4.3, §4.5.2 (S-40, S-42, S-44).
func TestPresence_ComesAndGoes(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	bob, carol := w.online("bob", "b"), w.online("carol", "c")
	alice := w.bound("alice", "a")
	alice.Send(`<presence xmlns="jabber:client"><priority>7</priority></presence>`)
	if got := fmt.Sprint(presences(alice.Sync())); got != "[ alice@h/a  bob@h/b]" {
		t.Errorf("alice sees %s", got)
	}
	bob.Until(`<presence xmlns="jabber:client" from="alice@h/a" type="!"><priority>7</priority><any xmlns="test"/></presence>`)
	if got := presences(carol.Sync()); len(got) > 0 {
		t.Errorf("a stranger sees %v", got)
	}
	alice.Send(`<presence xmlns="jabber:client" type="unavailable"/>`)
	bob.Until(`<presence xmlns="jabber:client" from="alice@h/a" type="unavailable"/>`)
	alice.Sync()
	alice.Close()
	alice.ended()
	if got := presences(bob.Sync()); len(got) > 0 {
		t.Errorf("told twice: %v", got)
	}
	for raw, condition := range map[string]string{
		`<presence xmlns="jabber:client" id="p"><priority>300</priority></presence>`: "bad-request",
		`<presence xmlns="jabber:client" id="p" type="odd"/>`:                        "bad-request",
	} {
		bob.Send(raw)
		bob.Until(`<presence xmlns="jabber:client" type="error" id="p">` + stanzaErrorOf("modify", condition) + `</presence>`)
	}
}

// RFC 6121 §4.6 (S-43): directed presence is not broadcast later, but its
// target learns that the sender has gone.
func TestPresence_Directed(t *testing.T) {
	w := newWorld(t, "alice", "carol")
	alice, carol := w.online("alice", "a"), w.online("carol", "c")
	alice.Send(`<presence xmlns="jabber:client" to="carol@h/c"/>`)
	carol.Until(`<presence xmlns="jabber:client" from="alice@h/a" to="carol@h/c"><any xmlns="test"/></presence>`)
	// S-27: now carol may ask alice's client.
	carol.Send(`<iq xmlns="jabber:client" type="get" id="v" to="alice@h/a"><query xmlns="jabber:iq:version"/></iq>`)
	alice.Until(`<iq xmlns="jabber:client" type="get" id="v" from="carol@h/c" to="alice@h/a"><query xmlns="jabber:iq:version"/></iq>`)
	alice.Send(`<iq xmlns="jabber:client" type="get" id="w" to="carol@h/c"><query xmlns="jabber:iq:version"/></iq>`)
	alice.Until(`<iq xmlns="jabber:client" type="error" id="w">` + stanzaErrorOf("cancel", "service-unavailable") + `</iq>`)
	alice.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	alice.Sync()
	carol.none()
	alice.Close()
	carol.Until(`<presence xmlns="jabber:client" from="alice@h/a" type="unavailable"/>`)
}

// RFC 6121 §4.6 (S-43): a directed unavailable ends it; there is a bound.
func TestPresence_DirectedEnds(t *testing.T) {
	w := newWorld(t, "alice", "carol")
	alice, carol := w.online("alice", "a"), w.online("carol", "c")
	alice.Send(`<presence xmlns="jabber:client" to="carol@h"/>`)
	alice.Send(`<presence xmlns="jabber:client" to="carol@h" type="unavailable"/>`)
	for i := range maxDirected {
		alice.Send(fmt.Sprintf(`<presence xmlns="jabber:client" to="x@h/%d"/>`, i))
	}
	alice.none()
	alice.Send(`<presence xmlns="jabber:client" to="carol@h" id="p"/>`)
	alice.Until(`<presence xmlns="jabber:client" type="error" id="p">` + stanzaErrorOf("wait", "resource-constraint") + `</presence>`)
	alice.Send(`<presence xmlns="jabber:client" to="x@h/0"><show>away</show></presence>`) // has hers already
	for _, e := range alice.Sync() {
		if e.Type == "error" {
			t.Errorf("%s", e.Raw)
		}
	}
	long := strings.Repeat("x", 1000)
	for i := range maxDirectedBytes / len(long) {
		alice.Send(fmt.Sprintf(`<presence xmlns="jabber:client" to="x@h/%d" type="unavailable"/>`, i))
		alice.Send(fmt.Sprintf(`<presence xmlns="jabber:client" to="x@h/%s%d" id="long"/>`, long, i))
	}
	refused := 0
	for _, e := range alice.Sync() {
		if e.Type == "error" {
			refused++
		}
	}
	if kept := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"}).directed; length(maps.Keys(kept)) > maxDirectedBytes || refused == 0 || refused > 20 {
		t.Errorf("%d bytes of addresses, and %d were refused", length(maps.Keys(kept)), refused)
	}
	alice.Close()
	alice.ended()
	if got := presences(carol.Sync()); fmt.Sprint(got) != "[ alice@h/a unavailable alice@h/a]" {
		t.Errorf("carol sees %v", got)
	}
}

// XEP-0191 §3.3 (S-52): who is blocked learns nothing by asking.
func TestPresence_Blocked(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	w.store.blocked["alice"] = []string{"bob@h"}
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	for _, to := range []string{"alice@h", "alice@h/a"} {
		bob.Send(`<presence xmlns="jabber:client" type="probe" to="` + to + `"/>`)
	}
	if got := presences(bob.Sync()); len(got) > 0 {
		t.Errorf("bob is told %v", got)
	}
	for _, typ := range []string{"probe", "subscribe", "subscribed"} {
		alice.Send(`<presence xmlns="jabber:client" id="` + typ + `" type="` + typ + `" to="bob@h"/>`)
		alice.Until(`<presence xmlns="jabber:client" type="error" id="` + typ + `"><error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><blocked xmlns="urn:xmpp:blocking:errors"/></error></presence>`)
	}
	alice.Send(`<presence xmlns="jabber:client" type="error" to="bob@h"/>`)
	alice.none()
	if got := presences(bob.Sync()); len(got) > 0 {
		t.Errorf("bob sees %v", got)
	}
	ask := `<iq xmlns="jabber:client" type="get" id="v" to="%s"><query xmlns="jabber:iq:version"/></iq>`
	bob.ask(fmt.Sprintf(ask, "alice@h/a"), `<iq xmlns="jabber:client" type="error" id="v">`+stanzaErrorOf("cancel", "service-unavailable")+`</iq>`)
	alice.ask(fmt.Sprintf(ask, "bob@h/b"), `<iq xmlns="jabber:client" type="error" id="v"><error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><blocked xmlns="urn:xmpp:blocking:errors"/></error></iq>`)
	bob.Send(`<presence xmlns="jabber:client" type="unsubscribe" to="alice@h"/>`)
	bob.Send(`<presence xmlns="jabber:client" type="subscribe" to="alice@h"/>`)
	bob.Send(`<presence xmlns="jabber:client" to="alice@h"/>`)
	bob.Sync()
	if got := presences(alice.Sync()); len(got) > 0 {
		t.Errorf("alice sees %v", got)
	}
}

// XEP-0191 §3.3, RFC 6121 §3.1.3 (S-38, S-52): who has asked for a subscription and is blocked is
// not heard when the client comes back, and is once the block ends.
func TestPresence_BlockedRequest(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	bob := w.online("bob", "b")
	bob.Send(`<presence xmlns="jabber:client" type="subscribe" to="alice@h"/>`)
	bob.Sync()

	alice := w.bound("alice", "a")
	arrive := func() (asked bool) {
		alice.Send(`<presence xmlns="jabber:client" type="unavailable"/>`)
		alice.Send(`<presence xmlns="jabber:client"/>`)
		for _, e := range alice.Sync() {
			asked = asked || e.Type == "subscribe"
		}
		return asked
	}
	if !arrive() {
		t.Error("the request was not delivered")
	}
	alice.ask(`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/></block></iq>`, `<iq xmlns="jabber:client" type="result" id="1"/>`)
	if arrive() {
		t.Error("the request of somebody who is blocked was delivered")
	}
	alice.Send(`<iq xmlns="jabber:client" type="set" id="1"><unblock xmlns="urn:xmpp:blocking"/></iq>`)
	alice.Expect(`<presence xmlns="jabber:client" type="subscribe" from="bob@h" to="alice@h"/>`) // at once
	alice.Expect(`<iq xmlns="jabber:client" type="result" id="1"/>`)
	if !arrive() {
		t.Error("the request is lost")
	}
}

// Who blocks somebody declines their request, or ends a subscription, as before: the other hears
// nothing of it.
func TestPresence_DeclineBlocked(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	bob, carol := w.online("bob", "b"), w.online("carol", "c")
	w.store.subscribe("alice", "carol")
	alice := w.online("alice", "a")
	bob.Send(`<presence xmlns="jabber:client" type="subscribe" to="alice@h"/>`)
	bob.Sync()
	alice.Send(`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/><item jid="carol@h"/></block></iq>`)
	alice.Sync()
	bob.Sync()
	carol.Sync()
	alice.Send(`<presence xmlns="jabber:client" type="unsubscribed" to="bob@h"/>`)
	alice.Send(`<presence xmlns="jabber:client" type="unsubscribe" to="carol@h"/>`)
	for _, e := range alice.Sync() {
		if e.Type == "error" {
			t.Errorf("alice is told %s", e.Raw)
		}
	}
	for _, c := range []*client{bob, carol} {
		if got := c.Sync(); len(got) > 0 {
			t.Errorf("who is blocked is told %s", got[0].Raw)
		}
	}
	if c := w.store.rosters["alice"]["bob@h"]; c.Request != nil {
		t.Error("the request waits still")
	}
	if c := w.store.rosters["alice"]["carol@h"]; c.Subscription == SubscriptionTo || c.Subscription == SubscriptionBoth {
		t.Errorf("alice is subscribed to carol still: %s", c.Subscription)
	}
}

// RFC 6121 §4.3.2 (S-41).
func TestPresence_Probe(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	w.store.subscribe("alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	carol := w.online("carol", "c")
	alice.Sync()
	alice.Send(`<presence xmlns="jabber:client" type="probe" to="bob@h"/>`)
	alice.Expect(`<presence xmlns="jabber:client" from="bob@h/b"><any xmlns="test"/></presence>`)
	bob.Close()
	bob.ended()
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b" type="unavailable"/>`)
	alice.Send(`<presence xmlns="jabber:client" type="probe" to="bob@h"/>`)
	alice.Expect(`<presence xmlns="jabber:client" from="bob@h" type="unavailable"><delay xmlns="urn:xmpp:delay" from="bob@h" stamp="*"/></presence>`)
	// Of a client that is not there the others are not said to be away.
	w.online("bob", "c")
	alice.Sync()
	alice.Send(`<presence xmlns="jabber:client" type="probe" to="bob@h/b"/>`)
	alice.Expect(`<presence xmlns="jabber:client" from="bob@h/b" type="unavailable"/>`)
	carol.Send(`<presence xmlns="jabber:client" type="probe" to="alice@h"/>`)
	carol.Expect(`<presence xmlns="jabber:client" from="alice@h" type="unsubscribed"/>`)
}

// XEP-0153 §4.1, XEP-0398 §4: the site's picture goes with every presence, and a
// change is announced.
func TestPresence_Picture(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	w.store.accounts["alice"].PhotoHash = "one"
	bob, alice := w.online("bob", "b"), w.online("alice", "a")
	picture := func(hash string) string {
		return `<presence xmlns="jabber:client" from="alice@h/a"><x xmlns="vcard-temp:x:update"><photo>` + hash + `</photo></x></presence>`
	}
	bob.Until(picture("one"))
	alice.Sync()
	w.store.accounts["alice"].PhotoHash = "two"
	w.srv.AccountChanged(t.Context(), "alice")
	bob.Until(picture("two"))
	w.srv.AccountChanged(t.Context(), "alice")
	bob.none()

	// XEP-0398 §4 (S-75): a presence with an empty photo is left alone, and that one only.
	none := `<x xmlns="vcard-temp:x:update"><photo/></x>`
	alice.Send(`<presence xmlns="jabber:client" to="bob@h">` + none + `</presence>`)
	bob.Until(picture(""))
	alice.Send(`<presence xmlns="jabber:client"><show>away</show></presence>`)
	bob.Until(`<presence xmlns="jabber:client" from="alice@h/a"><show>away</show><x xmlns="vcard-temp:x:update"><photo>two</photo></x></presence>`)
	alice.Send(`<presence xmlns="jabber:client">` + none + `</presence>`)
	bob.Until(picture(""))
	alice.Send(`<presence xmlns="jabber:client" to="bob@h"/>`)
	bob.Until(picture("two"))
	alice.Sync()
	w.store.accounts["alice"].PhotoHash = "three"
	w.srv.AccountChanged(t.Context(), "alice")
	bob.none() // she has said that there is none
	alice.Send(`<presence xmlns="jabber:client"><x xmlns="vcard-temp:x:update"/></presence>`)
	bob.Until(picture("three"))
}

// RFC 6121 §4.5.2: a client that goes unavailable hears it as well; a browser's does not, since
// Converse would say then that it is there.
func TestPresence_OwnUnavailable(t *testing.T) {
	for native, want := range map[bool]int{true: 1, false: 0} {
		w := newWorld(t, "alice")
		peer := vouched("alice")
		peer.Native = native
		alice := w.boundAs(peer, "a")
		alice.Send(`<presence xmlns="jabber:client"/>`)
		alice.Sync()
		alice.Send(`<presence xmlns="jabber:client" type="unavailable"><status>bye</status></presence>`)
		if got := presences(alice.Sync()); len(got) != want {
			t.Errorf("native: %t, and hears %v", native, got)
		}
	}
}

// RFC 6121 §2 (S-32, S-33, S-35).
func TestRoster(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	alice, second, deaf := w.online("alice", "a"), w.online("alice", "b"), w.online("alice", "c")
	get := `<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster" ver="%s"/></iq>`
	full := `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster" ver="{ver}"><item jid="bob@h" subscription="both"/></query></iq>`
	ver := alice.ask(fmt.Sprintf(get, ""), full)["ver"]
	second.ask(fmt.Sprintf(get, "unknown"), full)
	alice.ask(fmt.Sprintf(get, ver), `<iq xmlns="jabber:client" type="result" id="r"/>`)

	alice.Send(`<iq xmlns="jabber:client" type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="BOB@h/x" name="Bobby" subscription="none" ask="subscribe" approved="true"><group>Friends</group></item></query></iq>`)
	push := `<iq xmlns="jabber:client" type="set" from="!"><query xmlns="jabber:iq:roster" ver="{ver}"><item jid="bob@h" name="Bobby" subscription="both" ask="!"><group>Friends</group></item></query></iq>`
	alice.Until(push)
	if got := second.Until(push)["ver"]; got == ver {
		t.Error("the version did not change")
	}
	deaf.none()
	for item, condition := range map[string]string{
		`<item jid="a@h"/><item jid="b@h"/>`: "bad-request",
		``:                                   "bad-request",
		`<item jid="x@h"><group>g</group><group>g</group></item>`:   "bad-request",
		`<item jid="x@h"><group/></item>`:                           "not-acceptable",
		`<item jid="x@h"><x xmlns="urn:x"/><group/></item>`:         "not-acceptable",
		`<item jid="x@h" name="` + strings.Repeat("n", 200) + `"/>`: "not-acceptable",
		`<item jid="@"/>`: "jid-malformed",
		`<item jid="zoe@h" subscription="remove"/>`: "item-not-found",
		`<item jid="alice@h"/>`:                     "not-allowed",
	} {
		alice.ask(`<iq xmlns="jabber:client" type="set" id="e"><query xmlns="jabber:iq:roster">`+item+`</query></iq>`,
			`<iq xmlns="jabber:client" type="error" id="e">`+stanzaErrorOf("*", condition)+`</iq>`)
	}
	// RFC 6120 §8.4: what is no group is not looked at.
	alice.Send(`<iq xmlns="jabber:client" type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="bob@h" name="Bobby"><x xmlns="urn:x">Friends</x><group>Friends</group><x xmlns="urn:x"/></item></query></iq>`)
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="bob@h" name="Bobby" subscription="both"><group>Friends</group></item></query></iq>`)
	alice.ask(`<iq xmlns="jabber:client" type="get" id="e" to="bob@h"><query xmlns="jabber:iq:roster"/></iq>`,
		`<iq xmlns="jabber:client" type="error" id="e">`+stanzaErrorOf("auth", "forbidden")+`</iq>`)
}

// RFC 6121 §2.6 (S-35): the version tells contents apart, however they came
// about, and equal entries are kept once.
func TestRoster_Digest(t *testing.T) {
	contact := func(n int, name string) Contact {
		return Contact{JID: fmt.Sprintf("c%d@h", n), Name: name, Groups: []string{"g", name}, Subscription: SubscriptionTo, Listed: n%3 != 0, Request: []byte(name)}
	}
	rapid.Check(t, func(t *rapid.T) {
		contents := map[int]string{}
		r := newRoster(nil, false)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			n, keep := rapid.IntRange(0, 8).Draw(t, "contact"), rapid.Bool().Draw(t, "keep")
			delete(contents, n)
			if keep {
				contents[n] = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name")
			}
			r = r.with(contact(n, contents[n]), keep)
			var want []Contact
			for n, name := range contents {
				want = append(want, contact(n, name))
			}
			fresh := newRoster(want, false)
			if !slices.Equal(r.entries, fresh.entries) || r.version() != fresh.version() {
				t.Fatalf("%v and %v differ", r, fresh)
			}
			for _, c := range want {
				if got, ok := r.find(c.JID); !ok || !reflect.DeepEqual(got, c) {
					t.Fatalf("got %+v, want %+v", got, c)
				}
			}
		}
	})
}

// What was read before a change is not cached after it.
func TestRoster_StaleCache(t *testing.T) {
	var a account
	stale, fresh := newRoster(nil, false), newRoster([]Contact{{JID: "x@h", Listed: true}}, false)
	changes := a.cached(func() {})
	new(rosters).replace(&a, changes, fresh)
	a.cache(changes, func() { a.roster = stale })
	if a.roster != fresh {
		t.Error("what was read before an update replaced it")
	}
	changes = a.cached(func() {})
	a.forget()
	new(rosters).replace(&a, changes, stale)
	if a.roster != nil {
		t.Error("an update of what was read before another change is kept")
	}
}

// RFC 6121 §3 (S-37, S-38, S-39), §2.5.2 (S-34).
func TestSubscription_RequestApproveRemove(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	alice.Send(`<presence xmlns="jabber:client" type="subscribe" to="bob@h/whatever" id="1"><status>please</status></presence>`)
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="none" ask="subscribe"/></query></iq>`)
	alice.Send(`<presence xmlns="jabber:client" type="subscribe" to="bob@h" id="2"/>`)
	alice.Sync()

	for range 2 { // stored whole, one per requester, at each new resource until answered
		bob := w.bound("bob", "b")
		bob.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
		bob.Send(`<presence xmlns="jabber:client"/>`)
		bob.Until(`<presence xmlns="jabber:client" type="subscribe" from="alice@h" to="bob@h" id="2"/>`)
		bob.Sync()
		bob.Close()
		bob.ended()
	}
	bob := w.online("bob", "b")
	bob.Send(`<presence xmlns="jabber:client" type="subscribed" to="alice@h"/>`)
	alice.Until(`<presence xmlns="jabber:client" type="subscribed" from="bob@h" to="alice@h"/>`)
	alice.Expect(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="to" ask="!"/></query></iq>`)
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b" type="!"><any xmlns="test"/></presence>`)

	alice.Send(`<iq xmlns="jabber:client" type="set" id="x"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="remove"/></query></iq>`)
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="remove"/></query></iq>`)
	bob.Until(`<presence xmlns="jabber:client" type="unsubscribe" from="alice@h" to="bob@h"/>`)
	if got := presences(alice.Sync()); fmt.Sprint(got) != "[unavailable bob@h/b]" && fmt.Sprint(got) != "[]" {
		t.Errorf("alice sees %v", got)
	}
}

// RFC 6121 §3.2.2, §3.3.3 (S-39): a cancelled subscriber sees everybody go
// before the cancellation, one who unsubscribes after it. Who never saw anybody
// does not learn that there was somebody, neither by being denied nor by taking
// a request back.
func TestSubscription_CancelAndDeny(t *testing.T) {
	w := newWorld(t, "alice", "bob", "mallory")
	w.store.subscribe("alice", "bob")
	w.online("alice", "second")
	alice, bob, mallory := w.online("alice", "a"), w.online("bob", "b"), w.online("mallory", "m")
	bob.Sync()
	alice.Send(`<presence xmlns="jabber:client" type="unsubscribed" to="bob@h"/>`)
	alice.Sync()
	got := presences(bob.Sync())
	slices.Sort(got[:2])
	if fmt.Sprint(got) != "[unavailable alice@h/a unavailable alice@h/second unsubscribed alice@h]" {
		t.Errorf("bob sees %v", got)
	}
	alice.Send(`<presence xmlns="jabber:client" type="unsubscribe" to="bob@h"/>`)
	alice.Until(`<presence xmlns="jabber:client" type="unavailable" from="bob@h/b"/>`)
	for _, last := range []string{"unsubscribe", "denied"} {
		mallory.Send(`<presence xmlns="jabber:client" type="subscribe" to="alice@h"/>`)
		mallory.Sync()
		if last == "denied" {
			alice.Send(`<presence xmlns="jabber:client" type="unsubscribed" to="mallory@h"/>`)
			alice.Sync()
		} else {
			mallory.Send(`<presence xmlns="jabber:client" type="` + last + `" to="alice@h"/>`)
		}
		for _, p := range presences(mallory.Sync()) {
			if p != "unsubscribed alice@h" {
				t.Errorf("%s: mallory sees %q", last, p)
			}
		}
	}
}

// RFC 6121 §8.5.1 (S-23): what is sent to nobody looks like what is sent to
// somebody who does not answer.
func TestSubscription_NoSuchAccount(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	for _, to := range []string{"bob@h", "nobody@h"} {
		for _, typ := range []string{"subscribe", "unsubscribe", "subscribed", "unsubscribed"} {
			alice.Send(`<presence xmlns="jabber:client" type="` + typ + `" to="` + to + `"/>`)
		}
		alice.Send(`<presence xmlns="jabber:client" to="` + to + `"/>`)
		if got := presences(alice.Sync()); len(got) > 0 {
			t.Errorf("%s: %v", to, got)
		}
	}
	if _, there := w.store.rosters["nobody"]; there {
		t.Error("a roster for nobody")
	}
}

// A contact that the site supplies from now on is seen at once.
func TestRoster_NewSiteContact(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice := w.online("alice", "a")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	w.online("bob", "b")
	w.store.mu.Lock()
	w.store.everyone = true // as when two people come into one group
	w.store.mu.Unlock()
	w.srv.AccountChanged(t.Context(), "bob")
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="bob@h" name="Bob" subscription="both"/></query></iq>`)
	alice.Until(`<presence xmlns="jabber:client" from="bob@h/b" type="!"><any xmlns="test"/></presence>`)
}

// RFC 6121 §3.1.3, App. A.3.1 (S-38): a repeated request bothers nobody who has
// seen it, and the newest is what a new resource gets.
func TestSubscription_AskedTwice(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.online("alice", "a"), w.online("bob", "b")
	for i := range 3 {
		bob.Send(fmt.Sprintf(`<presence xmlns="jabber:client" type="subscribe" to="alice@h" id="%d"/>`, i))
	}
	bob.Sync()
	if got := presences(alice.Sync()); fmt.Sprint(got) != "[subscribe bob@h]" {
		t.Errorf("alice sees %v", got)
	}
	second := w.bound("alice", "second")
	second.Send(`<presence xmlns="jabber:client"/>`)
	second.Until(`<presence xmlns="jabber:client" type="subscribe" from="bob@h" id="2"/>`)
}

// What people add to their rosters is bounded.
func TestRoster_Bound(t *testing.T) {
	w := newWorld(t, "alice")
	for i := range maxContacts {
		jid := fmt.Sprintf("c%d@h", i)
		w.store.rosters["alice"][jid] = Contact{JID: jid, Subscription: SubscriptionNone, Listed: true}
	}
	alice := w.online("alice", "a")
	set := `<iq xmlns="jabber:client" type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="%s"/></query></iq>`
	alice.ask(fmt.Sprintf(set, "c7@h"), `<iq xmlns="jabber:client" type="result" id="s"/>`)
	alice.ask(fmt.Sprintf(set, "more@h"), `<iq xmlns="jabber:client" type="error" id="s">`+stanzaErrorOf("wait", "resource-constraint")+`</iq>`)
	alice.ask(`<presence xmlns="jabber:client" type="subscribe" to="more@h" id="p"/>`,
		`<presence xmlns="jabber:client" type="error" id="p">`+stanzaErrorOf("wait", "resource-constraint")+`</presence>`)
}

// Members of one site know each other: a request is granted at once, and cannot
// be undone; a new member appears without asking.
func TestSubscription_SiteContacts(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.everyone = true
	alice := w.online("alice", "a")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"><item jid="bob@h" name="Bob" subscription="both"/></query></iq>`)
	alice.Send(`<presence xmlns="jabber:client" type="subscribe" to="bob@h"/>`)
	alice.Until(`<presence xmlns="jabber:client" type="subscribed" from="bob@h"/>`)
	alice.ask(`<iq xmlns="jabber:client" type="set" id="x"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="remove"/></query></iq>`,
		`<iq xmlns="jabber:client" type="error" id="x">`+stanzaErrorOf("cancel", "not-allowed")+`</iq>`)
	w.store.mu.Lock()
	w.store.accounts["zoe"], w.store.rosters["zoe"] = &VCard{Name: "Zoe"}, map[string]Contact{}
	w.store.mu.Unlock()
	w.srv.AccountChanged(t.Context(), "zoe")
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="zoe@h" name="Zoe" subscription="both"/></query></iq>`)
	w.store.mu.Lock()
	delete(w.store.accounts, "zoe")
	w.store.mu.Unlock()
	w.srv.AccountRemoved(t.Context(), "zoe")
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="zoe@h" subscription="remove"/></query></iq>`)
}

// RFC 6121 App. A: every cell of the tables (S-36).
func TestSubscription_Tables(t *testing.T) {
	type state struct {
		sub     Subscription
		out, in bool
	}
	states := []state{
		{SubscriptionNone, false, false}, {SubscriptionNone, true, false}, {SubscriptionNone, false, true}, {SubscriptionNone, true, true},
		{SubscriptionTo, false, false}, {SubscriptionTo, false, true}, {SubscriptionFrom, false, false}, {SubscriptionFrom, true, false}, {SubscriptionBoth, false, false},
	}
	N, NO, NI, NOI, T, TI, F, FO, B := 0, 1, 2, 3, 4, 5, 6, 7, 8
	y, n := true, false
	for _, c := range []struct {
		dir, typ string
		next     [9]int
		pass     [9]bool // routed (outbound) or delivered (inbound)
	}{
		{"out", "subscribe", [9]int{NO, NO, NOI, NOI, T, TI, FO, FO, B}, [9]bool{y, y, y, y, y, y, y, y, y}}, // A.2.1
		{"out", "unsubscribe", [9]int{N, N, NI, NI, N, NI, F, F, F}, [9]bool{n, y, n, y, y, y, n, y, y}},     // A.2.2
		{"out", "subscribed", [9]int{N, NO, F, FO, T, B, F, FO, B}, [9]bool{n, n, y, y, n, y, n, n, n}},      // A.2.3
		{"out", "unsubscribed", [9]int{N, NO, N, NO, T, T, N, NO, T}, [9]bool{n, n, y, y, n, y, y, y, y}},    // A.2.4
		{"in", "subscribe", [9]int{NI, NOI, NI, NOI, TI, TI, F, FO, B}, [9]bool{y, y, n, n, y, n, n, n, n}},  // A.3.1
		{"in", "unsubscribe", [9]int{N, NO, N, NO, T, T, N, NO, T}, [9]bool{n, n, y, y, n, y, y, y, y}},      // A.3.2
		{"in", "subscribed", [9]int{N, T, NI, TI, T, TI, F, B, B}, [9]bool{n, y, n, y, n, n, n, y, n}},       // A.3.3
		{"in", "unsubscribed", [9]int{N, N, NI, NI, N, NI, F, F, F}, [9]bool{n, y, n, y, y, y, n, y, y}},     // A.3.4
	} {
		for i, s := range states {
			contact := Contact{Subscription: s.sub, Ask: s.out, Listed: true}
			if s.in {
				contact.Request = []byte("old")
			}
			var pass bool
			if c.dir == "out" {
				pass = contact.outbound(c.typ)
			} else {
				pass, _ = contact.inbound(c.typ, []byte("new"))
			}
			got := state{contact.Subscription, contact.Ask, contact.Request != nil}
			if got != states[c.next[i]] || pass != c.pass[i] {
				t.Errorf("%sbound %s in %+v: %+v %v, want %+v %v", c.dir, c.typ, s, got, pass, states[c.next[i]], c.pass[i])
			}
		}
	}
}

// Whatever two people send each other, both sides agree on who sees whom.
func TestSubscription_SidesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Contact{Subscription: SubscriptionNone}, Contact{Subscription: SubscriptionNone} // a's view of b, b's of a
		types := []string{"subscribe", "subscribed", "unsubscribe", "unsubscribed"}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			from, to := &a, &b
			if rapid.Bool().Draw(t, "b sends") {
				from, to = &b, &a
			}
			typ := rapid.SampledFrom(types).Draw(t, "type")
			if from.outbound(typ) {
				if _, granted := to.inbound(typ, []byte("x")); granted {
					from.inbound("subscribed", nil)
				}
			}
			for _, pair := range [][2]*Contact{{&a, &b}, {&b, &a}} {
				if pair[0].hasTo() != pair[1].hasFrom() {
					t.Fatalf("%+v and %+v disagree", a, b)
				}
				if pair[0].Ask != (pair[1].Request != nil) {
					t.Fatalf("%+v and %+v disagree on what is pending", a, b)
				}
			}
		}
	})
}

// who is approved in advance gets in without a question, until that is taken
// back (RFC 6121 §3.4).
func TestSubscription_PreApproval(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob, carol := w.online("alice", "a"), w.online("bob", "b"), w.online("carol", "c")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq xmlns="jabber:client" type="result" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	approve := func(jid, typ string) {
		alice.Send(`<presence xmlns="jabber:client" type="` + typ + `" to="` + jid + `"/>`)
	}
	approve("bob@h", "subscribed")
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="none" approved="true" ask="!"/></query></iq>`)
	for _, e := range bob.Sync() {
		t.Errorf("bob is told: %s", e.Raw) // §3.4.2
	}
	bob.Send(`<presence xmlns="jabber:client" type="subscribe" to="alice@h"/>`)
	bob.Until(`<presence xmlns="jabber:client" type="subscribed" from="alice@h" to="bob@h"/>`)
	bob.Until(`<presence xmlns="jabber:client" from="alice@h/a" type="!"><any xmlns="test"/></presence>`)
	alice.Expect(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="bob@h" subscription="from" approved="true"/></query></iq>`)
	alice.none()

	approve("carol@h", "subscribed")
	alice.Sync()
	approve("carol@h", "unsubscribed")
	alice.Until(`<iq xmlns="jabber:client" type="set"><query xmlns="jabber:iq:roster"><item jid="carol@h" subscription="none" approved="!"/></query></iq>`)
	for _, e := range carol.Sync() {
		t.Errorf("carol is told: %s", e.Raw)
	}
	carol.Send(`<presence xmlns="jabber:client" type="subscribe" to="alice@h" id="please"/>`)
	alice.Until(`<presence xmlns="jabber:client" type="subscribe" from="carol@h" id="please"/>`)
}

// whatever waits for somebody comes at the pace at which it is read, though
// it is more than the queue holds and takes longer than a stanza may.
func TestPresence_RequestsThatWait(t *testing.T) {
	const n = 400 // 6.5 MB; the queue takes 4
	w := newWorldWith(t, Config{StoreTimeout: 10 * time.Millisecond}, "alice")
	words := strings.Repeat("x", maxPresence-200)
	for i := range n {
		jid := fmt.Sprintf("u%d@h", i)
		w.store.rosters["alice"][jid] = Contact{JID: jid, Subscription: SubscriptionNone,
			Request: []byte(`<presence xmlns="jabber:client" type="subscribe" from="` + jid + `" to="alice@h"><status>` + words + `</status></presence>`)}
	}
	alice := w.bound("alice", "a")
	alice.Send(`<presence xmlns="jabber:client"/>`)
	got := 0
	for _, e := range alice.Sync() {
		if e.Type == "subscribe" {
			got++
		}
	}
	if got != n {
		t.Errorf("%d of %d requests came", got, n)
	}
}

// a roster is bounded in bytes as well as in items, what is in the site's contacts
// included.
func TestRoster_BoundInBytes(t *testing.T) {
	w := newWorld(t, "alice")
	groups := make([]string, MaxContactGroups)
	for i := range groups {
		groups[i] = fmt.Sprint(i) + strings.Repeat("й", MaxContactName-2)
	}
	item := func(jid string) string {
		return `<iq xmlns="jabber:client" type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="` + jid + `"><group>` +
			strings.Join(groups, `</group><group>`) + `</group></item></query></iq>`
	}
	one := len(strings.Join(groups, ""))
	for i := range maxRosterBytes / (one + MaxContactGroups) {
		jid := fmt.Sprintf("c%d@h", i)
		w.store.rosters["alice"][jid] = Contact{JID: jid, Subscription: SubscriptionBoth, Listed: true, Groups: groups, SharedBySite: i%2 == 0}
	}
	alice := w.online("alice", "a")
	alice.refused(item("more@h"), "wait", "resource-constraint")
	alice.ask(item("c1@h"), `<iq xmlns="jabber:client" type="result" id="s"/>`)
	alice.ask(`<iq xmlns="jabber:client" type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="c2@h"/></query></iq>`, `<iq xmlns="jabber:client" type="result" id="s"/>`)

	// Many requests at once share one encoding, and none is too much for the queue.
	r, err := w.srv.rosters.of(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if items := r.items(); r.items() != items {
		t.Error("encoded twice")
	}
	for range 30 {
		alice.Send(`<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
	}
	answers := 0
	for _, e := range alice.Sync() {
		if e.ID == "r" && e.Type == "result" {
			answers++
		}
	}
	if answers != 30 {
		t.Errorf("%d answers", answers)
	}
}

// who blocks one client of somebody does not see that client, and is not seen
// by it; the others are as before (XEP-0191 §3.2).
func TestPresence_BlockedClient(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	w.store.blocked["alice"] = []string{"bob@h/phone"}
	alice, phone, laptop := w.online("alice", "a"), w.online("bob", "phone"), w.online("bob", "laptop")
	alice.Sync()
	show := func(c *client) { c.Send(`<presence xmlns="jabber:client" id="news"><show>away</show></presence>`) }
	heard := func(c *client, from string) bool {
		return slices.ContainsFunc(c.Sync(), func(e *stream.Element) bool { return e.ID == "news" && e.From == from })
	}
	for _, c := range []struct {
		from, to *client
		full     string
		want     bool
	}{
		{phone, alice, "bob@h/phone", false}, {laptop, alice, "bob@h/laptop", true},
		{alice, phone, "alice@h/a", false}, {alice, laptop, "alice@h/a", true},
	} {
		show(c.from)
		c.from.Sync()
		if got := heard(c.to, c.full); got != c.want {
			t.Errorf("%s is shown to %s: %v", c.full, c.to.full, got)
		}
	}
	laptop.Sync()
	phone.Sync()
	alice.ask(`<iq xmlns="jabber:client" type="set" id="u"><unblock xmlns="urn:xmpp:blocking"><item jid="bob@h/phone"/></unblock></iq>`, `<iq xmlns="jabber:client" type="result" id="u"/>`)
	phone.Sync()
	alice.ask(`<iq xmlns="jabber:client" type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="bob@h/phone"/></block></iq>`, `<iq xmlns="jabber:client" type="result" id="b"/>`)
	for c, want := range map[*client]bool{phone: true, laptop: false} {
		went := slices.ContainsFunc(c.Sync(), func(e *stream.Element) bool { return e.Type == "unavailable" && e.From == "alice@h/a" })
		if went != want {
			t.Errorf("alice goes for %s as she blocks the phone: %v", c.full, went)
		}
	}
	alice.Send(`<presence xmlns="jabber:client" type="probe" to="bob@h"/>`)
	for _, e := range alice.Sync() {
		if e.From == "bob@h/phone" {
			t.Errorf("a probe shows %s", e.Raw)
		}
	}
}
