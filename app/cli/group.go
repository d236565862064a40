package cli

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"foyer/app"
	"foyer/models"
)

type groupCmd struct {
	Add    groupAddCmd    `cmd:"" help:"Put members into a group; a new name makes a new group."`
	Remove groupRemoveCmd `cmd:"" help:"Take members out of a group."`
	List   groupListCmd   `cmd:"" help:"List the groups, or the members of one."`
}

// maxGroupName is the most characters that a group's name may have.
const maxGroupName = 64

// groupName tidies a group's name.
func groupName(typed string) (string, error) {
	name := strings.Join(strings.Fields(typed), " ")
	if name == "" || utf8.RuneCountInString(name) > maxGroupName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", errors.New("a group's name has 1 to 64 characters, all of them visible")
	}
	return name, nil
}

type groupAddCmd struct {
	Group string   `arg:"" help:"The group's name."`
	Users []string `arg:"" name:"user" help:"The user names."`
}

// Run puts members into the group.
func (c groupAddCmd) Run(e *env) error {
	return e.changeGroup(c.Group, c.Users, "added to", (*models.DB).AddToGroup)
}

type groupRemoveCmd struct {
	Group string   `arg:"" help:"The group's name."`
	Users []string `arg:"" name:"user" help:"The user names."`
}

// Run takes members out of the group.
func (c groupRemoveCmd) Run(e *env) error {
	return e.changeGroup(c.Group, c.Users, "removed from", (*models.DB).RemoveFromGroup)
}

// groupChange is models.DB.AddToGroup or RemoveFromGroup.
type groupChange func(db *models.DB, ctx context.Context, group string, usernames []string) ([]string, error)

// changeGroup changes who is in a group, and tells a running site.
func (e *env) changeGroup(typed string, users []string, done string, change groupChange) error {
	name, err := groupName(typed)
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
		changed, err := change(db, e.ctx, name, usernames)
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
			name, err := groupName(c.Group)
			if err != nil {
				return err
			}
			return e.listMembers(db, name)
		}
		groups, err := db.Groups(e.ctx)
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
	members, err := db.GroupMembers(e.ctx, group)
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
