package cli

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"foyer/app/auth"
	"foyer/models"
)

type userImportCmd struct {
	File string `arg:"" help:"The file; - is standard input."`
}

// Run creates every account it can, and reports the others by line.
func (c userImportCmd) Run(e *env) error {
	file, err := e.open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	return e.withAuth(func(_ *models.DB, s *auth.Service) error { return e.importAccounts(s, file) })
}

func (e *env) importAccounts(s *auth.Service, file io.Reader) error {
	rows := csv.NewReader(withoutMark(file))
	rows.FieldsPerRecord = -1
	created, failed := 0, 0
	for isFirst := true; ; isFirst = false {
		row, line, err := readRow(rows)
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *csv.ParseError
		switch {
		case errors.As(err, &broken):
			err = broken.Err // the line is told below
		case err != nil:
			return err
		case isFirst && isHeader(row):
			continue
		default:
			err = e.importRow(s, row)
		}
		if err != nil {
			fmt.Fprintf(e.errOut, "line %d: %v\n", line, err)
			failed++
			continue
		}
		created++
	}
	e.say("%s created.", count(created, "account", "accounts"))
	if failed > 0 {
		return fmt.Errorf("%s could not be imported; see above", count(failed, "line", "lines"))
	}
	return nil
}

// isHeader reports whether a row names the columns.
func isHeader(row []string) bool {
	if len(row) < 2 || !strings.EqualFold(strings.TrimSpace(row[1]), "password") {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(row[0])) {
	case "username", "user name", "user", "login":
		return true
	}
	return false
}

// withoutMark leaves out the byte order mark that spreadsheets begin a file with,
// also before a quoted field.
func withoutMark(file io.Reader) io.Reader {
	buffered := bufio.NewReader(file)
	const mark = "\ufeff"
	if begin, _ := buffered.Peek(len(mark)); string(begin) == mark { // an error comes again with the next read
		_, _ = buffered.Discard(len(mark))
	}
	return buffered
}

func (e *env) importRow(s *auth.Service, row []string) error {
	if text := strings.Join(row, ""); !utf8.ValidString(text) || strings.ContainsRune(text, 0) { // the letters would be others
		return errors.New("this is not UTF-8; save the file as UTF-8")
	}
	if len(row) < 2 {
		return errors.New("need username,password[,name]")
	}
	if row[1] == "" { // nobody could sign in to it
		return errors.New("the password is empty; foyer user add --no-password makes an account without one")
	}
	_, err := e.add(s, row[0], row[1], append(row, "")[2], false)
	return err
}

// readRow reads a row, and says on which line it begins.
func readRow(rows *csv.Reader) (row []string, line int, err error) {
	row, err = rows.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		line = broken.StartLine
	case err == nil:
		line, _ = rows.FieldPos(0)
	}
	return row, line, err
}
