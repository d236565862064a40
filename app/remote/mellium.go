package remote

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"sync"

	"foyer/internal/stream"

	"mellium.im/xmlstream"
	"mellium.im/xmpp"
)

// melliumConn is a session of mellium's as a Conn.
type melliumConn struct {
	session *xmpp.Session
	answer  func(*stream.Element) []byte // nil: nothing is answered but by an error
	in      chan *stream.Element
	closed  chan struct{} // closed when nobody takes from in any more
	ended   chan struct{} // closed after err was set
	err     error
	closing sync.Once
}

// NewConn makes a Conn of a session that is signed in and bound. The Conn serves it, and
// closes it and its connection. answer, if not nil, returns the answer to an IQ that asks
// something, or nil where it has none; nothing is read meanwhile.
func NewConn(session *xmpp.Session, answer func(*stream.Element) []byte) Conn {
	c := &melliumConn{session: session, answer: answer, in: make(chan *stream.Element, 64), closed: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		if c.err = session.Serve(xmpp.HandlerFunc(c.handle)); c.err == nil {
			c.err = io.EOF
		}
		close(c.ended)
	}()
	return c
}

// JID implements Conn.
func (c *melliumConn) JID() string { return c.session.LocalAddr().String() }

// handle passes an element on. What asks something is answered with an error by mellium
// itself, when nobody else does.
func (c *melliumConn) handle(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	var raw bytes.Buffer
	e := xml.NewEncoder(&raw)
	whole := withoutNamespaces(xmlstream.MultiReader(xmlstream.Token(*start), t))
	if _, err := xmlstream.Copy(e, whole); err != nil {
		return err
	}
	if err := e.Flush(); err != nil {
		return err
	}
	el, err := stream.Parse(raw.Bytes(), stream.Limits{Bytes: 4 << 20})
	if err != nil {
		return err
	}
	if raw := c.answerTo(el); raw != nil {
		_, err := xmlstream.Copy(t, withoutNamespaces(xml.NewDecoder(bytes.NewReader(raw))))
		return err
	}
	select {
	case c.in <- el:
		return nil
	case <-c.closed:
		return io.EOF
	}
}

func (c *melliumConn) answerTo(el *stream.Element) []byte {
	if c.answer == nil || el.Name.Local != "iq" || el.Type == "result" || el.Type == "error" {
		return nil
	}
	return c.answer(el)
}

// withoutNamespaces drops declarations of namespaces: a Go encoder writes them by the
// names, and would write them twice.
func withoutNamespaces(r xml.TokenReader) xml.TokenReader {
	return xmlstream.ReaderFunc(func() (xml.Token, error) {
		token, err := r.Token()
		start, ok := token.(xml.StartElement)
		if !ok {
			return token, err
		}
		var attrs []xml.Attr
		for _, a := range start.Attr {
			if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
				attrs = append(attrs, a)
			}
		}
		start.Attr = attrs
		return start, err
	})
}

// Send implements Conn.
func (c *melliumConn) Send(element []byte) error {
	return c.session.Send(context.Background(), withoutNamespaces(xml.NewDecoder(bytes.NewReader(element))))
}

// Recv implements Conn.
func (c *melliumConn) Recv(ctx context.Context) (*stream.Element, error) {
	select {
	case el := <-c.in:
		return el, nil
	case <-c.ended:
		return nil, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements Conn.
func (c *melliumConn) Close() error {
	var err error
	c.closing.Do(func() {
		close(c.closed) // else handle might wait for ever, and Serve for it
		err = c.session.Close()
		c.session.Conn().Close()
		<-c.ended
	})
	return err
}
