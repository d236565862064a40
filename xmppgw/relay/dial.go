package relay

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// How many times a sign-in may be sent on to another node (RFC 6120 §4.9.3.19).
const maxRedirects = 2

// dead is how long a peer may leave what was sent unacknowledged before its connection
// ends (RFC 5482), and how the system probes one that is silent: gone is noticed
// within a minute, either way.
const dead = 40 * time.Second

var probes = net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 10 * time.Second, Count: 3}

// eachTarget tries the upstream's addresses in turn, until one serves; those that did not serve
// lately come last. A server may send us on to another of them.
func (r *Relay) eachTarget(ctx context.Context, try func(ctx context.Context, t target) error) error {
	targets, err := r.targets(ctx)
	if err != nil {
		return err
	}
	targets = r.backoff.orderByHealth(targets, time.Now())
	allowed := slices.Clone(targets)
	var errs []error
	for redirects := 0; len(targets) > 0 && ctx.Err() == nil; {
		t := targets[0]
		targets = targets[1:]
		err := r.tryTarget(ctx, t, try)
		if err == nil {
			r.backoff.succeeded(t.address())
			return nil
		}
		if ctx.Err() == nil && !errors.Is(err, errNoLinkSlot) {
			r.backoff.failed(t.address(), time.Now())
		}
		errs = append(errs, fmt.Errorf("%s: %w", t, err))
		if to, ok := redirectOf(err, allowed); ok && redirects < maxRedirects {
			redirects++
			targets = append([]target{to}, targets...)
		}
	}
	return cmp.Or(errors.Join(errs...), ctx.Err())
}

func (r *Relay) tryTarget(ctx context.Context, t target, try func(ctx context.Context, t target) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.DialTimeout)
	defer cancel()
	return try(ctx, t)
}

// connect dials the upstream and negotiates up to the features that SASL is chosen
// from.
func (r *Relay) connect(ctx context.Context, lang string) (l *link, features *stream.Element, err error) {
	err = r.eachTarget(ctx, func(ctx context.Context, t target) error {
		l, features, err = r.open(ctx, t, lang)
		return err
	})
	return l, features, err
}

// redirectOf returns where the server sends its clients, if that is one of the addresses
// that were configured. A server that was taken over must not lead us to other services
// of the network.
func redirectOf(err error, allowed []target) (target, bool) {
	var refused *StreamError
	if !errors.As(err, &refused) || refused.Condition != seeOtherHost {
		return target{}, false
	}
	for _, t := range allowed {
		if t.network != "unix" && (t.address() == refused.Host || t.host == refused.Host || "["+t.host+"]" == refused.Host) {
			return t, true
		}
	}
	return target{}, false
}

// open dials one address, negotiates TLS, and returns the features that follow.
func (r *Relay) open(ctx context.Context, t target, lang string) (*link, *stream.Element, error) {
	l, err := r.dial(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	clearDeadline := l.setDeadline(ctx)
	features, err := l.secure(ctx, lang)
	if err == nil && features == nil {
		features, err = l.openStream(clientHeader{lang: lang})
	}
	clearDeadline()
	if err != nil {
		l.abort()
		return nil, nil, err
	}
	return l, features, nil
}

func (r *Relay) dial(ctx context.Context, t target) (*link, error) {
	leave, err := r.acquireLinkSlot()
	if err != nil {
		return nil, err
	}
	d := net.Dialer{KeepAliveConfig: probes, Control: r.control(t)}
	d.Resolver, _ = r.cfg.Resolver.(*net.Resolver)
	raw, err := d.DialContext(ctx, t.network, t.address())
	if err != nil {
		leave()
		return nil, err
	}
	if t.local && !isLocal(raw.RemoteAddr()) {
		// localhost that is not this machine: the exception is not for it.
		t.local = false
	}
	return newLink(r, t, &slotConn{raw, leave}), nil
}

// isLocal reports whether an address is of this machine.
func isLocal(a net.Addr) bool {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.IP.IsLoopback()
	}
	return a.Network() == "unix"
}

// tlsConfigs are for STARTTLS and for TLS from the first byte. The certificate must be for
// the domain, whatever the host is called (RFC 6120 §13.7.2.1).
func tlsConfigs(cfg Config) (starttls, direct *tls.Config) {
	starttls = &tls.Config{
		ServerName: stanza.ASCIIDomain(cfg.Domain), RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(0), // many sign in after an outage
	}
	direct = starttls.Clone()
	direct.NextProtos = []string{"xmpp-client"} // XEP-0368 §4
	return starttls, direct
}

// startTLS secures the connection.
func (l *link) startTLS(ctx context.Context) error {
	cfg := l.relay.tls
	if l.target.direct {
		cfg = l.relay.direct
	}
	conn := tls.Client(l.raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return tlsError(err, cfg.ServerName)
	}
	l.setConn(conn)
	return nil
}

// tlsError says how to mend what a handshake failed at.
func tlsError(err error, name string) error {
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return fmt.Errorf("TLS: %w: give the XMPP server a certificate that carries the domain %s (XMPP_DOMAIN)", err, name)
	case errors.As(err, &unknown):
		return fmt.Errorf("TLS: %w: give the XMPP server a certificate of a public authority, or name the file of its own CA in XMPP_UPSTREAM_CA", err)
	case errors.As(err, &invalid):
		return fmt.Errorf("TLS: %w: renew the certificate of the XMPP server, and see that the clocks are right", err)
	}
	return fmt.Errorf("TLS: %w: xmpps:// is for ports with TLS from the first byte, xmpp:// for those with STARTTLS", err)
}
