package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"time"
)

// tcpLink is XMPP as native clients and gateways speak it (RFC 6120), without TLS.
type tcpLink struct {
	conn net.Conn
	in   []byte
	out  []byte
}

var _ link = (*tcpLink)(nil)

func dialTCP(ctx context.Context, address string, i int) (*tcpLink, error) {
	conn, err := dialer(i).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(linkLifetime))
	return &tcpLink{conn: conn, in: make([]byte, 0, 2048)}, nil
}

func (l *tcpLink) header() error {
	return l.write([]byte(`<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="` + domain + `" version="1.0">`))
}

func (l *tcpLink) write(elements ...[]byte) error {
	l.out = l.out[:0]
	for _, e := range elements {
		l.out = append(l.out, e...)
	}
	_, err := l.conn.Write(l.out)
	return err
}

func (l *tcpLink) push(element []byte) error { return l.write(element) }

// recv reads to the end of a tag: texts are whole, elements need not be.
func (l *tcpLink) recv() ([][]byte, error) {
	l.in = l.in[:0]
	for !bytes.HasSuffix(bytes.TrimSpace(l.in), []byte(">")) {
		if len(l.in) == cap(l.in) {
			l.in = append(make([]byte, 0, 2*cap(l.in)), l.in...)
		}
		n, err := l.conn.Read(l.in[len(l.in):cap(l.in)])
		l.in = l.in[:len(l.in)+n]
		if err != nil && n == 0 {
			return nil, err
		}
	}
	if bytes.Contains(l.in, []byte("</stream:stream>")) {
		return nil, errors.New("the server ended the stream")
	}
	return [][]byte{l.in}, nil
}

func (l *tcpLink) close() { l.conn.Close() }
