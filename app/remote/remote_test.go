package remote

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"foyer/internal/stream"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a Conn to a server that answers what contains a key with the value; ID
// stands for the id of what it answers. What nothing matches is not answered.
type script struct {
	t       *testing.T
	answers [][2]string

	mu     sync.Mutex
	sent   []string
	in     chan *stream.Element
	closed chan struct{}
	once   sync.Once
}

func play(t *testing.T, answers ...[2]string) (*Session, *script) {
	t.Helper()
	c := &script{t: t, answers: answers, in: make(chan *stream.Element, 100), closed: make(chan struct{})}
	s := newSession(c)
	t.Cleanup(s.Close)
	return s, c
}

func (c *script) JID() string { return "ann@h/site" }

func (c *script) Send(raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, string(raw))
	el, err := stream.Parse(raw, stream.DefaultLimits)
	if err != nil {
		c.t.Errorf("%s: %v", raw, err)
		return err
	}
	id, _ := el.Attr("id")
	for i, a := range c.answers {
		if a[0] != "" && strings.Contains(string(raw), a[0]) {
			c.answers[i][0] = "" // once
			c.answer(id, a[1])
			return nil
		}
	}
	return nil
}

// answer sends elements, each on lines of its own; END ends the stream.
func (c *script) answer(id, elements string) {
	for raw := range strings.SplitSeq(strings.ReplaceAll(elements, "ID", id), "\n\n") {
		switch raw {
		case "":
		case "END":
			c.Close()
		default:
			el, err := stream.Parse([]byte(raw), stream.DefaultLimits)
			if err != nil {
				c.t.Error(err)
			}
			c.in <- el
		}
	}
}

func (c *script) Recv(ctx context.Context) (*stream.Element, error) {
	select {
	case el := <-c.in:
		return el, nil
	case <-c.closed:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *script) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// said reports whether something that was sent has all of parts.
func (c *script) said(parts ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, raw := range c.sent {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(raw, p)
		}
		if all {
			return true
		}
	}
	return false
}

const (
	ownPresence = `<presence xmlns="jabber:client" from="den@c.h/ann"><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/>STATUS</x></presence>`
	ownerForm   = `<iq xmlns="jabber:client" type="result" id="ID" from="den@c.h"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="form">
		<field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/muc#roomconfig</value></field>
		<field var="muc#roomconfig_roomname"><value/></field><field var="muc#roomconfig_membersonly"><value>0</value></field><field var="mam"><value>0</value></field></x></query></iq>`
	result = `<iq xmlns="jabber:client" type="result" id="ID" from="den@c.h"/>`
)

func refused(condition string) string {
	return `<iq xmlns="jabber:client" type="error" id="ID" from="den@c.h"><error type="cancel"><` + condition + ` xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`
}

// XEP-0045 §10.1: enter, set up with what the form has, leave.
func TestCreateRoom(t *testing.T) {
	s, c := play(t, [2]string{"<presence", strings.Replace(ownPresence, "STATUS", `<status code="201"/>`, 1)},
		[2]string{`type="get"`, ownerForm}, [2]string{`type="set"`, result})
	if err := s.CreateRoom(t.Context(), "den@c.h", "ann", NewRoom{Title: "The <den>", Private: true}); err != nil {
		t.Fatal(err)
	}
	if !c.said(`var="muc#roomconfig_membersonly"`, "<value>1</value>", "The &lt;den&gt;", `var="mam"`) || c.said("muc#roomconfig_whois") {
		t.Error(c.sent)
	}
	if !c.said("<presence", `type="unavailable"`) {
		t.Error("it did not leave")
	}
}

// A room that is there already is left as it is.
func TestCreateRoom_Taken(t *testing.T) {
	s, c := play(t, [2]string{"<presence", strings.Replace(ownPresence, "STATUS", "", 1)})
	if err := s.CreateRoom(t.Context(), "den@c.h", "ann", NewRoom{}); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	if c.said("muc#owner") || !c.said(`type="unavailable"`) {
		t.Error(c.sent)
	}
}

