package xmppgw

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A BOSH session without a network, whose clock is synctest's.

// headers are those of a request.
type headers map[string]string

func (h headers) Get(name string) string { return h[name] }

// modelAsker is one HTTP request on its way.
type modelAsker struct {
	gateway  *Gateway
	rid      uint64
	sent, at instant // and when it was answered
	answers  chan boshReply
	times    int // it was answered
	vanished atomic.Bool
}

func (a *modelAsker) gone() bool { return a.vanished.Load() }

func (a *modelAsker) answer(r boshReply) {
	a.at = a.gateway.now()
	a.times++
	a.answers <- r
}

// modelSession is alice's browser and her session, signed in.
type modelSession struct {
	t       *testing.T
	gateway *Gateway
	session *boshSession
	echo    *echo
	sid     string
	rid     uint64 // of the next request
}

// newModelSession opens a session with these attributes. It is called in a bubble,
// where it ends as well.
func newModelSession(t *testing.T, attrs string) *modelSession {
	t.Helper()
	c := &modelSession{t: t, echo: &echo{}, rid: 1000}
	g, err := New(Config{Domain: domain, Auth: &cookies{}, Server: c.echo, BaseURL: func() string { return "https://h" },
		Origin: func(string) Trust { return TrustCookies }, External: true, FinalPolls: 1, portable: true})
	if err != nil {
		t.Fatal(err)
	}
	c.gateway = g
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	created := c.send(`<body xmlns="http://jabber.org/protocol/httpbind" rid="1000" to="h" ver="1.11" `+attrs+`/>`, 1000)
	c.rid++
	_, sid, _ := strings.Cut(string((<-created.answers).body), ` sid="`)
	c.sid, _, _ = strings.Cut(sid, `"`)
	c.session = g.boshSession(c.sid)
	features := func(got string) bool { return strings.Contains(got, "<stream:features") }
	for _, step := range [][2]string{{"", authFrame}, {restart, ""}} {
		got := string((<-c.start(step[0], step[1])).body)
		for range 3 { // a polling session has to ask again
			if features(got) || strings.Contains(got, "<success") {
				break
			}
			time.Sleep(c.session.params.polling)
			got = c.post("")
		}
	}
	time.Sleep(c.session.params.polling)
	return c
}

// send posts a request as it is.
func (c *modelSession) send(raw string, rid uint64) *modelAsker {
	a := &modelAsker{gateway: c.gateway, rid: rid, sent: c.gateway.now(), answers: make(chan boshReply, 8)}
	h := headers{"Origin": "https://h", "Cookie": "s=alice"}
	c.gateway.post(context.Background(), boshHTTP{header: h, peer: "127.0.0.1", body: []byte(raw)}, a)
	return a
}

func (c *modelSession) raw(rid uint64, attrs, payload string) string {
	return fmt.Sprintf(`<body xmlns="http://jabber.org/protocol/httpbind" rid="%d" sid="%s"%s>%s</body>`, rid, c.sid, attrs, payload)
}

// start makes the next request; its answer comes.
func (c *modelSession) start(attrs, payload string) chan boshReply {
	c.rid++
	return c.send(c.raw(c.rid-1, attrs, payload), c.rid-1).answers
}

// post makes the next request and waits for its answer.
func (c *modelSession) post(payload string) string {
	return string((<-c.start("", payload)).body)
}

func (c *modelSession) repeat(rid uint64, payload string) string {
	return string((<-c.send(c.raw(rid, "", payload), rid).answers).body)
}

// --- the model ---

// modelOp is one thing that happens; n says to which of those it may happen to.
type modelOp struct {
	kind modelKind
	n    int
}

type modelKind int

const (
	opSend   modelKind = iota // the client makes a request with a stanza
	opPoll                    // or an empty one
	opDelay                   // its next request is under way for a while
	opArrive                  // what was under way arrives
	opRepeat                  // a request comes once more
	opVanish                  // a waiting request's connection is lost
	opPush                    // the server has something to say
	opSleep                   // time passes
)

// modelKinds are drawn from; what has to meet others more often is there more often.
var modelKinds = []modelKind{opSend, opPoll, opDelay, opArrive, opRepeat, opVanish, opPush, opSleep, opSend, opPoll, opSleep}

// model is what a client that keeps to XEP-0124 knows, and what must come of it.
type model struct {
	*modelSession
	hold     int
	payload  map[uint64]string // of each request
	got      map[uint64]string // the answer to each
	lost     map[uint64]bool   // the answer to these is not asked for again
	asked    []*modelAsker
	underWay []uint64 // requests that have not arrived, or whose answer was lost
	delay    bool
	sent     []string // ids of stanzas, in the order that they were sent
	pushed   []string
}

