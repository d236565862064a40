package instances

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/fasthttp/websocket"
)

// webSocketLine is XMPP over WebSocket (RFC 7395), with stream management (XEP-0198) once
// it is managed.
type webSocketLine struct {
	conn    *websocket.Conn
	managed *managed // nil: not yet
}

// managed is what outlives a connection.
type managed struct {
	id      string
	in, out uint32   // stanzas that came, and that were acknowledged
	unacked []string // those that were not
}

func (p *person) openWebSocket(ctx context.Context) (*webSocketLine, error) {
	d := websocket.Dialer{Subprotocols: []string{"xmpp"}, HandshakeTimeout: timeout, TLSClientConfig: &tls.Config{RootCAs: p.site.roots}}
	d.NetDialTLSContext = p.http.Transport.(*http.Transport).DialTLSContext
	conn, _, err := d.DialContext(ctx, "wss"+strings.TrimPrefix(p.site.url, "https")+"/xmpp-websocket", p.header())
	if err != nil {
		return nil, err
	}
	return &webSocketLine{conn: conn}, nil
}

func (l *webSocketLine) open() error {
	return l.write(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + domain + `" version="1.0"/>`)
}

func (l *webSocketLine) close() { l.conn.Close() }

func (l *webSocketLine) write(raw string) error {
	return l.conn.WriteMessage(websocket.TextMessage, []byte(raw))
}

func (l *webSocketLine) send(elements ...string) error {
	for _, raw := range elements {
		if l.managed != nil {
			l.managed.unacked = append(l.managed.unacked, raw)
		}
		if err := l.write(raw); err != nil {
			return err
		}
	}
	if l.managed != nil {
		return l.write(`<r xmlns="` + stanza.NSSM + `"/>`)
	}
	return nil
}

func (l *webSocketLine) next() (*stream.Element, error) {
	for {
		_ = l.conn.SetReadDeadline(time.Now().Add(timeout))
		_, raw, err := l.conn.ReadMessage()
		if err != nil {
			return nil, err
		}
		el, err := stream.Parse(raw, limits)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", raw, err)
		case el.Name.Space == stanza.NSSM && l.managed != nil:
			if err := l.manage(el); err != nil {
				return nil, err
			}
			continue
		case el.Name.Space == stream.NSClient && l.managed != nil:
			l.managed.in++
		}
		return el, nil
	}
}

// manage counts with the other side.
func (l *webSocketLine) manage(el *stream.Element) error {
	switch el.Name.Local {
	case "r":
		return l.write(`<a xmlns="` + stanza.NSSM + `" h="` + strconv.FormatUint(uint64(l.managed.in), 10) + `"/>`)
	case "a":
		return l.managed.acked(el)
	}
	return nil
}

func (m *managed) acked(el *stream.Element) error {
	text, _ := el.Attr("h")
	h, err := strconv.ParseUint(text, 10, 32)
	n := uint32(h) - m.out
	if err != nil || int(n) > len(m.unacked) {
		return fmt.Errorf("%d are unacknowledged, and it says %s", len(m.unacked), el.Raw)
	}
	m.unacked, m.out = m.unacked[n:], uint32(h)
	return nil
}

// enable begins to manage the stream.
func (l *webSocketLine) enable() (*managed, error) {
	if err := l.write(`<enable xmlns="` + stanza.NSSM + `" resume="true"/>`); err != nil {
		return nil, err
	}
	el, err := until(l, "enabled", "")
	if err != nil {
		return nil, err
	}
	id, _ := el.Attr("id")
	l.managed = &managed{id: id}
	return l.managed, nil
}

// resume goes on with a stream that was lost. It reports false when the server has ended it.
func (l *webSocketLine) resume(m *managed) (bool, error) {
	if err := l.write(`<resume xmlns="` + stanza.NSSM + `" previd="` + stream.Escape(m.id) + `" h="` + strconv.FormatUint(uint64(m.in), 10) + `"/>`); err != nil {
		return false, err
	}
	el, err := l.next()
	switch {
	case err != nil:
		return false, err
	case el.Name.Local == "failed":
		return false, nil
	case el.Name.Local != "resumed":
		return false, fmt.Errorf("instead of <resumed/> comes %s", el.Raw)
	}
	l.managed = m
	if err := m.acked(el); err != nil {
		return false, err
	}
	left := m.unacked
	m.unacked = nil
	return true, l.send(left...)
}
