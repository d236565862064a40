package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// boshLink is XMPP over BOSH (XEP-0124, XEP-0206): one request after the other
// on a connection that is kept. What is written goes with the next request.
type boshLink struct {
	conns   [2]boshConn // the second is for push only
	turn    int         // which of them push takes next
	dial    func() (net.Conn, error)
	domain  string
	head    []byte
	sid     string
	rid     uint64
	restart bool
	pending []byte
	out     []byte
	body    []byte
}

// boshConn is a connection; waits says that a request has no answer yet.
type boshConn struct {
	net.Conn
	in     *bufio.Reader
	answer fasthttp.Response
	waits  bool
}

var _ link = (*boshLink)(nil)

func dialBOSH(ctx context.Context, address, domain string, i int) (*boshLink, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	l := &boshLink{
		dial:   func() (net.Conn, error) { return dialer(i).DialContext(ctx, "tcp", u.Host) },
		domain: domain,
		head:   []byte("POST " + u.Path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: "),
		rid:    rand.Uint64N(1 << 40),
	}
	return l, l.connect(&l.conns[0])
}

func (l *boshLink) connect(c *boshConn) error {
	conn, err := l.dial()
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(linkLifetime))
	c.Conn, c.in = conn, bufio.NewReaderSize(conn, 2048)
	return nil
}

// header asks for the session, or restarts its stream (XEP-0206 §5).
func (l *boshLink) header() error {
	l.restart = true
	return nil
}

func (l *boshLink) write(elements ...[]byte) error {
	for _, e := range elements {
		l.pending = append(l.pending, e...)
	}
	return nil
}

// recv makes one request and waits for its answer.
func (l *boshLink) recv() ([][]byte, error) {
	if err := l.request(&l.conns[0]); err != nil {
		return nil, err
	}
	body, err := l.await(&l.conns[0])
	return [][]byte{body}, err
}

// push makes a request on one connection, which lets the server answer the
// request that waits on the other (XEP-0124 §11).
func (l *boshLink) push(element []byte) error {
	c := &l.conns[l.turn]
	if c.Conn == nil {
		if err := l.connect(c); err != nil {
			return err
		}
	}
	l.pending = append(l.pending, element...)
	if err := l.request(c); err != nil {
		return err
	}
	l.turn = 1 - l.turn
	other := &l.conns[l.turn]
	if !other.waits {
		return nil
	}
	_, err := l.await(other)
	return err
}

func (l *boshLink) request(c *boshConn) error {
	l.rid++
	l.body = append(l.body[:0], `<body xmlns="http://jabber.org/protocol/httpbind" rid="`...)
	l.body = append(strconv.AppendUint(l.body, l.rid, 10), '"')
	switch {
	case l.sid == "":
		l.body = append(l.body, ` to="`+l.domain+`" wait="59" ver="1.6" hold="1" content="text/xml; charset=utf-8"`+
			` xml:lang="en" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"/>`...)
	case l.restart:
		l.body = append(l.body, ` sid="`+l.sid+`" to="`+l.domain+`" xmpp:restart="true" xmlns:xmpp="urn:xmpp:xbosh"/>`...)
	default:
		l.body = append(append(append(l.body, ` sid="`...), l.sid...), `">`...)
		l.body = append(append(l.body, l.pending...), "</body>"...)
		l.pending = l.pending[:0]
	}
	l.restart = false
	l.out = strconv.AppendInt(append(l.out[:0], l.head...), int64(len(l.body)), 10)
	l.out = append(append(l.out, "\r\n\r\n"...), l.body...)
	c.waits = true
	_, err := c.Write(l.out)
	return err
}

// await returns the body of the answer to the request on c.
func (l *boshLink) await(c *boshConn) ([]byte, error) {
	if err := c.answer.Read(c.in); err != nil {
		return nil, err
	}
	c.waits = false
	body := c.answer.Body()
	if c.answer.StatusCode() != fasthttp.StatusOK {
		return nil, fmt.Errorf("BOSH: status %d: %s", c.answer.StatusCode(), body)
	}
	tag, _, _ := bytes.Cut(body, []byte(">"))
	if bytes.Contains(tag, []byte("terminate")) {
		return nil, fmt.Errorf("BOSH: the session ended: %.300s", body)
	}
	if l.sid == "" {
		l.sid = attribute(tag, "sid")
	}
	return body, nil
}

// attribute returns the value of an attribute in a start tag.
func attribute(tag []byte, name string) string {
	for _, quote := range []string{`"`, `'`} {
		if _, rest, ok := bytes.Cut(tag, []byte(" "+name+"="+quote)); ok {
			value, _, _ := bytes.Cut(rest, []byte(quote))
			return string(value)
		}
	}
	return ""
}

func (l *boshLink) close() {
	for i := range l.conns {
		if c := l.conns[i].Conn; c != nil {
			c.Close()
		}
	}
}
