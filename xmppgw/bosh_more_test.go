package xmppgw

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream"
)

// XEP-0124 §17.1 (B-48): a peer that sent no ver is told by a status, in a session
// as before it.
func TestBOSH_LegacyPeer(t *testing.T) {
	const head = `<body xmlns="http://jabber.org/protocol/httpbind" `
	s := newSite(t, nil)
	for name, c := range map[string]struct {
		raw    func(*boshClient) string
		status int
	}{
		"bad-request":          {func(b *boshClient) string { return head + `sid="` + b.sid + `"/>` }, http.StatusBadRequest},
		"policy-violation":     {func(b *boshClient) string { return b.body(` pause="1000"`, "") }, http.StatusForbidden},
		"item-not-found":       {func(b *boshClient) string { return b.bodyAt(b.rid+50, "", "") }, http.StatusNotFound},
		"after item-not-found": {func(b *boshClient) string { b.post(b.bodyAt(b.rid+50, "", "")); return b.body("", "") }, http.StatusNotFound},
		"host-unknown":         {func(b *boshClient) string { return head + `rid="1" to="elsewhere"/>` }, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.bosh(true)
			created := b.post(head + `rid="1000" to="h" wait="5" hold="1"/>`)
			_, sid, _ := strings.Cut(created.body, ` sid="`)
			b.sid, _, _ = strings.Cut(sid, `"`)
			b.rid++
			if got := b.post(c.raw(b)); got.status != c.status {
				t.Errorf("%d %s, want %d", got.status, got.body, c.status)
			}
		})
	}
}

// XEP-0124 §17.2: a request that cannot be taken in ends the session that it is for, and
// tells a peer that sent no ver by a status (B-08, B-09, B-48). Who may not use the session
// ends nothing.
func TestBOSH_UnusableRequestEnds(t *testing.T) {
	large := message("a", strings.Repeat("x", 300<<10))
	for name, c := range map[string]struct {
		raw    func(*boshClient) string
		want   boshCondition
		legacy int
	}{
		"not closed":          {func(b *boshClient) string { return strings.TrimSuffix(b.body("", message("a", "b")), "</body>") }, boshBadRequest, 400},
		"text":                {func(b *boshClient) string { return b.body("", "text") }, boshBadRequest, 400},
		"a comment":           {func(b *boshClient) string { return b.body("", "<!-- -->") }, boshBadRequest, 400},
		"an entity":           {func(b *boshClient) string { return b.body("", message("a", "b")+"&x;") }, boshBadRequest, 400},
		"no rid":              {func(b *boshClient) string { return strings.Replace(b.body("", ""), " rid=", " id=", 1) }, boshBadRequest, 400},
		"a rid that is none":  {func(b *boshClient) string { return strings.Replace(b.body("", ""), ` rid="`, ` rid="-`, 1) }, boshBadRequest, 400},
		"a stanza too large":  {func(b *boshClient) string { return b.body("", large) }, boshPolicyViolation, 403},
		"a request too large": {func(b *boshClient) string { return b.body("", strings.Repeat(message("a", "b"), 8<<10)) }, boshPolicyViolation, 403},
	} {
		for _, legacy := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", legacy ", legacy), func(t *testing.T) {
				s := newSite(t, nil)
				b := s.bosh(true)
				b.signIn()
				session := s.gw.boshSession(b.sid)
				session.legacy = legacy
				stolen := *b
				stolen.cookie = false
				if r := stolen.post(c.raw(&stolen)); r.status != 200 || !strings.Contains(r.body, string(c.want)) {
					t.Errorf("a stranger: %d %s", r.status, r.body)
				}
				held := b.async(b.body("", ""))
				s.held(b)
				status := http.StatusOK
				if legacy {
					status = c.legacy
				}
				want := string(terminal(c.want))
				if r := b.post(c.raw(b)); r.status != status || r.body != want {
					t.Errorf("%d %s, want %d %s", r.status, r.body, status, want)
				}
				if r := <-held; r.status != status || r.body != want {
					t.Errorf("the request that waited: %d %s", r.status, r.body)
				}
				eventually(t, func() bool { return s.streams() == 0 })
				if reason := session.reason(); reason != c.want {
					t.Errorf("ended by %v", reason)
				}
			})
		}
	}
}

// XEP-0124 §7.1 (B-03): answers are called what the client asked for at the
// creation, unless that is more than a type.
func TestBOSH_Content(t *testing.T) {
	s := newSite(t, nil)
	for content, want := range map[string]string{
		"text/xml":                      "text/xml",
		"application/xml":               "application/xml",
		"text/html":                     boshContentType,
		"image/svg+xml":                 boshContentType,
		"text/xml&#13;&#10;X-Evil: yes": boshContentType,
	} {
		b := s.bosh(true)
		raw := fmt.Sprintf(`<body xmlns="http://jabber.org/protocol/httpbind" rid="%d" to="h" wait="5" hold="1" ver="1.6" content="%s"/>`, b.rid, content)
		b.rid++
		r := b.post(raw)
		_, sid, _ := strings.Cut(r.body, ` sid="`)
		b.sid, _, _ = strings.Cut(sid, `"`)
		next := b.post(b.body("", authFrame))
		for _, r := range []reply{r, next} {
			if got := r.header.Get("Content-Type"); got != want || r.header.Get("X-Evil") != "" {
				t.Errorf("%s: %v", content, r.header)
			}
		}
	}
}

