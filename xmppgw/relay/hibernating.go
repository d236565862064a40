package relay

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Sessions that hibernate at the upstream: they wait for their clients to resume them
// (XEP-0198 §5). The upstream gives one back only to somebody who has signed in as its
// account, which nobody can do without the relay. But until its time is over the account
// would look present there, and messages would wait: so when its person signs out
// meanwhile, the session is to end.
//
// When a client is lost, the relay holds its link: it answers for it that nothing more has
// come, drops what comes, which the upstream keeps for the client, and can end the session
// at any moment. When the link is lost as well, or first, the session is taken up with a
// credential; for somebody who has signed out a site may make none, and then the
// upstream's own time ends it.

// hibernatingSession is one such session, as far as the relay knows.
type hibernatingSession struct {
	identity stream.Identity
	id       string // of the resumption
	h        uint32 // stanzas that the client is known to have
	keeps    time.Duration
	until    time.Time // when the upstream has ended it
	lang     string
	link     *link // held; nil: lost
}

// hibernatingSet is what waits, by account: bounded, the oldest of an account is forgotten
// first.
type hibernatingSet struct {
	perUser int

	mu     sync.Mutex
	byUser map[string][]hibernatingSession
	count  int // of all
}

func (ps *hibernatingSet) put(w hibernatingSession) {
	for _, oldest := range ps.putIn(w) {
		oldest.drop()
	}
}

// drop leaves the session to the upstream.
func (w hibernatingSession) drop() {
	if w.link != nil {
		w.link.abort()
	}
}

// putIn returns what had to make room.
func (ps *hibernatingSet) putIn(w hibernatingSession) (oldest []hibernatingSession) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.byUser == nil {
		ps.byUser = make(map[string][]hibernatingSession)
	}
	user := w.identity.User
	list := append(ps.byUser[user], w)
	if len(list) > ps.perUser {
		oldest = append(oldest, list[0])
		list = slices.Delete(list, 0, 1)
	} else {
		ps.count++
	}
	ps.byUser[user] = list
	return oldest
}

// resumed forgets a session of an account that its client has taken up again. It returns
// for how long the upstream keeps it when it is lost once more.
func (ps *hibernatingSet) resumed(user, id string) time.Duration {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, w := range ps.removeLocked(user, func(w hibernatingSession) bool { return w.id == id }) {
		w.drop()
		return w.keeps
	}
	return defaultResumeTime // from before this program started, or forgotten
}

// remove forgets a session as it hibernated over its link, and reports whether it was
// there: it may have been resumed, and hibernate again.
func (ps *hibernatingSet) remove(gone hibernatingSession) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return len(ps.removeLocked(gone.identity.User, gone.is)) > 0
}

func (w hibernatingSession) is(other hibernatingSession) bool {
	return w.id == other.id && w.link == other.link
}

// lost notes that the link of a session is held no more.
func (ps *hibernatingSet) lost(w hibernatingSession) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	list := ps.byUser[w.identity.User]
	if at := slices.IndexFunc(list, w.is); at >= 0 {
		list[at].link = nil
	}
}

// evictOldest drops the link of a session that is held, the oldest of the account that has
// most; the upstream goes on to keep the session. It reports false when there is none.
func (ps *hibernatingSet) evictOldest() bool {
	l := ps.oldestLink()
	if l != nil {
		l.abort()
	}
	return l != nil
}

func (ps *hibernatingSet) oldestLink() (oldest *link) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var at *hibernatingSession
	most := 0
	for _, list := range ps.byUser {
		var first *hibernatingSession
		held := 0
		for i := range list {
			if list[i].link == nil {
				continue
			}
			if held++; held == 1 {
				first = &list[i]
			}
		}
		if held > most {
			most, at = held, first
		}
	}
	if at != nil {
		oldest, at.link = at.link, nil
	}
	return oldest
}

// take removes and returns what is within scope.
func (ps *hibernatingSet) take(scope stream.Scope) []hibernatingSession {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	matches := func(w hibernatingSession) bool { return scope.Matches(w.identity) }
	if scope.User != "" {
		return ps.removeLocked(scope.User, matches)
	}
	return ps.removeAllLocked(matches)
}

// expire ends, or forgets, what the upstream would have ended by itself.
func (ps *hibernatingSet) expire(now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, w := range ps.removeAllLocked(func(w hibernatingSession) bool { return now.After(w.until) }) {
		if w.link != nil {
			w.link.close()
		}
	}
}