// XEP-0124 §14 (B-26, B-28, B-29, B-30, B-32, B-33, B-35): over any number of
// connections, in any order, with requests and answers lost and repeated, each
// payload gets through once and in order, and each request is answered once, within
// the session's wait. No goroutine is left (synctest).
func TestBOSH_Model(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		hold := rapid.IntRange(1, boshMaxHold).Draw(rt, "hold")
		op := rapid.Custom(func(rt *rapid.T) modelOp {
			return modelOp{rapid.SampledFrom(modelKinds).Draw(rt, "kind"), rapid.SampledFrom([]int{0, 1, 2, 3, 5, 8}).Draw(rt, "n")}
		})
		ops := rapid.SliceOfN(op, 20, 60).Draw(rt, "ops")
		var err error
		synctest.Test(t, func(t *testing.T) {
			m := &model{modelSession: newModelSession(t, fmt.Sprintf(`wait="10" hold="%d"`, hold)), hold: hold,
				payload: make(map[uint64]string), got: make(map[uint64]string), lost: make(map[uint64]bool)}
			err = m.run(ops)
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func (m *model) run(ops []modelOp) error {
	first := m.rid
	for _, op := range ops {
		m.do(op)
		if err := m.look(); err != nil {
			return fmt.Errorf("%w after %v", err, op)
		}
	}
	m.arriveAll()
	for range 100 {
		if err := m.look(); err != nil {
			return err
		}
		if len(m.received(first)) >= len(m.pushed) && len(m.unanswered()) <= m.hold {
			break
		}
		m.do(modelOp{kind: opPoll})
		m.arriveAll()
		m.do(modelOp{kind: opSleep})
	}
	m.start(` type="terminate"`, "")
	synctest.Wait()
	return errors.Join(m.look(), m.compare(first))
}

// compare looks at what came of it all.
func (m *model) compare(first uint64) error {
	if got := m.echo.stanzas(); got != strings.Join(m.sent, " ") {
		return fmt.Errorf("the server got %q, the client sent %q", got, m.sent)
	}
	if got := m.received(first); !slices.Equal(got, m.pushed) {
		return fmt.Errorf("the client got %q, the server sent %q", got, m.pushed)
	}
	wait := time.Duration(m.session.params.wait) * time.Second
	for _, a := range m.asked {
		if a.times != 1 || a.at-a.sent > wait {
			return fmt.Errorf("request %d of %s was answered %d times, at %s", a.rid, a.sent, a.times, a.at)
		}
	}
	return nil
}

var pushedID = regexp.MustCompile(`id="(p\d+)"`)

// received is what the server sent, in the order of requests, as far as there is no
// gap.
func (m *model) received(first uint64) (ids []string) {
	for rid := first; m.got[rid] != ""; rid++ {
		for _, id := range pushedID.FindAllStringSubmatch(m.got[rid], -1) {
			ids = append(ids, id[1])
		}
	}
	return ids
}

// do lets something happen, if it can.
func (m *model) do(op modelOp) {
	defer synctest.Wait()
	switch op.kind {
	case opSend, opPoll:
		// §14.2, §14.3: no further ahead than answers are kept.
		if missing := m.unanswered(); len(missing) == 0 || m.rid-missing[0] < uint64(m.session.params.requests) {
			m.request(op.kind == opSend)
		}
	case opDelay:
		m.delay = true
	case opArrive:
		if n := len(m.underWay); n > 0 {
			m.arrive(op.n % n)
		}
	case opRepeat: // only what may still be repeated (§14.3)
		if n := min(m.session.params.requests, len(m.payload)); n > 0 {
			if rid := m.rid - 1 - uint64(op.n%n); !slices.Contains(m.underWay, rid) && !m.lost[rid] {
				m.ask(rid)
			}
		}
	case opVanish:
		m.vanish(op.n)
	case opPush:
		id := fmt.Sprint("p", len(m.pushed))
		m.pushed = append(m.pushed, id)
		send := m.session.Send
		if op.n%2 == 1 {
			send = m.session.SendBatched
		}
		_ = send([]byte(message("alice@h", id)))
	case opSleep: // what is under way for longer ends the session (B-31)
		m.arriveAll()
		time.Sleep(time.Duration(op.n) * time.Second)
	}
}

// unanswered are the requests whose answer the client does not have.
func (m *model) unanswered() (rids []uint64) {
	for rid := range m.payload {
		if m.got[rid] == "" {
			rids = append(rids, rid)
		}
	}
	slices.Sort(rids)
	return rids
}

func (m *model) request(stanza bool) {
	rid := m.rid
	m.rid++
	m.payload[rid] = ""
	if stanza {
		id := fmt.Sprint("c", rid)
		m.sent = append(m.sent, id)
		m.payload[rid] = message("quiet", id)
	}
	if m.delay {
		m.delay = false
		m.underWay = append(m.underWay, rid)
		return
	}
	m.ask(rid)
}

func (m *model) ask(rid uint64) {
	m.asked = append(m.asked, m.send(m.raw(rid, "", m.payload[rid]), rid))
}

func (m *model) arrive(i int) {
	rid := m.underWay[i]
	m.underWay = slices.Delete(m.underWay, i, i+1)
	if m.got[rid] == "" {
		m.ask(rid)
	}
}

func (m *model) arriveAll() {
	for len(m.underWay) > 0 {
		m.arrive(0)
	}
	synctest.Wait()
}

// vanish loses the connection of a request that waits. The client will make it again,
// or go on without its answer.
func (m *model) vanish(n int) {
	var waiting []*modelAsker
	for _, a := range m.asked {
		if a.at == 0 {
			waiting = append(waiting, a)
		}
	}
	if len(waiting) == 0 {
		return
	}
	a := waiting[n/2%len(waiting)]
	a.vanished.Store(true)
	m.session.peerVanished()
	if n%2 == 0 {
		m.underWay = append(m.underWay, a.rid)
	} else {
		m.lost[a.rid], m.got[a.rid] = true, emptyBody // a page that was reloaded: what was not sent yet goes elsewhere (B-32)
	}
}

// look takes the answers that have come.
func (m *model) look() error {
	for _, a := range m.asked {
		for len(a.answers) > 0 {
			got := string((<-a.answers).body)
			switch was := m.got[a.rid]; {
			case a.vanished.Load(), got == string(recoverable().body):
			case strings.Contains(got, "condition="):
				return fmt.Errorf("request %d: %s", a.rid, got)
			case was != "" && was != got:
				return fmt.Errorf("request %d was answered with %s and with %s", a.rid, was, got)
			default:
				m.got[a.rid] = got
			}
		}
	}
	return nil
}
