package xmppgw

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"pgregory.net/rapid"
)

// boshClient counts as a client does; cookie says whether it is alice's browser.
type boshClient struct {
	*site
	cookie bool
	sid    string
	rid    uint64 // of the next request
	wait   int
	hold   int
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (s *site) bosh(cookie bool) *boshClient {
	return &boshClient{site: s, cookie: cookie, rid: 1000, wait: 5, hold: 1}
}

func (b *boshClient) post(raw string) reply {
	b.t.Helper()
	req, _ := http.NewRequest("POST", b.base+"/http-bind", strings.NewReader(raw))
	req.Header.Set("Content-Type", "text/plain") // B-02: ignored
	if b.cookie {
		req.Header.Set("Origin", b.base)
		req.Header.Set("Cookie", "s=alice")
	}
	return b.do(req)
}

func (b *boshClient) do(req *http.Request) reply {
	b.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Error(err)
		return reply{}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}
}

func (b *boshClient) async(raw string) <-chan reply {
	c := make(chan reply, 1)
	go func() { c <- b.post(raw) }()
	return c
}

// body makes the next request.
func (b *boshClient) body(attrs, payload string) string {
	b.rid++
	return b.bodyAt(b.rid-1, attrs, payload)
}

func (b *boshClient) bodyAt(rid uint64, attrs, payload string) string {
	return fmt.Sprintf(`<body xmlns="http://jabber.org/protocol/httpbind" rid="%d" sid="%s"%s>%s</body>`, rid, b.sid, attrs, payload)
}

func (b *boshClient) create(attrs string) reply {
	b.t.Helper()
	b.rid++
	r := b.post(fmt.Sprintf(`<body xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0" rid="%d" to="h" wait="%d" hold="%d" ver="1.6" content="text/xml; charset=utf-8"%s/>`, b.rid-1, b.wait, b.hold, attrs))
	if _, sid, ok := strings.Cut(r.body, ` sid="`); ok {
		b.sid, _, _ = strings.Cut(sid, `"`)
	}
	return r
}

const restart = ` xmlns:xmpp="urn:xmpp:xbosh" xmpp:restart="true"`

func (b *boshClient) signIn() {
	b.t.Helper()
	b.create("")
	b.post(b.body("", authFrame))
	if got := b.post(b.body(restart, "")).body; !strings.Contains(got, "<stream:features") || !strings.Contains(got, `xmlns:stream=`) {
		b.t.Fatalf("after the restart: %s", got)
	}
}

func (b *boshClient) wants(r reply, part string) {
	b.t.Helper()
	if !strings.Contains(r.body, part) {
		b.t.Errorf("got %d %s, want %s", r.status, r.body, part)
	}
}

// XEP-0124 §7 (B-03, B-04, B-13, B-14, B-15, B-16, B-17, B-20, B-21, B-22, B-23), XEP-0206 §2 (B-10), and
// the profile of Strophe (B-56, B-57, B-60).
func TestBOSH_Creation(t *testing.T) {
	b := newSite(t, nil).bosh(true)
	b.wait, b.hold = 600, 7
	r := b.create(` secure="true" route="xmpp:elsewhere:1" from="alice@h"`)
	for _, want := range []string{`wait="59"`, `hold="2"`, `requests="3"`, `ver="1.6"`, `inactivity="60"`, `polling="2"`, `from="h"`,
		`xmpp:version="1.0"`, `xmpp:restartlogic="true"`, `xmlns:xmpp="urn:xmpp:xbosh"`, `<stream:features`, `<mechanism>EXTERNAL</mechanism>`} {
		b.wants(r, want)
	}
	if strings.Contains(r.body, "starttls") || len(b.sid) < 26 {
		t.Errorf("%s", r.body)
	}
	if r.header.Get("Content-Type") != "text/xml; charset=utf-8" || r.header.Get("Content-Length") != strconv.Itoa(len(r.body)) {
		t.Errorf("headers %v", r.header)
	}
	if next := b.post(b.body("", authFrame)).body; strings.Contains(next, "sid=") {
		t.Errorf("parameters again: %s", next)
	}
	for ver, want := range map[string]string{"1.6": "1.6", "1.11": "1.11", "1.12": "1.11", "2.0": "1.11", "1.9": "1.9", "+1.+6": "1.11", "1.-6": "1.11", "x": "1.11"} {
		if got := lowerVersion(ver); got != want {
			t.Errorf("ver %s: %s, want %s", ver, got, want)
		}
	}
}