func (ps *hibernatingSet) removeAllLocked(matches func(hibernatingSession) bool) (removed []hibernatingSession) {
	for user := range ps.byUser {
		removed = append(removed, ps.removeLocked(user, matches)...)
	}
	return removed
}

func (ps *hibernatingSet) removeLocked(user string, matches func(hibernatingSession) bool) (removed []hibernatingSession) {
	list := slices.DeleteFunc(ps.byUser[user], func(w hibernatingSession) bool {
		if !matches(w) {
			return false
		}
		removed = append(removed, w)
		ps.count--
		return true
	})
	if len(list) == 0 {
		delete(ps.byUser, user)
	} else {
		ps.byUser[user] = list
	}
	return removed
}

func (ps *hibernatingSet) identities() []stream.Identity {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var out []stream.Identity
	for _, list := range ps.byUser {
		for _, w := range list {
			out = append(out, w.identity)
		}
	}
	return out
}

func (ps *hibernatingSet) len() int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.count
}

// holdLink holds the link of a session until its client has resumed it over another one, its
// time is over, or End ends it.
func (r *Relay) holdLink(w hibernatingSession) {
	l := w.link
	l.resumeReading()
	stop := context.AfterFunc(r.ctx, l.abort)
	defer stop()
	err := l.answerFor(w.h)
	reason, closed := l.queue.Closed()
	switch {
	case closed && reason == nil:
		if !l.finish() {
			r.endNow(w)
		}
		return
	case errors.Is(err, io.EOF):
		r.hibernating.remove(w)
	default:
		r.hibernating.lost(w)
	}
	l.abort()
}

// answerFor answers the upstream's requests for a client that is not there, until the
// stream ends.
func (l *link) answerFor(h uint32) error {
	answer := []byte(`<a xmlns="` + stanza.NSSM + `" h="` + strconv.FormatUint(uint64(h), 10) + `"/>`)
	for {
		el, err := l.next()
		if err != nil {
			return err
		}
		if el.Name == (stream.Name{Space: stanza.NSSM, Local: "r"}) {
			_ = l.send(answer)
		}
	}
}

// endHibernating ends a session that waits at the upstream, in the background.
func (r *Relay) endHibernating(w hibernatingSession) {
	if w.link == nil || !w.link.close() {
		r.start(func() { r.endNow(w) })
	}
}

// endNow resumes a session and ends it in order. It does not matter if that fails: then
// the upstream's own time ends it.
func (r *Relay) endNow(w hibernatingSession) {
	if r.cfg.PassPasswords {
		return // the password is not kept beyond the stream
	}
	l, _, err := r.signIn(r.ctx, w.identity, "", clientHeader{lang: w.lang})
	if err == nil {
		_, err = l.resume(r.ctx, w.id, w.h)
		l.close()
		l.finish()
	}
	if err != nil && r.ctx.Err() == nil {
		r.log.Warn("a session could not be ended at the XMPP server, which ends it by itself", "user", w.identity.User, "within", time.Until(w.until).Round(time.Second), "err", err)
	}
}

// resume takes up a session on a link that has signed in (XEP-0198 §5). h counts the
// stanzas that came; it returns how many the upstream has handled. An error of type
// *notResumedError means that the session is gone.
func (l *link) resume(ctx context.Context, id string, h uint32) (handled uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.relay.cfg.DialTimeout)
	defer cancel()
	clearDeadline := l.setDeadline(ctx)
	defer clearDeadline()
	err = l.writeNow(`<resume xmlns="` + stanza.NSSM + `" previd="` + stream.Escape(id) + `" h="` + strconv.FormatUint(uint64(h), 10) + `"/>`)
	if err != nil {
		return 0, err
	}
	el, err := l.nextNegotiated()
	switch {
	case err != nil:
		return 0, err
	case el.Name == stream.Name{Space: stanza.NSSM, Local: "resumed"}:
		return countOf(el, 0), nil
	}
	return 0, &notResumedError{condition: el.Child.Local}
}

// notResumedError: the upstream has ended the session.
type notResumedError struct{ condition string }

// Error implements error.
func (e *notResumedError) Error() string {
	return "the XMPP server does not resume the session: " + e.condition
}
