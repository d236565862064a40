package pep

import (
	"context"
	"errors"
	"strings"
	"testing"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
)

// FuzzEventing plays a script, a line at a time: what alice's client sends or suffers,
// and, after "2", what bob's does, who is her contact. $ask is the id of the server's
// last question to alice, $id that of a session that can be resumed. Whatever it is,
// the server does not panic, answers somebody else, and forgets those who have gone.
func FuzzEventing(f *testing.F) {
	const (
		caps     = `<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:c" ver="x"/>`
		presence = `<presence xmlns="jabber:client">` + caps + `</presence>`
		answer   = `<iq xmlns="jabber:client" type="result" to="h" id="$ask"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="n+notify"/><feature var="storage:bookmarks+notify"/></query></iq>`
		publish  = `<iq xmlns="jabber:client" type="set" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="n"><item id="x"><a xmlns="urn:a"/></item></publish></pubsub></iq>`
		enable   = `<enable xmlns="urn:xmpp:sm:3" resume="true"/>`
		resume   = "!drop\n!connect\n" + `<resume xmlns="urn:xmpp:sm:3" previd="$id" h="0"/>`
		gone     = `<presence xmlns="jabber:client" type="unavailable"/>`
	)
	f.Add(presence + "\n" + answer + "\n" + publish + "\n2" + publish)
	f.Add(enable + "\n" + presence + "\n" + answer + "\n2" + publish + "\n" + resume + "\n" + publish)
	f.Add(enable + "\n" + presence + "\n" + resume + "\n" + answer + "\n" + gone + "\n" + answer + "\n2" + publish)
	f.Add(presence + "\n" + strings.Replace(presence, "x", "y", 1) + "\n" + answer + "\n!end\n2" + publish)
	f.Add("2" + publish + "\n" + presence + "\n" + answer + "\n" + `<iq xmlns="jabber:client" type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="bob@h"/></block></iq>` + "\n2" + publish)
	f.Add(`<iq xmlns="jabber:client" type="set" id="1"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><delete node="n"/></pubsub></iq>` + "\n!close")
	f.Fuzz(func(t *testing.T, script string) {
		w := newWorld(t, "alice", "bob", "carol")
		w.store.subscribe("alice", "bob")
		bob, carol := &player{client: w.online("bob", "b"), user: "bob"}, w.online("carol", "c")
		alice := &player{client: w.bound("alice", "a"), user: "alice"}
		for i, line := range strings.Split(script, "\n") {
			if i == 32 {
				break
			}
			if rest, ok := strings.CutPrefix(line, "2"); ok {
				bob.play(rest)
			} else {
				alice.play(line)
			}
		}
		carol.Sync()
		for _, user := range []string{"alice", "bob", "carol"} {
			w.srv.End(stream.Scope{User: user}, &stream.Error{Condition: stream.NotAuthorized})
		}
		w.srv.Shutdown(context.Background())
		w.serve.Wait()
		if n := len(w.svc.clients.byUser); n > 0 {
			t.Errorf("%d accounts are left", n)
		}
	})
}

// player is a client that plays a script.
type player struct {
	*client
	user, ask, session string
	lost               bool // its stream; it has none until it connects again
}

func (p *player) play(line string) {
	switch line {
	case "!drop":
		p.Drop()
		p.lost = true
	case "!connect":
		p.Drop()
		p.client, p.lost = p.w.signedIn(p.user), false
		return
	case "!close":
		p.Close()
	case "!end":
		p.w.srv.End(stream.Scope{User: p.user}, &stream.Error{Condition: stream.NotAuthorized})
	default:
		p.Send(strings.NewReplacer("$ask", p.ask, "$id", p.session).Replace(line))
	}
	if !p.lost {
		p.hear()
	}
}

// hear reads what the server had to say, and notes what it asked; the stream may end.
func (p *player) hear() {
	const pong = "heard"
	p.Send(`<iq xmlns="jabber:client" type="get" id="` + pong + `" to="h"><ping xmlns="` + stanza.NSPing + `"/></iq>`)
	ctx, cancel := context.WithTimeout(context.Background(), streamtest.Timeout)
	defer cancel()
	for {
		raw, err := p.Next(ctx)
		if errors.Is(err, streamtest.ErrEnded) {
			return
		}
		if err != nil {
			p.w.t.Fatal(err)
		}
		el, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
		switch {
		case err != nil:
			p.w.t.Fatalf("the server sent %s: %v", raw, err)
		case el.ID == pong:
			return
		case el.Type == "get" && el.From == "h":
			p.ask = el.ID
		case el.Name.Local == "enabled":
			p.session, _ = el.Attr("id")
		}
	}
}
