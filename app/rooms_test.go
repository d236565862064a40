package app

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// the name of a room has no character that turns the text around, or hides in it.
func TestRoomForm_Hidden(t *testing.T) {
	for name, want := range map[string]string{
		"кафе 🦊": "кафе 🦊", "می\u200cخواهم": "می\u200cخواهم", "👩\u200d🚀": "👩\u200d🚀", "❤\ufe0f": "❤\ufe0f", "🏴\U000e0067\U000e007f": "🏴\U000e0067\U000e007f",
		"\u202eabc": "abc", "a\u200bb": "ab", "a\u0085b": "a b", "a\u2066b": "ab", "a\u2028b": "a b", "a\u2029b\n": "a b", "\u200fשלום\u200f": "שלום", "Wort\u00adteil": "Wortteil",
		"\u3164": "", "\u2800": "", "\u200f": "", "\u200b \n": "",
	} {
		f := RoomForm{Name: name, About: name}
		if f.check(); (len(f.Errors) == 0) != (want != "") || f.Name != want || f.About != want {
			t.Errorf("%q: %q, %q, %v", name, f.Name, f.About, f.Errors)
		}
	}
	f := RoomForm{Name: strings.Repeat("a", maxRoomName) + "\u200f", About: strings.Repeat("a", maxRoomAbout) + "\u00ad"}
	if f.check(); len(f.Errors) > 0 { // what is not kept is not counted
		t.Errorf("%v", f.Errors)
	}
	f.Name += "a"
	if f.check(); f.Errors["name"] != "Please choose a shorter name." {
		t.Errorf("%v", f.Errors)
	}
}

// A private room whose only owner left the site is shown to the site's admins, and
// to nobody else (docs/decisions/0008-rooms-that-nobody-owns.md).
func TestRooms_ThatNobodyOwns(t *testing.T) {
	_, base := start(t, nil)
	alice, bob, carol := signedInAs(t, base, "alice"), signedInAs(t, base, "bob"), signedInAs(t, base, "carol")
	bob.submit("/", "/rooms", "name", "Surprise party", "who", "invited")
	const mark = "no owner"
	for _, b := range []*browser{alice, carol} {
		if b.get("/rooms"); strings.Contains(b.body, "Surprise party") {
			t.Error("somebody else's room is listed")
		}
	}
	if bob.get("/rooms"); !strings.Contains(bob.body, "Surprise party") || strings.Contains(bob.body, mark) {
		t.Error("as its owner sees it")
	}
	bob.submit("/settings", "/settings/delete", "confirm", "bob", "current", demoPassword)
	if alice.get("/rooms"); !strings.Contains(alice.body, "Surprise party") || strings.Count(alice.body, mark) != 1 {
		t.Errorf("as the admin sees it: %s", alice.body)
	}
	if carol.get("/rooms"); strings.Contains(carol.body, "Surprise party") || strings.Contains(carol.body, mark) {
		t.Error("carol sees it")
	}
}

// Nobody is told that nobody is in a room, or somebody, while it is they themselves.
func TestRooms_Here(t *testing.T) {
	for want, room := range map[string]ChatRoom{
		"Nobody is here right now": {},
		"Only you are here":        {Occupants: 1, Entered: true},
		"1 person here":            {Occupants: 1},
		"2 people here":            {Occupants: 2, Entered: true},
	} {
		if got := here(room); got != want {
			t.Errorf("%+v: %q; want %q", room, got, want)
		}
	}
}

// An address that names no room leads to none: %zz is no escape, and what it names is empty.
func TestRooms_Unnamed(t *testing.T) {
	s, base := start(t, nil)
	b := signedInAs(t, base, "alice")
	if room, err := s.chat.Room(t.Context(), "alice", ""); !errors.Is(err, ErrRoomRefused) {
		t.Errorf("%+v, %v", room, err)
	}
	for _, path := range []string{"/chat/room/%zz", "/rooms/%zz"} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		u.Opaque = path // as it is
		req := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
		for _, c := range b.cookies {
			req.AddCookie(c)
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s, to %s", path, resp.Status, resp.Header.Get("Location"))
		}
	}
}
