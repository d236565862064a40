package app

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"html/template"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
)

// Every name that a template says in so many words is found, wherever it stands.
func TestTemplateRooms(t *testing.T) {
	set := template.New("/").Funcs(template.FuncMap{"room": func(string) string { return "" }})
	for name, text := range map[string]string{
		"a":      `{{room "garden"}}<p>{{room .Name}}{{/* room "no" */}}</p>{{room "garden"}}`,
		"b":      `{{if .X}}{{with .Y}}{{room "in"}}{{else}}{{range .Z}}{{(room "deep")}}{{else}}{{"piped" | room}}{{end}}{{end}}{{else}}{{$x := room "kept"}}{{end}}`,
		"part/c": `{{define "c"}}{{room "defined"}}{{end}}{{print "room" "word"}}{{if eq (room "asked") ""}}{{end}}`,
	} {
		if _, err := set.New(name).Parse(text); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, r := range templateRooms(set) {
		got = append(got, r.name+" "+r.file)
	}
	want := []string{
		"asked views/part/c.html", "deep views/b.html", "defined views/part/c.html", "garden views/a.html",
		"in views/b.html", "kept views/b.html", "piped views/b.html",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// joinAsApp has an app enter a room, and returns the type of the presence that answers.
func joinAsApp(t *testing.T, session *xmpp.Session, room string) string {
	t.Helper()
	answers := make(chan string, 1)
	done := make(chan error, 1)
	go func() {
		done <- session.Serve(xmpp.HandlerFunc(func(_ xmlstream.TokenReadEncoder, start *xml.StartElement) error {
			var from, kind string
			for _, a := range start.Attr {
				switch a.Name.Local {
				case "from":
					from = a.Value
				case "type":
					kind = a.Value
				}
			}
			if start.Name.Local == "presence" && strings.HasPrefix(from, room+"@") {
				select {
				case answers <- kind:
				default:
				}
			}
			return nil
		}))
	}()
	t.Cleanup(func() { _ = session.Conn().Close(); <-done })
	if _, err := fmt.Fprintf(session.Conn(), `<presence/><presence to="%s@conference.localhost/me"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, room); err != nil {
		t.Fatal(err)
	}
	select {
	case kind := <-answers:
		return kind
	case <-time.After(streamtest.Timeout):
		t.Fatal("no answer")
		return ""
	}
}

// A room that a page names is made by nobody but the operator: whoever made it could have their
// words stand on the page.
func TestTemplateRooms_Reserved(t *testing.T) {
	s, base := nativeSite(t)
	if err := s.chat.DestroyRoom(t.Context(), "lobby", "alice"); err != nil {
		t.Fatal(err)
	}
	password := signedInAs(t, base, "bob").appPassword("Phone")
	for room, want := range map[string]string{"lobby": "error", "parlour": ""} {
		session, err := nativeLogin(t, s, 0, "bob", password, sasl.ScramSha256)
		if err != nil {
			t.Fatal(err)
		}
		if got := joinAsApp(t, session, room); got != want {
			t.Errorf("entering %s: %q, want %q", room, got, want)
		}
	}
	if err := AddSiteRoom(t.Context(), s.db, models.NewSiteRoom{Name: "lobby", Title: "Lobby", OnPages: true}); err != nil {
		t.Fatal(err)
	}
	newBrowser(t, base).get("/articles/garden").wants(200, "No messages yet.")
	session, err := nativeLogin(t, s, 0, "bob", password, sasl.ScramSha256)
	if err != nil {
		t.Fatal(err)
	}
	if got := joinAsApp(t, session, "lobby"); got != "" {
		t.Errorf("entering the operator's room: %q", got)
	}
	if room, err := s.chat.Room(t.Context(), "bob", "lobby"); err != nil || room.Owner {
		t.Errorf("%+v %v", room, err)
	}
}

// The log says at the start which pages name a room that is not there, and the command that mends it.
func TestTemplateRooms_Said(t *testing.T) {
	url := cluster.DB(t)
	said := func(change func(*Server), rooms ...templateRoom) string {
		t.Helper()
		s := newOn(t, url, nil)
		var out bytes.Buffer
		s.log = slog.New(slog.NewTextHandler(&out, nil))
		s.templateRooms = rooms
		change(s)
		s.noteTemplateRooms(context.Background())
		return out.String()
	}
	page := func(name string) templateRoom { return templateRoom{name, "views/garden.html"} }
	for _, c := range []struct {
		room   string
		change func(*Server)
		want   string // nothing is said: ""
	}{
		{"garden", func(*Server) {}, "foyer room add garden --title … --on-pages"},
		{"Garden", func(*Server) {}, "write garden"},
		{"a room", func(*Server) {}, "cannot be"},
		{"lobby", func(*Server) {}, ""},
		{"lobby", func(s *Server) { s.cfg.Env = "production" }, "user=alice"},
		{"garden", func(s *Server) { s.cfg.Env, s.cfg.Upstream = "production", "xmpp://chat" }, "XMPP_UPSTREAM"},
		{"garden", func(s *Server) {
			if err := AddSiteRoom(t.Context(), s.db, models.NewSiteRoom{Name: "garden", Title: "Garden"}); err != nil {
				t.Fatal(err)
			}
			s.cfg.Env = "production"
		}, ""},
	} {
		if out := said(c.change, page(c.room)); !strings.Contains(out, c.want) || c.want == "" && out != "" {
			t.Errorf("%s: %q, want %q", c.room, out, c.want)
		}
	}
	if err := AddSiteRoom(t.Context(), &models.DB{}, models.NewSiteRoom{Name: "x", Title: " "}); err == nil || err.Error() != "Give the room a name." {
		t.Error(err)
	}
}

// In production the page to be copied is not shown, and keeps no name from anybody.
func TestArticle_Production(t *testing.T) {
	url := cluster.DB(t)
	for _, c := range []struct {
		settings map[string]string
		want     bool
	}{{nil, true}, {map[string]string{"APP_ENV": "production", "BASE_URL": "https://chat.example.org", "XMPP_DOMAIN": "example.org"}, false}} {
		s := newOn(t, url, c.settings)
		routed := slices.ContainsFunc(s.web.GetRoutes(), func(r fiber.Route) bool { return r.Path == "/articles/garden" })
		if routed != c.want || s.isReserved("lobby") != c.want {
			t.Errorf("%v: the page is shown: %v, its room's name is kept: %v", c.settings, routed, s.isReserved("lobby"))
		}
	}
}
