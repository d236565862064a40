package relay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/e2e/peers"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"github.com/fasthttp/websocket"
)

const (
	pairs = 200 // of people who talk with each other, one over WebSocket and one over BOSH
	burst = 5   // messages that each says before, as much just before the server restarts, and after

	// backWithin is how long it may take from the restart until all are back, one after the
	// other, the server's own stop and start included.
	backWithin = 30 * time.Second
)

// TestCrowd: 200 sessions on each transport talk with 200 on the other while the server
// restarts. Everybody comes back within backWithin; what the server has acknowledged comes, or is in the archive,
// where the page looks for what it missed; what comes comes in order, and no more often than it
// was said (B-50, B-61, XEP-0198 §5).
//
// ejabberd acknowledges what it has archived for the sender, and archives it for the recipient
// in the recipient's own process: what is on its way between two of them when it stops, the
// sender alone has (deploy/ejabberd/README.md, docs/decisions/0021). None of it had come to the
// gateway.
func TestCrowd(t *testing.T) {
	var users []string
	for i := range pairs {
		users = append(users, "web"+strconv.Itoa(i), "poll"+strconv.Itoa(i))
	}
	for _, server := range servers(users...) {
		t.Run(server.name, func(t *testing.T) {
			s := server.start(t)
			w := newWire(t, s.Port)
			left := newGateway(t, "xmpp://"+w.address()).crowd(s, w)
			if left > 0 && strings.HasPrefix(server.name, "prosody") {
				t.Errorf("%d messages are in their senders' archives alone", left)
			}
		})
	}
}

// crowd returns how many messages their senders alone have. None of these may have come over the wire.
func (g *gateway) crowd(s *peers.Server, w *wire) (left int) {
	var all []*talker
	for i := range pairs {
		web := &talker{g: g, user: "web" + strconv.Itoa(i), partner: "poll" + strconv.Itoa(i), heard: map[string]arrivals{}}
		poll := &talker{g: g, user: web.partner, partner: web.user, polls: true, heard: map[string]arrivals{}}
		all = append(all, web, poll)
	}
	each := func(do func(*talker)) {
		for _, t := range all {
			do(t)
		}
	}
	each((*talker).arrive)
	each(func(t *talker) { t.say(burst) })
	each(func(t *talker) { t.until(func() bool { return t.acked == burst && len(t.order) >= burst }) })

	half := all[:pairs]
	for _, t := range half {
		t.say(burst)
	}
	for _, t := range half {
		t.until(func() bool { return t.acked == 2*burst })
	}
	for _, t := range all[pairs:] {
		t.say(burst)
	}
	all[pairs].until(func() bool { return all[pairs].acked == 2*burst }) // and the others wait for nothing
	restarted := time.Now()
	s.Restart()
	listens := time.Since(restarted)
	unsure := 0
	each(func(t *talker) { t.hearOut(); unsure += t.said - t.acked })
	g.t.Logf("%d of %d messages were not acknowledged when the server stopped", unsure, len(all)*2*burst)
	came := w.messages()
	each((*talker).arrive)
	back := time.Since(restarted)
	g.t.Logf("%d sessions were back %v after the restart began; the server took %v of that", len(all), back.Round(time.Millisecond), listens.Round(time.Millisecond))
	if back > backWithin {
		g.t.Errorf("everybody is back %v after the restart began, want within %v", back, backWithin)
	}
	each((*talker).sayAgain)
	each(func(t *talker) { t.say(burst) })
	each(func(t *talker) { t.until(func() bool { return t.acked == 3*burst && t.knows(3*burst) }) })
	each((*talker).lookUp)
	late := 0
	for i := range all {
		inArchive, withSender := all[i].judge(all[i^1], came)
		late, left = late+inArchive, left+withSender
	}
	g.t.Logf("of %d messages %d were in the archive alone, and %d with their senders alone", len(all)*3*burst, late, left)
	if st := g.relay.Stats(); st.Streams != int64(len(all)) {
		g.t.Errorf("stats are %+v", st)
	}
	return left
}

