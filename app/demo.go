package app

import (
	"context"
	"errors"
	"image/color"

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

// seed makes the demo accounts that are not there yet, and with the first of them
// a room. What was deleted stays deleted.
func (s *Server) seed(ctx context.Context) error {
	for _, p := range demoPeople() {
		made, err := s.seedPerson(ctx, p)
		if err != nil {
			return err
		}
		if made && p.admin {
			if err := s.seedRoom(ctx, p.username); err != nil {
				return err
			}
		}
	}
	return nil
}

// seedRoom makes a room where everybody meets, and that visitors may read: a page shows it.
func (s *Server) seedRoom(ctx context.Context, owner string) error {
	err := s.chat.CreateRoom(ctx, owner, NewRoom{Name: "lobby", Title: "Lobby", Description: "Where everybody meets", Readable: true})
	if errors.Is(err, ErrRoomTaken) || errors.Is(err, ErrChatAway) || errors.Is(err, errNotSignedIn) { // another server, where nobody is signed in yet
		err = nil
	}
	return err
}

// seedPerson makes an account, unless it is there.
func (s *Server) seedPerson(ctx context.Context, p demoPerson) (made bool, err error) {
	if _, err := s.db.Accounts.AccountByName(ctx, p.username); !errors.Is(err, models.ErrNotFound) {
		return false, err
	}
	account, err := s.auth.CreateAccount(ctx, auth.NewAccount{
		Username: p.username, Name: p.name, Password: demoPassword, Admin: p.admin, Demo: true,
	})
	if errors.Is(err, auth.ErrUnavailable) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	picture, err := drawPicture(p.ground, p.drawing)
	if err != nil {
		return false, err
	}
	_, err = s.db.Accounts.SetAvatar(ctx, account.ID, picture, "image/png")
	return true, err
}
