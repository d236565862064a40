package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/budget"
	"foyer/internal/sasl"
	"foyer/internal/stream"

	"github.com/alexedwards/argon2id"
)

func throttled(err error) bool {
	var t *ThrottledError
	return errors.As(err, &t)
}

// those who know the password are let in, however many are behind one
// address; only failures count.
func TestThrottle_OnlyFailures(t *testing.T) {
	s := newSite(t, func(c *Config) { c.FailuresPerAddress = 3 })
	s.account("alice")
	for range 12 {
		_, err := s.signIn("alice", testPassword)
		is(t, err, nil)
	}
	for i := range 3 {
		_, err := s.signIn(fmt.Sprint("nobody", i), "wrong password")
		is(t, err, ErrInvalidCredentials)
	}
	if _, err := s.signIn("alice", testPassword); !throttled(err) {
		t.Errorf("a fourth guess from the address: %v", err)
	}
	_, err := s.signInFrom(Client{Address: "192.0.2.2"}, "alice", testPassword)
	is(t, err, nil)
}

// the failures of one action do not count for another, at the site's own accounts as at
// any source.
func TestThrottle_Action(t *testing.T) {
	s := newSite(t, func(c *Config) { c.FailuresPerAddress = 1 })
	s.account("alice")
	prove := func(action, password string) error {
		fields := map[string]string{"username": "alice", "password": password}
		_, err := s.authenticate(t.Context(), action, s.Local(), Answer{Form: func(name string) string { return fields[name] }, From: Client{Address: "192.0.2.1"}})
		return err
	}
	is(t, prove("confirm", "wrong password"), ErrInvalidCredentials)
	is(t, prove("signin", testPassword), nil)
	if err := prove("confirm", testPassword); !throttled(err) {
		t.Errorf("a second guess for the same: %v", err)
	}
}

// what is tried from one network counts together, all its 2^64 addresses.
func TestThrottle_IPv6(t *testing.T) {
	s := newSite(t, func(c *Config) { c.FailuresPerAddress = 3 })
	s.account("alice")
	for i := range 4 {
		_, err := s.signInFrom(Client{Address: fmt.Sprintf("2001:db8::%d", i+1)}, fmt.Sprint("nobody", i), "wrong password")
		if throttled(err) != (i == 3) {
			t.Errorf("guess %d: %v", i, err)
		}
	}
	_, err := s.signInFrom(Client{Address: "2001:db8:0:1::1"}, "alice", testPassword)
	is(t, err, nil)
}

// a stranger's guesses do not keep the owner out of a device that the
// account has signed in from before; and there, too, guessing is slow.
func TestThrottle_KnownDevice(t *testing.T) {
	s := newSite(t, nil)
	s.account("alice")
	s.account("bob")
	here := Client{Address: "192.0.2.1"}
	in, err := s.signInFrom(here, "alice", testPassword)
	is(t, err, nil)
	here.Device = in.Device
	stranger := Client{Address: "203.0.113.1"}
	bobs, err := s.signInFrom(Client{Address: "203.0.113.1"}, "bob", testPassword)
	is(t, err, nil)
	for _, device := range []string{"", "made up", bobs.Device} { // known, but not to alice
		stranger.Device = device
		for range 4 {
			_, err = s.signInFrom(stranger, "alice", "wrong password")
		}
	}
	if !throttled(err) {
		t.Fatalf("the stranger's twelfth guess: %v", err)
	}
	if _, err := s.signInFrom(Client{Address: here.Address}, "alice", testPassword); !throttled(err) {
		t.Errorf("from a device that nobody knows: %v", err)
	}
	again, err := s.signInFrom(here, "alice", testPassword)
	is(t, err, nil)
	if again.Device != in.Device {
		t.Error("the device has another secret now")
	}
	if _, err := s.signInFrom(stranger, "alice", testPassword); !throttled(err) {
		t.Errorf("the owner's success let the stranger go on: %v", err)
	}
	for range failuresPerDevice {
		_, err := s.signInFrom(here, "alice", "wrong password")
		is(t, err, ErrInvalidCredentials)
	}
	if _, err := s.signInFrom(here, "alice", testPassword); !throttled(err) {
		t.Errorf("guessing from the known device: %v", err)
	}
	_, err = s.confirm("alice", testPassword, here) // which counts by itself
	is(t, err, nil)
}