// XEP-0124 §17 (B-08, B-13, B-18, B-48, B-49), Fetch (B-06, B-07).
func TestBOSH_Refusals(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	const head = `<body xmlns="http://jabber.org/protocol/httpbind" ver="1.6" `
	for raw, want := range map[string]string{
		`nonsense`:                                          "bad-request",
		`<!DOCTYPE body><body/>`:                            "bad-request",
		head + `rid="1" to="h">text</body>`:                 "bad-request",
		head + `to="h"/>`:                                   "bad-request",
		"\ufeff\ufeff" + head + `rid="1" to="h"/>`:          "bad-request",
		"\xff\xfe<\x00b\x00":                                "bad-request",
		`<?xml version="2.0"?>` + head + `rid="1" to="h"/>`: "bad-request",
		head + `rid="x" to="h"/>`:                           "bad-request",
		head + `rid="9007199254740992" to="h"/>`:            "bad-request",
		head + `rid="1"/>`:                                  "improper-addressing",
		head + `rid="1" to="elsewhere"/>`:                   "host-unknown",
		head + `rid="1" sid="unknown"/>`:                    "item-not-found",
		head + `rid="1" to="h"><message xmlns="jabber:client">` + strings.Repeat("x", 300<<10) + `</message></body>`: "policy-violation",
	} {
		r := b.post(raw)
		if r.status != 200 || !strings.Contains(r.body, `type="terminate" condition="`+want+`"`) {
			t.Errorf("%.80s: %d %s, want %s", raw, r.status, r.body, want)
		}
	}
	if r := b.post(`<body xmlns="http://jabber.org/protocol/httpbind" to="h"/>`); r.status != 400 {
		t.Errorf("a legacy peer: %d", r.status)
	}
	for method, want := range map[string]int{"GET": 405, "PUT": 405, "OPTIONS": 204} {
		req, _ := http.NewRequest(method, s.base+"/http-bind", nil)
		req.Header.Set("Origin", s.base)
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || resp.Header.Get("Access-Control-Allow-Origin") != s.base {
			t.Errorf("%s: %d %v", method, resp.StatusCode, resp.Header)
		}
	}
	req, _ := http.NewRequest("POST", s.base+"/http-bind", strings.NewReader(head+`rid="1" to="h"/>`))
	req.Header.Set("Origin", "https://evil.example")
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign origin: %d %v", resp.StatusCode, resp.Header)
	}
}

// A request's body is an XML document (XEP-0124 §6), before which a byte order mark may stand (XML 1.0 §4.3.3) and a
// declaration, of which version 1.1 is taken for 1.0 (§2.8).
func TestBOSH_Declaration(t *testing.T) {
	b := newSite(t, nil).bosh(true)
	b.signIn()
	for i, before := range []string{"\ufeff", `<?xml version='1.1'?>`, "\ufeff<?xml version='1.0' encoding='utf-8'?>\n"} {
		id := fmt.Sprint("declared", i)
		b.wants(b.post(before+b.body("", message("a", id))), `id="`+id+`"`)
	}
}

