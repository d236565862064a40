package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"foyer/app"
	"foyer/app/auth"
	"foyer/models"
)

type groupCmd struct {
	Add    groupAddCmd    `cmd:"" help:"Put members into a group; a new name makes a new group."`
	Remove groupRemoveCmd `cmd:"" help:"Take members out of a group."`
	List   groupListCmd   `cmd:"" help:"List the groups, or the members of one."`
	Room   groupRoomCmd   `cmd:"" help:"Give a group a room of the chat, or take it away; without a room, list them."`
}

type groupAddCmd struct {
	Group string   `arg:"" help:"The group's name."`
	Users []string `arg:"" name:"user" help:"The user names."`
}

// Run puts members into the group.
func (c groupAddCmd) Run(e *env) error {
	return e.changeGroup(c.Group, c.Users, "added to", (*models.Accounts).AddToGroup)
}

type groupRemoveCmd struct {
	Group string   `arg:"" help:"The group's name."`
	Users []string `arg:"" name:"user" help:"The user names."`
}

// Run takes members out of the group.
func (c groupRemoveCmd) Run(e *env) error {
	return e.changeGroup(c.Group, c.Users, "removed from", (*models.Accounts).RemoveFromGroup)
}

// groupChange is models.Accounts.AddToGroup or RemoveFromGroup.
type groupChange func(accounts *models.Accounts, ctx context.Context, group string, usernames []string) ([]string, error)

// changeGroup changes who is in a group, and tells a running site.
func (e *env) changeGroup(typed string, users []string, done string, change groupChange) error {
	name, err := auth.GroupName(typed)
	if err != nil {
		return err
	}
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		usernames := make([]string, 0, len(users))
		for _, user := range users {
			account, err := e.account(db, user)
			if err != nil {
				return err
			}
			usernames = append(usernames, account.Username)
		}
		changed, err := change(db.Accounts, e.ctx, name, usernames)
		if err != nil {
			return err
		}
		for _, user := range changed {
			if err := db.Notify(e.ctx, models.Event{Kind: models.EventGroups, User: user}); err != nil {
				return err
			}
		}
		e.say("%s %s %s.", count(len(changed), "member", "members"), done, name)
		if cfg.Roster != models.RosterGroups {
			e.say("ROSTER is %s, so that groups decide nothing yet; set it to groups.", cfg.Roster)
		}
		return nil
	})
}

type groupListCmd struct {
	Group string `arg:"" optional:"" help:"The group whose members to list."`
}

// Run lists the groups, or one's members.
func (c groupListCmd) Run(e *env) error {
	return e.withDatabase(func(_ app.Config, db *models.DB) error {
		if c.Group != "" {
			name, err := auth.GroupName(c.Group)
			if err != nil {
				return err
			}
			return e.listMembers(db, name)
		}
		groups, err := db.Accounts.Groups(e.ctx)
		if err != nil {
			return err
		}
		for _, g := range groups {
			e.say("%s\t%d", g.Name, g.Members)
		}
		return nil
	})
}

func (e *env) listMembers(db *models.DB, group string) error {
	members, err := db.Accounts.GroupMembers(e.ctx, group)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return errors.New("there is no group " + group)
	}
	for _, user := range members {
		e.say("%s", user)
	}
	return nil
}

type groupRoomCmd struct {
	Group  string `arg:"" optional:"" help:"The group's name."`
	Room   string `arg:"" optional:"" help:"The room's name: what stands before the @ in its address. One that is not there is made, for members only."`
	Title  string `help:"What people call a room that is made; else the group's name."`
	Remove bool   `help:"The group has the room no longer: those who were let in by it are put out."`
}

// Run gives a group a room, or lists the rooms of groups.
func (c groupRoomCmd) Run(e *env) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		switch {
		case c.Room == "" && c.Remove:
			return errors.New("say which room is to be taken away; foyer group room lists them")
		case c.Room == "":
			return e.listGroupRooms(db, strings.Join(strings.Fields(c.Group), " "))
		}
		if cfg.External() {
			return errors.New("the rooms are those of the chat server behind XMPP_UPSTREAM, which knows no groups of this site")
		}
		group, err := auth.GroupName(c.Group)
		if err != nil {
			return err
		}
		room, err := app.RoomName(cfg, c.Room)
		if err != nil {
			return err
		}
		if c.Title != "" {
			if c.Title, err = app.RoomTitle(c.Title); err != nil {
				return fmt.Errorf("--title: %w", err)
			}
		}
		if err := c.change(e, db, models.GroupRoom{Group: group, Room: room}); err != nil {
			return err
		}
		return db.Notify(e.ctx, models.Event{Kind: models.EventGroups})
	})
}

func (c groupRoomCmd) change(e *env, db *models.DB, g models.GroupRoom) error {
	if c.Remove {
		err := db.GroupRooms.RemoveGroupRoom(e.ctx, g)
		if errors.Is(err, models.ErrNotFound) {
			return fmt.Errorf("the group %s has no room %s", g.Group, g.Room)
		}
		if err == nil {
			e.say("%s is no room of %s any more. The room stays.", g.Room, g.Group)
		}
		return err
	}
	open, err := db.GroupRooms.AddGroupRoom(e.ctx, g, cmp.Or(c.Title, g.Group))
	if err != nil {
		return err
	}
	e.say("%s is a room of %s: who is in the group belongs to it.", g.Room, g.Group)
	members, err := db.Accounts.GroupMembers(e.ctx, g.Group)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		e.say("Nobody is in %s yet.", g.Group)
	}
	if open {
		e.say("Anybody may enter it all the same: its owner can make it for members only.")
	}
	return nil
}

func (e *env) listGroupRooms(db *models.DB, group string) error {
	list, err := db.GroupRooms.All(e.ctx)
	if err != nil {
		return err
	}
	found := false
	for _, g := range list {
		if group == "" || g.Group == group {
			e.say("%s\t%s", g.Group, g.Room)
			found = true
		}
	}
	if !found && group != "" {
		return fmt.Errorf("%s has no room", group)
	}
	return nil
}
