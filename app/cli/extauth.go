package cli

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"foyer/app/extauth"
)

// extauthCmd is the program that ejabberd starts (extauth_program).
type extauthCmd struct {
	Site       string `env:"XMPP_AUTH_HTTP" required:"" placeholder:"ADDR" help:"Where the site's HTTP endpoint is, as XMPP_AUTH_HTTP says: unix:/run/foyer/auth or localhost:5281."`
	SecretFile string `env:"XMPP_AUTH_SECRET_FILE" placeholder:"FILE" help:"File with the site's XMPP_AUTH_SECRET; a unix socket needs none."`
}

// Run answers ejabberd's questions until ejabberd closes the pipe. It reads none of the
// site's other settings, and what it logs goes to standard error: standard output is
// ejabberd's.
func (c extauthCmd) Run(e *env) error {
	if err := extauth.CheckAddress(c.Site); err != nil {
		return fmt.Errorf("XMPP_AUTH_HTTP=%q %w", c.Site, err)
	}
	secret, err := c.secret()
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // what was needed to start: this program mostly waits
	client := extauth.NewClient(c.Site, secret, slog.New(slog.NewTextHandler(e.errOut, nil)))
	defer client.Close()
	return extauth.ServePipe(e.ctx, client, e.in, e.out)
}

// secret comes from the environment or a file: others on the machine can read a command
// line. Standard input has the questions, and so no secret.
func (c extauthCmd) secret() (string, error) {
	if c.SecretFile == "" {
		return os.Getenv("XMPP_AUTH_SECRET"), nil
	}
	raw, err := os.ReadFile(c.SecretFile)
	return strings.TrimRight(string(raw), "\r\n"), err
}
