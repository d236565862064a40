package app

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// normalOrigin brings a URL that names a site into the one form that origins are
// compared in (RFC 6454 §4, §6.1): scheme and host in lower case, the host in
// ASCII, without the scheme's own port. The error says what is wrong with it.
func normalOrigin(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", errors.New("it is no URL")
	case u.Opaque != "" || u.Host == "" || u.Hostname() == "":
		return "", errors.New("it names no host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("it has more than a host; leave the rest away")
	case strings.Trim(u.Path, "/") != "":
		return "", errors.New("it has a path, and the site needs a host of its own")
	}
	host, err := normalHost(u.Hostname())
	if err != nil {
		return "", err
	}
	scheme := strings.ToLower(u.Scheme)
	port, err := normalPort(u.Port())
	if err != nil {
		return "", err
	}
	if (scheme == "https" && port == "443") || (scheme == "http" && port == "80") {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return scheme + "://" + host, nil
}

// normalPort is a port as browsers write it, without zeros in front; empty: none.
func normalPort(port string) (string, error) {
	if port == "" {
		return "", nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", errors.New("its port is not one from 1 to 65535")
	}
	return strconv.FormatUint(n, 10), nil
}

// normalHost is an address, or a domain as it stands in a certificate (RFC 5891).
func normalHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || slices.Contains(strings.Split(ascii, "."), "") {
		return "", errors.New("its host is no domain")
	}
	return ascii, nil
}

// checkBaseURL refuses a public URL that people could not use. Plain http is for
// loopback, localhost and the names below it among it (RFC 6761 §6.3).
func checkBaseURL(origin string) error {
	u, err := url.Parse(origin)
	if err != nil {
		return err
	}
	switch {
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return errors.New("it must begin with https://")
	case isLoopbackURL(origin):
		return nil
	}
	return errors.New("plain http is for localhost only; use https")
}

// isLoopbackURL reports whether a URL leads nowhere but to the machine itself.
func isLoopbackURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || (err == nil && ip.IsLoopback())
}

// isOrigin reports whether an Origin header names this site. In development the
// site has three names on loopback.
func (s *site) isOrigin(origin string) bool {
	base := s.BaseURL()
	if base == "" || origin == "" {
		return false
	}
	if origin == base {
		return true
	}
	normal, err := normalOrigin(origin)
	if err != nil {
		return false
	}
	if normal == base {
		return true
	}
	if !s.cfg.Development() || s.cfg.BaseURL != "" {
		return false
	}
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if normal == "http://"+host+":"+u.Port() {
			return true
		}
	}
	return false
}