// A session that was opened under a cookie answers only with it, and looks
// unknown to everybody else. Without the database who was known goes on, and a
// newcomer comes back.
func TestBOSH_BoundToTheSiteSession(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Recheck = time.Nanosecond })
	b := s.bosh(true)
	b.signIn()
	stolen := &boshClient{site: s, sid: b.sid, rid: b.rid}
	unknown := stolen.post(strings.Replace(stolen.bodyAt(1, "", ""), b.sid, "unknown", 1))
	if r := stolen.post(stolen.body("", message("a", "stolen"))); r.body != unknown.body || r.status != unknown.status {
		t.Errorf("without the cookie: %s", r.body)
	}
	s.auth.set(true, false)
	b.wants(b.post(b.body("", message("a", "meanwhile"))), `id="meanwhile"`)
	newcomer := &boshClient{site: s, cookie: true, rid: 1}
	if r := newcomer.post(`<body xmlns="http://jabber.org/protocol/httpbind" ver="1.6" rid="1" to="h"/>`); r.status != 503 {
		t.Errorf("a newcomer with the database away: %d", r.status)
	}
	s.auth.set(false, true)
	if r := b.post(b.bodyAt(b.rid, "", "")); r.body != unknown.body {
		t.Errorf("signed out: %s", r.body)
	}
	s.auth.set(false, false)
	b.wants(b.post(b.body("", message("a", "mine"))), `id="mine"`)
	if got := s.echo.stanzas(); strings.Contains(got, "stolen") {
		t.Error("a stranger's stanza got through")
	}
}

// XEP-0124 §8, §11, §14.2 (B-26, B-34, B-35).
func TestBOSH_OrderAndHold(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	// The second request arrives first, on another connection.
	second := b.async(b.bodyAt(b.rid+1, "", message("quiet", "second")))
	eventually(t, func() bool { _, parked := s.requests(b); return parked == 1 })
	first := b.async(b.bodyAt(b.rid, "", message("quiet", "first")))
	if got := (<-first).body; got != emptyBody {
		t.Errorf("the older request: %s", got)
	}
	b.rid += 2
	// The gateway answers when it has taken a request in, which is before the server has.
	eventually(t, func() bool { return strings.Count(s.echo.stanzas(), " ") == 1 })
	if got := s.echo.stanzas(); got != "first second" {
		t.Errorf("arrived as %q", got)
	}
	// A newer request releases the held one at once; the answer goes into the
	// newer one.
	third := b.async(b.body("", message("a", "third")))
	b.wants(<-second, emptyBody)
	b.wants(<-third, `id="third"`)
	fourth := b.async(b.body("", ""))
	s.held(b)
	fifth := b.async(b.body("", message("burst", "fifth")))
	b.wants(<-fourth, emptyBody)
	if got := strings.Count((<-fifth).body, `id="fifth"`); got == 0 {
		t.Error("nothing came back")
	}
}

// held waits until a request of the session is held.
func (s *site) held(b *boshClient) {
	s.t.Helper()
	eventually(s.t, func() bool { held, _ := s.requests(b); return held == 1 })
}

// requests counts the session's requests that wait, and that are parked.
func (s *site) requests(b *boshClient) (held, parked int) {
	s.gw.mu.Lock()
	bs := s.gw.sessions[b.sid]
	s.gw.mu.Unlock()
	bs.mu.Lock()
	defer bs.mu.Unlock()
	return len(bs.held), len(bs.parked)
}

