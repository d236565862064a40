package relay

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer returns a resolver for which every name has one address, as somebody who
// rebinds a name would have it.
func nameServer(t *testing.T, address [4]byte) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { ours.Close() })
		go answerNames(ours, address)
		return theirs, nil
	}}
}

// answerNames answers queries as a name server does over TCP (RFC 1035 §4.2.2).
func answerNames(conn net.Conn, address [4]byte) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, raw); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(raw) != nil || len(m.Questions) != 1 {
			return
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, // which nobody may keep
				Body:   &dnsmessage.AResource{A: address},
			}}
		}
		packed, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)); err != nil {
			return
		}
	}
}

// A configured name that the DNS makes an address inside the network is not dialled
// there, unless the configuration says that it may be.
func TestPublic_Rebinding(t *testing.T) {
	inner := newUpstream(t)
	_, port, _ := net.SplitHostPort(inner.target.address())
	for public, reached := range map[bool]bool{true: false, false: true} {
		r := newRelay(t, nil, func(cfg *Config) {
			passSASL(cfg)
			cfg.Public, cfg.Resolver = public, nameServer(t, [4]byte{127, 0, 0, 1})
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
