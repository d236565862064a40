package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"foyer/app/auth"
	"foyer/app/remote"
	"foyer/models"
)

// Port 1 of loopback: nobody answers there.
const nobody = "xmpp://127.0.0.1:1"

// With another chat server that is away, the site goes on: people are there, and rooms
// say why they are not.
func TestRelayed_Away(t *testing.T) {
	_, base := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	b := signedInAs(t, base, "alice")
	const away = "The chat is not responding"
	b.get("/").wants(200, away).wants(200, "Message Bob Baker")
	for _, unknown := range []string{"Around", "Away", "Add contact", "No rooms yet"} {
		if strings.Contains(b.body, unknown) {
			t.Errorf("the page says %q", unknown)
		}
	}
	b.get("/rooms").wants(200, away)
	b.get("/rooms/den-abc").wants(503, away)
	b.submit("/rooms", "/rooms", "name", "The den", "who", "everyone").wants(503, away)
	b.get("/settings").wants(200, "Profile")
	if strings.Contains(b.body, `id="files"`) {
		t.Error("files are offered, which the site does not keep")
	}
}

// What the site cannot do with another chat server is not offered (docs/SERVERS.md), and is
// with its own.
func TestRelayed_NotOffered(t *testing.T) {
	for upstream, own := range map[string]bool{"embedded": true, nobody: false} {
		_, base := start(t, map[string]string{"XMPP_UPSTREAM": upstream, "ROSTER": "none"})
		b := signedInAs(t, base, "alice")
		if b.get("/people").wants(200, "Bob Baker"); strings.Contains(b.body, "Add contact") != own {
			t.Errorf("%s: contacts on the page: %v", upstream, !own)
		}
		if own {
			b.get("/xmpp/search?q=hello").wants(200, `"messages":[]`)
		} else {
			b.get("/xmpp/search?q=hello").wants(404, "does not search messages")
		}
	}
}

// Where the server takes nothing but people's own passwords, the site makes no rooms there, and
// offers none (docs/DELEGATED.md).
func TestRelayed_NoRooms(t *testing.T) {
	for login, made := range map[string]bool{"session": true, "typed": false} {
		_, base := start(t, map[string]string{"XMPP_UPSTREAM": nobody, "XMPP_LOGIN": login})
		b := signedInAs(t, base, "alice")
		for _, path := range []string{"/", "/rooms"} {
			b.get(path).wants(200, fmt.Sprintf(`"rooms":%v`, made))
			if strings.Contains(b.body, "Make the room") != made {
				t.Errorf("%s, %s: a room can be made: %v", login, path, !made)
			}
		}
	}
}

// What foyer doctor says of a chat server that takes no token of the site, and of one that
// knows only real passwords, where it has none to show.
func TestCheckUpstream(t *testing.T) {
	server := newChatServer(t, "localhost")
	for login, says := range map[string]string{"session": "its clock has to agree with this machine's", "typed": "no error"} {
		s, _ := start(t, map[string]string{"XMPP_UPSTREAM": "xmpp://" + server.addr, "XMPP_LOGIN": login})
		clock, err := CheckUpstream(t.Context(), s.cfg, s.auth)
		if clock != nil {
			t.Errorf("%s: nobody signed in, and a clock was told: %+v", login, clock)
		}
		if err == nil {
			err = errors.New("no error")
		}
		has(t, err.Error(), says)
	}
}

