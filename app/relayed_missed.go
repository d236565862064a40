package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"foyer/app/remote"
	"foyer/models"
)

// What becomes of a message that the external server tells of (relayed_unseen.go): once its
// recipient may have come back, and if nobody looks, it is read from the archive.

// hint is that there are messages for somebody.
type hint struct {
	at       time.Time // of the first
	messages int
}

// hint notes that there is a message for somebody, unless they see it.
func (u *unseen) hint(ctx context.Context, user string) {
	looked := u.chat.LookedAt(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	if looked {
		delete(u.told, user)
		return
	}
	h := u.hints[user]
	if h == nil {
		if len(u.hints) >= maxHints {
			u.log.Warn("too many messages wait to be told by web push; one is not", "user", user)
			return
		}
		h = &hint{at: time.Now()}
		u.hints[user] = h
		u.settling.Go(func() { u.settle(ctx, user, h) })
	}
	h.messages++
}

// take returns of how many messages a hint is, after which the next message makes another.
func (u *unseen) take(user string, h *hint) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.hints[user] == h {
		delete(u.hints, user)
	}
	return h.messages
}

// settle looks at somebody's messages once they may have come back.
func (u *unseen) settle(ctx context.Context, user string, h *hint) {
	defer u.take(user, h)
	if !u.chat.LookedAt(user) {
		u.notify(ctx, models.Event{Kind: models.EventWhoLooks, User: user})
	}
	pause(ctx, time.Until(h.at.Add(u.grace)))
	if u.looked(user) {
		u.mu.Lock()
		delete(u.told, user) // they see for themselves
		u.mu.Unlock()
		return
	}
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	case <-ctx.Done():
		return
	}
	if err := u.tell(ctx, user, h); err != nil && ctx.Err() == nil && !errors.Is(err, errNotSignedIn) {
		u.log.Error("messages were not told by web push", "user", user, "err", err)
	}
}

// tell reads what somebody missed, as that person, and hands it on.
func (u *unseen) tell(ctx context.Context, user string, h *hint) error {
	ctx, cancel := context.WithTimeout(ctx, changePatience)
	defer cancel()
	return remote.Dial(u.chat.dial).With(ctx, user, func(s *remote.Session) error {
		list, err := s.LastMessages(ctx, maxMissed)
		if err != nil {
			return fmt.Errorf("the archive: %w", err)
		}
		for _, m := range u.news(user, list, u.take(user, h)) {
			if m.At.After(h.at.Add(-clocksApart)) {
				u.push.Missed(user, m.Message, h.at)
			}
		}
		return nil
	})
}

// news are the messages of the archive that nobody was told of: those after the last one
// that is known, or where none is the latest n.
func (u *unseen) news(user string, list []remote.Archived, n int) []remote.Archived {
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

// looked reports whether somebody looks at a page, as far as the site can know.
func (u *unseen) looked(user string) bool {
	if u.chat.LookedAt(user) {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Since(u.elsewhere[user]) < 2*u.grace
}

// asked answers another instance that wants to know whether somebody looks at a page here.
func (u *unseen) asked(ctx context.Context, user string) {
	if !u.chat.LookedAt(user) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, unseenGrace) // later nobody waits for it
	defer cancel()
	u.notify(ctx, models.Event{Kind: models.EventLooks, User: user})
}

// looksElsewhere: somebody looks at a page of another instance.
func (u *unseen) looksElsewhere(user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	clearLarge(u.elsewhere)
	u.elsewhere[user] = time.Now()
}
