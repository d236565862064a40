package referee

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"

	"github.com/fasthttp/websocket"
)

// scene is one transcript in front of one server. People have short names in
// it; $alice stands for alice's bare address, $host for the domain, $rooms for
// the group chat service.
type scene struct {
	t       *testing.T
	target  target
	run     *run
	names   map[string]string
	clients []*client
}

// run is what the scenes in front of one server share.
type run struct {
	mu       sync.Mutex
	accounts int
	met      map[string]bool // differences
}

// number gives each account of a run a number of its own.
func (r *run) number() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accounts++
	return r.accounts
}

// meets reports whether the server at hand is the referee, at a place where it
// is known to differ from us.
func (s *scene) meets(id string) bool {
	s.t.Helper()
	for _, d := range differences() {
		if d.id == id {
			s.run.mu.Lock()
			defer s.run.mu.Unlock()
			s.run.met[id] = true
			return s.target.name() == "prosody"
		}
	}
	s.t.Fatalf("%q is not in the list of differences", id)
	return false
}

// either is a value that is our own, or the referee's where it differs.
func (s *scene) either(id, ours, theirs string) string {
	s.t.Helper()
	if s.meets(id) {
		return theirs
	}
	return ours
}

// people makes accounts.
func (s *scene) people(names ...string) {
	s.t.Helper()
	for _, name := range names {
		user := fmt.Sprintf("%s%d", name, s.run.number())
		if err := s.target.account(s.t.Context(), user); err != nil {
			s.t.Fatal(err)
		}
		s.names[name] = user
	}
}

var variable = regexp.MustCompile(`\$[a-z]+`)

func (s *scene) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		switch name := v[1:]; name {
		case "host":
			return domain
		case "rooms":
			return "conference." + domain
		default:
			user, ok := s.names[name]
			if !ok {
				user = name // nobody's account
			}
			return user + "@" + domain
		}
	})
}

var stanza = regexp.MustCompile(`^<(message|presence|iq)\b`)

// element fills the variables in, and gives a stanza its namespace.
func (s *scene) element(text string) string {
	return stanza.ReplaceAllString(s.fill(strings.TrimSpace(text)), `<$1 xmlns="jabber:client"`)
}

// came is an element from the server.
type came struct {
	at  int // its place in the stream
	raw string
}

// client is somebody's stream. What came is kept until it is expected.
type client struct {
	scene *scene
	name  string
	full  string
	ws    *websocket.Conn
	syncs int

	mu      sync.Mutex
	seen    int
	handled int // stanzas since <enabled/>
	inbox   []came
	ended   bool
	more    chan struct{}
}

