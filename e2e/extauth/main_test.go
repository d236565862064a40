// Package extauth lets other people's XMPP servers ask the site who may sign in, for real:
// Debian's Prosody by Dovecot's protocol and by our module for tokens, Debian's ejabberd
// by JWT and by its external-authentication pipe. What each listener says in detail is
// tested in app/extauth.
package extauth

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"foyer/app/cli"
	"foyer/internal/leaks"
	"foyer/internal/pgdev/pgtest"

	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

// full is for make interop: the releases of Debian's backports as well.
var full = flag.Bool("full", false, "ask with the releases of Debian's backports, too")

// TestMain runs the tests; as the program that ejabberd starts, it is `foyer extauth`.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "extauth" {
		if err := cli.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster}, leaks.Fasthttp()...)
}