// RFC 6120 §8.1.2.1: an answer from somebody else is none.
func TestSession_ForgedAnswer(t *testing.T) {
	forged := strings.Replace(result, `from="den@c.h"`, `from="mallory@h"`, 1)
	s, _ := play(t, [2]string{"muc#owner", forged + "\n\n" + refused("forbidden")})
	if err := s.DestroyRoom(t.Context(), "den@c.h"); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// A stream that ends answers nobody.
func TestSession_Lost(t *testing.T) {
	s, _ := play(t, [2]string{"muc#owner", "END"})
	if err := s.DestroyRoom(t.Context(), "den@c.h"); !errors.Is(err, ErrUnreachable) {
		t.Error(err)
	}
}

// An owner lets somebody in and tells them (XEP-0249); a member asks the room to (XEP-0045
// §7.8.2).
func TestInvite(t *testing.T) {
	room := Room{MembersOnly: true, Affiliations: map[string]string{"ann@h": "owner"}}
	s, c := play(t, [2]string{`affiliation="member"`, result}, [2]string{"<ping", refused("service-unavailable")})
	c.answers[1][1] = strings.Replace(c.answers[1][1], ` from="den@c.h"`, "", 1)
	if err := s.Invite(t.Context(), room, "den@c.h", "ben@h"); err != nil || !c.said("<message", `to="ben@h"`, "jabber:x:conference", `jid="den@c.h"`) {
		t.Error(err, c.sent)
	}

	s, c = play(t, [2]string{`affiliation="member"`, refused("forbidden")}, [2]string{"<invite", ""}, [2]string{"disco#info", result})
	if err := s.Invite(t.Context(), room, "den@c.h", "ben@h"); err != nil || !c.said("<message", `to="den@c.h"`, `<invite to="ben@h"`) {
		t.Error(err, c.sent)
	}

	bounced := `<message xmlns="jabber:client" type="error" from="den@c.h"><error type="auth"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
	s, _ = play(t, [2]string{`affiliation="member"`, refused("forbidden")}, [2]string{"<invite", bounced}, [2]string{"disco#info", result})
	if err := s.Invite(t.Context(), room, "den@c.h", "ben@h"); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// Name and picture are replaced; what an app wrote into the card stays (XEP-0054).
func TestSetProfile(t *testing.T) {
	card := `<iq xmlns="jabber:client" type="result" id="ID"><vCard xmlns="vcard-temp"><FN>Old</FN><TEL><NUMBER>1</NUMBER></TEL><PHOTO><BINVAL>b2xk</BINVAL></PHOTO></vCard></iq>`
	done := `<iq xmlns="jabber:client" type="result" id="ID"/>`
	s, c := play(t, [2]string{`type="get"`, card}, [2]string{`type="set"`, done})
	if err := s.SetProfile(t.Context(), Profile{Name: "Ann & co", Photo: []byte("new"), PhotoType: "image/png"}); err != nil {
		t.Fatal(err)
	}
	if !c.said(`type="set"`, "Ann &amp; co</FN>", "<NUMBER>1</NUMBER>", "<BINVAL>bmV3</BINVAL>") || c.said("Old") || c.said("b2xk") {
		t.Error(c.sent)
	}

	s, c = play(t, [2]string{`type="get"`, strings.Replace(refused("item-not-found"), ` from="den@c.h"`, "", 1)}, [2]string{`type="set"`, done})
	if err := s.SetProfile(t.Context(), Profile{Name: "Ann"}); err != nil || !c.said(`type="set"`, ">Ann</FN>") || c.said("PHOTO") {
		t.Error(err, c.sent)
	}
}

// Rooms are listed page by page (XEP-0059), each with what it says of itself and who
// belongs to it; one that is gone meanwhile is left out, and nobody who is not told learns
// of a hidden one.
func TestDirectory(t *testing.T) {
	items := func(names, last string) string {
		return `<iq xmlns="jabber:client" type="result" id="ID" from="c.h"><query xmlns="http://jabber.org/protocol/disco#items">` + names +
			`<set xmlns="http://jabber.org/protocol/rsm">` + last + `</set></query></iq>`
	}
	info := `<iq xmlns="jabber:client" type="result" id="ID" from="den@c.h"><query xmlns="http://jabber.org/protocol/disco#info"><identity category="conference" type="text" name="The&#x202e; den&#x200b;"/>
		<feature var="muc_membersonly"/><feature var="muc_hidden"/><x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/muc#roominfo</value></field>
		<field var="muc#roominfo_description"><value>quiet</value></field><field var="muc#roominfo_occupants"><value>3</value></field></x></query></iq>`
	owners := `<iq xmlns="jabber:client" type="result" id="ID" from="den@c.h"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="ann@h"/></query></iq>`
	s, c := play(t,
		[2]string{"<max>100</max></set>", items(`<item jid="gone@c.h"/><item jid="other@elsewhere"/>`, "<last>gone</last>")},
		[2]string{"<after>gone</after>", items("", "")},
		[2]string{`to="gone@c.h"`, strings.Replace(refused("item-not-found"), "den@", "gone@", 1)},
		[2]string{`to="den@c.h"><query xmlns="http://jabber.org/protocol/disco#info"`, info},
		[2]string{`affiliation="owner"`, owners},
		[2]string{`affiliation="admin"`, refused("forbidden")},
	)
	service := NewService(func(context.Context, string) (Conn, error) { return nil, io.ErrUnexpectedEOF }, "_site")
	service.session = s
	d := NewDirectory(service, "c.h", func(context.Context, int) ([]string, error) { return []string{"den"}, nil })
	list, err := d.Rooms(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err, c.sent)
	}
	r := list[0]
	if r.Title != "The den" || r.Description != "quiet" || r.Occupants != 3 || !r.MembersOnly || !r.Hidden {
		t.Errorf("%+v", r)
	}
	if !r.MayKnow("ann@h") || r.MayKnow("ben@h") {
		t.Error("who may know of it:", r.Affiliations)
	}
	c.Close()
	if _, err := d.Rooms(t.Context()); err != nil {
		t.Error("a moment after the server went away:", err)
	}
}

// What is made and deleted while the rooms are looked at is not undone by the look, which may
// have passed it already.
func TestDirectory_ChangedMeanwhile(t *testing.T) {
	found := func(name string) string {
		return `<iq xmlns="jabber:client" type="result" id="ID" from="` + name + `@c.h"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
	}
	s, c := play(t,
		[2]string{"disco#items", `<iq xmlns="jabber:client" type="result" id="ID" from="c.h"><query xmlns="http://jabber.org/protocol/disco#items"><item jid="den@c.h"/></query></iq>`},
		[2]string{`to="den@c.h"`, found("den")},
		[2]string{`affiliation="owner"`, refused("forbidden")},
	)
	service := NewService(func(context.Context, string) (Conn, error) { return nil, io.ErrUnexpectedEOF }, "_site")
	service.session = s
	var d *Directory
	d = NewDirectory(service, "c.h", func(context.Context, int) ([]string, error) {
		d.Put(Room{Name: "attic", Title: "The attic"})
		d.Forget("den")
		return nil, nil
	})
	list, err := d.Rooms(t.Context())
	if err != nil || len(list) != 1 || list[0].Title != "The attic" {
		t.Error(list, err, c.sent)
	}
}

