package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"
)

// link is one client's XMPP stream, over either transport. It is cheap enough
// that the server under test, not the client, sets the pace: no XML is parsed,
// the bytes are only searched. One goroutine uses it at a time; close may be called by any.
type link interface {
	// write sends complete elements. BOSH keeps them for the next recv.
	write(elements ...[]byte) error

	// push sends an element at once, by a client that does not receive.
	push(element []byte) error

	// recv waits until something arrives and returns it: complete elements, one
	// or more in each slice, valid until the next call.
	recv() ([][]byte, error)

	// header opens the stream, or opens it again after signing in.
	header() error

	close()
}

// transport names how a link is carried.
type transport string

const (
	webSocket transport = "WebSocket"
	bosh      transport = "BOSH"
	tcp       transport = "TCP" // where there is a port for it
)

// How long any link may live: nothing here runs for ever.
const linkLifetime = 3 * time.Minute

// Clients per loopback address. Each few clients have an address of their own,
// as people have, so that limits per address do not meet the load generator.
const perAddress = 20

// dialer connects the i-th client from its own address within 127.0.0.0/8.
func dialer(i int) *net.Dialer {
	n := i / perAddress
	return &net.Dialer{
		Timeout:   10 * time.Second,
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n/200), byte(1+n%200))},
	}
}

// await receives until something contains one of the texts and returns it.
func await(l link, texts ...string) ([]byte, error) {
	for range 50 {
		got, err := l.recv()
		if err != nil {
			return nil, fmt.Errorf("waiting for %q: %w", texts, err)
		}
		for _, g := range got {
			for _, text := range texts {
				if bytes.Contains(g, []byte(text)) {
					return g, nil
				}
			}
			if failed(withoutMessages(g)) {
				return nil, fmt.Errorf("waiting for %q, got %s", texts, g)
			}
		}
	}
	return nil, errors.New("the server sends, but not what is waited for")
}

// withoutMessages leaves messages out: what a server could not deliver for a session that
// has ended comes back as an error to the next one, and says nothing of it.
func withoutMessages(answer []byte) []byte {
	const begin, end = "<message", "</message>"
	for {
		i := bytes.Index(answer, []byte(begin))
		if i < 0 {
			return answer
		}
		j := bytes.Index(answer[i:], []byte(end))
		if j < 0 {
			return answer[:i]
		}
		answer = append(bytes.Clone(answer[:i]), answer[i+j+len(end):]...)
	}
}

// failed reports whether an answer says that this cannot go on.
func failed(answer []byte) bool {
	for _, text := range []string{"<failure", "<stream:error", `type="error"`, `type='error'`, "<close", `type="terminate"`, `type='terminate'`} {
		if bytes.Contains(answer, []byte(text)) {
			return true
		}
	}
	return false
}
