package budget

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Lines keeps a log readable, and bounded, while something that everybody needs is away: each kind of error is
// logged at once, and while it goes on once a minute, with how often it happened since. The zero value is ready,
// and safe for concurrent use. The kinds have to be few.
type Lines struct {
	Every time.Duration // how often, if not once a minute

	mu    sync.Mutex
	kinds map[string]*line
}

type line struct {
	logged time.Time
	unsaid int // since then
}

// Error logs an error of a kind, unless one was logged within the last minute (Every). args are as of slog.Logger.Error; "more"
// is added to them, the number of those since that were not logged.
func (l *Lines) Error(log *slog.Logger, kind, text string, args ...any) {
	l.logAt(time.Now(), log, slog.LevelError, kind, text, args...)
}

// Warn is Error for a warning.
func (l *Lines) Warn(log *slog.Logger, kind, text string, args ...any) {
	l.logAt(time.Now(), log, slog.LevelWarn, kind, text, args...)
}

func (l *Lines) logAt(now time.Time, log *slog.Logger, level slog.Level, kind, text string, args ...any) {
	l.mu.Lock()
	if l.kinds == nil {
		l.kinds = make(map[string]*line)
	}
	k := l.kinds[kind]
	if k == nil {
		k = &line{}
		l.kinds[kind] = k
	}
	if now.Sub(k.logged) < cmp.Or(l.Every, logEvery) {
		k.unsaid++
		l.mu.Unlock()
		return
	}
	unsaid := k.unsaid
	k.logged, k.unsaid = now, 0
	l.mu.Unlock()
	if unsaid > 0 {
		args = append(args, "more", unsaid)
	}
	log.Log(context.Background(), level, text, args...)
}
