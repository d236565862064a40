package app

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Which rooms the chat's list offers, page by page and by what is typed; to each person those
// that they may know of, and to visitors none.
func TestRoomsFromChat(t *testing.T) {
	s, base := start(t, nil)
	alice, bob := signedInAs(t, base, "alice"), signedInAs(t, base, "bob")
	alice.json("POST", "/xmpp/rooms", `{"name":" The den ","about":"quiet","private":true}`).wants(201, `{"jid":"the-den-`)
	for i := range roomsPerPage {
		if err := s.chat.CreateRoom(t.Context(), "carol", NewRoom{Name: fmt.Sprint("room", i), Title: fmt.Sprintf("Room %02d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(b *browser, query string) (names []string, next string) {
		t.Helper()
		var answer struct {
			Rooms []ListedRoom `json:"rooms"`
			Next  string       `json:"next"`
		}
		if err := json.Unmarshal([]byte(b.get("/xmpp/rooms?"+query).wants(200, "").body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, r := range answer.Rooms {
			names = append(names, r.Name)
		}
		return names, answer.Next
	}
	first, next := list(alice, "")
	rest, end := list(alice, "after="+url.QueryEscape(next))
	if all := slices.Concat(first, rest); len(first) != roomsPerPage || len(all) != roomsPerPage+2 || !slices.Contains(all, "The den") || end != "" {
		t.Errorf("%q and %q, then %q", first, rest, end)
	}
	if names, _ := list(alice, "q=the+den"); !slices.Equal(names, []string{"The den"}) {
		t.Errorf("%q", names)
	}
	alice.get("/xmpp/rooms?q=lobby").wants(200, `"name":"Lobby","about":"Where everybody meets","here":"Nobody is here right now"`)
	if names, _ := list(bob, "q=the+den"); len(names) != 0 {
		t.Errorf("to somebody else %q", names)
	}
	visitor := newBrowser(t, base)
	visitor.get("/xmpp/rooms").wants(401, "")
	visitor.json("POST", "/xmpp/rooms", `{"name":"Mine"}`).wants(401, "")
}

// What is wrong with a new room is said by field, as the form of the pages says it.
func TestRoomsFromChat_Refused(t *testing.T) {
	_, base := start(t, nil)
	alice := signedInAs(t, base, "alice")
	alice.json("POST", "/xmpp/rooms", `{"name":"  "}`).wants(422, `{"errors":{"name":"Give the room a name."}}`)
	alice.json("POST", "/xmpp/rooms", `{"name":"den","about":"`+strings.Repeat("a", maxRoomAbout+1)+`"}`).wants(422, `{"errors":{"about":`)
	alice.json("POST", "/xmpp/rooms", `{"name":"\u200f"}`).wants(422, `{"errors":{"name":"Give the room a name."}}`)
	alice.json("POST", "/xmpp/rooms", `{"name":"\u200fשלום\u200f","about":"Wort\u00adteil"}`).wants(201, "") // as keyboards of right-to-left scripts and text editors have it
	alice.get("/xmpp/rooms?q=שלום").wants(200, `"name":"שלום","about":"Wortteil"`)
	alice.json("POST", "/xmpp/rooms", `{"name"`).wants(400, "")

	_, away := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	alice = signedInAs(t, away, "alice")
	alice.json("POST", "/xmpp/rooms", `{"name":"den"}`).wants(503, `{"errors":{"":"The chat is not responding`)
	alice.get("/xmpp/rooms").wants(503, "The chat is not responding")
}
