package netaddr

import "net"

// FreePort returns a port of loopback that was free a moment ago, for a program that is
// about to be started. Another program may take it first.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
