package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// slowStore answers after a second, and counts.
type slowStore struct {
	Store
	mu        sync.Mutex
	now, most int
}

func (s *slowStore) Query(context.Context, Query) (Page, error) {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	time.Sleep(time.Second)
	s.mu.Lock()
	s.now--
	s.mu.Unlock()
	return Page{Complete: true}, nil
}

func parse(t *testing.T, raw string) *stream.Element {
	t.Helper()
	el, err := stream.Parse([]byte(raw), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return el
}

// three accounts with twenty streams each search one at a time, and those that
// would wait long are told so; another account's search is not slowed.
func TestAnswer_SearchesOfOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		a := New(store, 100, slog.New(slog.DiscardHandler), nil)
		el := parse(t, `<iq xmlns="jabber:client" type="set" id="q"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="submit">`+
			`<field var="{urn:xmpp:fulltext:0}fulltext"><value>word</value></field></x></query></iq>`)
		query, _ := el.Find(stanza.NSMAM, "query")
		var refused, answered int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				user := fmt.Sprintf("mallory%d@h", i%3)
				_, err := a.Answer(t.Context(), &sink{full: user + "/a"}, user, query, nil)
				mu.Lock()
				defer mu.Unlock()
				var told *stanza.Error
				switch {
				case err == nil:
					answered++
				case errors.As(err, &told) && told.Type == stanza.ErrorWait:
					refused++
				default:
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		begin := time.Now()
		if _, err := a.Answer(t.Context(), &sink{full: "alice@h/a"}, "alice@h", query, nil); err != nil || time.Since(begin) > time.Second {
			t.Errorf("alice waited %s: %v", time.Since(begin), err)
		}
		all.Wait()
		if store.most > 3*searchesOfAccount+1 || answered < 3*searchesOfAccount || answered+refused != 60 {
			t.Errorf("%d at once, %d answered, %d refused", store.most, answered, refused)
		}
	})
}
