// Package pgtest gives each test a database of its own, in one private Postgres
// per test binary.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"foyer/internal/pgdev"
)

// Cluster is one private Postgres.
type Cluster struct{ server *pgdev.Server }

// Tests is a package's tests with a cluster around them. It is for TestMain:
// goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster}).
type Tests struct {
	*testing.M
	Cluster *Cluster
}

// Run starts the cluster, runs the tests, and stops it. It returns the exit code.
func (t Tests) Run() int {
	c := t.Cluster
	dir, err := os.MkdirTemp("", "foyer-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if c.server, err = pgdev.Start(ctx, pgdev.Options{Dir: filepath.Join(dir, "pg"), NoSync: true}); err != nil {
		fmt.Fprintln(os.Stderr, "these tests need Postgres:", err)
		return 1
	}
	code := t.M.Run()
	if err := c.server.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// DB returns the URL of a fresh, empty database, dropped after the test.
func (c *Cluster) DB(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.server.CreateDatabase(ctx, name, "template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := c.server.DropDatabase(ctx, name); err != nil {
			t.Error(err)
		}
	})
	return c.server.URL(name)
}
