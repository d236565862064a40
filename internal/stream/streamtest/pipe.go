// Package streamtest gives tests a stream with nothing beneath it, and a client
// at the other end that reads like a transcript.
package streamtest

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"foyer/internal/stream"
)

// Timeout is how long an expectation waits. It bounds a failing test only.
const Timeout = 30 * time.Second

// Pipe returns the two ends of a stream: the server's, and a client for t.
func Pipe(t testing.TB) (*Server, *Client) {
	s := &Server{in: make(chan input, 1024), done: make(chan struct{}), gone: make(chan struct{}), work: make(chan struct{}, 1)}
	s.out = stream.NewQueue(4<<20, func() {
		select {
		case s.work <- struct{}{}:
		default:
		}
	})
	return s, &Client{t: t, server: s}
}

// input is what the client does.
type input struct {
	raw    string
	reopen bool
	end    error
}

// Server is the server's end. It implements stream.Stream.
type Server struct {
	in   chan input
	out  *stream.Queue
	work chan struct{}
	gone chan struct{} // closed when the client's side is gone
	done chan struct{} // closed by Close
	once sync.Once
	drop sync.Once
}

var _ stream.Stream = (*Server)(nil)

// Recv implements stream.Stream.
func (s *Server) Recv(ctx context.Context) (*stream.Element, error) {
	in, err := s.next(ctx)
	switch {
	case err != nil:
		return nil, err
	case in.reopen:
		return nil, &stream.Error{Condition: stream.InvalidNamespace, Text: "unexpected stream header"}
	}
	return stream.Parse([]byte(in.raw), stream.DefaultLimits)
}

func (s *Server) next(ctx context.Context) (input, error) {
	select {
	case in := <-s.in:
		return in, in.end
	default:
	}
	select {
	case in := <-s.in:
		return in, in.end
	case <-s.done:
		if reason, _ := s.out.Closed(); reason != nil {
			return input{}, reason
		}
		return input{}, stream.ErrClosed
	case <-ctx.Done():
		return input{}, ctx.Err()
	}
}

// Restart implements stream.Stream.
func (s *Server) Restart(ctx context.Context) error {
	in, err := s.next(ctx)
	if err == nil && !in.reopen {
		err = &stream.Error{Condition: stream.NotAuthorized, Text: "the stream must be restarted"}
	}
	return err
}

// Send implements stream.Stream.
func (s *Server) Send(raw []byte) error {
	select {
	case <-s.gone: // as a broken socket: what is written goes nowhere
		return nil
	default:
		return s.out.Push(raw)
	}
}

// Queued returns how many elements the client has not read yet.
func (s *Server) Queued() int { return s.out.Len() }

// Ready implements stream.Stream.
func (s *Server) Ready(ctx context.Context) error { return s.out.Ready(ctx) }

// Close implements stream.Stream.
func (s *Server) Close(reason error) error {
	s.once.Do(func() {
		s.out.Close(reason)
		close(s.done)
	})
	return nil
}

// Client is the client's end. Its methods fail the test.
type Client struct {
	t       testing.TB
	server  *Server
	pending [][]byte
	syncs   int // questions of Sync
}

// Send sends one element.
func (c *Client) Send(raw string) { c.server.in <- input{raw: raw} }

// Restart opens the stream again after SASL.
func (c *Client) Restart() { c.server.in <- input{reopen: true} }

// Close ends the stream in order.
func (c *Client) Close() { c.server.in <- input{end: io.EOF} }

// Drop loses the connection: what the server sends from here on is lost.
func (c *Client) Drop() {
	c.server.drop.Do(func() {
		close(c.server.gone)
		c.server.in <- input{end: stream.ErrDisconnected}
	})
}

// ErrEnded is returned by Next after the server closed the stream.
var ErrEnded = errors.New("streamtest: stream ended")

// Next returns the server's next element.
func (c *Client) Next(ctx context.Context) ([]byte, error) {
	for len(c.pending) == 0 {
		if c.pending = c.server.out.Take(); len(c.pending) > 0 {
			break
		}
		if _, closed := c.server.out.Closed(); closed && c.server.out.Len() == 0 {
			return nil, ErrEnded
		}
		select {
		case <-c.server.work:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	raw := c.pending[0]
	c.pending = c.pending[1:]
	return raw, nil
}

// Read returns the server's next element, or fails the test.
func (c *Client) Read() *stream.Element {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	raw, err := c.Next(ctx)
	if err != nil {
		c.t.Fatalf("no element from the server: %v", err)
	}
	e, err := stream.Parse(raw, stream.Limits{Bytes: 64 << 20})
	if err != nil {
		c.t.Fatalf("the server sent %s: %v", raw, err)
	}
	return e
}

// Expect reads the next element and matches it against a pattern (see Match).
// It returns what the pattern captured.
func (c *Client) Expect(pattern string) map[string]string {
	c.t.Helper()
	e := c.Read()
	captured, err := Match(pattern, e.Raw)
	if err != nil {
		c.t.Fatalf("%v\n got: %s\nwant: %s", err, e.Raw, pattern)
	}
	return captured
}

// ExpectEnd waits until the server has closed the stream and returns the
// reason; elements before that fail the test.
func (c *Client) ExpectEnd() error {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	raw, err := c.Next(ctx)
	if !errors.Is(err, ErrEnded) {
		c.t.Fatalf("the stream did not end: %s %v", raw, err)
	}
	reason, _ := c.server.out.Closed()
	return reason
}