// XEP-0124 §14.3 (B-27, B-28, B-29, B-30).
func TestBOSH_Repeats(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	raw := b.body("", message("a", "once"))
	first := b.post(raw)
	if again := b.post(raw); again.body != first.body || s.echo.stanzas() != "once" {
		t.Errorf("repeated: %s, stanzas %s", again.body, s.echo.stanzas())
	}
	held := b.body("", "")
	older := b.async(held)
	s.held(b)
	newer := b.async(held)
	b.wants(<-older, `type="error"`)
	b.wants(b.post(b.body("", message("a", "next"))), `id="next"`)
	b.wants(<-newer, emptyBody)

	for name, rid := range map[string]uint64{"too old": b.rid - 50, "beyond the window": b.rid + 50} {
		c := s.bosh(true)
		c.signIn()
		if got := c.post(c.bodyAt(rid-b.rid+c.rid, "", "")).body; got != string(terminal(boshItemNotFound)) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// B-32: what is sent to a request whose peer has vanished goes to the next one.
func TestBOSH_VanishedPeer(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	raw := b.body("", "")
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /http-bind HTTP/1.1\r\nHost: h\r\nOrigin: %s\r\nCookie: s=alice\r\nContent-Length: %d\r\n\r\n%s", s.base, len(raw), raw)
	s.held(b)
	conn.Close()
	eventually(t, func() bool { held, _ := s.requests(b); return held == 0 })
	bs := s.session(b)
	if err := bs.Send([]byte(message("alice@h", "kept"))); err != nil {
		t.Fatal(err)
	}
	b.wants(b.post(b.body("", "")), `id="kept"`)
}

// XEP-0124 §13 (B-47), §10 (B-41), RFC 6120 §4.9 (B-51, B-52, B-61).
func TestBOSH_Endings(t *testing.T) {
	s := newSite(t, nil)
	b := s.bosh(true)
	b.signIn()
	poll := b.async(b.body("", ""))
	s.held(b)
	last := b.post(b.body(` type="terminate"`, message("quiet", "bye")))
	b.wants(<-poll, `type="terminate"`)
	b.wants(last, emptyBody)
	eventually(t, func() bool { return s.echo.stanzas() == "bye" })

	b = s.bosh(true)
	b.signIn()
	b.wants(b.post(b.body("", message("end", "1"))), `type="terminate" condition="system-shutdown"`)

	b = s.bosh(true)
	b.signIn()
	poll = b.async(b.body("", ""))
	s.held(b)
	if got := b.post(b.body(` pause="60"`, "")).body; got != emptyBody {
		t.Errorf("pause: %s", got)
	}
	b.wants(<-poll, emptyBody)
	b.wants(b.post(b.body("", message("a", "back"))), `id="back"`)
	b.wants(b.post(b.body(` pause="100000"`, "")), "policy-violation")
	for _, pause := range []string{"9223372036854775807", "9223372037", "18446744073709551616", "-1", "x"} {
		b := s.bosh(true)
		b.signIn()
		b.wants(b.post(b.body(` pause="`+pause+`"`, "")), "policy-violation")
	}
}

// what comes before its turn is kept in memory, and its address pays for it until
// its turn has come or its session has ended.
func TestBOSH_EarlyRequestsPay(t *testing.T) {
	s := newSite(t, nil)
	const room = 1 << 10
	s.gw.reorderBudget = budget.NewKeyedSemaphore(budget.Limit{Name: "test"}, room, room, nil)
	free := func() bool {
		release, ok := s.gw.reorderBudget.TryAcquire("127.0.0.1", room)
		if ok {
			release()
		}
		return ok
	}
	b := s.bosh(true)
	b.signIn()
	early := b.async(b.bodyAt(b.rid+1, "", message("late", "early")))
	eventually(t, func() bool { return !free() })
	b.post(b.body("", message("now", "due")))
	<-early
	b.rid++
	if !free() {
		t.Error("its turn has come, and it still pays")
	}

	<-b.async(b.bodyAt(b.rid+1, "", message("large", strings.Repeat("x", room))))
	b.wants(b.post(b.body("", "")), "policy-violation")
	if !free() {
		t.Error("its session has ended, and it still pays")
	}
}

// What waits to be handled is paid by the account, whatever the number of its sessions,
// until it was handled or its session has ended.
func TestBOSH_InboxIsTheAccounts(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Limits = stream.DefaultLimits
		c.Limits.Bytes, c.Rate = 32<<10, 1 // four stanzas at once, and then nothing
	})
	const room = 32 << 10
	s.gw.inboxes = budget.NewKeyedSemaphore(budget.Limit{Name: "test"}, 4*room, room, nil)
	free := func() bool {
		release, ok := s.gw.inboxes.TryAcquire("alice", room)
		if ok {
			release()
		}
		return ok
	}
	b := s.bosh(true)
	b.signIn()
	paid, ended := false, false
	last := b.async(b.body("", ""))
	for range 24 { // the session alone might have 128 KiB waiting, apart from what is handled
		next := b.async(b.body("", message("quiet", strings.Repeat("x", 10_000))))
		r := <-last
		paid = paid || !free()
		if ended = strings.Contains(r.body, "policy-violation"); ended {
			break
		}
		last = next
	}
	if !paid || !ended {
		t.Errorf("paid: %v, ended: %v", paid, ended)
	}
	eventually(t, free)
}

