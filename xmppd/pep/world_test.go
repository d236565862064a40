package pep

import (
	"context"
	"sync"
	"testing"

	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"
	"foyer/xmppd"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server with personal eventing.
type world struct {
	t     testing.TB
	srv   *xmppd.Server
	svc   *Service
	store *memStore
	serve sync.WaitGroup
}

func newWorld(t testing.TB, users ...string) *world { return newWorldWith(t, xmppd.Config{}, users...) }

func newWorldWith(t testing.TB, cfg xmppd.Config, users ...string) *world {
	w := &world{t: t, store: newMemStore(users...)}
	cfg.Domain, cfg.Authority, cfg.Stores = "h", w.store, w.store.stores()
	var err error
	if w.srv, err = xmppd.New(cfg); err != nil {
		t.Fatal(err)
	}
	if w.svc, err = New(Config{Server: w.srv, Store: w.store, Accounts: w.store, VCards: w.store}); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.MountOnAccounts(w.svc); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = w.srv.Run(ctx) })
	t.Cleanup(func() {
		w.srv.Shutdown(context.Background())
		w.serve.Wait()
		stop()
		run.Wait()
	})
	return w
}

// client is one person's client, and reads like a transcript.
type client struct {
	*streamtest.Client
	w    *world
	full string
}

// signedIn signs somebody in, without a resource.
func (w *world) signedIn(user string) *client {
	w.t.Helper()
	server, end := streamtest.Pipe(w.t)
	c := &client{Client: end, w: w}
	peer := stream.Peer{Transport: stream.WebSocket, Identity: stream.Identity{User: user, Session: "s-" + user}, External: true}
	w.serve.Go(func() { _ = w.srv.Serve(context.Background(), server, &peer) })
	c.SignIn()
	return c
}

// bound signs somebody in and binds a resource.
func (w *world) bound(user, resource string) *client {
	w.t.Helper()
	c := w.signedIn(user)
	c.full = c.Bind(resource)
	return c
}

// online signs somebody in and makes them available; what comes of it is read.
func (w *world) online(user, resource string) *client {
	w.t.Helper()
	c := w.bound(user, resource)
	c.Send(`<presence xmlns="jabber:client"/>`)
	c.Sync()
	return c
}

// ask sends an IQ and expects the answer.
func (c *client) ask(request, answer string) map[string]string {
	c.w.t.Helper()
	c.Send(request)
	return c.Until(answer)
}

// refused expects an error with that type and condition.
func (c *client) refused(request, typ, condition string) {
	c.w.t.Helper()
	c.ask(request, `<iq xmlns="jabber:client" type="error"><error type="`+typ+`"><`+condition+` xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><any xmlns="test"/></error></iq>`)
}

// none fails the test if the server sent anything but presence.
func (c *client) none() {
	c.w.t.Helper()
	for _, e := range c.Sync() {
		if e.Name.Local != "presence" {
			c.w.t.Errorf("unexpected: %s", e.Raw)
		}
	}
}