// A server that does not answer is not asked again at once, and pages learn that it is
// away.
func TestDirectory_Away(t *testing.T) {
	dials := 0
	service := NewService(func(context.Context, string) (Conn, error) { dials++; return nil, Unreachable(io.ErrUnexpectedEOF) }, "_site")
	d := NewDirectory(service, "c.h", func(context.Context, int) ([]string, error) { return nil, nil })
	for range 3 {
		if _, err := d.Rooms(t.Context()); !errors.Is(err, ErrUnreachable) {
			t.Error(err)
		}
	}
	if dials != 1 {
		t.Error(dials, "attempts")
	}
}

// Of a server that hangs people wait for a moment, and then it has a rest: their other requests wait for theirs.
func TestDirectory_Hangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := NewService(func(ctx context.Context, _ string) (Conn, error) { <-ctx.Done(); return nil, Unreachable(ctx.Err()) }, "_site")
		d := NewDirectory(service, "c.h", func(context.Context, int) ([]string, error) { return nil, nil })
		ask := func() time.Duration {
			asked := time.Now()
			if list, err := d.Rooms(t.Context()); !errors.Is(err, ErrUnreachable) {
				t.Error(list, err)
			}
			return time.Since(asked)
		}
		if took := ask(); took != waits {
			t.Error("the first waited for", took)
		}
		time.Sleep(lookTimeout) // it ends
		if took := ask(); took != 0 {
			t.Error("while it rests one waits for", took)
		}
		time.Sleep(rests)
		if took := ask(); took != waits {
			t.Error("then for", took)
		}
		time.Sleep(lookTimeout)
	})
}

// Of too many rooms those that the site made have their share, since the server lists no
// private ones; and so have the others.
func TestDirectory_TooMany(t *testing.T) {
	names := func(kind string, n int) (all []string) {
		for i := range n {
			all = append(all, kind+strconv.Itoa(i))
		}
		return all
	}
	for _, c := range []struct{ listed, own, wantListed, wantOwn int }{
		{2, 3, 2, 3},
		{maxRooms, 3, maxRooms - 3, 3},
		{3, maxRooms, 3, maxRooms - 3},
		{maxRooms, maxRooms, maxRooms / 2, maxRooms / 2},
		{0, 2 * maxRooms, 0, maxRooms},
	} {
		got := lookedAt(names("listed", c.listed), names("own", c.own))
		own := slices.DeleteFunc(slices.Clone(got), func(name string) bool { return strings.HasPrefix(name, "listed") })
		if len(own) != c.wantOwn || len(got)-len(own) != c.wantListed {
			t.Errorf("%d listed and %d own: %d and %d are looked at, want %d and %d", c.listed, c.own, len(got)-len(own), len(own), c.wantListed, c.wantOwn)
		}
	}
	if got := lookedAt([]string{"a", "b"}, []string{"b", "c"}); !slices.Equal(got, []string{"b", "c", "a"}) {
		t.Errorf("%v", got)
	}
}