// before that an IPv6 network pays, whichever of its addresses a session is from.
func TestBOSH_InboxIsTheNetworks(t *testing.T) {
	raw := []byte(`<message xmlns="jabber:client"><body>` + strings.Repeat("x", inboxFree) + `</body></message>`)
	el, err := stream.Parse(raw, stream.Limits{Bytes: len(raw)})
	if err != nil {
		t.Fatal(err)
	}
	gw := &Gateway{inboxes: budget.NewKeyedSemaphore(budget.Limit{Name: "test"}, 1<<20, int64(len(raw)), nil)}
	for _, c := range []struct {
		addr   string
		unpaid bool
	}{{"2001:db8::1", false}, {"2001:db8::2", true}, {"2001:db8:0:1::1", false}} {
		s := &boshSession{gateway: gw, peer: &stream.Peer{Addr: c.addr}, wake: make(chan struct{}, 1)}
		if s.receiveLocked(inbound{element: el}); s.unpaid != c.unpaid {
			t.Errorf("%s: unpaid: %v", c.addr, s.unpaid)
		}
	}
}

// XEP-0124 §10 (B-40), §14.2 (B-31): what never comes ends the session.
func TestBOSH_Inactivity(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := newSite(t, func(c *Config) { c.Inactivity = 50 * time.Millisecond })
	b := s.bosh(true)
	b.create("")
	eventually(t, func() bool { return s.gw.Stats().OpenOver(stream.BOSH) == 0 })
	b.wants(b.post(b.body("", "")), "item-not-found")

	s = newSite(t, nil)
	b = s.bosh(true)
	b.signIn()
	// the request that waited for it hears why (B-31).
	b.wants(b.post(b.bodyAt(b.rid+1, "", message("quiet", "early"))), `condition="item-not-found"`)
	if got := s.echo.stanzas(); got != "" {
		t.Errorf("out of order: %s", got)
	}
}

// A client that is between two requests when the gateway stops hears of it.
func TestBOSH_ShutdownBetweenRequests(t *testing.T) {
	s := newSite(t, func(c *Config) { c.FinalPolls = 10 * time.Second })
	b := s.bosh(true)
	b.signIn()
	b.post(b.body("", message("a", "1")))
	done := make(chan error, 1)
	go func() { done <- s.gw.Shutdown(t.Context()) }()
	b.wants(b.post(b.body("", "")), `condition="system-shutdown"`)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Prebinding: signed in and bound, a fresh session each time, and the page goes
// on with the next rid; one that nobody attaches to ends.
func TestPrebind(t *testing.T) {
	s := newSite(t, nil)
	id := stream.Identity{User: "alice", Session: "1"}
	first, err := s.gw.Prebind(t.Context(), id, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.gw.Prebind(t.Context(), id, "127.0.0.1")
	if err != nil || first.JID != "alice@h/r" || first.SID == second.SID || first.RID == second.RID {
		t.Fatalf("%+v %+v %v", first, second, err)
	}
	b := &boshClient{site: s, cookie: true, sid: first.SID, rid: first.RID}
	b.wants(b.post(b.body("", message("a", "attached"))), `id="attached"`)

	// A session is opened where the server says so, and does not say that it need not be.
	for features, want := range map[string]string{
		`<session xmlns="urn:ietf:params:xml:ns:xmpp-session"/>`:                     "bind session",
		`<session xmlns="urn:ietf:params:xml:ns:xmpp-session"><optional/></session>`: "bind",
	} {
		s := newSite(t, nil)
		s.echo.features = features
		if got, err := s.gw.Prebind(t.Context(), id, "127.0.0.1"); err != nil || got.JID != "alice@h/r" || s.echo.stanzas() != want {
			t.Errorf("%s: %+v, %v; asked for %s", features, got, err, s.echo.stanzas())
		}
	}

	s = newSite(t, func(c *Config) { c.PrebindUnused = 50 * time.Millisecond })
	unused, err := s.gw.Prebind(t.Context(), id, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return s.gw.Stats().OpenOver(stream.BOSH) == 0 })
	lost := &boshClient{site: s, cookie: true, sid: unused.SID, rid: unused.RID}
	lost.wants(lost.post(lost.body("", "")), "item-not-found")
}

// eventually waits for a state that has no event of its own to await.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(streamtest.Timeout)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that")
		}
		<-tick.C
	}
}

