package muc

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"foyer/internal/budget"
	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"

	"github.com/google/uuid"
)

// sink is a client that reads at once. What rooms do not ask of a client is not there.
type sink struct {
	xmppd.Client
	user, jid string
	n, bytes  int
}

func (s *sink) JID() string                 { return s.jid }
func (s *sink) Bare() string                { return s.user + "@h" }
func (s *sink) User() string                { return s.user }
func (s *sink) Deliver(raw []byte)          { s.n++; s.bytes += len(raw) }
func (s *sink) Ready(context.Context) error { return nil }

func (s *sink) SendSentCarbons(*stream.Element, uuid.UUID) {}

// crowd makes a room with n people in it. Nothing is archived: what is measured is
// the room's own work.
func crowd(b *testing.B, n int) (*Service, []*sink) {
	w := newWorldWith(b, Config{Occupants: 4000}, xmppd.Config{FanOut: 1 << 40, FanOutSaid: 1 << 40}, "alice") // no budget is met
	w.open("den", func(s *Settings) { s.Archive = false })
	people := make([]*sink, n)
	for i := range people {
		user := fmt.Sprintf("user%d", i)
		people[i] = &sink{user: user, jid: user + "@h/browser-4711"}
		enter(b, w.svc, people[i])
	}
	return w.svc, people
}

func enter(tb testing.TB, svc *Service, s *sink) { tb.Helper(); enterRoom(tb, svc, s, "den") }

func enterRoom(tb testing.TB, svc *Service, s *sink, room string) {
	presence(tb, svc, s, room, `<presence xmlns="jabber:client" from="`+s.jid+`" to="`+room+`@rooms.h/`+s.user+`">`+
		`<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://conversejs.org" ver="qgxN8hmrdSa2/4/7PUoM9bPFN2s="/>`+
		`<x xmlns="vcard-temp:x:update"><photo>0123456789abcdef0123456789abcdef01234567</photo></x>`+
		`<x xmlns="`+stanza.NSMUC+`"><history maxstanzas="0"/></x></presence>`)
}

func presence(tb testing.TB, svc *Service, s *sink, room, raw string) {
	el, err := stream.Parse([]byte(raw), stream.DefaultLimits)
	if err != nil {
		tb.Fatal(err)
	}
	to := stanza.Address{User: room, Domain: "rooms.h", Resource: s.user}
	if err := svc.Handle(context.Background(), s, el, to); err != nil {
		tb.Fatal(err)
	}
}

// What one delivery of a room message costs, by the number of occupants: it is to
// stay flat.
func BenchmarkDelivery(b *testing.B) {
	for _, n := range []int{10, 200, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			svc, people := crowd(b, n)
			m, err := stream.Parse([]byte(`<message xmlns="jabber:client" type="groupchat" id="0b9b4b1c-6bb0-4dd1" from="`+people[0].jid+`" to="den@rooms.h">`+
				`<body>The quick brown fox jumps over the lazy dog.</body><active xmlns="http://jabber.org/protocol/chatstates"/>`+
				`<origin-id xmlns="urn:xmpp:sid:0" id="0b9b4b1c-6bb0-4dd1"/></message>`), stream.DefaultLimits)
			if err != nil {
				b.Fatal(err)
			}
			to := stanza.Address{User: "den", Domain: "rooms.h"}
			b.ReportAllocs()
			runtime.GC()
			for b.Loop() {
				if err := svc.Handle(context.Background(), people[0], m, to); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/delivery")
		})
	}
}

// What coming in and going again costs, by the number of those who are there: it
// is to grow in step with what is sent, and no faster.
func BenchmarkJoinAndLeave(b *testing.B) {
	for _, n := range []int{10, 200, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			svc, _ := crowd(b, n)
			s := &sink{user: "newcomer", jid: "newcomer@h/browser-4711"}
			b.ReportAllocs()
			runtime.GC()
			for b.Loop() {
				enter(b, svc, s)
				svc.Gone(context.Background(), s, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*3*n), "ns/stanza")
		})
	}
}

// What a crowd costs that comes all at once.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				crowd(b, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*n), "ns/stanza")
		})
	}
}

// What a sign-in of somebody who belongs to 200 rooms with 50 people in each costs in the
// rooms: entered, or followed (XEP-0437). For entering, only the presence; a client asks
// each room for more.
func BenchmarkSignIn_Rooms(b *testing.B) {
	const rooms, people = 200, 50
	w := newWorldWith(b, Config{RoomsPerSession: rooms}, xmppd.Config{FanOut: 1 << 40, FanOutSaid: 1 << 40}, "alice")
	w.svc.archiveLookups = budget.NewRate(budget.Limit{}, 1<<40, 1<<40, nil)
	all := make([]*sink, people)
	for i := range rooms {
		room := fmt.Sprintf("r%d", i)
		w.open(room, nil)
		for j := range people {
			if all[j] == nil {
				user := fmt.Sprintf("user%d", j)
				all[j] = &sink{user: user, jid: user + "@h/browser-4711"}
			}
			enterRoom(b, w.svc, all[j], room)
		}
	}
	told := func() (n, bytes int) {
		for _, s := range all {
			n, bytes = n+s.n, bytes+s.bytes
		}
		return n, bytes
	}
	measure := func(b *testing.B, begin func(*sink)) {
		b.ReportAllocs()
		var own, ownBytes, others int
		for i := 0; b.Loop(); i++ {
			alice := &sink{user: "alice", jid: fmt.Sprintf("alice@h/browser-%d", i)}
			before, _ := told()
			begin(alice)
			after, _ := told()
			own, ownBytes, others = alice.n, alice.bytes, after-before
			b.StopTimer()
			w.svc.Gone(context.Background(), alice, nil)
			b.StartTimer()
		}
		b.ReportMetric(float64(own), "stanzas")
		b.ReportMetric(float64(ownBytes)/1024, "KiB")
		b.ReportMetric(float64(others), "to_others")
	}
	b.Run("entered", func(b *testing.B) {
		measure(b, func(alice *sink) {
			for i := range rooms {
				enterRoom(b, w.svc, alice, fmt.Sprintf("r%d", i))
			}
		})
	})
	b.Run("followed", func(b *testing.B) {
		measure(b, func(alice *sink) {
			el, err := stream.Parse([]byte(`<presence xmlns="jabber:client" from="`+alice.jid+`" to="rooms.h"><rai xmlns="`+nsRAI+`">`+withSaid+`</rai></presence>`), stream.DefaultLimits)
			if err != nil {
				b.Fatal(err)
			}
			if err := w.svc.Handle(context.Background(), alice, el, stanza.Address{Domain: "rooms.h"}); err != nil {
				b.Fatal(err)
			}
		})
	})
}
