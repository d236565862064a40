package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"time"
)

// Those who attack the gateway without ever signing in.

// halfOpen holds 10,000 connections that begin something and do not go on: a handshake, a
// request, the body of one, a frame.
func halfOpen(ctx context.Context, s *server) {
	host := strings.TrimPrefix(s.web, "http://")
	begun := []string{
		"GET /xmpp-websocket HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n",
		"POST /http-bind HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n",
		"POST /http-bind HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n<body ",
	}
	concurrently(ctx, 10_000, func(i int) error {
		if i%4 == 3 {
			l, err := dialWebSocketFrom(ctx, s.webSocket, domain, evil())
			if err != nil {
				return err
			}
			defer l.close()
			if _, err := l.conn.Write(appendFrame(nil, opText, []byte("<open "))[:6]); err != nil {
				return err
			}
			return pause(ctx, time.Minute)
		}
		conn, err := evil().DialContext(ctx, "tcp", host)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, begun[i%4]); err != nil {
			return err
		}
		return pause(ctx, time.Minute)
	})
}

// slowBodies sends 2,000 BOSH requests whose bodies come one byte a second.
func slowBodies(ctx context.Context, s *server) {
	host := strings.TrimPrefix(s.web, "http://")
	concurrently(ctx, 2000, func(int) error {
		conn, err := evil().DialContext(ctx, "tcp", host)
		if err != nil {
			return err
		}
		defer conn.Close()
		next := "POST /http-bind HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n<"
		for {
			if _, err := io.WriteString(conn, next); err != nil {
				return err
			}
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
			next = "b"
		}
	})
}

// hugeFrames announces frames of 64 MiB and sends them, and messages in pieces without an
// end.
func hugeFrames(ctx context.Context, s *server) {
	piece := bytes.Repeat([]byte("x"), 64<<10)
	whole := binary.BigEndian.AppendUint64([]byte{0x80 | opText, 0x80 | 127}, 64<<20)
	whole = append(whole, 0, 0, 0, 0)
	endless := appendFrame(nil, opText, piece)
	concurrently(ctx, 200, func(i int) error {
		l, err := dialWebSocketFrom(ctx, s.webSocket, domain, evil())
		if err != nil {
			return err
		}
		defer l.close()
		first, next := whole, piece
		if i%2 == 1 {
			first, next = bytes.Clone(endless), bytes.Clone(endless)
			first[0], next[0] = opText, 0 // more follows, and this continues it (RFC 6455 §5.4)
		}
		for ; ctx.Err() == nil; first = next {
			if _, err := l.conn.Write(first); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// bombs sends BOSH bodies that unpack to a gigabyte, and WebSocket frames that claim to be
// compressed where nothing was agreed (RFC 7692 §6).
func bombs(ctx context.Context, s *server) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = io.WriteString(zip, boshBomb)
	blank := bytes.Repeat([]byte(" "), 1<<20)
	for range 1 << 10 {
		_, _ = zip.Write(blank)
	}
	_ = zip.Close()
	frame := appendFrame(nil, opText, packed.Bytes()[:1<<10])
	frame[0] |= 0x40
	client := evilClient()
	concurrently(ctx, 50, func(i int) error {
		if i%5 == 0 {
			l, err := dialWebSocketFrom(ctx, s.webSocket, domain, evil())
			if err != nil {
				return err
			}
			defer l.close()
			if _, err := l.conn.Write(frame); err != nil {
				return err
			}
			_, err = l.recv()
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.web+"/http-bind", bytes.NewReader(packed.Bytes()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Encoding", "gzip")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}

const boshBomb = `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="localhost" wait="59" hold="1" ver="1.6">`
