package xmppgw

import (
	"sync"
	"time"

	"foyer/internal/stream"
)

// What is not urgent (stream.Batcher) waits in its stream's queue for more of the kind, or
// for anything that is urgent. One timer serves all streams, and what nobody else has
// written when it runs out is written then.

// soonWithin is how long something that is not urgent waits.
const soonWithin = 100 * time.Millisecond

// soon is the streams on which something waits. The zero value is ready.
type soon struct {
	mu      sync.Mutex
	waiting []flusher
}

// flusher is a stream on which something may wait. flushWaiting writes that, and never
// blocks.
type flusher interface{ flushWaiting() }

// sendSoon is SendSoon for a stream with that queue.
func (g *Gateway) sendSoon(s interface {
	carrier
	flusher
}, q *stream.Queue, raw []byte) error {
	g.countSent(s, raw)
	waits, err := q.PushSoon(raw)
	if waits {
		g.soon.add(s)
	}
	return err
}

// add sees to it that a stream is flushed.
func (w *soon) add(f flusher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		time.AfterFunc(soonWithin, w.flush)
	}
	w.waiting = append(w.waiting, f)
}

func (w *soon) flush() {
	w.mu.Lock()
	waiting := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	for _, f := range waiting {
		f.flushWaiting()
	}
}
