package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"foyer/app/remote"
	"foyer/internal/budget"
	"foyer/models"
)

// What becomes of a message that the external server tells of (upstream_push.go): once its
// recipient may have come back, and if nobody looks, it is read from the archive.

// pendingPush is that there are messages for somebody.
type pendingPush struct {
	at       time.Time // of the first
	messages int
}

var peopleToTell = budget.Limit{Name: "people whose messages at an external server wait to be told by web push"}

// messageArrived notes that there is a message for somebody, unless they see it.
func (u *upstreamPush) messageArrived(ctx context.Context, user string) {
	active := u.chat.HasActiveClient(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	if active {
		delete(u.told, user)
		return
	}
	h := u.pending[user]
	if h == nil {
		if len(u.pending) >= maxPendingPushes {
			u.limits.LimitHit(peopleToTell, user)
			return
		}
		h = &pendingPush{at: time.Now()}
		u.pending[user] = h
		u.pushing.Go(func() { u.pushLater(ctx, user, h) })
	}
	h.messages++
}

// closePending returns how many messages are pending for somebody, and ends that: the next message begins another.
func (u *upstreamPush) closePending(user string, h *pendingPush) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending[user] == h {
		delete(u.pending, user)
	}
	return h.messages
}

// pushLater looks at somebody's messages once they may have come back.
func (u *upstreamPush) pushLater(ctx context.Context, user string, h *pendingPush) {
	defer u.closePending(user, h)
	if !u.chat.HasActiveClient(user) {
		u.notify(ctx, models.Event{Kind: models.EventActiveQuery, User: user})
	}
	_ = budget.Pause(ctx, time.Until(h.at.Add(u.grace)))
	if u.isActiveAnywhere(user) {
		u.mu.Lock()
		delete(u.told, user) // they see for themselves
		u.mu.Unlock()
		return
	}
	select {
	case u.archiveSlots <- struct{}{}:
		defer func() { <-u.archiveSlots }()
	case <-ctx.Done():
		return
	}
	if err := u.pushMissed(ctx, user, h); err != nil && ctx.Err() == nil && !errors.Is(err, errNotSignedIn) {
		u.log.Error("messages were not told by web push", "user", user, "err", err)
	}
}

// pushMissed reads what somebody missed, as that person, and hands it on.
func (u *upstreamPush) pushMissed(ctx context.Context, user string, h *pendingPush) error {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	return remote.Dial(u.chat.dial).With(ctx, user, func(s *remote.Session) error {
		list, err := s.LastMessages(ctx, maxMissed)
		if err != nil {
			return fmt.Errorf("the archive: %w", err)
		}
		for _, m := range u.newMessages(user, list, u.closePending(user, h)) {
			if m.At.After(h.at.Add(-clocksApart)) {
				u.push.Message(user, m.Message, h.at)
			}
		}
		return nil
	})
}

// newMessages are the messages of the archive that nobody was told of: those after the last one
// that is known, or where none is the latest n.
func (u *upstreamPush) newMessages(user string, list []remote.Archived, n int) []remote.Archived {
	if len(list) == 0 {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	from := max(0, len(list)-n)
	if last := u.told[user]; last != "" {
		if i := slices.IndexFunc(list, func(m remote.Archived) bool { return m.ID == last }); i >= 0 {
			from = i + 1
		}
	}
	clearLarge(u.told)
	u.told[user] = list[len(list)-1].ID
	return list[from:]
}

// isActiveAnywhere reports whether somebody looks at a page, as far as the site can know.
func (u *upstreamPush) isActiveAnywhere(user string) bool {
	if u.chat.HasActiveClient(user) {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Since(u.elsewhere[user]) < 2*u.grace
}

// answerActiveQuery answers another instance that wants to know whether somebody looks at a page here.
func (u *upstreamPush) answerActiveQuery(ctx context.Context, user string) {
	if !u.chat.HasActiveClient(user) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pushGrace) // later nobody waits for it
	defer cancel()
	u.notify(ctx, models.Event{Kind: models.EventActiveReply, User: user})
}

// noteActiveReply notes that somebody looks at a page of another instance.
func (u *upstreamPush) noteActiveReply(user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	clearLarge(u.elsewhere)
	u.elsewhere[user] = time.Now()
}
