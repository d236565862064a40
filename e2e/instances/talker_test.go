package instances

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// talker is somebody who talks with one other person, and comes back when the stream is
// lost, as the page does: a message is sent again, under the same id, until the server has
// answered a ping that was sent behind it; whatever comes is known by its ids.
type talker struct {
	*person
	transport string
	to        string // the other's account

	held  *managed // of the last WebSocket
	under string   // the id of the message under way
	after string   // the archive's id of the last message that came
	pings int

	mu    sync.Mutex
	said  []string        // ids of messages that arrived, in order
	again map[string]bool // of those, sent more than once
	heard map[string]bool // ids of the other's messages
	came  map[string]bool // archive's ids of what came by itself over the present stream
	twice []string        // ids of messages that came twice over one stream
	lost  int             // streams
	back  int             // streams that were resumed
	last  error           // why the last one was lost
}

func newTalker(p *person, transport, to string) *talker {
	return &talker{person: p, transport: transport, to: to, again: map[string]bool{}, heard: map[string]bool{}, came: map[string]bool{}}
}

// talk talks until stop is closed. ctx ends what is under way.
func (k *talker) talk(ctx context.Context, stop <-chan struct{}) {
	for ctx.Err() == nil {
		l, restored, err := k.connect(ctx)
		if err == nil {
			err = k.goOn(ctx, l, restored, stop)
			l.close()
		}
		if err == nil {
			return
		}
		k.mu.Lock()
		k.lost++
		k.last = err
		k.mu.Unlock()
		pause(ctx, 100*time.Millisecond)
	}
}

// connect opens a stream, resumed if there is one that was lost.
func (k *talker) connect(ctx context.Context) (l line, restored bool, err error) {
	if l, err = k.open(ctx, k.transport); err != nil {
		return nil, false, err
	}
	if err = signIn(l); err == nil {
		restored, err = k.begin(l)
	}
	if err != nil {
		l.close()
	}
	return l, restored, err
}

func (k *talker) begin(l line) (restored bool, err error) {
	ws, ok := l.(*webSocketLine)
	if ok && k.held != nil {
		if restored, err = ws.resume(k.held); restored || err != nil {
			return restored, err
		}
		k.held = nil
	}
	if err := bind(l); err != nil {
		return false, err
	}
	if ok {
		k.held, err = ws.enable()
	}
	return false, err
}

// goOn says one message after the other. nil: it was told to stop.
func (k *talker) goOn(ctx context.Context, l line, restored bool, stop <-chan struct{}) error {
	if err := k.takeUp(l, restored); err != nil {
		return err
	}
	for n := k.arrived(); ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		k.under = k.user + "-" + strconv.Itoa(n)
		if err := k.say(l, k.message()); err != nil {
			return err
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// takeUp gets what came meanwhile, and says once more what was under way.
func (k *talker) takeUp(l line, restored bool) error {
	k.mu.Lock()
	if k.under != "" {
		k.again[k.under] = true
	}
	if restored {
		k.back++
	} else {
		clear(k.came)
	}
	k.mu.Unlock()
	if restored {
		return k.say(l) // stream management has sent what was under way
	}
	if err := k.history(l, k.after, k.record); err != nil || k.under == "" {
		return err
	}
	return k.say(l, k.message())
}

func (k *talker) message() string {
	return `<message xmlns="jabber:client" type="chat" to="` + jid(k.to) + `" id="` + k.under + `"><body>` + k.under + `</body><origin-id xmlns="urn:xmpp:sid:0" id="` + k.under + `"/></message>`
}

// say sends something and a ping behind it, whose answer says that the message under way
// has arrived.
func (k *talker) say(l line, elements ...string) error {
	k.pings++
	id := "ping-" + strconv.Itoa(k.pings)
	if err := l.send(append(elements, ping(id))...); err != nil {
		return err
	}
	for {
		el, err := until(l, "", "")
		if err != nil {
			return err
		}
		if el.Name.Local == "iq" && el.ID == id {
			break
		}
		if m, ok := letterOf(el, jid(k.user)); ok {
			k.record(m)
		}
	}
	if k.under != "" {
		k.mu.Lock()
		k.said = append(k.said, k.under)
		k.mu.Unlock()
		k.under = ""
	}
	return nil
}

// record keeps what comes from the other.
func (k *talker) record(m letter) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m.archive != "" {
		k.after = m.archive
	}
	if m.archive != "" && m.live {
		if k.came[m.archive] {
			k.twice = append(k.twice, m.id)
		}
		k.came[m.archive] = true
	}
	if m.from == jid(k.to) {
		k.heard[m.id] = true
	}
}

// arrived is how many messages have.
func (k *talker) arrived() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.said)
}

// losses is how many streams were lost, and of those resumed.
func (k *talker) losses() (lost, back int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lost, k.back
}

// ending is what the last stream was lost with.
func (k *talker) ending() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// lastHeard is the number of the other's last message that came; -1: none did.
func (k *talker) lastHeard() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := -1
	for id := range k.heard {
		last = max(last, number(id))
	}
	return last
}

// archive counts the messages in the person's archive, as a new stream gets it.
func (k *talker) archive() map[string]int {
	k.t.Helper()
	fresh := newTalker(k.person, webSocket, k.to)
	l, _, err := fresh.connect(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	defer l.close()
	copies := make(map[string]int)
	if err := fresh.history(l, "", func(m letter) { copies[m.id]++ }); err != nil {
		k.t.Fatal(err)
	}
	return copies
}
