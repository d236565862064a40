package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// newPassword is how commands take a password: from standard input, or typed at
// the terminal. On the command line other users of the machine can see it.
type newPassword struct {
	Password      string `xor:"password" help:"The password; others on this machine can see it, so this is for scripts that set up tests."`
	PasswordStdin bool   `xor:"password" help:"Read the password from standard input."`
}

func (p newPassword) read(e *env) (string, error) {
	switch {
	case p.Password != "":
		return p.Password, nil
	case p.PasswordStdin:
		return e.line()
	case e.asks:
		return e.typedTwice()
	}
	return "", errors.New("no password: pipe it in with --password-stdin, or run this at a terminal, which asks for it")
}

// line reads one line from standard input.
func (e *env) line() (string, error) {
	line, err := e.in.ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line != "" {
		return line, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("standard input is empty, where the password is to stand on the first line")
	}
	return "", err
}

// typedTwice asks for a password at the terminal, which does not show it.
func (e *env) typedTwice() (string, error) {
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(e.errOut, prompt)
		raw, err := e.hidden()
		fmt.Fprintln(e.errOut)
		if err != nil {
			return "", err
		}
		typed[i] = string(raw)
	}
	if typed[0] != typed[1] {
		return "", errors.New("these were two different passwords; nothing was changed")
	}
	return typed[0], nil
}

// confirm asks before something that cannot be undone. A script says --yes.
func (e *env) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if !e.asks {
		return errors.New("nobody is there to be asked; say --yes if you are sure")
	}
	fmt.Fprint(e.errOut, question+" [y/N] ")
	answer, err := e.in.ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.Join(errors.New("nothing was changed"), err)
}

// say tells what was done.
func (e *env) say(format string, args ...any) { fmt.Fprintf(e.out, format+"\n", args...) }

// count says how many there are of something.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// open opens the file that an argument names; - is standard input. The caller closes it.
func (e *env) open(file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(e.in), nil
	}
	return os.Open(file)
}
