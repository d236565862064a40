// Foyer is a website whose members chat in its pages.
package main

import (
	_ "time/tzdata" // for quiet times, where the system has none

	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"foyer/app/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "foyer:", err)
		os.Exit(1)
	}
}
