package muc

import (
	"maps"
	"sync"
	"time"

	"foyer/internal/stanza"
)

// How long an invitation may be declined, and how many of one person's are
// remembered: the newest.
const (
	invitationLasts = 7 * 24 * time.Hour
	maxInvitations  = 100
)

// invitation is who invited whom into which room; all are localparts.
type invitation struct{ room, inviter, invitee string }

// invitations remembers who was invited, so that only they can decline. It is
// safe for concurrent use; a restart forgets it, and then nobody is told that an
// invitation was declined.
type invitations struct {
	mu   sync.Mutex
	sent map[string]map[invitation]time.Time // by inviter
}

// add notes an invitation.
func (v *invitations) add(i invitation, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sent == nil {
		v.sent = make(map[string]map[invitation]time.Time)
	}
	of := v.sent[i.inviter]
	if of == nil {
		of = make(map[invitation]time.Time)
		v.sent[i.inviter] = of
	}
	of[i] = now
	if len(of) > maxInvitations {
		oldest := i
		for other, at := range of {
			if at.Before(of[oldest]) {
				oldest = other
			}
		}
		delete(of, oldest)
	}
}

// take removes an invitation and reports whether it was there.
func (v *invitations) take(i invitation, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	at, ok := v.sent[i.inviter][i]
	delete(v.sent[i.inviter], i)
	return ok && now.Sub(at) < invitationLasts
}

// expire forgets what is too old to be declined.
func (v *invitations) expire(now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for inviter, of := range v.sent {
		maps.DeleteFunc(of, func(_ invitation, at time.Time) bool { return now.Sub(at) >= invitationLasts })
		if len(of) == 0 {
			delete(v.sent, inviter)
		}
	}
}

// userOf returns the localpart of an address that the server made.
func userOf(jid string) string {
	a, _ := stanza.ParseAddress(jid)
	return a.User
}
