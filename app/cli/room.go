package cli

import (
	"encoding/json"
	"errors"
	"strings"

	"foyer/app"
	"foyer/models"
)

type roomCmd struct {
	Add  roomAddCmd  `cmd:"" help:"Make a room that anybody may find and enter, such as one that a page names: {{room \"garden\"}}."`
	List roomListCmd `cmd:"" help:"List the rooms."`
}

type roomAddCmd struct {
	Name    string `arg:"" help:"The room's name: what stands before the @ in its address, and after /chat/room/."`
	Title   string `required:"" help:"What people call it."`
	About   string `help:"What it is about, in a line."`
	Owner   string `help:"The user who may change and close it. Without one it is the first administrator who enters."`
	OnPages bool   `name:"on-pages" help:"Pages of the site may show what is said in it, also to those who are not signed in."`
}

// Run makes the room. A running site has it at once.
func (c roomAddCmd) Run(e *env) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		if cfg.External() {
			return errors.New("the rooms are those of the chat server behind XMPP_UPSTREAM: make it there")
		}
		name, err := app.RoomName(cfg, c.Name)
		if err != nil {
			return err
		}
		var owner string
		if c.Owner != "" {
			account, err := e.account(db, c.Owner)
			if err != nil {
				return err
			}
			owner = account.Username
		}
		if err := app.AddSiteRoom(e.ctx, db, models.NewSiteRoom{Name: name, Title: c.Title, About: c.About, Owner: owner, OnPages: c.OnPages}); err != nil {
			return err
		}
		e.say("The room %s is made; its address is %s@%s, and templates show it with {{room %q}}.", name, name, cfg.RoomsDomain(), name)
		if !c.OnPages {
			e.say("Pages show nothing of it yet: its owners can allow that in the room's settings.")
		}
		return nil
	})
}

type roomListCmd struct {
	JSON bool `name:"json" help:"Write a line of JSON for each."`
}

// listedRoom is a room as JSON.
type listedRoom struct {
	Name        string   `json:"name"`
	JID         string   `json:"jid"`
	Title       string   `json:"title"`
	Owners      []string `json:"owners"`
	Public      bool     `json:"public"`
	MembersOnly bool     `json:"membersOnly"`
	OnPages     bool     `json:"onPages"`
}

// Run lists every room: its name, title and owners, and what else is to be known of it.
func (c roomListCmd) Run(e *env) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		if cfg.External() {
			return errors.New("the rooms are those of the chat server behind XMPP_UPSTREAM")
		}
		lines := json.NewEncoder(e.out)
		return db.SiteRooms.Each(e.ctx, func(r models.SiteRoom) error {
			if c.JSON {
				return lines.Encode(listedRoom{r.Name, r.Name + "@" + cfg.RoomsDomain(), r.Title, r.Owners, r.Public, r.MembersOnly, r.Readable})
			}
			line := []string{r.Name, r.Title, strings.Join(r.Owners, ",")}
			for _, state := range []struct {
				is   bool
				name string
			}{{!r.Public, "hidden"}, {r.MembersOnly, "members only"}, {r.Readable, "on pages"}} {
				if state.is {
					line = append(line, state.name)
				}
			}
			e.say("%s", strings.Join(line, "\t"))
			return nil
		})
	})
}
