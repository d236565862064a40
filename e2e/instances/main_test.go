package instances

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"foyer/app/cli"
	"foyer/internal/pgdev/pgtest"

	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

// full is for make interop: what takes longer as well.
var full = flag.Bool("full", false, "sign out with two nodes behind the site, not one")

// TestMain runs the tests; as a program of its own it is foyer, which the tests start and
// kill, and which ejabberd starts to ask the site.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1][0] != '-' {
		os.Exit(foyer(os.Args[1:]))
	}
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster, TCP: true})
}

func foyer(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := cli.Run(ctx, args, os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
