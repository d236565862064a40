package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
)

// credential is what one account signs in with.
type credential struct {
	User     string
	Password string
}

// client is a signed-in account.
type client struct {
	link
	user string
	i    int
}

const resource = "bench"

// open connects the i-th client and opens its stream.
func (s *server) open(ctx context.Context, t transport, i int) (link, error) {
	switch t {
	case webSocket:
		return asLink(dialWebSocket(ctx, s.webSocket, domain, i))
	case tcp:
		return asLink(dialTCP(ctx, s.tcp, i))
	}
	return asLink(dialBOSH(ctx, s.bosh, domain, i))
}

func asLink[L link](l L, err error) (link, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}

// signIn connects, authenticates with SASL PLAIN and binds a resource.
func (s *server) signIn(ctx context.Context, t transport, i int, c credential) (*client, error) {
	l, err := s.open(ctx, t, i)
	if err != nil {
		return nil, err
	}
	if err := authenticate(l, c); err != nil {
		l.close()
		return nil, fmt.Errorf("%s over %s, %s: %w", s.name, t, c.User, err)
	}
	return &client{link: l, user: c.User, i: i}, nil
}

func authenticate(l link, c credential) error { return authenticateAs(l, c, resource) }

func authenticateAs(l link, c credential, resource string) error {
	if err := l.header(); err != nil {
		return err
	}
	if _, err := await(l, "<mechanisms"); err != nil {
		return err
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + c.User + "\x00" + c.Password))
	if err := exchange(l, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">`+plain+`</auth>`, "<success"); err != nil {
		return err
	}
	if err := l.header(); err != nil {
		return err
	}
	if _, err := await(l, "<bind"); err != nil {
		return err
	}
	return exchange(l, `<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>`+
		resource+`</resource></bind></iq>`, "<jid>")
}

// exchange sends an element and waits for its answer.
func exchange(l link, element string, answers ...string) error {
	if err := l.write([]byte(element)); err != nil {
		return err
	}
	_, err := await(l, answers...)
	return err
}

// signInAll signs in one client per credential, at most concurrency at a time.
func (s *server) signInAll(ctx context.Context, t transport, creds []credential, concurrency int) ([]*client, error) {
	clients := make([]*client, len(creds))
	errs := make(chan error, len(creds))
	next := make(chan int)
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for i := range next {
				c, err := s.signIn(ctx, t, i, creds[i])
				if err != nil {
					errs <- err
					continue
				}
				clients[i] = c
			}
		})
	}
	for i := range creds {
		next <- i
	}
	close(next)
	wg.Wait()
	select {
	case err := <-errs:
		closeAll(clients)
		return nil, err
	default:
		return clients, nil
	}
}

func closeAll(clients []*client) {
	for _, c := range clients {
		if c != nil {
			c.close()
		}
	}
}

// present sends the initial presence of every client and waits until it came
// back (RFC 6121 §4.2.2), so that messages reach them from then on.
func present(clients []*client) error {
	return each(clients, func(c *client) error {
		return exchange(c, `<presence xmlns="jabber:client"/>`, "<presence")
	})
}

// each calls f for every client, all at once, and returns the first error.
func each(clients []*client, f func(*client) error) error {
	errs := make(chan error, len(clients))
	for _, c := range clients {
		go func() { errs <- f(c) }()
	}
	var first error
	for range clients {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