// XEP-0124 §5, §7.2 (B-05): where compression is configured, answers that are worth
// it are compressed for clients that take it, and requests may be, within bounds.
func TestBOSH_Compressed(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Compress = true })
	b := s.bosh(true)
	b.wants(b.create(""), ` accept="gzip"`)
	b.post(b.body("", authFrame))
	b.post(b.body(restart, ""))
	long := strings.Repeat("long ", 1000)
	for accept, packed := range map[string]bool{"gzip, deflate": true, "br;q=1, GZIP;q=0.5": true, "gzip;q=0": false, "deflate": false, "": false} {
		for _, size := range []int{1, len(long)} {
			c := b.overOneConnection()
			header := ""
			if accept != "" {
				header = "Accept-Encoding: " + accept + "\r\n"
			}
			c.send(c.request(header, b.body("", `<message xmlns="jabber:client" id="1"><body>`+long[:size]+`</body></message>`)))
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			var body io.Reader = resp.Body
			is := resp.Header.Get("Content-Encoding") == "gzip"
			if is {
				if body, err = gzip.NewReader(resp.Body); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := io.ReadAll(body)
			if want := packed && size > 1; err != nil || is != want || !strings.Contains(string(raw), `<body>`+long[:size]+`</body>`) {
				t.Errorf("%q, %d bytes: compressed %v, %d bytes, %v", accept, size, is, len(raw), err)
			}
		}
	}
	b.wants(b.postPacked(message("a", "packed")), `id="packed"`)
	b.wants(b.postPacked(strings.Repeat(" ", 8*s.gw.MaxBody())), `condition="policy-violation"`) // a bomb
}

// postPacked is post for a payload that is compressed.
func (b *boshClient) postPacked(payload string) reply {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, b.body("", payload))
	w.Close()
	c := b.overOneConnection()
	c.send(c.request("Content-Encoding: gzip\r\n", out.String()))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		b.site.t.Error(err)
		return reply{}
	}
	raw, _ := io.ReadAll(resp.Body)
	return reply{body: string(raw)}
}

// metLimits tells who met a limit.
type metLimits chan string

func (m metLimits) LimitHit(_ budget.Limit, name string) { m <- name }

// what a large request unpacks to is paid by its address while it is taken in;
// others wait, and small ones do not.
func TestBOSH_UnpackingPays(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Compress = true })
	b := s.bosh(true)
	b.signIn()
	met := make(metLimits, 1)
	s.gw.inboxes = budget.NewKeyedSemaphore(budget.Limit{Name: "test"}, 1<<20, 1<<20, met)
	release, ok := s.gw.inboxes.TryAcquire("127.0.0.1", 1<<20)
	if !ok {
		t.Fatal("it is not free")
	}
	b.wants(b.postPacked(message("a", "small")), `id="small"`)
	answered := make(chan reply, 1)
	go func() { answered <- b.postPacked(message("large", strings.Repeat("x", 2*inboxFree))) }()
	if who := <-met; who != "127.0.0.1" {
		t.Errorf("%s waits", who)
	}
	select {
	case <-answered:
		t.Error("it did not wait")
	default:
	}
	release()
	b.wants(<-answered, strings.Repeat("x", 2*inboxFree))
	if release, ok = s.gw.inboxes.TryAcquire("127.0.0.1", 1<<20); !ok {
		t.Error("it still pays")
	} else {
		release()
	}
}

// RFC 7395 §3.6.1 (W-17), XEP-0124 §17.2 (B-52): new streams are sent elsewhere,
// but not from TLS to where there is none.
func TestSeeOther(t *testing.T) {
	s := newSite(t, func(c *Config) { c.SeeOther = "https://new.example/" })
	c := s.browser()
	c.send(wsOpen)
	if got := c.read(); got != `<close xmlns="urn:ietf:params:xml:ns:xmpp-framing" see-other-uri="wss://new.example/xmpp-websocket" />` {
		t.Errorf("WebSocket: %s", got)
	}
	if got := c.code(); got != 1000 {
		t.Errorf("closed with %d", got)
	}
	b := s.bosh(true)
	b.wants(b.create(""), `type="terminate" condition="see-other-uri"><uri>https://new.example/http-bind</uri></body>`)

	c = s.browser() // whoever asks for a domain that is not served here is not sent there either, over no transport
	c.send(strings.Replace(wsOpen, `to="h"`, `to="other"`, 1))
	c.read()
	if got := c.read(); !strings.Contains(got, "<host-unknown ") {
		t.Errorf("WebSocket, another domain: %s", got)
	}
	b.wants(b.post(strings.Replace(boshOpen, `to="h"`, `to="other"`, 1)), `condition="host-unknown"`)

	g := &Gateway{cfg: Config{BaseURL: func() string { return "https://h" }}}
	for elsewhere, want := range map[string]string{"": "", "http://new.example": "", "https://new.example": "wss://new.example/xmpp-websocket"} {
		g.cfg.SeeOther = elsewhere
		if got := g.seeOther(stream.WebSocket); got != want {
			t.Errorf("%q: %q", elsewhere, got)
		}
	}
}