// connect opens a WebSocket and a stream.
func (s *scene) connect(name string) *client {
	s.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"xmpp"}, HandshakeTimeout: streamtest.Timeout}
	ws, _, err := dialer.DialContext(s.t.Context(), s.target.websocket(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &client{scene: s, name: name, ws: ws, more: make(chan struct{}, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.read()
	}()
	s.t.Cleanup(func() {
		ws.Close()
		<-done
	})
	c.open()
	return c
}

func (c *client) read() {
	for {
		_, raw, err := c.ws.ReadMessage()
		c.mu.Lock()
		if err != nil {
			c.ended = true
		} else {
			c.seen++
			c.inbox = append(c.inbox, came{c.seen, string(raw)})
			switch {
			case strings.HasPrefix(string(raw), "<enabled"):
				c.handled = 0
			case stanza.Match(raw):
				c.handled++
			}
		}
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (c *client) open() {
	c.scene.t.Helper()
	c.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="$host" version="1.0"/>`)
	c.expect(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" version="1.0" id="*"/>`)
	c.expect(`<stream:features xmlns:stream="http://etherx.jabber.org/streams"/>`)
}

// signIn connects and authenticates; nothing is bound yet.
func (s *scene) signIn(name string) *client {
	s.t.Helper()
	c := s.connect(name)
	password, err := s.target.password(s.t.Context(), s.names[name])
	if err != nil {
		s.t.Fatal(err)
	}
	c.auth("\x00" + s.names[name] + "\x00" + password)
	c.expect(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	c.open()
	return c
}

func (c *client) auth(plain string) {
	c.send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">` + base64.StdEncoding.EncodeToString([]byte(plain)) + `</auth>`)
}

// bound is signed in, with a resource.
func (s *scene) bound(name, resource string) *client {
	s.t.Helper()
	c := s.signIn(name)
	c.bind(resource)
	return c
}

func (c *client) bind(resource string) {
	c.scene.t.Helper()
	c.send(`<iq type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>` + resource + `</resource></bind></iq>`)
	got := c.expect(`<iq type="result" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>{jid}</jid></bind></iq>`)
	c.full = got.vars["jid"]
	c.scene.clients = append(c.scene.clients, c)
}

// online is bound, has asked for the roster, and is available.
func (s *scene) online(name, resource string) *client {
	s.t.Helper()
	c := s.bound(name, resource)
	c.ask(`<iq type="get" id="roster"><query xmlns="jabber:iq:roster"/></iq>`, `<iq type="result" id="roster"/>`)
	c.send(`<presence/>`)
	c.expect(`<presence from="` + c.full + `" type="!"/>`)
	return c
}

// send sends one element.
func (c *client) send(text string) {
	c.scene.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(c.scene.element(text))); err != nil {
		c.scene.t.Fatalf("%s cannot send: %v", c.name, err)
	}
}

// found is what an expectation found: its captures and its place in the stream.
type found struct {
	vars map[string]string
	at   int
}

// take takes the first element that has the pattern's parts (streamtest.Contains).
func (c *client) take(pattern string) (found, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.inbox {
		if vars, err := streamtest.Contains(pattern, []byte(e.raw)); err == nil {
			c.inbox = append(c.inbox[:i:i], c.inbox[i+1:]...)
			return found{vars, e.at}, true
		}
	}
	return found{}, false
}

// expect waits for an element that has the pattern's parts.
func (c *client) expect(pattern string) found {
	c.scene.t.Helper()
	pattern = c.scene.element(pattern)
	timeout := time.After(streamtest.Timeout)
	for {
		c.mu.Lock()
		ended := c.ended
		c.mu.Unlock()
		if got, ok := c.take(pattern); ok {
			return got
		}
		if ended {
			c.scene.t.Fatalf("%s's stream ended\nbefore: %s\nafter: %s", c.name, pattern, c.left())
		}
		select {
		case <-c.more:
		case <-timeout:
			c.scene.t.Fatalf("%s did not get: %s\nbut: %s", c.name, pattern, c.left())
		}
	}
}

// left is what came and was not expected.
func (c *client) left() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, e := range c.inbox {
		b.WriteString("\n  " + e.raw)
	}
	return b.String()
}

// ask sends an IQ and expects its answer.
func (c *client) ask(request, answer string) found {
	c.scene.t.Helper()
	c.send(request)
	return c.expect(answer)
}

// sync waits until the server has handled what the client sent.
func (c *client) sync() {
	c.scene.t.Helper()
	c.syncs++
	id := fmt.Sprintf("sync%d", c.syncs)
	c.ask(`<iq type="get" id="`+id+`" to="$host"><ping xmlns="urn:xmpp:ping"/></iq>`, `<iq type="result" id="`+id+`"/>`)
}

// settle waits until everybody has what the others' stanzas led to.
func (s *scene) settle() {
	s.t.Helper()
	for range 2 { // what the last one sent may reach the first
		for _, c := range s.clients {
			c.sync()
		}
	}
}

// never says that nothing of this kind came, once all is settled.
func (c *client) never(pattern string) {
	c.scene.t.Helper()
	c.scene.settle()
	if got, ok := c.take(c.scene.element(pattern)); ok {
		c.scene.t.Errorf("%s got what nobody should have: %s (%v)", c.name, pattern, got.vars)
	}
}

// drop loses the connection as a network does.
func (c *client) drop() {
	c.scene.t.Helper()
	c.ws.NetConn().Close()
	c.leaveScene()
}

// stanzas returns how many stanzas have come since the last <enabled/>
// (XEP-0198 §4).
func (c *client) stanzas() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.handled)
}

// resumed makes c stand for the lost stream.
func (c *client) resumed(lost *client) {
	c.full = lost.full
	c.scene.clients = append(c.scene.clients, c)
}

// leave ends the stream in order.
func (c *client) leave() {
	c.scene.t.Helper()
	c.leaveScene()
	c.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	c.expect(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
}

func (c *client) leaveScene() {
	for i, other := range c.scene.clients {
		if other == c {
			c.scene.clients = append(c.scene.clients[:i:i], c.scene.clients[i+1:]...)
			return
		}
	}
}

// stanzaError is the pattern of an error with this condition.
func stanzaError(typ, condition string) string {
	return `<error type="` + typ + `"><` + condition + ` xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`
}

// befriend makes two people know each other, by their own doing.
func (s *scene) befriend(a, b string) {
	s.t.Helper()
	x, y := s.online(a, "befriend"), s.online(b, "befriend")
	x.send(`<presence to="$` + b + `" type="subscribe"/>`)
	y.expect(`<presence from="$` + a + `" type="subscribe"/>`)
	y.send(`<presence to="$` + a + `" type="subscribed"/>`)
	x.expect(`<presence from="$` + b + `" type="subscribed"/>`)
	y.send(`<presence to="$` + a + `" type="subscribe"/>`)
	x.expect(`<presence from="$` + b + `" type="subscribe"/>`)
	x.send(`<presence to="$` + b + `" type="subscribed"/>`)
	y.expect(`<presence from="$` + a + `" type="subscribed"/>`)
	s.settle()
	x.leave()
	y.leave()
}
