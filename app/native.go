package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"foyer/internal/netaddr"
	"foyer/internal/stanza"
	"foyer/xmppgw"
)

// Native clients: apps on people's devices, which speak XMPP over TCP.

// Native reports whether there is a port for native clients. An external server has its
// own.
func (c Config) Native() bool { return !c.External() && (c.C2SAddr != "" || c.C2STLSAddr != "") }

// nativePort is a port for native clients.
type nativePort struct {
	setting, addr string
	options       xmppgw.TCPOptions
	listener      net.Listener // nil: not listening yet
}

// checkNative checks the settings of native clients.
func (c Config) checkNative(check func(bool, string, ...any)) {
	for setting, addr := range map[string]string{"XMPP_C2S_ADDR": c.C2SAddr, "XMPP_C2S_TLS_ADDR": c.C2STLSAddr} {
		if addr == "" {
			continue
		}
		err := CheckAddr(addr)
		check(err == nil, "%s=%q %v", setting, addr, err)
	}
	if !c.Native() {
		return
	}
	check((c.TLSCert == "") == (c.TLSKey == ""), "XMPP_TLS_CERT and XMPP_TLS_KEY belong together; set both")
	if c.C2SPlain {
		check(listensLocally(c.C2SAddr), "XMPP_C2S_PLAIN: without TLS only on loopback, such as XMPP_C2S_ADDR=localhost:5222, not %q", c.C2SAddr)
	}
	if c.TLSCert != "" || (c.C2SPlain && c.C2STLSAddr == "") {
		return
	}
	local := (c.C2SAddr == "" || listensLocally(c.C2SAddr)) && (c.C2STLSAddr == "" || listensLocally(c.C2STLSAddr))
	check(c.Development() && local, "XMPP_TLS_CERT is empty: native clients need a certificate for %s; set XMPP_TLS_CERT and XMPP_TLS_KEY to its files (in development on loopback the site makes one that nobody vouches for)", c.Domain)
}

// listensLocally reports whether an address to listen on cannot be reached from
// elsewhere.
func listensLocally(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && netaddr.IsLoopback(host)
}

// certificate returns what proves the site to native clients; nil: nothing needs
// it.
func (s *Server) certificate() (*xmppgw.Certificate, error) {
	switch {
	case !s.cfg.Native() || (s.cfg.C2SPlain && s.cfg.C2STLSAddr == ""):
		return nil, nil
	case s.cfg.TLSCert == "":
		return xmppgw.SelfSigned(stanza.ASCIIDomain(s.cfg.Domain), "localhost")
	}
	cert, err := xmppgw.LoadCertificate(s.cfg.TLSCert, s.cfg.TLSKey, s.log)
	if err != nil {
		return nil, fmt.Errorf("the certificate for native clients (XMPP_TLS_CERT, XMPP_TLS_KEY): %w", err)
	}
	return cert, nil
}

// listenNative binds the ports for native clients.
func (s *Server) listenNative() error {
	if !s.cfg.Native() {
		return nil
	}
	cert, err := s.certificate()
	if err != nil {
		return err
	}
	plain := xmppgw.TCPOptions{Certificate: cert}
	if s.cfg.C2SPlain {
		plain.Certificate = nil
	}
	for _, p := range []nativePort{
		{setting: "XMPP_C2S_ADDR", addr: s.cfg.C2SAddr, options: plain},
		{setting: "XMPP_C2S_TLS_ADDR", addr: s.cfg.C2STLSAddr, options: xmppgw.TCPOptions{Certificate: cert, Direct: true}},
	} {
		if p.addr == "" {
			continue
		}
		if p.listener, err = net.Listen("tcp", p.addr); err != nil {
			s.closeNative()
			return fmt.Errorf("cannot listen on %s; stop what uses it, or set %s to another address: %w", p.addr, p.setting, err)
		}
		s.native = append(s.native, p)
	}
	return nil
}

// closeNative stops listening for native clients.
func (s *Server) closeNative() {
	for _, p := range s.native {
		p.listener.Close()
	}
}

// serveNative serves native clients on one port until it is closed.
func (s *Server) serveNative(p nativePort) {
	s.log.Info("native clients", "addr", p.listener.Addr().String(), "how", p.options)
	if err := s.gateway.ServeTCP(p.listener, p.options); err != nil {
		s.log.Error("native clients are not served any more", "err", err)
	}
}

// nativeServers says what to type into an app that does not find the server by
// itself.
func (s *Server) nativeServers() []NativeServer {
	u, err := url.Parse(s.BaseURL())
	if err != nil {
		return nil
	}
	var list []NativeServer
	for _, p := range s.native {
		how := "STARTTLS"
		switch {
		case p.options.Direct:
			how = "direct TLS"
		case p.options.Certificate == nil:
			how = "without encryption, on this machine only"
		}
		_, port, _ := net.SplitHostPort(p.listener.Addr().String())
		list = append(list, NativeServer{Host: u.Hostname(), Port: port, How: how})
	}
	return list
}

// Certificates that expire sooner than this are worth a warning.
const nativeExpiryWarning = 7 * 24 * time.Hour

// CheckNative checks the certificate for native clients. The error says what to
// mend.
func CheckNative(cfg Config) error {
	if !cfg.Native() || cfg.TLSCert == "" {
		return nil
	}
	cert, err := xmppgw.LoadCertificate(cfg.TLSCert, cfg.TLSKey, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	leaf := cert.Leaf()
	var wrong []error
	// RFC 6120 §13.7.2: it is for the domain of people's addresses.
	if err := leaf.VerifyHostname(stanza.ASCIIDomain(cfg.Domain)); err != nil {
		wrong = append(wrong, fmt.Errorf("the certificate must be for %s, the domain of people's addresses: %w", cfg.Domain, err))
	}
	switch until := leaf.NotAfter; {
	case time.Now().After(until):
		wrong = append(wrong, fmt.Errorf("the certificate expired on %s; renew it", until.Format("2 January 2006")))
	case time.Now().Add(nativeExpiryWarning).After(until):
		wrong = append(wrong, fmt.Errorf("the certificate expires on %s; renew it", until.Format("2 January 2006")))
	}
	return errors.Join(wrong...)
}
