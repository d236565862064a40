package xmppd

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/internal/stream/streamtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server with its store.
type world struct {
	t     testing.TB
	srv   *Server
	store *memStore
	serve sync.WaitGroup
	over  func(stream.Stream) stream.Stream // what streams are served as; nil: themselves
}

func newWorld(t testing.TB, users ...string) *world { return newWorldWith(t, Config{}, users...) }

func newWorldWith(t testing.TB, cfg Config, users ...string) *world {
	w := &world{t: t, store: newMemStore(users...)}
	kept := cfg.Stores.Archive
	cfg.Domain, cfg.Authority, cfg.Stores, cfg.Version = "h", w.store, w.store.stores(), "1"
	if kept != nil { // an archive of the test's own
		cfg.Stores.Archive = kept
	}
	var err error
	if w.srv, err = New(cfg); err != nil {
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

// client is one end of a stream, and reads like a transcript.
type client struct {
	*streamtest.Client
	w      *world
	server stream.Stream // the other end
	full   string
	final  string // what ends the exchange that is under way (fuzz_test.go)
	done   chan error
}

// connect opens a stream; nobody is signed in yet.
func (w *world) connect(peer stream.Peer) *client {
	server, c := streamtest.Pipe(w.t)
	cl := &client{Client: c, w: w, server: server, done: make(chan error, 1)}
	if w.over != nil {
		cl.server = w.over(server)
	}
	w.serve.Go(func() { cl.done <- w.srv.Serve(context.Background(), cl.server, &peer) })
	return cl
}

func vouched(user string) stream.Peer {
	return stream.Peer{Transport: stream.WebSocket, Identity: stream.Identity{User: user, Session: "s-" + user}, External: true}
}

const saslOK = `<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`

// signIn goes through SASL EXTERNAL and the restart.
func (w *world) signIn(user string) *client { return w.signInAs(vouched(user)) }

func (w *world) signInAs(peer stream.Peer) *client {
	w.t.Helper()
	c := w.connect(peer)
	c.SignIn()
	return c
}

// bound signs in and binds a resource.
func (w *world) bound(user, resource string) *client { return w.boundAs(vouched(user), resource) }

func (w *world) boundAs(peer stream.Peer, resource string) *client {
	w.t.Helper()
	c := w.signInAs(peer)
	c.full = c.Bind(resource)
	return c
}

// online binds and sends initial presence; what comes of it is read.
func (w *world) online(user, resource string) *client {
	w.t.Helper()
	c := w.bound(user, resource)
	c.Send(`<presence xmlns="jabber:client"/>`)
	c.Until(`<presence xmlns="jabber:client" from="` + c.full + `"><any xmlns="test"/></presence>`)
	c.Sync()
	return c
}

// none fails the test if the server sent anything but presence and stream
// management.
func (c *client) none() {
	c.w.t.Helper()
	for _, e := range c.Sync() {
		if e.Name.Space != stanza.NSSM && e.Name.Local != "presence" {
			c.w.t.Errorf("unexpected: %s", e.Raw)
		}
	}
}

// ended waits for Serve to return.
func (c *client) ended() error {
	c.w.t.Helper()
	select {
	case err := <-c.done:
		return err
	case <-time.After(streamtest.Timeout):
		c.w.t.Fatal("the stream goes on")
		return nil
	}
}

// cutOff waits until the server has closed the stream; what comes before is
// read.
func (c *client) cutOff() {
	c.w.t.Helper()
	for {
		if _, err := c.Next(c.w.t.Context()); err != nil {
			return
		}
	}
}

// ask sends an IQ and expects the answer.
func (c *client) ask(request, answer string) map[string]string {
	c.w.t.Helper()
	c.Send(request)
	return c.Until(answer)
}

func streamMatch(pattern string, e *stream.Element) (map[string]string, error) {
	got, err := streamtest.Match(pattern, e.Raw)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, e.Raw)
	}
	return got, err
}
