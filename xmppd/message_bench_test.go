package xmppd

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// BenchmarkMessage_Archived is the whole way of a one-to-one message into both
// archives, without the database: with few senders and with many.
func BenchmarkMessage_Archived(b *testing.B) {
	for _, senders := range []int{1, 100} {
		b.Run(fmt.Sprint(senders), func(b *testing.B) {
			w := newWorldWith(b, Config{Stores: Stores{Archive: discard{}}}, "alice", "bob")
			alice := w.online("alice", "a")
			alice.Sync()
			s := w.srv.registry.session(stanza.Address{User: "alice", Domain: "h", Resource: "a"})
			m, err := stream.Parse([]byte(`<message xmlns="jabber:client" to="bob@h" type="chat" id="m"><body>Hello, how are you?</body><store xmlns="urn:xmpp:hints"/></message>`), stream.DefaultLimits)
			if err != nil {
				b.Fatal(err)
			}
			to := stanza.Address{User: "bob", Domain: "h"}
			b.ReportAllocs()
			b.SetParallelism(senders)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					d := &delivery{sender: s, message: m, from: s.address(), to: to}
					err := w.srv.archiveMessage(context.Background(), d)
					if err == nil {
						err = w.srv.deliverMessage(context.Background(), d)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// discard is an archive that keeps nothing.
type discard struct{ archive.Store }

func (discard) Newest(context.Context, uuid.UUID) (uuid.UUID, error) { return uuid.Nil, nil }

func (discard) Append(context.Context, []archive.Entry) error { return nil }
