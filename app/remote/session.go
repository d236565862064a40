package remote

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Session asks over one stream. It is safe for concurrent use; one goroutine of its own
// reads until the stream ends.
type Session struct {
	conn Conn
	done chan struct{} // closed when the stream has ended

	mu       sync.Mutex
	last     int
	waiting  map[string]waiting // by the id of an IQ, or an occupant's address
	refused  error              // the last message that came back as an error
	archived []Archived         // what the account's archive sent
	expected int                // of those, at most
	err      error              // why it ended
}

// waiting is somebody who waits for an answer.
type waiting struct {
	from   string // who alone may give it
	answer chan *stream.Element
}

func newSession(conn Conn) *Session {
	s := &Session{conn: conn, done: make(chan struct{}), waiting: make(map[string]waiting)}
	go s.read()
	return s
}

// Close ends the stream in order.
func (s *Session) Close() {
	_ = s.conn.Close()
	<-s.done
}

// ended reports whether there is no use in asking.
func (s *Session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *Session) read() {
	defer close(s.done)
	for {
		el, err := s.conn.Recv(context.Background())
		if err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			_ = s.conn.Close()
			return
		}
		s.handle(el)
	}
}

// handle passes answers on; everything else is dropped.
func (s *Session) handle(el *stream.Element) {
	from, _ := el.Attr("from")
	id, _ := el.Attr("id")
	kind, _ := el.Attr("type")
	switch el.Name.Local {
	case "iq":
		if kind == "get" || kind == "set" {
			return // the Conn answers what it does not know
		}
		s.pass(id, from, el)
	case "presence":
		if kind == "error" || isOwnPresence(el) {
			s.pass(from, from, el)
		}
	case "message":
		s.mu.Lock()
		defer s.mu.Unlock()
		if kind == "error" {
			s.refused = refusalIn(el)
			return
		}
		s.keepArchivedLocked(el)
	}
}

// pass hands an answer to who waits for it. An answer from somebody else is none
// (RFC 6120 §8.1.2.1).
func (s *Session) pass(key, from string, el *stream.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.waiting[key]
	if !ok || (w.from != "" && w.from != from) {
		return
	}
	delete(s.waiting, key)
	w.answer <- el
}

// exchange sends an element and waits for its answer.
func (s *Session) exchange(ctx context.Context, key, from string, raw []byte) (*stream.Element, error) {
	w := waiting{from: from, answer: make(chan *stream.Element, 1)}
	s.mu.Lock()
	s.waiting[key] = w
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, key)
		s.mu.Unlock()
	}()
	if err := s.conn.Send(raw); err != nil {
		return nil, Unreachable(err)
	}
	select {
	case el := <-w.answer:
		return el, refusalIn(el)
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		if errors.Is(s.err, io.EOF) {
			return nil, Unreachable(errors.New("it ended the stream"))
		}
		return nil, Unreachable(s.err)
	case <-ctx.Done():
		return nil, Unreachable(ctx.Err())
	}
}

// ask sends an IQ, and decodes the result's payload into v unless that is nil. to is
// empty for the account itself. A refusal is a *Refusal.
func (s *Session) ask(ctx context.Context, kind, to, payload string, v any) error {
	el, err := s.iq(ctx, kind, to, payload)
	if err != nil || v == nil {
		return err
	}
	for child := range el.Children() {
		return child.Decode(v)
	}
	return errors.New("remote: the answer is empty")
}

func (s *Session) iq(ctx context.Context, kind, to, payload string) (*stream.Element, error) {
	s.mu.Lock()
	s.last++
	id := "site" + strconv.Itoa(s.last)
	s.mu.Unlock()
	raw := []byte(`<iq xmlns="` + stream.NSClient + `"`)
	raw = stanza.AppendAttr(raw, "id", id)
	raw = stanza.AppendAttr(raw, "type", kind)
	if to != "" {
		raw = stanza.AppendAttr(raw, "to", to)
	}
	return s.exchange(ctx, id, to, append(append(append(raw, '>'), payload...), "</iq>"...))
}

// refusalIn returns the stanza error that an answer is, or nil.
func refusalIn(el *stream.Element) error {
	if kind, _ := el.Attr("type"); kind != "error" {
		return nil
	}
	refusal := &Refusal{Condition: "undefined-condition"}
	for child := range el.Children() {
		if child.Name.Local != "error" {
			continue
		}
		for part := range child.Children() {
			switch {
			case part.Name.Space != stanza.NSStanzas:
			case part.Name.Local == "text":
				refusal.Text = part.Text()
			default:
				refusal.Condition = part.Name.Local
			}
		}
	}
	return refusal
}