// One person makes a bounded number of rooms in a day, and has a bounded number of things
// done at the server in a minute.
func TestRelayed_Bounded(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	signedInAs(t, base, "alice")
	r, ctx := s.chat.(*upstreamChat), t.Context()
	for i := range madePerDay + 1 {
		err := r.CreateRoom(ctx, "alice", NewRoom{Name: fmt.Sprintf("room-%d", i), Title: "Room"})
		if want := ErrChatUnreachable; i < madePerDay && !errors.Is(err, want) {
			t.Fatal(i, err)
		}
		if i == madePerDay && !errors.Is(err, errTooMuchDone) {
			t.Error("one too many:", err)
		}
	}
	if list, err := s.db.External.ExternalRooms(ctx, 2*madePerDay); err != nil || len(list) != madePerDay {
		t.Error(len(list), err)
	}
	for range doneForPerMinute - madePerDay {
		_ = r.DestroyRoom(ctx, "room-0", "alice")
	}
	if err := r.DestroyRoom(ctx, "room-0", "alice"); !errors.Is(err, errTooMuchDone) {
		t.Error("one too many:", err)
	}
	if err := r.DestroyRoom(ctx, "room-0", "bob"); errors.Is(err, errTooMuchDone) {
		t.Error("somebody else:", err)
	}
}

