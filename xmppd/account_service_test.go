package xmppd

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// notes is a service of accounts with one node, "n"; it notes what it is told.
type notes struct {
	mu   sync.Mutex
	told []string
}

func (n *notes) note(parts ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, strings.Join(parts, " "))
}

func (*notes) Payloads() []stream.Name { return []stream.Name{{Space: "urn:notes", Local: "note"}} }

func (n *notes) Answer(_ context.Context, r AccountRequest) ([]byte, error) {
	if r.Owner == "nobody" {
		return nil, stanza.ErrServiceUnavailable
	}
	return []byte(`<note xmlns="urn:notes" by="` + r.Client.JID() + `" on="` + r.Owner + `" type="` + r.Type + `">` + r.Payload.Text() + `</note>`), nil
}

func (*notes) Discovery() AccountDiscovery {
	return AccountDiscovery{
		Identities: []stanza.Identity{{Category: "test", Type: "notes"}}, Features: []string{"urn:notes"}, ServerFeatures: []string{"urn:notes:server"},
	}
}

func (*notes) NodeInfo(_ context.Context, c Client, owner, node string) ([]byte, error) {
	if node != "n" {
		return nil, stanza.ErrItemNotFound
	}
	return stanza.Info{Node: node, Features: []string{owner + " for " + c.User()}}.Payload(), nil
}

func (*notes) Nodes(_ context.Context, _ Client, owner string) ([]stanza.Item, error) {
	return []stanza.Item{{JID: owner + "@h", Node: "n"}}, nil
}

func (n *notes) Available(_ context.Context, c Client, presence *stream.Element) {
	n.note("available", c.JID(), presence.From, presence.ID)
}
func (n *notes) Unavailable(c Client)                             { n.note("unavailable", c.JID()) }
func (n *notes) Granted(_ context.Context, owner, contact string) { n.note("granted", owner, contact) }
func (n *notes) ProfileChanged(_ context.Context, a Account)      { n.note("changed", a.User, a.Name) }

func (*notes) PrivateName() stream.Name { return stream.Name{Space: "urn:notes", Local: "kept"} }

func (*notes) ReadPrivate(_ context.Context, user string, stored []byte) ([]byte, error) {
	return append([]byte(`<seen xmlns="urn:notes" by="`+user+`"/>`), stored...), nil
}

func (*notes) WritePrivate(_ context.Context, _ string, sent stream.Child) ([]byte, error) {
	return []byte(`<kept xmlns="urn:notes">` + strings.ToUpper(sent.Text()) + `</kept>`), nil
}

// What is mounted on the accounts answers at their addresses, is found there (S-46)
// and in the server's own capabilities (S-48), and has its view of private XML (S-50).
func TestAccountService_Asked(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.store.subscribe("alice", "bob")
	before := w.srv.ver
	if err := w.srv.MountOnAccounts(&notes{}); err != nil {
		t.Fatal(err)
	}
	if w.srv.ver == before {
		t.Error("the server's hash does not have the new features")
	}
	alice := w.online("alice", "a")
	for to, owner := range map[string]string{"": "alice", ` to="alice@h"`: "alice", ` to="bob@h"`: "bob"} {
		for _, typ := range []string{"get", "set"} {
			alice.ask(`<iq xmlns="jabber:client" type="`+typ+`" id="1"`+to+`><note xmlns="urn:notes">x</note></iq>`,
				`<iq xmlns="jabber:client" type="result" id="1"><note xmlns="urn:notes" by="alice@h/a" on="`+owner+`" type="`+typ+`">x</note></iq>`)
		}
	}
	alice.refused(`<iq xmlns="jabber:client" type="get" id="1" to="nobody@h"><note xmlns="urn:notes"/></iq>`, "cancel", "service-unavailable")
	disco := func(what, attrs, node, content string) {
		t.Helper()
		query := `<query xmlns="http://jabber.org/protocol/disco#` + what + `"` + node
		alice.ask(`<iq xmlns="jabber:client" type="get" id="1"`+attrs+`>`+query+`/></iq>`, `<iq xmlns="jabber:client" type="result" id="1">`+query+`>`+content+`</query></iq>`)
	}
	disco("info", ` to="bob@h"`, ``, `<identity category="account" type="registered"/><identity category="test" type="notes"/><feature var="http://jabber.org/protocol/disco#info"/><feature var="http://jabber.org/protocol/disco#items"/><feature var="urn:notes"/>`)
	disco("info", ` to="bob@h"`, ` node="n"`, `<feature var="bob for alice"/>`)
	disco("items", ` to="bob@h"`, ``, `<item jid="bob@h" node="n"/>`)
	disco("items", ` to="bob@h"`, ` node="n"`, ``)
	alice.refused(`<iq xmlns="jabber:client" type="get" id="1"><query xmlns="http://jabber.org/protocol/disco#info" node="m"/></iq>`, "cancel", "item-not-found")

	private := func(typ, content string) string {
		return `<iq xmlns="jabber:client" type="` + typ + `" id="1"><query xmlns="jabber:iq:private">` + content + `</query></iq>`
	}
	alice.ask(private("set", `<kept xmlns="urn:notes">x</kept>`), `<iq xmlns="jabber:client" type="result" id="1"/>`)
	alice.ask(private("get", `<kept xmlns="urn:notes"/>`), private("result", `<seen xmlns="urn:notes" by="alice"/><kept xmlns="urn:notes">X</kept>`))
}

// It hears who is available, from when on somebody may see that, and whose profile
// changed.
func TestAccountService_Told(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	svc := &notes{}
	if err := w.srv.MountOnAccounts(svc); err != nil {
		t.Fatal(err)
	}
	alice, bob := w.bound("alice", "a"), w.bound("bob", "b")
	step := func(c *client, sent string) { c.Send(sent); c.Sync() }
	for _, id := range []string{"1", "2"} {
		step(alice, `<presence xmlns="jabber:client" id="`+id+`"/>`)
	}
	step(bob, `<presence xmlns="jabber:client" to="alice@h" type="subscribe"/>`)
	step(alice, `<presence xmlns="jabber:client" to="bob@h" type="subscribed"/>`)
	step(alice, `<iq xmlns="jabber:client" type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/></block></iq>`)
	step(alice, `<iq xmlns="jabber:client" type="set" id="b"><unblock xmlns="urn:xmpp:blocking"/></iq>`)
	w.srv.AccountChanged(t.Context(), "alice")
	step(alice, `<presence xmlns="jabber:client" type="unavailable"/>`)
	bob.Close()
	bob.ended()
	want := []string{
		"available alice@h/a alice@h/a 1", "available alice@h/a alice@h/a 2", "granted alice bob", "granted alice bob",
		"changed alice Alice", "unavailable alice@h/a", "unavailable bob@h/b",
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if !slices.Equal(svc.told, want) {
		t.Errorf("told\n\t%s\nwant\n\t%s", strings.Join(svc.told, "\n\t"), strings.Join(want, "\n\t"))
	}
}
