package xmppd

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"pgregory.net/rapid"
)

// smStep is one thing that happens between alice, whose network is bad, and the
// server.
type smStep struct {
	What string
	N    int
}

var smSteps = []string{
	"bob writes", "bob writes", "alice writes", "alice writes", "alice reads", "alice reads", "alice acknowledges", "alice asks",
	"all is quiet", "alice speaks to nobody", "resume", "resume while open", "resume later", "resume too late", "bind again",
}

// Whatever happens to the stream, in either direction each message arrives once
// and in order, and none that was acknowledged is lost (XEP-0198 §4, §5, S-94,
// S-95). Counters wrap on the way. Only a session that was lost for good may
// bring a message again, which its recipient had not acknowledged.
func TestSM_AnyPattern(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start := rapid.SampledFrom([]uint32{0, 1<<32 - 4}).Draw(rt, "start")
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) smStep {
			return smStep{rapid.SampledFrom(smSteps).Draw(rt, "what"), rapid.IntRange(1, 6).Draw(rt, "n")}
		}), 1, 30).Draw(rt, "steps")
		var err error
		synctest.Test(t, func(t *testing.T) { err = runSM(t, start, steps) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func runSM(t *testing.T, start uint32, steps []smStep) error {
	w := newWorld(t, "alice", "bob")
	bob := w.online("bob", "b")
	alice := &smClient{client: w.bound("alice", "a"), again: map[string]bool{}, start: start}
	alice.enable()
	var toAlice, toBob []string
	for _, step := range steps {
		for range step.N {
			switch step.What {
			case "bob writes":
				toAlice = append(toAlice, fmt.Sprint("b", len(toAlice)))
				bob.Send(chat("alice@h", toAlice[len(toAlice)-1], ""))
				alice.settle()
			case "alice writes":
				toBob = append(toBob, fmt.Sprint("a", len(toBob)))
				alice.say(chat("bob@h", toBob[len(toBob)-1], ""))
			}
		}
		alice.do(step)
		if alice.err != nil {
			return alice.err
		}
	}
	alice.do(smStep{"resume", 0})
	alice.do(smStep{"alice asks", 0})
	alice.do(smStep{"all is quiet", 0})
	alice.do(smStep{"alice reads", 1 << 20})
	var bobGot []string
	for _, e := range bob.Sync() {
		if e.Name.Local == "message" {
			bobGot = append(bobGot, e.ID)
		}
	}
	switch {
	case alice.err != nil:
		return alice.err
	case fmt.Sprint(bobGot) != fmt.Sprint(toBob):
		return fmt.Errorf("bob got %v of %v", bobGot, toBob)
	case fmt.Sprint(alice.got) != fmt.Sprint(toAlice):
		return fmt.Errorf("alice got %v of %v", alice.got, toAlice)
	case len(alice.unacked) > 0:
		return fmt.Errorf("never acknowledged: %v", alice.unacked)
	case len(w.store.archived()) != 2*len(toBob)+2*len(toAlice):
		return fmt.Errorf("%d entries in the archives for %d messages", len(w.store.archived()), len(toBob)+len(toAlice))
	}
	return nil
}

// smClient does stream management as Converse with our plugin does: it keeps
// what the server has not acknowledged, and sends it again when it resumes, or,
// when it cannot, the messages of it as delayed.
type smClient struct {
	*client
	err     error
	start   uint32   // where the counters begin
	id      string   // of the session
	base    uint32   // stanzas that the server has acknowledged
	unacked []string // those it has not
	handled uint32   // stanzas of the server
	dead    bool     // what is sent goes nowhere

	got   []string        // messages, the first time they came
	fresh []string        // messages whose acknowledgement the server may not have
	told  int             // how many of them were acknowledged
	again map[string]bool // what may come again
}

// say sends a stanza.
func (c *smClient) say(raw string) {
	c.unacked = append(c.unacked, raw)
	c.put(raw)
}

// put sends something that is no stanza.
func (c *smClient) put(raw string) {
	if !c.dead {
		c.Send(raw)
	}
}

// enable begins to count, and becomes available.
func (c *smClient) enable() {
	c.id = c.enableSM()
	c.base, c.handled, c.dead, c.unacked = c.start, c.start, false, nil
	s := c.w.srv.registry.resumable(c.id)
	s.mu.Lock()
	s.sm.in, s.sm.acked = c.start, c.start
	s.mu.Unlock()
	c.say(`<presence xmlns="jabber:client"/>`)
}

func (c *smClient) do(step smStep) {
	switch step.What {
	case "alice reads":
		for range step.N {
			if !c.readOne() {
				return
			}
		}
	case "alice acknowledges":
		c.acknowledge()
	case "alice asks":
		c.put(smRequest)
	case "all is quiet":
		c.settle()
	case "alice speaks to nobody":
		c.dead = true
	case "resume":
		c.Drop()
		c.resume()
	case "resume while open":
		c.resume()
	case "resume later":
		c.Drop()
		time.Sleep(30 * time.Second)
		c.resume()
	case "resume too late":
		c.Drop()
		time.Sleep(time.Minute)
		c.settle()
		c.resume()
	case "bind again":
		c.client = c.w.signIn("alice")
		c.startOver()
	}
}

// acknowledge tells what was handled (XEP-0198 §4).
func (c *smClient) acknowledge() {
	c.put(fmt.Sprintf(`<a xmlns="urn:xmpp:sm:3" h="%d"/>`, c.handled))
	if !c.dead {
		c.told = len(c.fresh)
	}
}

// settle waits until the server has done all there is to do.
func (c *smClient) settle() {
	synctest.Wait()
	c.fresh, c.told = c.fresh[c.told:], 0
}

// readOne handles one element of the server, if there is one.
func (c *smClient) readOne() bool {
	now, cancel := context.WithCancel(c.w.t.Context())
	cancel()
	raw, err := c.Next(now)
	if err != nil {
		return false
	}
	e, err := stream.Parse(raw, stream.Limits{})
	if err != nil {
		c.err = err
		return false
	}
	c.take(e)
	return c.err == nil
}

func (c *smClient) take(e *stream.Element) {
	switch {
	case e.Name == stream.Name{Space: stanza.NSSM, Local: "a"}:
		c.confirmed(e)
	case e.Name.Space == stream.NSClient:
		c.handled++
		if e.Name.Local == "message" {
			c.receive(e.ID)
		}
	}
}

func (c *smClient) receive(id string) {
	c.fresh = append(c.fresh, id)
	if c.again[id] {
		delete(c.again, id)
		return
	}
	c.got = append(c.got, id)
}

// confirmed: what the server has counted is in Postgres (S-93).
func (c *smClient) confirmed(e *stream.Element) {
	h, err := smCount(e)
	n := h - c.base // wraps
	if err != nil || int64(n) > int64(len(c.unacked)) {
		c.err = fmt.Errorf("%s, but %d stanzas are unacknowledged after %d (%v)", e.Raw, len(c.unacked), c.base, err)
		return
	}
	for _, raw := range c.unacked[:n] {
		if strings.HasPrefix(raw, "<message") && !c.stored(raw) {
			c.err = fmt.Errorf("acknowledged and not stored: %s", raw)
		}
	}
	c.base, c.unacked = h, c.unacked[n:]
}

func (c *smClient) stored(raw string) bool {
	m, err := stream.Parse([]byte(raw), stream.Limits{})
	if err != nil {
		return false
	}
	found, err := c.w.store.Stored(context.Background(), "alice@h", "bob@h", m.ID, time.Time{})
	return err == nil && found
}

// resume goes on where the old stream was lost.
func (c *smClient) resume() {
	c.client = c.w.signIn("alice")
	c.Send(fmt.Sprintf(`<resume xmlns="urn:xmpp:sm:3" previd="%s" h="%d"/>`, c.id, c.handled))
	answer := c.Read()
	if answer.Name.Local != "resumed" {
		c.startOver()
		return
	}
	c.fresh, c.told = nil, 0
	c.confirmed(answer)
	c.dead = false
	for _, raw := range c.unacked {
		c.put(raw)
	}
}

// startOver binds the resource again. What came and was not acknowledged may
// come again; messages that were not acknowledged are sent again.
func (c *smClient) startOver() {
	for _, id := range c.fresh {
		c.again[id] = true
	}
	c.fresh, c.told = nil, 0
	c.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>a</resource></bind></iq>`)
	c.Until(`<iq xmlns="jabber:client" type="result" id="b"><any xmlns="test"/></iq>`)
	lost := c.unacked
	c.enable()
	for _, raw := range lost {
		if strings.HasPrefix(raw, "<message") {
			if !strings.Contains(raw, "<delay") {
				raw = strings.Replace(raw, "</message>", `<delay xmlns="urn:xmpp:delay" from="alice@h" stamp="2026-01-01T00:00:00Z"/></message>`, 1)
			}
			c.say(raw)
		}
	}
}
