package auth

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"foyer/internal/stream"
	"foyer/models"

	"pgregory.net/rapid"
)

// What ends, ends for good: sign-out, a new password, a block, a deletion, an identity that is
// removed, somebody who is gone from a directory and what a provider ends are raced against
// sign-ins whose proof was given before, and against streams and app passwords that are made in
// sessions meanwhile. None survives that stands on what ended, and each stream that was let in
// is told of.

// way is how a session of the race began.
type way string

const (
	byPassword way = "password"
	byProvider way = "provider" // with the provider's session "sid-…"
	byDir      way = "directory"
)

var ways = []way{byPassword, byProvider, byDir}

// ending is something that ends things. A source adds its own here.
type ending struct {
	name string
	run  func(r *race) error

	// What it ends: sessions that began so with their streams, and sign-ins whose proof was
	// given before; and app passwords that were made in such sessions.
	sessions, apps []way
}

func endings() []ending {
	return []ending{
		{"sign-out", func(r *race) error { return r.s.SignOut(r.ctx, r.account, r.session[byProvider].ID) }, nil, nil},
		{"sign-out everywhere", func(r *race) error { return r.s.EndOtherSessions(r.ctx, r.account, "") }, nil, nil},
		{"new password", func(r *race) error { return r.s.SetPassword(r.ctx, r.account, testPassword+"!") }, []way{byPassword}, ways},
		{"block", func(r *race) error { return r.s.SetBlocked(r.ctx, r.account, true) }, ways, ways},
		{"deletion", func(r *race) error { return r.s.RemoveAccount(r.ctx, r.account) }, ways, ways},
		{"identity removed", func(r *race) error { return r.s.Unlink(r.ctx, r.account, "", *r.session[byDir].IdentityID) }, []way{byDir}, []way{byDir}},
		{"gone from the directory", func(r *race) error { return r.leaveDirectory() }, []way{byDir}, []way{byDir}},
		{"ended by the provider, all of it", func(r *race) error { return r.logOut(Logout{Subject: r.subject}) }, []way{byProvider}, []way{byProvider}},
		{"ended by the provider, its session", func(r *race) error { return r.logOut(Logout{Subject: r.subject, Session: "sid-" + r.subject}) }, []way{byProvider}, nil},
	}
}

// race is one account with a session of each way, while something ends it.
type race struct {
	s        *site
	t        *rapid.T
	ctx      context.Context
	one, dir *gatedSource
	account  models.Account
	subject  string
	session  map[way]models.Session

	mu     sync.Mutex
	opened []opened
}

// opened is what was let in during the race, or before it.
type opened struct {
	what string
	id   stream.Identity
	way  way
	app  bool // stands on an app password
	new  bool // on a sign-in of the race, not on a session from before
}

// gatedSource proves nobody before its gate opens: the question was put before.
type gatedSource struct {
	*testSource
	mu    sync.Mutex
	gate  chan struct{} // nil: it is open
	asked sync.WaitGroup
}

func (g *gatedSource) Finish(ctx context.Context, a Answer) (Person, error) {
	g.mu.Lock()
	gate := g.gate
	g.mu.Unlock()
	if gate != nil {
		g.asked.Done()
		<-gate
	}
	return g.testSource.Finish(ctx, a)
}

func (r *race) logOut(l Logout) error {
	l.ID, l.Until = r.subject, time.Now().Add(time.Minute)
	return r.s.LogOut(r.ctx, r.one, l)
}

func (r *race) leaveDirectory() error {
	r.dir.testSource.mu.Lock()
	r.dir.gone = append(r.dir.gone, r.subject)
	r.dir.testSource.mu.Unlock()
	r.s.RecheckSources(r.ctx)
	return nil
}

// signIn signs in one way.
func (r *race) signIn(w way) (models.Session, error) {
	source := map[way]Source{byPassword: r.s.Local(), byProvider: r.one, byDir: r.dir}[w]
	in, err := r.s.SignIn(r.ctx, source, form(r.account.Username, testPassword), Device{})
	if err != nil {
		return models.Session{}, err
	}
	session, _, err := r.s.Session(r.ctx, in.Secret)
	return session, err
}

// open notes a stream that is let in, if it is: the chat server asks when it has taken it into
// its books (xmppd.Authority.Current).
func (r *race) open(o opened, err error) {
	if err == nil {
		err = r.s.Current(r.ctx, o.id)
	}
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = append(r.opened, o)
}

// byToken opens a stream by a temporary token of a session.
func (r *race) byToken(w way) {
	secret, err := r.s.ChatToken(r.ctx, r.account, r.session[w].ID)
	if err != nil {
		return
	}
	id, err := r.s.Password(r.ctx, r.account.Username, secret, stream.Peer{})
	r.open(opened{what: "token", id: id, way: w}, err)
}

// byApp makes an app password in a session, and opens a stream by it.
func (r *race) byApp(w way) {
	secret, err := r.s.AppPasswords.Create(r.ctx, r.account, r.session[w].ID, "Phone")
	if err != nil {
		return
	}
	id, err := r.s.Password(r.ctx, r.account.Username, secret, stream.Peer{})
	r.open(opened{what: "app password", id: id, way: w, app: true}, err)
}

