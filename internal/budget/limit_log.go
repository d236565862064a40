package budget

import (
	"log/slog"
	"sync"
	"time"
)

// LimitLog notes which limits were met. It logs each at most once a minute, and
// keeps what Take returns.
type LimitLog struct {
	log *slog.Logger

	mu  sync.Mutex
	met map[string]*Entry // by the limit's name: there are few
}

// Entry is a limit that was met.
type Entry struct {
	Limit  Limit
	Last   string    // who met it last
	At     time.Time // and when
	Count  int64     // how often, since the entry was taken last
	logged time.Time
}

// How often a limit that is met again and again is logged.
const logEvery = time.Minute

// NewLimitLog returns an empty LimitLog.
func NewLimitLog(log *slog.Logger) *LimitLog {
	return &LimitLog{log: log, met: make(map[string]*Entry)}
}

// LimitHit implements Recorder.
func (l *LimitLog) LimitHit(limit Limit, name string) {
	now := time.Now()
	l.mu.Lock()
	e := l.met[limit.Name]
	if e == nil {
		e = &Entry{Limit: limit}
		l.met[limit.Name] = e
	}
	e.Last, e.At = name, now
	e.Count++
	say := now.Sub(e.logged) >= logEvery
	if say {
		e.logged = now
	}
	l.mu.Unlock()
	if say {
		log := l.log.With("limit", limit.Name, "by", name)
		if limit.Setting != "" {
			log = log.With("setting", limit.Setting)
		}
		log.Warn("a limit is met")
	}
}

// Take returns the limits that were met since it was called last.
func (l *LimitLog) Take() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Entry
	for _, e := range l.met {
		if e.Count > 0 {
			out = append(out, *e)
			e.Count = 0
		}
	}
	return out
}
