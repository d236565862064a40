package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"foyer/app/auth"
	"foyer/app/push"
	"foyer/app/remote"
	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"
)

// upstreamPush notifies people of messages that arrive while they have no page open, where another
// chat server is behind the site:
//
//	the server ── publish (XEP-0357) ──▶ one stream of the site's own ──▶ grace ──▶ the archive of
//	the person, read as the person ──▶ app/push
//
// What the server publishes says only that there is a message. It could say whose and what,
// but then it would say that to the push services of everybody's apps, too; and what it says
// has no id, by which pages know what was notified already. So the archive is asked, once
// for all that came within the grace.
//
// Of several instances one has the stream, by a lock in the database; it asks the others
// whether somebody looks at a page there. What the server tells of people without a
// subscription is refused, and the server tells no more of them.
type upstreamPush struct {
	chat   *upstreamChat
	push   *push.Service
	key    []byte
	notify func(context.Context, models.Event)
	limits budget.Recorder
	log    *slog.Logger
	grace  time.Duration

	offered      atomic.Bool   // the server tells of messages
	archiveSlots chan struct{} // of those that ask an archive

	mu        sync.Mutex
	pending   map[string]*pendingPush // by user
	told      map[string]string       // by user: the last id of the archive of which they were notified, or needed not be
	enabled   map[string]time.Time    // by user: when the server was last asked to tell
	elsewhere map[string]time.Time    // by user: when another instance last said that they look
	pushing   sync.WaitGroup
}

const (
	pushResource   = "push" // of the address to which the server publishes
	pushLeaderLock = "foyer-unseen"

	pushGrace                 = 3 * time.Second // as that of app/push
	maxPendingPushes          = 4096            // people of whom something is to be looked at
	maxMissed                 = 20              // messages of one person that are read together
	maxRemembered             = 10_000          // people of whom something is remembered
	maxConcurrentArchiveReads = 4               // at once

	clocksApart       = 30 * time.Second // at most, those of the site and of the server; tokens want no less
	enabledFor        = time.Hour        // the server is not asked again meanwhile
	enableEvery       = 50 * time.Millisecond
	retryInterval     = 5 * time.Second // after something that failed
	discoveryInterval = 10 * time.Minute
)

// newUpstreamPush makes what r needs to tell people of messages by web push.
func (s *Server) newUpstreamPush(ctx context.Context, r *upstreamChat) error {
	key, err := s.db.SiteKey(ctx, "push")
	if err != nil {
		return err
	}
	u := &upstreamPush{
		chat: r, key: key, notify: s.notify, limits: s.limits, log: s.log, grace: pushGrace, archiveSlots: make(chan struct{}, maxConcurrentArchiveReads),
		pending: make(map[string]*pendingPush), told: make(map[string]string), enabled: make(map[string]time.Time), elsewhere: make(map[string]time.Time),
	}
	if u.push, err = s.newPush(key, func(user string, _ time.Time) bool { return u.isActiveAnywhere(user) }); err != nil {
		return err
	}
	s.push, s.upstreamPush, r.push = u.push, u, u
	return nil
}

// run does its work until ctx ends.
func (u *upstreamPush) run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { u.discoverPush(ctx) })
	work.Go(func() { u.runAsLeader(ctx) })
	work.Wait()
	u.pushing.Wait()
}

// discoverPush finds out whether the server tells of messages.
func (u *upstreamPush) discoverPush(ctx context.Context) {
	for said := false; ctx.Err() == nil && !u.offered.Load(); {
		ask, cancel := context.WithTimeout(ctx, changeTimeout)
		offered, err := u.chat.service.OffersPush(ask)
		cancel()
		u.offered.Store(offered)
		wait := retryInterval
		if err == nil && !offered {
			wait = discoveryInterval
			if !said {
				u.log.Info("the XMPP server does not tell the site of messages (XEP-0357), so that nobody is notified whose pages are closed; docs/SERVERS.md has what it needs")
			}
			said = true
		}
		if !offered {
			_ = budget.Pause(ctx, wait)
		}
	}
}

// runAsLeader has the stream while no other instance has it.
func (u *upstreamPush) runAsLeader(ctx context.Context) {
	for ctx.Err() == nil {
		release, lost, err := u.chat.db.Lock(ctx, pushLeaderLock)
		if err == nil {
			u.listen(ctx, lost)
			release()
		} else if !errors.Is(err, models.ErrLocked) && ctx.Err() == nil {
			u.log.Warn("it is not known which instance is told of messages; trying again", "err", err)
		}
		_ = budget.Pause(ctx, retryInterval)
	}
}