// bySignIn signs in, and opens a stream by the session.
func (r *race) bySignIn(w way) {
	session, err := r.signIn(w)
	r.open(opened{what: "sign-in", id: stream.Identity{User: r.account.Username, Session: session.ID}, way: w, new: true}, err)
}

// The case in testdata/rapid is played first: an app password that was made in a session of a directory, and that session's
// end, waited for each other.
func TestEndings_NoneSurvives(t *testing.T) {
	one := &gatedSource{testSource: newTestSource("one", ByRedirect)}
	dir := &gatedSource{testSource: newTestSource("directory", ByForm)}
	s := newSite(t, from(one, dir))
	hash, err := s.passwords.hasher.hash(t.Context(), testPassword, Client{})
	is(t, err, nil)
	// Each asks the database some hundred times; -rapid.checks=1000 makes more of them.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		is(t, checks.Value.Set("36"), nil)
		t.Cleanup(func() { _ = checks.Value.Set(checks.DefValue) })
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		r := &race{s: s, t: rt, ctx: context.Background(), one: one, dir: dir, subject: fmt.Sprintf("subject-%d", n), session: map[way]models.Session{}}
		r.prepare(fmt.Sprintf("person%d", n), hash)
		r.run(rapid.SampledFrom(endings()).Draw(rt, "ending"))
	})
}

// prepare makes the account with its ways to sign in, and a session of each.
func (r *race) prepare(name, hash string) {
	r.account = models.Account{Username: name, Name: name, PasswordHash: hash}
	must := func(err error) {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	must(r.s.db.Accounts.CreateAccount(r.ctx, &r.account))
	for _, source := range []*gatedSource{r.one, r.dir} {
		must(r.s.LinkFor(r.ctx, r.account, source.name, "", r.subject))
		source.testSource.mu.Lock()
		source.people[name] = Person{Subject: r.subject, Login: name}
		source.testSource.mu.Unlock()
	}
	r.one.testSource.mu.Lock()
	r.one.people[name] = Person{Subject: r.subject, Login: name, Session: "sid-" + r.subject}
	r.one.testSource.mu.Unlock()
	for _, w := range ways {
		var err error
		if w == byPassword { // without the hash
			var in SignedIn
			in, err = r.s.startSession(r.ctx, authenticated{account: r.account}, Device{})
			must(err)
			r.session[w], _, err = r.s.Session(r.ctx, in.Secret)
		} else {
			r.session[w], err = r.signIn(w)
		}
		must(err)
		r.byToken(w)
		r.byApp(w)
		if len(r.opened) != 2*len(r.session) {
			r.t.Fatalf("of a %s session no streams begin: %+v", w, r.opened)
		}
	}
}

// run races an ending against what is opened meanwhile, and looks at what is left.
func (r *race) run(e ending) {
	var all sync.WaitGroup
	gate := make(chan struct{})
	for _, source := range []*gatedSource{r.one, r.dir} {
		source.mu.Lock()
		source.gate = gate
		source.mu.Unlock()
	}
	signIns := rapid.SliceOfN(rapid.SampledFrom(ways[1:]), 1, 4).Draw(r.t, "sign-ins")
	if rapid.Bool().Draw(r.t, "one by password") { // which takes long to hash
		signIns = append(signIns, byPassword)
	}
	for _, w := range signIns {
		switch w {
		case byProvider:
			r.one.asked.Add(1)
		case byDir:
			r.dir.asked.Add(1)
		}
		all.Go(func() { r.bySignIn(w) })
	}
	r.one.asked.Wait() // they have asked: what they prove is from before
	r.dir.asked.Wait()
	for _, source := range []*gatedSource{r.one, r.dir} {
		source.mu.Lock()
		source.gate = nil
		source.mu.Unlock()
	}
	for _, w := range rapid.SliceOfN(rapid.SampledFrom(ways), 0, 4).Draw(r.t, "tokens") {
		all.Go(func() { r.byToken(w) })
	}
	for _, w := range rapid.SliceOfN(rapid.SampledFrom(ways), 0, 3).Draw(r.t, "app passwords") {
		all.Go(func() { r.byApp(w) })
	}
	all.Go(func() {
		if err := e.run(r); err != nil {
			r.t.Errorf("%s: %v", e.name, err)
		}
	})
	close(gate)
	all.Wait()
	r.check(e)
}

// check looks at everything that was let in.
func (r *race) check(e ending) {
	for _, o := range r.opened {
		dead := slices.Contains(e.sessions, o.way)
		switch {
		case o.app:
			dead = slices.Contains(e.apps, o.way)
		case !o.new: // it stands on a session from before
			dead = dead || e.name == "new password" || e.name == "sign-out everywhere" || e.name == "sign-out" && o.way == byProvider
		}
		stands := r.s.Current(r.ctx, o.id) == nil
		if dead && stands {
			r.t.Errorf("%s: a stream by %s (%s) goes on", e.name, o.what, o.way)
		}
		if !stands && !r.told(o.id) {
			r.t.Errorf("%s: nobody was told that a stream by %s (%s) has ended", e.name, o.what, o.way)
		}
	}
}

// told reports whether the chat was told to end a stream.
func (r *race) told(id stream.Identity) bool {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return slices.ContainsFunc(r.s.told, func(e models.Event) bool {
		return e.User == id.User && (e.Kind == models.EventRemoved || e.Kind == models.EventEnded && e.Session == id.Session)
	})
}
