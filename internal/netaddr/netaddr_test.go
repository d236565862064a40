package netaddr

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
)

// RFC 6890: what leads to this machine, inside its network, or through a translator back there is not public.
func TestIsPublic(t *testing.T) {
	for _, public := range []string{"93.184.215.14", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:93.184.215.14", "64:ff9b::93.184.215.14"} {
		if !IsPublic(netip.MustParseAddr(public)) {
			t.Errorf("%s is public", public)
		}
	}
	for what, address := range map[string]string{
		"this host": "0.0.0.0", "this network": "0.1.2.3", "loopback": "127.8.9.1", "loopback, IPv6": "::1", "unspecified, IPv6": "::",
		"private, 10": "10.0.0.1", "private, 172": "172.16.0.1", "private, 192": "192.168.1.1", "carrier-grade NAT": "100.64.0.1",
		"link-local": "169.254.169.254", "link-local, IPv6": "fe80::1", "link-local, with a zone": "fe80::1%eth0", "unique local": "fd12:3456::1", "site-local": "fec0::1",
		"multicast": "224.0.0.1", "multicast, IPv6": "ff02::1", "reserved": "240.0.0.1", "broadcast": "255.255.255.255",
		"protocol assignments": "192.0.0.8", "documentation": "203.0.113.7", "documentation, IPv6": "2001:db8::1", "benchmarking": "198.18.0.1",
		"mapped loopback": "::ffff:127.0.0.1", "mapped private": "::ffff:10.0.0.1", "compatible": "::127.0.0.1", "NAT64 of loopback": "64:ff9b::7f00:1", "NAT64 of a private address": "64:ff9b::10.0.0.1", "NAT64 of the metadata of a cloud": "64:ff9b::169.254.169.254", "NAT64 of nothing": "64:ff9b::", "NAT64, local": "64:ff9b:1::1",
		"6to4": "2002:7f00:1::", "Teredo": "2001::1", "discard": "100::1",
	} {
		if IsPublic(netip.MustParseAddr(address)) {
			t.Errorf("%s: %s is not public", what, address)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for _, host := range []string{"localhost", "LocalHost", "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"} {
		if !IsLoopback(host) {
			t.Errorf("%s is this machine", host)
		}
	}
	for _, host := range []string{"", "0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "[::1]"} {
		if IsLoopback(host) {
			t.Errorf("%s may be elsewhere", host)
		}
	}
}

// A port that the system may give to anybody who asks for none in particular, such as for a
// connection to somewhere, could be taken before the program that is told it listens there.
func TestFreePort(t *testing.T) {
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	if port < 1024 || port >= 32_768 {
		t.Errorf("port %d may be given to anybody", port)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatalf("port %d is not free: %v", port, err)
	}
	l.Close()
}
