package archive

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// Ids are UUIDs of version 7, given by the one writer in the order of commits. They
// strictly increase, whatever the clock does, within a run and from one to the next.

// newID returns a UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds and a counter
// of 12 bits within one, so that ids strictly increase even when the clock goes
// back; the other 62 bits are fresh and random.
func (w *writer) newID() uuid.UUID {
	now := uint64(time.Now().UnixMilli()) << 12
	w.last = max(now, w.last+1)
	w.sayAhead(time.Duration(w.last>>12-now>>12) * time.Millisecond)
	var id uuid.UUID
	_, _ = rand.Read(id[8:]) // never fails (crypto/rand)
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], w.last<<4)
	copy(id[:6], head[:6])
	id[6] = 0x70 | byte(w.last>>8)&0x0f
	id[7] = byte(w.last)
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// Ids that run ahead of the clock by more than this are told, and how often. Until the clock is there, new
// messages have a date that is to come.
const (
	aheadNoticed = time.Minute
	aheadEvery   = time.Hour
)

func (w *writer) sayAhead(ahead time.Duration) {
	if ahead < aheadNoticed || time.Since(w.saidAhead) < aheadEvery {
		return
	}
	w.saidAhead = time.Now()
	w.log.Warn("the archive's ids are ahead of this machine's clock, which was wrong before or is now; messages are dated by them until it is there. Let systemd-timesyncd or chrony set it",
		"ahead", ahead.Round(time.Second))
}

// clockOf returns the time and counter of an id, as writer.last has them.
func clockOf(id uuid.UUID) uint64 {
	return binary.BigEndian.Uint64(id[:8])>>16<<12 | uint64(id[6]&0x0f)<<8 | uint64(id[7])
}

// continueIDs makes ids go on behind the archives' last, should the clock have gone
// back since: who asks for what is new by the last id would else never see it.
// It asks until the store answers: before that nothing can be stored either.
func (w *writer) continueIDs(ctx context.Context) {
	for wait := firstRetry; ; wait = min(2*wait, slowestRetry) {
		attempt, cancel := context.WithTimeout(ctx, attemptTime)
		newest, err := w.to.Newest(attempt, firstAt(time.Now()))
		cancel()
		if err == nil {
			w.last = max(w.last, clockOf(newest))
			return
		}
		w.log.Error("the archive could not be asked for its last id; trying again", "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// firstAt is the smallest id of a time.
func firstAt(t time.Time) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(t.UnixMilli())<<16|0x7000)
	id[8] = 0x80
	return id
}

// appendID appends the id as text (RFC 9562 §4).
func appendID(dst []byte, id uuid.UUID) []byte {
	dst = append(hex.AppendEncode(dst, id[:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}

// Time is when the message was archived, from the id (RFC 9562 §5.7).
func (e Entry) Time() time.Time {
	sec, nsec := e.ID.Time().UnixTime()
	return time.Unix(sec, nsec).UTC()
}