// However many guesses come at once, hardly more than the limit are looked at.
func TestThrottle_AtOnce(t *testing.T) {
	s := newSite(t, nil)
	s.account("alice")
	var all sync.WaitGroup
	var mu sync.Mutex
	looked := 0
	for range 60 {
		all.Go(func() {
			if _, err := s.signIn("alice", "wrong password"); errors.Is(err, ErrInvalidCredentials) {
				mu.Lock()
				looked++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if looked < FailuresPerAccount || looked >= FailuresPerAccount+maxConcurrentHashes {
		t.Errorf("%d guesses were looked at", looked)
	}
}

// RFC 6120 §6.5.12: a client that is throttled is told to come back, not
// that its password is wrong.
func TestPassword_Throttled(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Passwords = true })
	s.account("alice")
	peer := stream.Peer{Addr: "192.0.2.1"}
	for range FailuresPerAccount {
		_, err := s.Password(t.Context(), "alice", "wrong password", peer)
		is(t, err, sasl.NotAuthorized)
	}
	_, err := s.Password(t.Context(), "alice", testPassword, peer)
	is(t, err, sasl.TemporaryAuthFailure)
}

// a thousand sign-ins from one address do not delay one from another; a
// known device waits for hardly anybody.
func TestHashQueue_Fair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var noted counter
		q := newHashQueue(1, &noted)
		const work = 2 * time.Millisecond
		var all sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		begin := time.Now()
		come := func(client string, known bool) (waited time.Duration, err error) {
			release, err := q.enter(t.Context(), client, known)
			if err != nil {
				return 0, err
			}
			waited = time.Since(begin)
			time.Sleep(work)
			release()
			return waited, nil
		}
		for range maxWaiting + 500 {
			all.Go(func() {
				if _, err := come("flood", false); err != nil {
					is(t, err, ErrBusy)
					mu.Lock()
					refused++
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		for client, known := range map[string]bool{"somebody": false, "owner": true} {
			all.Go(func() {
				if waited, err := come(client, known); err != nil || waited > 3*work {
					t.Errorf("%s waited %s: %v", client, waited, err)
				}
			})
		}
		all.Wait()
		if refused != 500-1+2 || int(noted.Load()) != refused { // one is served at once, two come later
			t.Errorf("%d were turned away, %d noted", refused, noted.Load())
		}
		if q.free != 1 || q.known.waiting+q.others.waiting != 0 || len(q.known.order)+len(q.others.order) != 0 {
			t.Errorf("left: %+v", q)
		}
	})
}

// When too many wait, the longest queues give way; and those who give up leave
// nothing behind.
func TestHashQueue_Full(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newHashQueue(1, nil)
		release, err := q.enter(t.Context(), "first", false)
		is(t, err, nil)
		var all sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for i := range maxWaiting {
			all.Go(func() {
				if _, err := q.enter(ctx, fmt.Sprint(i%4), false); err == nil {
					t.Error("served")
				}
			})
		}
		synctest.Wait()
		served := make(chan error)
		go func() {
			release, err := q.enter(t.Context(), "late", false)
			if err == nil {
				defer release()
			}
			served <- err
		}()
		synctest.Wait()
		if n := q.others.waiting; n != maxWaiting {
			t.Errorf("%d wait", n)
		}
		cancel()
		all.Wait()
		release()
		is(t, <-served, nil)
	})
	synctest.Test(t, func(t *testing.T) {
		q := newHashQueue(1, nil)
		release, err := q.enter(t.Context(), "a", false)
		is(t, err, nil)
		_, err = q.enter(t.Context(), "b", false) // nobody waits for ever
		is(t, err, ErrBusy)
		release()
		if q.free != 1 {
			t.Error("a turn was lost")
		}
	})
}

// A password is compared with nobody's hash as with somebody's, and no more is to be done.
func TestNobodysHash(t *testing.T) {
	hash := nobodysHash(params)
	if used, _, _, err := argon2id.DecodeHash(hash); err != nil || *used != params {
		t.Errorf("%s is made with %+v, %v", hash, used, err)
	}
	ok, renew, err := newHasher(1, params, nil, nil).compare("nobody", "")
	if ok || renew || err != nil {
		t.Error(ok, renew, err)
	}
	if used := (Config{}).hashing(); used != params {
		t.Errorf("a site hashes with %+v", used)
	}
}

// However many names are tried through other chat servers, people on the site wait for
// one of those guesses at most.
func TestHashQueue_Servers(t *testing.T) {
	h := newHasher(1, params, nil, nil)
	synctest.Test(t, func(t *testing.T) {
		h.queue, h.servers = newHashQueue(1, nil), newHashQueue(1, nil)
		const work = 10 * time.Millisecond
		var all sync.WaitGroup
		begin := time.Now()
		for i := range 200 {
			all.Go(func() {
				release, err := h.enterFor(t.Context(), fmt.Sprint("name-", i), Client{Server: true}, false)
				is(t, err, nil)
				time.Sleep(work)
				release()
			})
		}
		synctest.Wait()
		all.Go(func() {
			release, err := h.enterFor(t.Context(), "ann", Client{Address: "192.0.2.1"}, false)
			is(t, err, nil)
			if waited := time.Since(begin); waited > 2*work {
				t.Errorf("somebody on the site waited %s", waited)
			}
			release()
		})
		all.Wait()
		if h.queue.free != 1 || h.servers.free != 1 {
			t.Error("a turn was lost")
		}
	})
}

// those who come from known devices, as everybody can for an account of their
// own, do not keep others out when all places are theirs.
func TestHashQueue_FullOfKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newHashQueue(1, nil)
		release, err := q.enter(t.Context(), "first", false)
		is(t, err, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range maxWaiting {
			all.Go(func() { _, _ = q.enter(ctx, fmt.Sprint(i%2), true) })
		}
		synctest.Wait()
		served := make(chan error, 2)
		for _, known := range []bool{false, true} {
			go func() {
				release, err := q.enter(t.Context(), "late", known)
				if err == nil {
					defer release()
				}
				served <- err
			}()
		}
		synctest.Wait()
		cancel()
		all.Wait()
		release()
		is(t, <-served, nil)
		is(t, <-served, nil)
	})
}

