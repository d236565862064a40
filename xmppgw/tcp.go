package xmppgw

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// TCP for native clients (RFC 6120). Streams are admitted, shaped, bounded and
// ended as those of the web are, and served by the same server.

// Things a client may say before TLS other than asking for it.
const beforeTLS = 3

// How long a TLS handshake may take.
const handshakeTimeout = 10 * time.Second

// TCPOptions say how a listener's clients connect.
type TCPOptions struct {
	Certificate *Certificate // nil: without TLS, for listeners on loopback
	Direct      bool         // TLS from the first byte (XEP-0368) instead of STARTTLS
}

// ServeTCP serves the clients that connect to l until it is closed, and returns
// nil then. Shutdown ends the streams, not the listener.
func (g *Gateway) ServeTCP(l net.Listener, o TCPOptions) error {
	for wait := time.Duration(0); ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			wait = 0
			go g.serveTCP(nc, o)
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			// Too many open files, or the like: it passes.
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			g.log.Error("a client could not be accepted", "err", err)
			time.Sleep(wait)
		}
	}
}

// serveTCP serves one connection until it ends.
func (g *Gateway) serveTCP(nc net.Conn, o TCPOptions) {
	defer nc.Close()
	tuneTCP(nc)
	s := g.newTCPStream(nc, o)
	release, err := g.track(s)
	if err != nil {
		s.refuse(err, o)
		s.hold()
		return
	}
	defer release()
	s.signIn = time.AfterFunc(g.cfg.Unauthenticated, func() {
		s.Close(&stream.Error{Condition: stream.PolicyViolation, Text: "sign in sooner"})
	})
	defer s.signIn.Stop()
	if err := s.open(g.ctx, o); err != nil {
		s.Close(err)
	} else if err := g.cfg.Server.Serve(g.ctx, s, s.peer); err != nil {
		g.log.Debug("tcp stream ended", "conn", s.peer.Conn, "reason", err)
	}
	s.finish()
	s.hold()
}

// nativePeer describes a client to the server. Nobody vouches for it; whether
// passwords may travel is known once there is TLS, or is none (RFC 6120 §13.8.3).
func (g *Gateway) nativePeer(nc net.Conn, o TCPOptions) *stream.Peer {
	p := &stream.Peer{Conn: rand.Text()[:10], Transport: stream.TCP, Domain: g.cfg.Domain, Native: true,
		MaxBytes: g.cfg.Limits.Bytes, Idle: g.idle(stream.TCP)}
	loopback := false
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		ip := a.AddrPort().Addr().Unmap()
		p.Addr, loopback = ip.WithZone("").String(), ip.IsLoopback()
	}
	p.Password = o.Certificate == nil && loopback
	p.SCRAM = p.Password && !g.cfg.NoSCRAM
	return p
}

// refuse tells a client that it is not admitted, where no handshake is needed
// for that.
func (s *tcpStream) refuse(err error, o TCPOptions) {
	if o.Direct {
		return
	}
	s.Close(err)
	s.finish()
}

// open brings the stream to where the server takes over: TLS, and a header that
// was checked and answered.
func (s *tcpStream) open(ctx context.Context, o TCPOptions) error {
	switch {
	case o.Certificate == nil:
	case o.Direct:
		if err := s.handshake(ctx, o.Certificate.current(), nil); err != nil {
			return err
		}
	default:
		if err := s.startTLS(ctx, o.Certificate); err != nil {
			return err
		}
	}
	return s.readHeader()
}

// startTLS is the stream before TLS: STARTTLS, and nothing else (RFC 6120 §5).
func (s *tcpStream) startTLS(ctx context.Context, cert *Certificate) error {
	if err := s.readHeader(); err != nil {
		return err
	}
	_ = s.queue.Push([]byte(`<stream:features><starttls xmlns="` + stanza.NSTLS + `"><required/></starttls></stream:features>`))
	for range beforeTLS {
		el, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		switch {
		case el.Name == stream.Name{Space: stanza.NSTLS, Local: "starttls"}:
			if s.reader.Buffered() > 0 {
				// What was sent in clear must not count as sent over TLS.
				return &stream.Error{Condition: stream.PolicyViolation, Text: "wait for <proceed/>"}
			}
			return s.handshake(ctx, cert.current(), []byte(`<proceed xmlns="`+stanza.NSTLS+`"/>`))
		case el.Name.Space == stanza.NSSASL || el.Name.Space == stanza.NSSASL2:
			// RFC 6120 §6.5.5 (S-16).
			_ = s.queue.Push([]byte(`<failure xmlns="` + el.Name.Space + `"><encryption-required xmlns="` + stanza.NSSASL + `"/></failure>`))
		default:
			return &stream.Error{Condition: stream.NotAuthorized, Text: "begin with STARTTLS"}
		}
	}
	return &stream.Error{Condition: stream.PolicyViolation, Text: "begin with STARTTLS"}
}

// handshake puts TLS under the stream, after writing what comes last in clear.
// Nothing else is written meanwhile. An error leaves a connection on which
// nothing more can be said.
func (s *tcpStream) handshake(ctx context.Context, pair *keyPair, last []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if last != nil && !s.writeAllLocked(append(s.queue.Take(), last)) {
		return stream.ErrDisconnected
	}
	s.conn, s.greeted = nil, false
	config := pair.direct
	if last != nil {
		config = pair.startTLS
	}
	conn := tls.Server(s.raw, config)
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		s.gateway.log.Debug("no TLS", "conn", s.peer.Conn, "err", err)
		return stream.ErrDisconnected
	}
	s.conn = conn
	s.reader = stream.NewReader(shapedReader{s, conn}, s.gateway.cfg.Limits)
	s.peer.Password, s.peer.SCRAM, s.peer.Binding = true, !s.gateway.cfg.NoSCRAM, binding(conn, pair)
	return nil
}

// binding returns the data of the channel bindings (RFC 5929 §4, RFC 9266 §2).
func binding(conn *tls.Conn, pair *keyPair) stream.Binding {
	b := stream.Binding{Endpoint: pair.endpoint}
	if state := conn.ConnectionState(); state.Version >= tls.VersionTLS13 {
		// An error means that there is none.
		b.Exporter, _ = state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	}
	return b
}

// LogValue implements slog.LogValuer.
func (o TCPOptions) LogValue() slog.Value {
	switch {
	case o.Certificate == nil:
		return slog.StringValue("plain")
	case o.Direct:
		return slog.StringValue("direct TLS")
	}
	return slog.StringValue("STARTTLS")
}
