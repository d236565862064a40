package push

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd/muc"
)

// idle is a service that sends nothing by itself; who asks is always told of.
func idle(t *testing.T, users ...string) *Service {
	t.Helper()
	return idleFor(t, nil, users...)
}

// idleFor is idle, and notes which limits are met.
func idleFor(t *testing.T, recorder budget.Recorder, users ...string) *Service {
	t.Helper()
	st := &store{audiences: make(map[string]models.PushAudience)}
	for _, user := range users {
		st.audiences[user] = models.PushAudience{Subscriptions: []models.PushSubscription{{SessionID: user, Endpoint: "https://push.example/" + user}}}
	}
	s, err := New(Config{
		Store: st, Accounts: st, Key: []byte(strings.Repeat("k", 32)), Contact: "webmaster@example.org", Domain: "h", Grace: -1, Recorder: recorder,
		HasSeen: func(string, time.Time) bool { return false },
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
		s.deliver = func(_ context.Context, j job) { told[j.user]++ }
		tell := func(user string) {
			t.Helper()
			if err := s.tell(t.Context(), []string{user}, job{m: message{from: "alice"}}); err != nil {
				t.Error(err)
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
		for i := range 2 * maxQueued {
			s.put(message{to: "bob", from: strconv.Itoa(i % 100)})
		}
		if len(s.queue) != maxQueued {
			t.Errorf("%d messages wait", len(s.queue))
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range ofOneAgain + 10 {
			s.retry(ctx, job{user: "bob"}, time.Hour)
		}
		if _, ok := s.again.TryAcquire("bob", 1); ok {
			t.Error("more than may wait to be sent again")
		}
		if leave, ok := s.again.TryAcquire("carol", 1); !ok {
			t.Error("it is in the way of others")
		} else {
			leave()
		}
		cancel()
		s.senders.Wait()
		if _, ok := s.again.TryAcquire("bob", ofOneAgain); !ok {
			t.Error("places are left taken")
		}
	})
}

// Whoever writes without end in a room has only their own messages told to nobody; the log says so once a
// minute, and places are free again once the messages were looked at.
func TestPush_BusyWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		ledger := budget.NewLimitLog(slog.New(slog.NewTextHandler(&log, nil)))
		s := idleFor(t, ledger, "bob")
		s.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		told := make(map[string]int)
		s.deliver = func(_ context.Context, j job) { told[j.m.from]++ }
		st := s.cfg.Store.(bounded).store.(*store)
		st.room = models.PushRoom{Title: "Garden"}
		s.Subscribed("bob")
		for range 2 * maxQueued {
			s.RoomMessage(muc.GroupMessage{User: "mallory", Nick: "M", Room: "garden", RoomJID: "garden@conference.h", Message: message1(t, `<body>x</body>`), At: time.Now()})
		}
		s.Message("bob", message1(t, `<body>x</body>`), time.Now()) // of alice's
		if n := len(s.queue); n != ofOneSaid+1 {
			t.Errorf("%d messages wait", n)
		}
		if met := ledger.Take(); len(met) != 1 || met[0].Last != "mallory" || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("met %+v, logged: %.600s", met, log.String())
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx)
		}()
		synctest.Wait()
		stop()
		<-done
		if told["alice"] != 1 {
			t.Errorf("told: %v", told)
		}
		if leave, ok := s.said.TryAcquire("mallory", ofOneSaid); !ok {
			t.Error("places are left taken")
		} else {
			leave()
		}
	})
}

// A push service that a member chose for it answers nothing but refusals; the log does not grow with them.
func TestPush_Log(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := idle(t)
		var log strings.Builder
		s.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		say := func(user string) { s.note(job{user: user}, slog.LevelWarn, "refused") }
		for range 1000 {
			say("mallory")
		}
		say("alice")
		time.Sleep(11 * time.Second) // on the test's own clock
		say("mallory")
		if a, m := strings.Count(log.String(), "user=alice"), strings.Count(log.String(), "user=mallory"); a != 1 || m != linesOnce+1 {
			t.Errorf("%d lines about alice, %d about mallory", a, m)
		}
	})
}