// XEP-0124 §12 (B-39): a polling session is answered at once, may be silent for
// longer, and may ask for nothing only so often.
func TestBOSH_Polling(t *testing.T) {
	for _, how := range []string{`wait="0" hold="1"`, `wait="5" hold="0"`} {
		synctest.Test(t, func(t *testing.T) {
			c := newModelSession(t, how)
			if got := c.session.params; got.inactivity <= c.gateway.cfg.Inactivity+got.polling {
				t.Errorf("%s: inactivity %s", how, got.inactivity)
			}
			wants := func(got, want string) {
				t.Helper()
				if !strings.Contains(got, want) {
					t.Fatalf("%s: %s, want %s", how, got, want)
				}
			}
			wants(c.post(""), emptyBody)
			time.Sleep(boshPolling)
			wants(c.post(""), emptyBody)
			wants(c.post(message("a", "1")), "<body ") // not empty: at any time
			synctest.Wait()
			wants(c.post(""), `id="1"`) // with something to answer with, neither
			wants(c.post(""), emptyBody)
			time.Sleep(boshPolling - time.Millisecond)
			wants(c.post(""), `condition="policy-violation"`)
		})
	}
}

// XEP-0124 §12 (B-39): the creation is no poll, so that a polling session may ask for its
// features at once; from then on it counts.
func TestBOSH_PollingAfterCreation(t *testing.T) {
	for _, how := range []string{`wait="0" hold="1"`, `wait="5" hold="0"`} {
		synctest.Test(t, func(t *testing.T) {
			c := newModelSession(t, how)
			created := c.send(`<body xmlns="http://jabber.org/protocol/httpbind" rid="2000" to="h" ver="1.11" `+how+`/>`, 2000)
			_, sid, _ := strings.Cut(string((<-created.answers).body), ` sid="`)
			c.sid, _, _ = strings.Cut(sid, `"`)
			c.rid = 2001
			synctest.Wait()
			if got := c.post(""); strings.Contains(got, "terminate") {
				t.Errorf("%s: the first poll: %s", how, got)
			}
			if got := c.post(message("a", "1")); strings.Contains(got, "policy-violation") {
				t.Errorf("%s: then: %s", how, got)
			}
		})
	}
}

// XEP-0124 §9.2 (B-42): a client that seems to miss an answer is told, once, which
// one and since when; it gets it by repeating its request.
func TestBOSH_Report(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newModelSession(t, `wait="30" hold="1" ack="1"`)
		c.post(message("a", "seen"))
		missed := c.post(message("a", "missed"))
		rid := c.rid - 1
		time.Sleep(852 * time.Millisecond)
		quick := c.start(fmt.Sprintf(` ack="%d"`, rid-1), "") // it may be under way yet
		synctest.Wait()
		if len(quick) != 0 {
			t.Errorf("reported after 852 ms: %s", (<-quick).body)
		}
		time.Sleep(time.Second)
		late := c.start(fmt.Sprintf(` ack="%d"`, rid-1), "")
		if got, want := string((<-quick).body), fmt.Sprintf(` report="%d" time="1852"`, rid); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
		synctest.Wait()
		if len(late) != 0 {
			t.Errorf("reported twice: %s", (<-late).body)
		}
		if got := c.repeat(rid, message("a", "missed")); got != missed {
			t.Errorf("repeated: %s, want %s", got, missed)
		}
		again := c.start(fmt.Sprintf(` ack="%d"`, rid-1), "")
		<-late
		synctest.Wait()
		if len(again) != 0 {
			t.Errorf("reported again: %s", (<-again).body)
		}
	})
}

// A connection that the gateway closes while an answer goes out, or while it reads the next
// request, stays closed: it is done with once.
func TestBOSH_ConnectionStaysClosed(t *testing.T) {
	c := &boshConn{gateway: &Gateway{}, state: connGone}
	c.afterAnswer(nil, false)
	if c.state != connGone {
		t.Error("it is taken up again by the answer")
	}
	c.early = []byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
	c.read()
	if c.state != connGone {
		t.Error("it is taken up again by a request")
	}
}
