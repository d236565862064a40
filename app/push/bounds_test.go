package push

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/models"
)

// idle is a service that sends nothing by itself; who asks is always told of.
func idle(t *testing.T, users ...string) *Service {
	t.Helper()
	st := &store{audiences: make(map[string]models.PushAudience)}
	for _, user := range users {
		st.audiences[user] = models.PushAudience{Subscriptions: []models.PushSubscription{{SessionID: user, Endpoint: "https://push.example/" + user}}}
	}
	s, err := New(Config{
		Store: st, Accounts: st, Key: []byte(strings.Repeat("k", 32)), Contact: "webmaster@example.org", Domain: "h", Grace: -1,
		Saw: func(string, time.Time) bool { return false },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// 60 notifications at once to one person, and then one in two seconds; nobody else pays for it.
func TestPush_OfOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := idle(t, "bob", "carol")
		told := make(map[string]int)
		tell := func(user string) {
			t.Helper()
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				if err := s.tell(t.Context(), job{user: user, m: message{from: "alice"}}); err != nil {
					t.Error(err)
				}
			}()
			select {
			case j := <-s.jobs:
				told[j.user]++
				<-sent
			case <-sent:
			}
		}
		for range 75 {
			tell("bob")
		}
		tell("carol")
		if told["bob"] != 60 || told["carol"] != 1 {
			t.Errorf("told: %v", told)
		}
		<-time.After(2 * time.Second)
		for range 5 {
			tell("bob")
		}
		if told["bob"] != 61 {
			t.Errorf("two seconds later: %v", told)
		}
	})
}

// What waits is bounded, and nobody who sends a message waits for it.
func TestPush_Waiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := idle(t, "bob")
		for range maxQueued + 10 {
			s.put(message{to: "bob"})
		}
		if len(s.queue) != maxQueued {
			t.Errorf("%d messages wait", len(s.queue))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var retries sync.WaitGroup
		for range maxWaiting + 10 {
			s.retry(ctx, &retries, job{user: "bob"}, time.Hour)
		}
		if len(s.slots) != maxWaiting {
			t.Errorf("%d notifications wait to be sent again", len(s.slots))
		}
		cancel()
		retries.Wait()
		if len(s.slots) != 0 {
			t.Errorf("%d places are left taken", len(s.slots))
		}
	})
}
