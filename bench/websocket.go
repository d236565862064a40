package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/fasthttp/websocket"
)

// wsLink is XMPP over WebSocket (RFC 7395). The library shakes hands; frames
// are read and written here, many in one system call.
type wsLink struct {
	conn   net.Conn
	domain string
	in     []byte // what was read and not used yet: in[used:]
	used   int
	got    [][]byte
	out    []byte
}

var _ link = (*wsLink)(nil)

func dialWebSocket(ctx context.Context, url, domain string, i int) (*wsLink, error) {
	return dialWebSocketFrom(ctx, url, domain, dialer(i))
}

func dialWebSocketFrom(ctx context.Context, url, domain string, from *net.Dialer) (*wsLink, error) {
	d := websocket.Dialer{
		NetDialContext:  from.DialContext,
		Subprotocols:    []string{"xmpp"},
		ReadBufferSize:  512,
		WriteBufferSize: 512,
	}
	conn, _, err := d.DialContext(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	// XMPP's server does not speak first: nothing is in the library's buffer.
	nc := conn.NetConn()
	_ = nc.SetDeadline(time.Now().Add(linkLifetime))
	return &wsLink{conn: nc, domain: domain, in: make([]byte, 0, 2048)}, nil
}

func (l *wsLink) header() error {
	return l.write([]byte(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + l.domain + `" version="1.0"/>`))
}

// write sends each element as a frame, all in one system call.
func (l *wsLink) write(elements ...[]byte) error {
	l.out = l.out[:0]
	for _, e := range elements {
		l.out = appendFrame(l.out, opText, e)
	}
	_, err := l.conn.Write(l.out)
	return err
}

func (l *wsLink) push(element []byte) error { return l.write(element) }

const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

// appendFrame appends a final, masked frame (RFC 6455 §5.2). The mask is zero:
// legal, and free.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, payload...)
}

func (l *wsLink) recv() ([][]byte, error) {
	l.got = l.got[:0]
	for {
		if err := l.frames(); err != nil || len(l.got) > 0 {
			return l.got, err
		}
		if err := l.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads once, after what is left.
func (l *wsLink) fill() error {
	left := copy(l.in, l.in[l.used:])
	l.in, l.used = l.in[:left], 0
	if cap(l.in)-left < 1024 {
		l.in = append(make([]byte, 0, 2*cap(l.in)+1024), l.in...)
	}
	n, err := l.conn.Read(l.in[left:cap(l.in)])
	l.in = l.in[:left+n]
	if n > 0 {
		return nil
	}
	return err
}

var errClosed = errors.New("the server closed the stream")

// frames takes the complete frames from what was read.
func (l *wsLink) frames() error {
	for {
		opcode, payload, n, err := cutFrame(l.in[l.used:])
		if err != nil || n == 0 {
			return err
		}
		l.used += n
		switch opcode {
		case opText:
			l.got = append(l.got, payload)
		case opPing:
			if _, err := l.conn.Write(appendFrame(nil, opPong, payload)); err != nil {
				return err
			}
		case opClose:
			return errClosed
		}
	}
}

// cutFrame returns the first frame of b and its length; 0 when it is not whole.
func cutFrame(b []byte) (opcode byte, payload []byte, n int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	if b[0]&0x80 == 0 || b[1]&0x80 != 0 {
		return 0, nil, 0, fmt.Errorf("a frame that is masked or not final: %x", b[:2])
	}
	head, size := 2, int(b[1])
	switch {
	case size == 126 && len(b) >= 4:
		head, size = 4, int(binary.BigEndian.Uint16(b[2:]))
	case size == 127 && len(b) >= 10:
		head, size = 10, int(binary.BigEndian.Uint64(b[2:]))
	case size >= 126:
		return 0, nil, 0, nil
	}
	if len(b) < head+size {
		return 0, nil, 0, nil
	}
	return b[0] & 0x0f, b[head : head+size], head + size, nil
}

func (l *wsLink) close() { l.conn.Close() }
