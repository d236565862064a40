package app

import (
	"cmp"
	"context"
	"errors"
	"image/color"
	"slices"

	"foyer/app/auth"
	"foyer/models"
)

// The demo accounts' password: published, so production refuses a database that
// holds them.
const demoPassword = "foyer-demo"

type demoPerson struct {
	username, name  string
	admin           bool
	ground, drawing color.RGBA
}

func demoPeople() []demoPerson {
	return []demoPerson{
		{"alice", "Alice Adler", true, color.RGBA{0xf6, 0xd5, 0xb8, 255}, color.RGBA{0xb4, 0x4b, 0x2f, 255}},
		{"bob", "Bob Baker", false, color.RGBA{0xc9, 0xdd, 0xf2, 255}, color.RGBA{0x2b, 0x5c, 0x94, 255}},
		{"carol", "Carol Costa", false, color.RGBA{0xd2, 0xea, 0xd5, 255}, color.RGBA{0x2f, 0x74, 0x4a, 255}},
		{"dave", "Dave Dunn", false, color.RGBA{0xe4, 0xd7, 0xf1, 255}, color.RGBA{0x68, 0x45, 0x92, 255}},
	}
}

func demoAccounts() []DemoAccount {
	var out []DemoAccount
	for _, p := range demoPeople() {
		out = append(out, DemoAccount{p.username, demoPassword})
	}
	return out
}

// seed makes the demo accounts that are not there yet, and their room. What was deleted
// stays deleted.
func (s *Server) seed(ctx context.Context) error {
	for _, p := range demoPeople() {
		if err := s.seedPerson(ctx, p); err != nil {
			return err
		}
	}
	if s.cfg.External() {
		return nil // it lets in who is signed in to the site, once the site answers
	}
	return s.seedRoom(ctx, demoOwner())
}

// demoOwner is who has the demo accounts' room.
func demoOwner() string {
	people := demoPeople()
	return people[slices.IndexFunc(people, func(p demoPerson) bool { return p.admin })].username
}

// seedRoomOf makes the room if it is to be that person's, who has come into the chat of
// another server.
func (s *Server) seedRoomOf(ctx context.Context, user string) {
	if !s.cfg.Development() || !s.cfg.External() || user != demoOwner() {
		return
	}
	if err := s.seedRoom(ctx, user); err != nil {
		s.log.Warn("the room of the demo accounts could not be made", "err", err)
	}
}

// seedRoom makes a room where everybody meets, and that visitors may read: a page shows it.
// Each chat server has it made once, so that its owner may delete it, and for a demo account
// alone.
func (s *Server) seedRoom(ctx context.Context, owner string) error {
	account, err := s.db.Accounts.AccountByName(ctx, owner)
	if errors.Is(err, models.ErrNotFound) || (err == nil && !account.Demo) || !s.chat.Abilities().Rooms {
		return nil
	}
	if err != nil {
		return err
	}
	server := cmp.Or(s.cfg.Upstream, "embedded")
	if made, err := s.db.Accounts.DemoRoomMade(ctx, server); err != nil || made {
		return err
	}
	err = s.chat.CreateRoom(ctx, owner, NewRoom{Name: "lobby", Title: "Lobby", Description: "Where everybody meets", Readable: true})
	switch {
	case errors.Is(err, ErrChatUnreachable), errors.Is(err, errNotSignedIn): // the next time that they come
		return nil
	case err != nil && !errors.Is(err, ErrRoomTaken):
		return err
	}
	return s.db.Accounts.NoteDemoRoom(ctx, server)
}

// seedPerson makes an account, unless it is there.
func (s *Server) seedPerson(ctx context.Context, p demoPerson) error {
	if _, err := s.db.Accounts.AccountByName(ctx, p.username); !errors.Is(err, models.ErrNotFound) {
		return err
	}
	account, err := s.auth.CreateAccount(ctx, auth.NewAccount{
		Username: p.username, Name: p.name, Password: demoPassword, Admin: p.admin, Demo: true,
	})
	if errors.Is(err, auth.ErrUsernameTaken) {
		return nil
	}
	if err != nil {
		return err
	}
	picture, err := drawPicture(p.ground, p.drawing)
	if err != nil {
		return err
	}
	_, err = s.db.Accounts.SetAvatar(ctx, account.ID, picture, "image/png")
	return err
}
