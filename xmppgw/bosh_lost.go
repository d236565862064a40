package xmppgw

import (
	"time"

	"foyer/internal/stream"
)

// What comes for a client between its last request and the end of its session
// goes back to the server, which may keep it (XEP-0206 §7, B-53).

var (
	_ stream.UndeliveredReporter = (*boshSession)(nil)
	_ stream.PollGapReporter     = (*boshSession)(nil)
)

// drainQueueLocked takes what is queued at the end, for the final body; or, when nobody
// will ask for that any more, for the server.
func (s *boshSession) drainQueueLocked() [][]byte {
	items := s.queue.Drain()
	if s.abandoned {
		s.lost, items = items, nil
	}
	return items
}

// Undelivered implements stream.UndeliveredReporter. When the last request had been
// answered there was nothing left to send.
func (s *boshSession) Undelivered() ([][]byte, time.Time) {
	s.mu.Lock()
	defer s.unlock()
	if s.abandoned {
		s.endLocked(stream.ErrDisconnected) // if Close is not there yet
	}
	lost := s.lost
	s.lost = nil
	return lost, s.absentSinceLocked()
}

// NoPollSince implements stream.PollGapReporter.
func (s *boshSession) NoPollSince() time.Time {
	s.mu.Lock()
	defer s.unlock()
	return s.absentSinceLocked()
}

// absentSinceLocked is since when no request is here; zero: one is.
func (s *boshSession) absentSinceLocked() time.Time {
	if s.idleFrom == 0 {
		return time.Time{}
	}
	return s.gateway.began.Add(s.idleFrom)
}