// an app that is signed in from an address gets in from there again, whatever
// strangers guess elsewhere. X-48: it is one session, however often it comes.
func TestThrottle_KnownApp(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Passwords = true })
	alice := s.account("alice")
	home := stream.Peer{Addr: "192.0.2.1"}
	first, err := s.Password(t.Context(), "alice", testPassword, home)
	is(t, err, nil)
	for range FailuresPerAccount {
		_, err := s.Password(t.Context(), "alice", "wrong password", stream.Peer{Addr: "203.0.113.1"})
		is(t, err, sasl.NotAuthorized)
	}
	_, err = s.Password(t.Context(), "alice", testPassword, stream.Peer{Addr: "192.0.2.2"})
	is(t, err, sasl.TemporaryAuthFailure)
	again, err := s.Password(t.Context(), "alice", testPassword, home)
	is(t, err, nil)
	if first.Session == "" || again != first {
		t.Errorf("%+v, then %+v", first, again)
	}
	is(t, s.Current(t.Context(), first), nil)
	is(t, s.SetPassword(t.Context(), alice, "some other words"), nil)
	is(t, s.Current(t.Context(), first), sasl.NotAuthorized)
	is(t, s.Current(t.Context(), stream.Identity{User: "alice"}), sasl.NotAuthorized)
}

// met notes which settings would have to be changed.
type met []string

// counter counts how often a limit was met.
type counter struct{ atomic.Int64 }

// LimitHit implements budget.Recorder.
func (c *counter) LimitHit(budget.Limit, string) { c.Add(1) }

// LimitHit implements budget.Recorder.
func (m *met) LimitHit(limit budget.Limit, name string) { *m = append(*m, limit.Setting+" "+name) }

// how many accounts visitors at one address may ask for is a setting, and
// the operator hears when it is met.
func TestSignUp_PerAddress(t *testing.T) {
	var told met
	s := newSite(t, func(c *Config) { c.SignUpsPerAddress, c.Recorder = 2, &told })
	signUp := func(name, address string) error {
		_, err := s.SignUp(t.Context(), NewAccount{Username: name, Name: name, Password: testPassword}, Device{Client: Client{Address: address}})
		return err
	}
	is(t, signUp("alice", "2001:db8::1"), nil)
	is(t, signUp("bob", "2001:db8::2"), nil)
	if err := signUp("carol", "2001:db8::3"); !throttled(err) {
		t.Errorf("a third account from one network: %v", err)
	}
	is(t, signUp("carol", "192.0.2.1"), nil)
	if len(told) != 1 || !strings.HasPrefix(told[0], "SIGNUPS_PER_ADDRESS 2001:db8::") {
		t.Errorf("the operator was told %q", told)
	}
}
