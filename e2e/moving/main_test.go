// Package moving moves a site to other people's XMPP servers, started for real, and reads
// there what people had: by what `foyer chat export` writes into their tables, and into files.
package moving

import (
	"context"
	"fmt"
	"os"
	"testing"

	"foyer/app/cli"
	"foyer/internal/pgdev/pgtest"

	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

// TestMain runs the tests; as the program that one of them starts, it is `foyer chat export`.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "chat" {
		if err := cli.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster, TCP: true})
}
