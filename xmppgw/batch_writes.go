package xmppgw

import (
	"sync"
	"time"

	"foyer/internal/stream"
)

// What is not urgent (stream.Batcher) waits in its stream's queue for more of the kind, or
// for anything that is urgent. One timer serves all streams, and what nobody else has
// written when it runs out is written then.

// batchWindow is how long something that is not urgent waits.
const batchWindow = 100 * time.Millisecond

// writeBatcher keeps the streams on which something waits, and writes it after batchWindow. The zero value is ready.
type writeBatcher struct {
	mu      sync.Mutex
	waiting []flusher
}

// flusher is a stream on which something may wait. flushWaiting writes that, and never
// blocks.
type flusher interface{ flushWaiting() }

// sendBatched is SendBatched for a stream with that queue.
func (g *Gateway) sendBatched(s interface {
	carrier
	flusher
}, q *stream.Queue, raw []byte) error {
	g.countSent(s, raw)
	waits, err := q.PushBatched(raw)
	if waits {
		g.batcher.add(s)
	}
	return err
}

// add sees to it that a stream is flushed.
func (w *writeBatcher) add(f flusher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		time.AfterFunc(batchWindow, w.flush)
	}
	w.waiting = append(w.waiting, f)
}

func (w *writeBatcher) flush() {
	w.mu.Lock()
	waiting := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	for _, f := range waiting {
		f.flushWaiting()
	}
}
