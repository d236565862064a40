package relay

import (
	"foyer/internal/testdns"
	"net"
	"testing"
)

// A configured name that the DNS makes an address inside the network is not dialled
// there, unless the configuration says that it may be.
func TestPublic_Rebinding(t *testing.T) {
	inner := newUpstream(t)
	_, port, _ := net.SplitHostPort(inner.target.address())
	for public, reached := range map[bool]bool{true: false, false: true} {
		r := newRelay(t, nil, func(cfg *Config) {
			passSASL(cfg)
			cfg.Public, cfg.Resolver = public, testdns.Resolver(t, func() [4]byte { return [4]byte{127, 0, 0, 1} })
			cfg.Upstream, _ = ParseUpstream("xmpp://chat.example.test:" + port)
		})
		checked := make(chan error, 1)
		go func() { checked <- r.Check(t.Context()) }()
		if reached {
			inner.next().open(featureStrong)
			contains(t, <-checked, "STARTTLS") // a name is no exception from that (B-55)
			continue
		}
		contains(t, <-checked, "leads chat.example.test to 127.0.0.1")
		select {
		case <-inner.conns:
			t.Error("the address was dialled")
		default:
		}
	}
}
