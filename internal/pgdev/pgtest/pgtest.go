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

	"foyer/internal/netaddr"
	"foyer/internal/pgdev"
)

// Cluster is one private Postgres. It is safe for concurrent use.
type Cluster struct {
	server   *pgdev.Server
	port     int
	template string // what DB gives copies of
}

// Port is the cluster's port on 127.0.0.1, with Tests.TCP; otherwise 0.
func (c *Cluster) Port() int { return c.port }

// The database that Tests.Prepare fills.
const prepared = "prepared"

// Tests is a package's tests with a cluster around them. It is for TestMain:
// goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster}).
type Tests struct {
	*testing.M
	Cluster *Cluster

	// Prepare fills the database of which every test gets a copy: what all of them
	// would do first, done once. It leaves no connection open. nil: an empty one.
	Prepare func(ctx context.Context, url string) error

	TCP bool // listen on a port of 127.0.0.1 as well, for programs that know no unix sockets
}

// Run starts the cluster, runs the tests, and stops it. It returns the exit code.
func (t Tests) Run() int {
	c := t.Cluster
	dir, err := pgdev.ScratchDir("foyer-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if t.TCP {
		if c.port, err = netaddr.FreePort(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if c.server, err = pgdev.Start(ctx, pgdev.Options{Dir: filepath.Join(dir, "pg"), NoSync: true, Port: c.port}); err != nil {
		fmt.Fprintln(os.Stderr, "these tests need Postgres:", err)
		return 1
	}
	code := 1
	if err := c.prepare(ctx, t.Prepare); err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests' database:", err)
	} else {
		code = t.M.Run()
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.server.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (c *Cluster) prepare(ctx context.Context, fill func(context.Context, string) error) error {
	c.template = "template0"
	if fill == nil {
		return nil
	}
	if err := c.server.CreateDatabase(ctx, prepared, c.template); err != nil {
		return err
	}
	c.template = prepared
	return fill(ctx, c.server.URL(prepared))
}

// DB returns the URL of a copy of the prepared database, dropped after the test.
func (c *Cluster) DB(t testing.TB) string {
	t.Helper()
	return c.copyOf(t, c.template)
}

// EmptyDB returns the URL of an empty database, dropped after the test.
func (c *Cluster) EmptyDB(t testing.TB) string {
	t.Helper()
	return c.copyOf(t, "template0")
}

func (c *Cluster) copyOf(t testing.TB, template string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.server.CreateDatabase(ctx, name, template); err != nil {
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