// talker is one session. It says numbered messages to its partner, and says again, as the
// page does, what the server had not acknowledged when the stream was lost.
type talker struct {
	g             *gateway
	user, partner string
	polls         bool // over BOSH

	browser *browser // the stream, over WebSocket
	poller  *poller  // over BOSH

	said, acked int // messages, the last of which the server has acknowledged
	before      int // acknowledged when this stream began
	came        int // stanzas on this stream since it was managed
	again       int // messages that were said again: from the first that was not acknowledged

	present bool                // on this stream
	heard   map[string]arrivals // from the partner
	order   []string            // their ids as they came first
	kept    []string            // ids in the archive, the partner's and its own
	looked  bool                // into the archive
}

// arrivals of one message: as it was sent, or out of the server's store, which says so
// (XEP-0203) and may bring what had come already.
type arrivals struct{ live, stored int }

// arrive signs in, and is available then. On WebSocket the stream is managed (XEP-0198).
func (t *talker) arrive() {
	t.before, t.came, t.present = t.acked, 0, false
	if t.polls {
		t.poller = t.g.prebindSoon(t.user)
	} else {
		t.browser = t.g.open(t.user)
		t.browser.send(`<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
		t.browser.until("iq", "bind")
		t.browser.send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
		t.browser.until("enabled")
	}
	t.send(`<presence xmlns="jabber:client"/>`)
	t.until(func() bool { return t.present })
}

// lookUp reads the archive (XEP-0313).
func (t *talker) lookUp() {
	t.send(`<iq xmlns="jabber:client" type="set" id="archive"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="submit">` +
		`<field var="FORM_TYPE" type="hidden"><value>urn:xmpp:mam:2</value></field><field var="with"><value>` + t.partner + "@" + domain + `</value></field></x>` +
		`<set xmlns="http://jabber.org/protocol/rsm"><max>200</max></set></query></iq>`)
	t.until(func() bool { return t.looked })
}

func (t *talker) send(raw string) {
	if t.polls {
		t.poller.post(raw)
	} else {
		t.browser.send(raw)
	}
}

// say says so many messages more.
func (t *talker) say(n int) {
	t.said += n
	t.sayFrom(t.said - n + 1)
}

// sayAgain says what the server did not acknowledge.
func (t *talker) sayAgain() {
	if t.again = t.acked + 1; t.again <= t.said {
		t.sayFrom(t.again)
	}
}

// sayFrom sends the messages from one on, and asks whether they have come: by stream
// management where the client has it; otherwise by a ping, which the server answers after
// what was before it.
func (t *talker) sayFrom(n int) {
	var raw strings.Builder
	for ; n <= t.said; n++ {
		one := message(t.partner, t.id(n))
		if !t.polls {
			t.send(one)
			continue
		}
		raw.WriteString(one)
	}
	if t.polls {
		t.send(raw.String() + `<iq xmlns="jabber:client" type="get" to="` + domain + `" id="` + strconv.Itoa(t.said) + `"><ping xmlns="urn:xmpp:ping"/></iq>`)
	} else {
		t.send(`<r xmlns="urn:xmpp:sm:3"/>`)
	}
}

func (t *talker) id(n int) string { return t.user + "-" + strconv.Itoa(n) }

// until listens until it has come to something.
func (t *talker) until(is func() bool) {
	for !is() {
		if t.polls {
			for len(t.poller.pending) == 0 {
				if t.poller.end != "" {
					t.g.t.Fatalf("%s: the session ended with %s", t.user, t.poller.end)
				}
				t.poller.poll()
			}
			el := t.poller.pending[0]
			t.poller.pending = t.poller.pending[1:]
			t.hear(el)
		} else {
			t.hear(t.browser.next())
		}
	}
}

// hearOut listens to the end of the stream, which is such that Converse comes back.
func (t *talker) hearOut() {
	if t.polls {
		if end := t.poller.untilEnd(); end != "system-shutdown" {
			t.g.t.Errorf("%s: the BOSH session ends with %q", t.user, end)
		}
		for _, el := range t.poller.pending {
			t.hear(el)
		}
		return
	}
	for {
		_ = t.browser.conn.SetReadDeadline(time.Now().Add(streamtest.Timeout))
		_, raw, err := t.browser.conn.ReadMessage()
		if err != nil {
			if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				t.g.t.Errorf("%s: the WebSocket ends with %v", t.user, err)
			}
			return
		}
		if el, err := stream.Parse(raw, stream.Limits{}); err == nil {
			t.hear(el)
		}
	}
}

// hear takes an element.
func (t *talker) hear(el *stream.Element) {
	if el.Name.Space == stream.NSClient {
		t.came++
	}
	switch el.Name.Local {
	case "r":
		_ = t.browser.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `<a xmlns="urn:xmpp:sm:3" h="%d"/>`, t.came)) // it may be gone
	case "a":
		h, _ := el.Attr("h")
		n, _ := strconv.Atoi(h)
		t.acked = max(t.acked, t.before+n-1) // less the presence
	case "presence":
		t.present = true // its own: nobody else shows theirs
	case "iq":
		t.looked = t.looked || el.ID == "archive"
		if n, err := strconv.Atoi(el.ID); err == nil { // whatever the answer is: it comes in its turn
			t.acked = max(t.acked, n)
		}
	case "message":
		t.note(el)
	}
}

// knows reports whether the partner's nth message has come.
func (t *talker) knows(n int) bool {
	_, known := t.heard[t.partner+"-"+strconv.Itoa(n)]
	return known
}

func (t *talker) note(el *stream.Element) {
	var archived struct {
		Message struct {
			ID string `xml:"id,attr"`
		} `xml:"result>forwarded>message"`
	}
	if _, ok := el.Find("urn:xmpp:mam:2", "result"); ok {
		if err := el.Decode(&archived); err != nil {
			t.g.t.Error(err)
		}
		t.kept = append(t.kept, archived.Message.ID)
		return
	}
	if !strings.HasPrefix(el.ID, t.partner+"-") {
		t.g.t.Errorf("%s hears %s", t.user, el.Raw)
		return
	}
	n, known := t.heard[el.ID]
	if !known {
		t.order = append(t.order, el.ID)
	}
	if _, late := el.Find("urn:xmpp:delay", "delay"); late {
		n.stored++
	} else {
		n.live++
	}
	t.heard[el.ID] = n
}

// judge looks at what came from the partner, and what the archive has of it. It returns how
// many messages are in the archive alone, and how many in the partner's alone, who may say
// them again: the server never sent these; came has what it sent before it stopped.
func (t *talker) judge(partner *talker, came map[string]bool) (late, left int) {
	last := 0
	for n := 1; n <= partner.said; n++ {
		id := partner.id(n)
		times := 1
		if n >= partner.again && n <= 2*burst {
			times = 2
		}
		at := slices.Index(t.order, id)
		switch {
		case at < 0 && slices.Contains(t.kept, id):
			late++
		case at < 0 && slices.Contains(partner.kept, id):
			left++
			if came[id] {
				t.g.t.Errorf("%s came to the gateway, and went no further", id)
			}
		case at < 0:
			t.g.t.Errorf("%s is lost", id)
		case at < last:
			t.g.t.Errorf("%s heard %v", t.user, t.order)
		case t.heard[id].live > times:
			t.g.t.Errorf("%s came %d times, and was said %d times", id, t.heard[id].live, times)
		}
		last = max(last, at)
	}
	if len(t.order) > partner.said {
		t.g.t.Errorf("%s heard %v", t.user, t.order)
	}
	return late, left
}
