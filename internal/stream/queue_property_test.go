package stream

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// queueModel is what a Queue's users know of it: one at most is at work on it, and those
// who were told that something waits flush it in the end.
type queueModel struct {
	queue  *Queue
	pushed []string
	taken  []string
	urgent int  // elements up to the last that was not pushed with PushBatched
	corked bool // by its reader
	writer bool // somebody is at work
	flush  bool // somebody will call Flush
}

// begin notes that somebody is at work.
func (m *queueModel) begin(t *rapid.T) {
	if m.writer {
		t.Fatal("two are at work")
	}
	m.writer = true
}

func (m *queueModel) push(t *rapid.T) {
	el := fmt.Sprintf("<e%d/>", len(m.pushed))
	m.pushed = append(m.pushed, el)
	if rapid.Bool().Draw(t, "soon") {
		waits, err := m.queue.PushBatched([]byte(el))
		if err != nil {
			t.Fatal(err)
		}
		m.flush = m.flush || waits
		return
	}
	m.urgent = len(m.pushed)
	if err := m.queue.Push([]byte(el)); err != nil {
		t.Fatal(err)
	}
}

// write takes something, as a writer does.
func (m *queueModel) write(t *rapid.T) {
	if !m.writer {
		t.Skip("nobody is at work")
	}
	items, _, _ := m.queue.Next(rapid.IntRange(1, 30).Draw(t, "bytes"))
	for _, el := range items {
		m.taken = append(m.taken, string(el))
	}
	m.writer = len(items) > 0
}

func (m *queueModel) check(t *rapid.T) {
	if !slices.Equal(m.taken, m.pushed[:len(m.taken)]) {
		t.Fatalf("%v were taken of %v", m.taken, m.pushed)
	}
	if len(m.taken) < m.urgent && !m.writer && !m.corked {
		t.Fatal("nobody is at work on what is urgent")
	}
	if len(m.taken) < len(m.pushed) && !m.writer && !m.corked && !m.flush {
		t.Fatal("nobody will ever write what waits")
	}
}

// Whatever is urgent and whatever waits, all of it is taken in the order in which it was
// pushed (RFC 6120 §10.1), by one at a time, and nothing is forgotten.
func TestQueue_Order(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &queueModel{}
		m.queue = NewQueue(1<<20, func() { m.begin(t) })
		t.Repeat(map[string]func(*rapid.T){
			"push":  m.push,
			"write": m.write,
			"flush": func(t *rapid.T) {
				if m.flush = false; m.queue.Flush() {
					m.begin(t)
				}
			},
			"cork": func(*rapid.T) { m.corked = m.queue.Cork() },
			"uncork": func(t *rapid.T) {
				if m.corked = false; m.queue.Uncork() {
					m.begin(t)
				}
			},
			"": m.check,
		})
		if m.queue.Uncork() || m.queue.Flush() {
			m.begin(t)
		}
		for m.writer {
			m.write(t)
		}
		if len(m.taken) != len(m.pushed) {
			t.Fatalf("%d of %d were taken", len(m.taken), len(m.pushed))
		}
	})
}
