package xmppd

import (
	"context"
	"strings"
	"sync"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// echo is a service that answers what it is sent, and notes who went.
type echo struct {
	mu   sync.Mutex
	gone []string
}

func (*echo) Domain() string { return "echo.h" }
func (*echo) Name() string   { return "Echo" }

func (*echo) Handle(_ context.Context, c Client, el *stream.Element, to stanza.Address) error {
	if to.User == "nobody" {
		return stanza.ErrItemNotFound
	}
	c.Deliver([]byte(strings.Replace(string(el.Raw), "<"+el.Name.Local, "<"+el.Name.Local+` heard="`+to.String()+`"`, 1)))
	return nil
}

func (e *echo) Gone(_ context.Context, c Client, presence *stream.Element) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gone = append(e.gone, c.JID()+" "+presence.Type)
}

// A service gets what is sent to its domain, with the true sender, and learns
// who leaves (S-42).
func TestService(t *testing.T) {
	w := newWorld(t, "alice")
	svc := &echo{}
	w.srv.Mount(svc)
	alice := w.online("alice", "a")
	alice.ask(`<iq xmlns="jabber:client" type="get" id="i" to="h"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`,
		`<iq xmlns="jabber:client" type="result" id="i"><query xmlns="http://jabber.org/protocol/disco#items"><item jid="echo.h" name="Echo"/></query></iq>`)
	for _, sent := range []string{
		`<message xmlns="jabber:client" to="room@echo.h/nick" from="bob@h"/>`,
		`<presence xmlns="jabber:client" to="room@echo.h/nick"/>`,
		`<iq xmlns="jabber:client" type="get" id="q" to="room@echo.h/nick"><query xmlns="test"/></iq>`,
	} {
		alice.Send(sent)
		if e := alice.Read(); e.From != "alice@h/a" || !strings.Contains(string(e.Raw), `heard="room@echo.h/nick"`) {
			t.Errorf("heard %s", e.Raw)
		}
	}
	alice.ask(`<iq xmlns="jabber:client" type="get" id="q" to="nobody@echo.h"><query xmlns="test"/></iq>`,
		`<iq xmlns="jabber:client" type="error" id="q">`+stanzaErrorOf("cancel", "item-not-found")+`</iq>`)
	alice.Close()
	alice.ended()
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if len(svc.gone) != 1 || svc.gone[0] != "alice@h/a unavailable" {
		t.Errorf("gone: %q", svc.gone)
	}
}

// What is somebody's name may be a room's too: an account's block list (XEP-0191)
// has nothing to say about the room.
func TestService_NamesakeBlocks(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.srv.Mount(&echo{})
	bob := w.online("bob", "b")
	bob.ask(`<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="alice@h"/></block></iq>`, `<iq xmlns="jabber:client" type="result" id="1"/>`)
	alice := w.online("alice", "a")
	alice.Send(`<message xmlns="jabber:client" type="groupchat" to="bob@echo.h"><body>hello</body></message>`)
	if e := alice.Read(); !strings.Contains(string(e.Raw), `heard="bob@echo.h"`) {
		t.Errorf("heard %s", e.Raw)
	}
}
