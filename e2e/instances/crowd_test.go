package instances

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// crowd is people who talk with each other, by two.
type crowd struct {
	t       *testing.T
	people  []*talker
	stop    chan struct{}
	talking sync.WaitGroup
	crash   []moment // of the node's end, for each of the people; nil: none has crashed
}

// moment is how far somebody was.
type moment struct {
	heard int // the number of the other's last message that came
	back  int // of the other's last message when everybody was back
}

// gather signs in size people and lets them talk: one of each two over WebSocket, the other
// over BOSH.
func gather(t *testing.T, s *site, size int) *crowd {
	c := &crowd{t: t, stop: make(chan struct{})}
	for i := range size {
		way, other := webSocket, i+1
		if i%2 == 1 {
			way, other = bosh, i-1
		}
		c.people = append(c.people, newTalker(s.signIn(t, account(i), nil), way, account(other)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	for _, k := range c.people {
		c.talking.Go(func() { k.talk(ctx, c.stop) })
	}
	t.Cleanup(func() {
		cancel()
		c.talking.Wait()
	})
	return c
}

// until waits until so many more messages of everybody have arrived.
func (c *crowd) until(what string, more int) {
	c.t.Helper()
	want := make([]int, len(c.people))
	for i, k := range c.people {
		want[i] = k.arrived() + more
	}
	late := time.Now().Add(2 * timeout)
	for i, k := range c.people {
		for k.arrived() < want[i] {
			if time.Now().After(late) {
				c.t.Fatalf("%s: of %s, over %s, %d messages have arrived and not %d; the last stream ended with %v", what, k.user, k.transport, k.arrived(), want[i], k.ending())
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// comesBack is how long everybody may take to talk again after a crash: it was 0.4 to 1.5 s, and 5.5 s on a machine with
// eight times as much to do as it has cores.
const comesBack = 20 * time.Second

// kill kills a program, and waits until everybody talks again.
func (c *crowd) kill(what string, signal func(os.Signal)) {
	c.t.Helper()
	before, _ := c.losses()
	began := time.Now()
	signal(syscall.SIGKILL)
	c.until(what+" was killed", 5)
	took := time.Since(began).Round(time.Millisecond)
	lost, back := c.losses()
	c.t.Logf("%s was killed: %d streams were lost, and everybody talks again after %v; %d were resumed up to now", what, lost-before, took, back)
	if took > comesBack {
		c.t.Errorf("everybody talks again only %v after %s was killed", took, what)
	}
	if lost == before {
		c.t.Errorf("nobody noticed that %s was killed", what)
	}
}

// killNode kills a node of the server behind the site.
func (c *crowd) killNode(signal func(os.Signal)) {
	c.t.Helper()
	crash := make([]moment, len(c.people))
	for i, k := range c.people {
		crash[i].heard = k.lastHeard()
	}
	c.kill("a node", signal)
	for i := range c.people {
		crash[i].back = c.people[i^1].arrived()
	}
	c.crash = crash
}

func (c *crowd) losses() (lost, back int) {
	for _, k := range c.people {
		l, b := k.losses()
		lost, back = lost+l, back+b
	}
	return lost, back
}

// end lets everybody finish.
func (c *crowd) end() {
	close(c.stop)
	c.talking.Wait()
}

// check compares what everybody sent with what both archives have.
func (c *crowd) check() {
	c.t.Helper()
	copies := make([]map[string]int, len(c.people))
	for i, k := range c.people {
		copies[i] = k.archive()
	}
	total, again, missing := 0, 0, 0
	for i, k := range c.people {
		total, again = total+len(k.said), again+len(k.again)
		for _, id := range k.twice {
			c.t.Errorf("%s came twice to %s", id, k.user)
		}
		for _, id := range k.said {
			c.once(k, id, k.user, copies[i][id])
			if other := i ^ 1; copies[other][id] == 0 && c.mayBeMissing(other, id) {
				missing++
			} else {
				c.once(k, id, k.to, copies[other][id])
			}
		}
	}
	c.t.Logf("%d messages arrived, of which %d were under way when a stream was lost; when the node was killed, %d did not come into their recipient's archive", total, again, missing)
}

// once complains unless a message is in somebody's archive: once, or if it was under way
// when a stream was lost, perhaps a second time under the same id, by which clients show it
// once.
func (c *crowd) once(k *talker, id, owner string, copies int) {
	c.t.Helper()
	switch {
	case copies == 0:
		c.t.Errorf("%s had arrived, and is not in the archive of %s", id, owner)
	case copies > 1 && !k.again[id], copies > 2:
		c.t.Errorf("%s is %d times in the archive of %s", id, copies, owner)
	}
}

// mayBeMissing reports whether a message need not be in its recipient's archive: it came to
// the recipient nevertheless, or it was between the nodes when one was killed, behind the
// last that had come and not behind what was said until everybody was back. Nodes hand
// messages on without asking whether they came; and of somebody's sessions the first one
// archives, which may be one that waits for resumption at the node that dies
// (deploy/ejabberd/README.md).
func (c *crowd) mayBeMissing(to int, id string) bool {
	if c.crash == nil {
		return false
	}
	return c.people[to].heard[id] || number(id) > c.crash[to].heard && number(id) <= c.crash[to].back
}

// account is the name of somebody.
func account(i int) string { return fmt.Sprint("p", i) }

// number is which of its sender's messages an id names.
func number(id string) int {
	_, n, _ := strings.Cut(id, "-")
	i, _ := strconv.Atoi(n)
	return i
}