// listen has the stream, again and again, until the lock is lost.
func (u *upstreamPush) listen(ctx context.Context, lost <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-lost:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		conn, err := u.open(ctx)
		if err != nil {
			_ = budget.Pause(ctx, retryInterval)
			continue
		}
		began := time.Now()
		u.readStream(ctx, conn)
		_ = budget.Pause(ctx, time.Until(began.Add(retryInterval))) // a server that ends it at once is not asked at once again
	}
}

// readStream has one stream to its end. Before it there was none, and the server may have given up:
// ejabberd does so at the first message that nobody takes. So it is asked again to tell of
// everybody.
func (u *upstreamPush) readStream(ctx context.Context, conn remote.Conn) {
	if at := conn.JID(); at != u.address() { // RFC 6120 §7.7.2 lets it
		u.log.Warn("the XMPP server gives the site another address than it asks for, so that nobody is notified whose pages are closed; let accounts choose their resource there", "asked", u.address(), "got", at)
	}
	u.mu.Lock()
	clear(u.enabled)
	u.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { u.enableAll(ctx) })
	for ended := false; !ended; {
		_, err := conn.Recv(ctx)
		ended = err != nil
	}
	cancel()
	_ = conn.Close()
	renewing.Wait()
}

func (u *upstreamPush) open(ctx context.Context) (remote.Conn, error) {
	signIn, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	return u.chat.open(signIn, stream.Identity{User: auth.ServiceUser}, pushResource, func(iq *stream.Element) []byte { return u.answer(ctx, iq) })
}

// enableAll asks the server again to tell of everybody with a subscription, a few each second.
func (u *upstreamPush) enableAll(ctx context.Context) {
	users, err := u.chat.db.Notifications.SubscribedToPush(ctx)
	for _, user := range users {
		if ctx.Err() != nil {
			return
		}
		one, cancel := context.WithTimeout(ctx, changeTimeout)
		if enableErr := u.enable(one, user); err == nil {
			err = enableErr
		}
		cancel()
		_ = budget.Pause(ctx, enableEvery)
	}
	if err != nil && ctx.Err() == nil {
		u.log.Warn("the XMPP server was not asked to tell of everybody's messages; it is when they come to the site", "err", err)
	}
}

// node is where the server publishes what concerns somebody. Only the site can make its name.
func (u *upstreamPush) node(user string) string {
	mac := hmac.New(sha256.New, u.key)
	mac.Write([]byte("unseen\x00" + user))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18]) + "." + user
}

func (u *upstreamPush) userOf(node string) (user string, ok bool) {
	_, user, _ = strings.Cut(node, ".")
	return user, hmac.Equal([]byte(node), []byte(u.node(user)))
}

func (u *upstreamPush) address() string { return u.chat.address(auth.ServiceUser) + "/" + pushResource }

// enable has the server tell of somebody's messages.
func (u *upstreamPush) enable(ctx context.Context, user string) error {
	u.mu.Lock()
	fresh := time.Since(u.enabled[user]) < enabledFor
	u.mu.Unlock()
	if fresh {
		return nil
	}
	err := remote.Dial(u.chat.dial).With(ctx, user, func(s *remote.Session) error { return s.EnablePush(ctx, u.address(), u.node(user)) })
	if err == nil {
		u.mu.Lock()
		clearLarge(u.enabled)
		u.enabled[user] = time.Now()
		u.mu.Unlock()
	}
	return err
}

// disable ends that.
func (u *upstreamPush) disable(ctx context.Context, user string) error {
	u.forget(user)
	return remote.Dial(u.chat.dial).With(ctx, user, func(s *remote.Session) error { return s.DisablePush(ctx, u.address(), u.node(user)) })
}

func (u *upstreamPush) forget(user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.enabled, user)
	delete(u.told, user)
}

// clearLarge empties what is only remembered, once it is large.
func clearLarge[V any](m map[string]V) {
	if len(m) >= maxRemembered {
		clear(m)
	}
}

// answer takes what the server publishes. Nothing is read from the stream meanwhile.
func (u *upstreamPush) answer(ctx context.Context, iq *stream.Element) []byte {
	node, ok := remote.PushedNode(iq)
	if !ok {
		return nil
	}
	user, ours := u.userOf(node)
	if !ours || (iq.From != u.chat.domain && iq.From != u.chat.address(user)) {
		return stanza.ErrorReply(iq, iq.To, iq.From, stanza.ErrItemNotFound)
	}
	ask, cancel := context.WithTimeout(ctx, retryInterval)
	defer cancel()
	wanted, err := u.chat.db.Notifications.WantsPush(ask, user)
	switch {
	case err != nil:
		return stanza.ErrorReply(iq, iq.To, iq.From, stanza.ErrResourceConstraint) // a temporary one
	case !wanted:
		u.forget(user)
		return stanza.ErrorReply(iq, iq.To, iq.From, stanza.ErrItemNotFound)
	}
	u.messageArrived(ctx, user)
	return stanza.Result(iq, iq.From, nil)
}