// A push service that takes its time, as one that a member names may do on purpose, is in nobody else's way.
func TestPush_SlowService(t *testing.T) {
	over := make(chan struct{})
	s, b, st := world(t, nil)
	slow := newBrowser(t)
	slow.answer = func(http.ResponseWriter, int) bool { <-over; return true }
	t.Cleanup(func() { close(over) }) // before the service above is closed, which waits for its answers
	st.mu.Lock()
	for _, user := range []string{"mallory", "malvin"} {
		a := models.PushAudience{}
		for _, session := range []string{"1", "2", "3"} {
			a.Subscriptions = append(a.Subscriptions, slow.subscription(user+session))
		}
		st.audiences[user] = a
	}
	st.mu.Unlock()
	for range 60 {
		s.Message("mallory", message1(t, `<body>x</body>`), time.Now())
		s.Message("malvin", message1(t, `<body>x</body>`), time.Now())
	}
	began := time.Now()
	s.Message("bob", message1(t, `<body>x</body>`), time.Now())
	b.next()
	if took := time.Since(began); took > sendTime/2 {
		t.Errorf("bob was told after %v", took)
	}
}

// Whatever names and ids there are, a notification is not larger than push services take (RFC 8291 §4).
func TestPush_Long(t *testing.T) {
	s, b, _ := world(t, func(_ *browser, st *store, _ *Config) {
		a := st.audiences["bob"]
		a.Settings.ShowText, a.Level = true, models.NotifyAll
		st.audiences["bob"] = a
		st.room = models.PushRoom{Title: strings.Repeat("<", 256), Users: []string{"bob"}}
	})
	room := strings.Repeat("é", 500)
	m, err := stream.Parse([]byte(`<message xmlns="jabber:client" type="groupchat" id="`+strings.Repeat("i", 5000)+`"><body>`+strings.Repeat("&lt;", 500)+`</body></message>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	s.RoomMessage(muc.GroupMessage{User: "alice", Nick: strings.Repeat("&", 300), Room: room, RoomJID: room + "@conference.h", Message: m, At: time.Now()})
	if n := b.next(); n.Tag != room+"@conference.h" || n.ID != "" || !strings.HasPrefix(n.Text, "&&&") {
		t.Errorf("%+v", n)
	}
}

// Who subscribes just as it is seen that they had no subscription is not forgotten.
func TestPush_SubscribedMeanwhile(t *testing.T) {
	s := idle(t)
	s.Subscribed("carol")
	s.cfg.Store = subscribing{s.cfg.Store, func() { s.Subscribed("carol") }}
	if err := s.tell(t.Context(), []string{"carol"}, job{m: message{from: "alice"}}); err != nil {
		t.Fatal(err)
	}
	if !s.Wants("carol") {
		t.Error("carol is told no more")
	}
}

// subscribing is a store during whose answer something happens.
type subscribing struct {
	Store
	meanwhile func()
}

func (s subscribing) PushAudiences(ctx context.Context, users []string, jid, room, occupant string) (map[string]models.PushAudience, error) {
	a, err := s.Store.PushAudiences(ctx, users, jid, room, occupant)
	s.meanwhile()
	return a, err
}

// silent never answers the first question about an audience, nor that for somebody's name.
type silent struct {
	*store
	asked, named *int
}

func (s silent) PushAudiences(ctx context.Context, users []string, jid, room, occupant string) (map[string]models.PushAudience, error) {
	if *s.asked++; *s.asked == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.store.PushAudiences(ctx, users, jid, room, occupant)
}

func (s silent) AccountByName(ctx context.Context, user string) (models.Account, error) {
	if *s.named++; *s.named == 1 {
		<-ctx.Done()
		return models.Account{}, ctx.Err()
	}
	return s.store.AccountByName(ctx, user)
}

// A database that does not answer is in the way of one message, and not of all that come after it.
func TestPush_SilentDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := silent{&store{audiences: map[string]models.PushAudience{"bob": {Subscriptions: []models.PushSubscription{{SessionID: "bob", Endpoint: "https://push.example/bob"}}}}}, new(int), new(int)}
		s, err := New(Config{
			Store: st, Accounts: st, Key: []byte(strings.Repeat("k", 32)), Contact: "webmaster@example.org", Domain: "h", Grace: -1,
			HasSeen: func(string, time.Time) bool { return false },
		})
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan struct{}, 10)
		s.deliver = func(context.Context, job) { told <- struct{}{} }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx)
		}()
		for range 3 {
			s.put(message{to: "bob", from: "alice"})
		}
		select {
		case <-told:
		case <-time.After(time.Hour):
			t.Error("nothing is told any more")
		}
		stop()
		<-done
	})
}
