package netaddr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
)

// Where FreePort looks: Linux gives the ports from 32768 on, and other systems those from
// 49152 on (RFC 6335 §6), to whoever asks for none in particular.
const firstPort, endOfPorts = 20_000, 32_000

// FreePort returns a port of loopback that was free a moment ago, for a program that is
// about to be started and has to be told one. The system gives such a port to nobody who did
// not ask for it; who asks for just this one may still take it first.
func FreePort() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(endOfPorts-firstPort)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("netaddr: none of 100 ports of loopback from %d to %d is free", firstPort, endOfPorts-1)
}