// Whatever the order of arrival and whatever is repeated, payload gets through
// once and in order (B-26, B-28, B-33).
func TestBOSH_AnyOrder(t *testing.T) {
	s := newSite(t, func(c *Config) { c.CreateRate, c.CreateBurst = 1e6, 1e6 })
	rapid.Check(t, func(rt *rapid.T) {
		b := s.bosh(true)
		b.wait = 1
		b.signIn()
		before := len(strings.Fields(s.echo.stanzas()))
		n := rapid.IntRange(1, 6).Draw(rt, "requests")
		var answers []<-chan reply
		var want []string
		for i := 0; i < n; i += 2 {
			pair := []uint64{b.rid, b.rid + 1}
			b.rid += 2
			want = append(want, fmt.Sprint("r", pair[0]), fmt.Sprint("r", pair[1]))
			if rapid.Bool().Draw(rt, "swapped") {
				pair[0], pair[1] = pair[1], pair[0]
			}
			for _, rid := range pair {
				raw := b.bodyAt(rid, "", message("a", fmt.Sprint("r", rid)))
				first := b.async(raw)
				if !rapid.Bool().Draw(rt, "repeated") {
					answers = append(answers, first)
					continue
				}
				// Either the arrival of one ends the other, which tells that both
				// are there; or both are answered. So neither can come too late.
				other := b.async(raw)
				var got reply
				select {
				case got = <-first:
				case got = <-other:
					other = first
				}
				if strings.Contains(got.body, `type="error"`) {
					answers = append(answers, other)
				} else {
					<-other
				}
			}
			eventually(t, func() bool { return len(strings.Fields(s.echo.stanzas())) == before+len(want) })
		}
		b.post(b.body(` type="terminate"`, ""))
		for _, a := range answers {
			<-a
		}
		if got := strings.Fields(s.echo.stanzas())[before:]; fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("arrived as %v, want %v", got, want)
		}
	})
}

// FuzzBOSH: anything may be posted, before and within a session.
func FuzzBOSH(f *testing.F) {
	f.Add(`<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="h" wait="0" hold="0"/>`, false)
	f.Add(`<body xmlns="http://jabber.org/protocol/httpbind" rid="1001" sid="SID" pause="1"><message xmlns="jabber:client"/></body>`, true)
	f.Add(`<body xmlns="http://jabber.org/protocol/httpbind" rid="1001" sid="SID" type="terminate"/>`, true)
	s := newSite(f, func(c *Config) {
		c.CreateRate, c.CreateBurst, c.MaxWait = 1e6, 1e6, time.Millisecond
		c.PerAddress, c.PerUser = 1e6, 1e6
	})
	f.Fuzz(func(t *testing.T, raw string, within bool) {
		own := *s
		own.t = t
		b := own.bosh(true)
		b.wait = 0
		if within {
			b.create("")
			raw = strings.ReplaceAll(raw, "SID", b.sid)
		}
		if r := b.post(raw); r.status == 204 || r.status/100 == 3 || (r.status == 200 && r.body == "") {
			t.Fatalf("%d %q for %q", r.status, r.body, raw) // B-07
		}
		b.post(b.bodyAt(b.rid, ` type="terminate"`, ""))
	})
}
