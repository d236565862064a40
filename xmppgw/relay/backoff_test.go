package relay

import (
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// One of two nodes that SRV records name is down: the first sign-in finds out, and those
// that follow go to the other one, although the records put it behind (RFC 2782).
func TestAbsent_Node(t *testing.T) {
	u := newUpstream(t)
	u.secure(domain)
	down, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer down.Close()
	var dialled atomic.Int32
	go func() {
		for {
			c, err := down.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			c.Close()
		}
	}()
	up, _ := ParseUpstream("xmpp+srv://" + domain)
	records := dns{"xmpp-client": {record(down.Addr(), 5), record(u.listen.Addr(), 10)}}
	r := newRelay(t, &site{}, func(c *Config) { c.Upstream, c.Resolver, c.Roots = up, records, u.roots })
	for range 3 {
		done := make(chan error, 1)
		go func() { done <- r.Check(t.Context()) }()
		e := u.next()
		e.starttls(u)
		e.open(featurePlain)
		e.expectEnd()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := dialled.Load(); n != 1 {
		t.Errorf("the node that is down was dialled %d times", n)
	}
}

func record(at net.Addr, priority uint16) *net.SRV {
	host, port, _ := net.SplitHostPort(at.String())
	n, _ := strconv.ParseUint(port, 10, 16)
	return &net.SRV{Target: host, Port: uint16(n), Priority: priority}
}

func TestAbsent(t *testing.T) {
	var a targetBackoff
	nodes := []target{{host: "a", port: "1"}, {host: "b", port: "1"}, {host: "c", port: "1"}}
	at := time.Now()
	order := func(want ...int) {
		t.Helper()
		var all []target
		for _, i := range want {
			all = append(all, nodes[i])
		}
		if got := a.orderByHealth(nodes, at); !slices.Equal(got, all) {
			t.Errorf("the order is %v, not %v", got, all)
		}
	}
	order(0, 1, 2)
	a.failed("a:1", at)
	a.failed("a:1", at) // two tried at the same time
	order(1, 2, 0)
	at = at.Add(minBackoff)
	order(0, 1, 2) // one tries it
	order(1, 2, 0) // and the others do not
	at = at.Add(minBackoff)
	a.failed("a:1", at)
	at = at.Add(2*minBackoff - 1)
	order(1, 2, 0) // for twice as long
	a.failed("b:1", at)
	a.failed("c:1", at)
	order(0, 1, 2) // all are tried, when none serves
	a.succeeded("a:1")
	order(0, 1, 2)
	a.succeeded("b:1")
	order(0, 1, 2)
	for range 10 {
		at = at.Add(maxBackoff)
		a.failed("c:1", at)
	}
	if rest := a.set["c:1"].delay; rest != maxBackoff {
		t.Errorf("a node stands back for %v", rest)
	}
	at = at.Add(3 * maxBackoff)
	a.failed("b:1", at)
	if len(a.set) != 1 {
		t.Errorf("what nobody asked for is kept: %v", a.set)
	}
}

// How long the upstream takes is counted: for a sign-in, and until it says what came, on
// either transport.
func TestLatency(t *testing.T) {
	u := newUpstream(t)
	r := newRelay(t, &site{}, nil, u)
	c, e := connected(t, r, u, "websocket", featureBind+featureSM)
	c.Send(`<r xmlns='urn:xmpp:sm:3'/>`)
	e.expect(`<r xmlns='urn:xmpp:sm:3'/>`)
	e.send(`<a xmlns='urn:xmpp:sm:3' h='0'/>`)
	c.Expect(`<a xmlns='urn:xmpp:sm:3' h='0'/>`)
	e.send(`<a xmlns='urn:xmpp:sm:3' h='0'/>`) // that nobody asked for
	c.Expect(`<a xmlns='urn:xmpp:sm:3' h='0'/>`)
	b, e2 := bound(t, r, u)
	for range ackEvery {
		b.Send(message("bob@example.test", "hello"))
		e2.expect(message("bob@example.test", "hello"))
	}
	e2.expect(smRequest)
	e2.send(`<a xmlns='urn:xmpp:sm:3' h='10'/>`)
	e2.send(message("alice@example.test", "behind it"))
	b.Read()
	st := r.Stats()
	if st.SignIns.Count != 2 || st.Answers.Count != 2 || st.Answers.Sum <= 0 || st.SignIns.Buckets[10*time.Second] != 2 {
		t.Errorf("sign-ins %+v, answers %+v", st.SignIns, st.Answers)
	}
}
