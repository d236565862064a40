package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"foyer/app"
	"foyer/app/auth"
	"foyer/models"
)

type userExportCmd struct {
	Name string `arg:"" help:"The user name."`
	Out  string `required:"" placeholder:"FILE" help:"The file to write, or a directory for it; - is standard output. One that is there is not overwritten."`
}

// Run writes a line of JSON for each thing that is kept.
func (c userExportCmd) Run(e *env) (err error) {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		account, err := e.account(db, c.Name)
		if err != nil {
			return err
		}
		lines := 0
		export := func(out io.Writer) error {
			buffered := bufio.NewWriter(out)
			err := db.Personal.Export(e.ctx, account, cfg.Domains(), func(line []byte) error {
				lines++
				_, err := buffered.Write(append(line, '\n'))
				return err
			})
			return cmp.Or(err, buffered.Flush())
		}
		if c.Out == "-" {
			return export(e.out)
		}
		path := c.Out
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, account.Username+".jsonl")
		}
		if err := writeNew(path, export); err != nil {
			return err
		}
		e.say("%s: %s of %s.", path, count(lines, "record", "records"), account.Username)
		if cfg.External() {
			e.say("What the chat server behind XMPP_UPSTREAM keeps of them is not in it.")
		}
		return nil
	})
}

// writeNew writes a file that is not there yet, and that its owner alone may read. If that fails, it is not there.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already", path)
	}
	if err != nil {
		return err
	}
	err = cmp.Or(write(file), file.Sync())
	if err = cmp.Or(err, file.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}

type userDeleteCmd struct {
	Name         string `arg:"" help:"The user name."`
	RoomMessages bool   `name:"room-messages" help:"Also take back what they said in rooms, as when a moderator deletes it."`
	Yes          bool   `help:"Do not ask."`
}

// Run deletes the account. What was said in rooms goes first, so that it can be done again when it is interrupted; and
// once more, since something may have been said meanwhile.
func (c userDeleteCmd) Run(e *env) error {
	return e.withDatabase(func(cfg app.Config, db *models.DB) error {
		if c.RoomMessages && cfg.External() {
			return errors.New("the rooms are those of the chat server behind XMPP_UPSTREAM: delete there what was said in them")
		}
		return e.withAccount(c.Name, func(s *auth.Service, a models.Account) error {
			if err := e.confirm(c.Yes, c.question(cfg, a)); err != nil {
				return err
			}
			erase := func() (int, error) {
				if !c.RoomMessages {
					return 0, nil
				}
				return db.Personal.EraseRoomMessages(e.ctx, a.Username, cfg.Domains())
			}
			before, err := erase()
			if err != nil {
				return err
			}
			if err := s.RemoveAccount(e.ctx, a); err != nil {
				return err
			}
			after, err := erase()
			if err != nil {
				return fmt.Errorf("%s is deleted, but what they said in rooms last may still be there: %w", a.Username, err)
			}
			e.say("%s is deleted.", a.Username)
			if c.RoomMessages {
				e.say("%s in rooms taken back.", count(before+after, "message", "messages"))
			}
			return nil
		})
	})
}

// question says what goes and what stays.
func (c userDeleteCmd) question(cfg app.Config, a models.Account) string {
	rooms := "What they said in rooms stays, under the names they had there (--room-messages takes it back as well)."
	switch {
	case c.RoomMessages:
		rooms = "What they said in rooms is taken back; that somebody of their name said something stays."
	case cfg.External():
		rooms = "What the chat server behind XMPP_UPSTREAM keeps of them stays."
	}
	return fmt.Sprintf("Delete %s (%s): their profile, contacts, files, and their own copies of conversations? %s "+
		"The copies that others have of conversations with them stay. The name is never given out again.", a.Username, a.Name, rooms)
}
