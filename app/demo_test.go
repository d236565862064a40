package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"foyer/models"

	"github.com/jackc/pgx/v5"
)

// lobbyWorld is a chat that takes note of the rooms that are made in it.
type lobbyWorld struct {
	Chat
	made   chan string // who is to own them
	answer error
}

func (l *lobbyWorld) Abilities() ChatAbilities { return ChatAbilities{Rooms: true} }

func (l *lobbyWorld) CreateRoom(_ context.Context, owner string, r NewRoom) error {
	l.made <- r.Name + " of " + owner
	return l.answer
}

// newOn is a site on a database that is there, which does not serve.
func newOn(t *testing.T, url string, more map[string]string) *Server {
	t.Helper()
	settings := map[string]string{"DATABASE_URL": url}
	for k, v := range more {
		settings[k] = v
	}
	db, err := models.Open(t.Context(), models.Options{URL: url, SiteConns: 4, ChatConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s, err := New(t.Context(), testConfig(t, settings), db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.chat.Shutdown(context.Background())
		_ = s.gateway.Shutdown(context.Background())
	})
	return s
}

// A site whose demo accounts were made while another server was behind it gets their room
// once it serves the chat itself; and who has deleted it is rid of it.
func TestDemoRoom_Embedded(t *testing.T) {
	url, ctx := cluster.DB(t), t.Context()
	site := newOn(t, url, nil)
	exec := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			_, err = conn.Exec(ctx, sql)
			_ = conn.Close(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	seeded := func(want bool) {
		t.Helper()
		s := newOn(t, url, nil)
		if err := s.seed(ctx); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.db.RoomStore().Room(ctx, "lobby"); (err == nil) != want {
			t.Errorf("the room is there: %v", err == nil)
		}
	}
	exec("DELETE FROM rooms WHERE name = 'lobby'; DELETE FROM demo_rooms") // as another server left it
	exec("UPDATE accounts SET demo = false WHERE username = 'alice'")
	seeded(false) // she has a password of her own
	exec("UPDATE accounts SET demo = true WHERE username = 'alice'")
	seeded(true)
	exec("DELETE FROM demo_rooms") // a site of before
	seeded(true)
	if err := site.chat.DestroyRoom(ctx, "lobby", "alice"); err != nil {
		t.Fatal(err)
	}
	seeded(false)
}

// Another server lets in who is signed in to the site: there the room is made when its owner
// comes into the chat, once.
func TestDemoRoom_External(t *testing.T) {
	world := &lobbyWorld{made: make(chan string, 1), answer: ErrChatUnreachable}
	s := newOn(t, cluster.DB(t), map[string]string{"XMPP_UPSTREAM": nobody})
	world.Chat, s.chat = s.chat, world
	if err := s.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	comes := func(user, want string) {
		t.Helper()
		s.tellChange(t.Context(), models.Event{Kind: models.EventChanged, User: user})
		made := ""
		select {
		case made = <-world.made:
		default:
		}
		if made != want {
			t.Errorf("%s comes: %q is made, want %q", user, made, want)
		}
	}
	comes("bob", "")
	comes("alice", "lobby of alice")
	world.answer = errors.New("a fault")
	comes("alice", "lobby of alice") // since it was away
	world.answer = ErrRoomTaken
	comes("alice", "lobby of alice")
	comes("alice", "")
	s.cfg.Upstream = "xmpp://127.0.0.1:2" // another one
	comes("alice", "lobby of alice")
}