// Any number of instances may stand before another chat server: the lock is the
// embedded one's.
func TestRelayed_Instances(t *testing.T) {
	s, _ := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	lock, err := takeLock(t.Context(), s.db, s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.release()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var started atomic.Bool
	err = Run(ctx, s.cfg, writerFunc(func(line []byte) {
		if bytes.Contains(line, []byte(" is at ")) {
			started.Store(true)
			stop()
		}
	}), s.log)
	if err != nil || !started.Load() {
		t.Error("the second instance:", err)
	}
}

type writerFunc func([]byte)

func (w writerFunc) Write(b []byte) (int, error) { w(b); return len(b), nil }

// What means nothing with another chat server is named, once.
func TestConfig_Unused(t *testing.T) {
	c := testConfig(t, map[string]string{"XMPP_UPSTREAM": nobody, "ARCHIVE_RETENTION": "30d", "XMPP_C2S_ADDR": "localhost:5222"})
	if got := strings.Join(c.unused(), " "); got != "ARCHIVE_RETENTION XMPP_C2S_ADDR" || c.Native() {
		t.Error(got)
	}
}

// What stands in the way is told as what it is: people read that they wait, or that their
// name is the reason; the log has the cause, and not that a server that answers is away.
func TestAsRelayedError(t *testing.T) {
	refused := fmt.Errorf("%w: not-authorized", remote.ErrNotLetIn)
	for _, c := range []struct {
		err    error
		silent bool
		status int
		says   string
		never  string // in the log
	}{
		{remote.Unreachable(errors.New("connection refused")), true, 503, "The chat is not responding", "let the site in"},
		{refused, true, 503, "The chat is not responding", "answer"},
		{fmt.Errorf("%w: straße", auth.ErrNotPortable), false, 403, "an account with another name", "answer"},
		{errNotSignedIn, false, 401, "", "answer"},
	} {
		err := asUpstreamError(c.err)
		status, public := explain(err)
		if errors.Is(err, ErrChatUnreachable) != c.silent || status != c.status || !strings.Contains(public, c.says) {
			t.Errorf("%v: %d %s", err, status, public)
		}
		if strings.Contains(err.Error(), c.never) {
			t.Errorf("the log reads: %v", err)
		}
	}
}

// An account that is older than the server behind the site, with a name that such servers
// take for another one: its own chat says so, others' goes on, and nobody gets a new one.
func TestRelayed_NotPortable(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	if _, err := s.auth.CreateAccount(t.Context(), auth.NewAccount{Username: "straße", Name: "S", Password: demoPassword}); err != nil {
		t.Fatal(err)
	}
	b := signedInAs(t, base, "straße")
	b.submit("/rooms", "/rooms", "name", "The den", "who", "everyone").wants(403, "an account with another name")
	b.get("/rooms").wants(200, "The chat is not responding") // which is the site's own question
	newBrowser(t, base).submit("/signup", "/signup", "username", "weiß", "name", "W", "password", demoPassword).wants(422, "without letters such as ß")
}

// A server without rooms is one whose rooms cannot be shown; pages go on without them.
func TestAsSilence(t *testing.T) {
	refused := &remote.Refusal{Condition: "not-allowed"}
	if err := asUnreachable(refused); !errors.Is(err, ErrChatUnreachable) || !errors.Is(err, refused) {
		t.Error(err)
	}
	if err := asUnreachable(nil); err != nil {
		t.Error(err)
	}
}

// RFC 7622 §3.3: a room is the same in any case and form of its name, so that pages lead to the
// one address that it has.
func TestRelayed_RoomAddress(t *testing.T) {
	r := &upstreamChat{rooms: "conference.localhost"}
	for name, want := range map[string]string{
		"den-abc": "den-abc", "Den-ABC": "den-abc", "КАФЕ": "кафе", "cafe\u0301": "café",
		"": "", "den/ann": "", "den@elsewhere": "", "two words": "", "elsewhere/x": "",
	} {
		at, err := r.roomAddress(name)
		if at.User != want || (want == "") != errors.Is(err, ErrRoomRefused) || (err == nil && at.Bare() != want+"@conference.localhost") {
			t.Errorf("%q: %q %v", name, at, err)
		}
	}
}

// Rooms are found as those of the site's own server are: by words in any case, without accents, of the
// title and of what they are about.
func TestRelayed_Matches(t *testing.T) {
	room := remote.Room{Title: "Thé & Café Crème", Description: "Où l'on joue aux échecs"}
	for typed, want := range map[string]bool{
		"": true, "cafe": true, "CAFÉ creme": true, "cre\u0300me": true, "the": true, "& c": true, "tea": false, "cafe tea": false,
		"echec": true, "Échecs THE": true, "aux": true, "checs": false, "j": false, "echecs tea": false, "&": true, "?": false,
	} {
		if matches(models.Folded(room.Title), room.Description, models.Folded(typed)) != want {
			t.Errorf("%q: %v", typed, !want)
		}
	}
}

// They are in the same order, and a page begins where the one before ended, though the room that it
// ended with may be gone.
func TestRelayed_RoomsFor(t *testing.T) {
	var list []remote.Room
	for _, title := range []string{"Zoo", "École", "apple", "Êtres", "Eden", "eden"} {
		list = append(list, remote.Room{Name: "of-" + title, Title: title})
	}
	list = append(list, remote.Room{Name: "hidden", Title: "Eel", Hidden: true, Affiliations: map[string]string{"ann@h": "member"}})
	for who, pages := range map[string][][2]string{
		"ben@h": {
			{"", "apple École Eden"}, {"of-École/École", "Eden eden Êtres"}, {"of-eden/eden", "Êtres Zoo"},
			{"gone/ECOLE 2", "Eden eden Êtres"}, {"gone/Zz", ""}, {"of-Eden/Eden", "eden Êtres Zoo"},
		},
		"ann@h": {{"of-École/École", "Eden eden Eel"}, {"hidden/Eel", "Êtres Zoo"}},
	} {
		for _, page := range pages {
			name, title, _ := strings.Cut(page[0], "/")
			var titles []string
			for _, room := range roomsFor(slices.Clone(list), who, RoomQuery{After: name, AfterTitle: title, Max: 3}) {
				titles = append(titles, room.Title)
			}
			if got := strings.Join(titles, " "); got != page[1] {
				t.Errorf("%s after %q: %s, want %s", who, page[0], got, page[1])
			}
		}
	}
	if found := roomsFor(slices.Clone(list), "ben@h", RoomQuery{Typed: "e", Max: 1}); len(found) != 1 || found[0].Title != "École" {
		t.Errorf("what begins with what was typed does not come before what has it elsewhere: %+v", found)
	}
	if mine := roomsFor(slices.Clone(list), "ann@h", RoomQuery{Own: true, Max: 9}); len(mine) != 1 || mine[0].Name != "hidden" {
		t.Errorf("ann's: %+v", mine)
	}
}
