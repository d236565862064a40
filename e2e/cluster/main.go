// Command cluster runs a private Postgres for the browser tests and lets them
// make databases, look into them, and take Postgres away for a while, over
// HTTP on loopback. It prints its address, and ends, Postgres and data with it,
// when its standard input does. With -tcp, Postgres listens on a port of loopback as
// well, for programs that know no unix sockets.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"foyer/internal/netaddr"
	"foyer/internal/pgdev"

	"github.com/jackc/pgx/v5"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	tcp := flag.Bool("tcp", false, "listen on 127.0.0.1 as well")
	flag.Parse()
	if err := run(ctx, *tcp, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// How long starting or stopping Postgres may take.
const timeout = time.Minute

// run serves until ctx or in ends.
func run(ctx context.Context, tcp bool, in io.Reader, out io.Writer) error {
	dir, err := pgdev.ScratchDir("foyer-e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := &cluster{dir: filepath.Join(dir, "pg")}
	if tcp {
		if c.port, err = netaddr.FreePort(); err != nil {
			return err
		}
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	defer func() { _ = c.stop() }()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "http://%s\n", l.Addr())
	server := &http.Server{Handler: c.routes(), ReadHeaderTimeout: timeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(ended)
	}()
	select {
	case err := <-failed:
		return err
	case <-ended:
	case <-ctx.Done():
	}
	return server.Close()
}

// cluster is a Postgres that can be stopped and started again on the same data
// and at the same address. It is safe for concurrent use.
type cluster struct {
	dir  string
	port int // on 127.0.0.1; 0: none

	mu sync.Mutex
	pg *pgdev.Server // nil while stopped
}

func (c *cluster) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /start", answer(func(r *http.Request) (any, error) { return nil, c.start(r.Context()) }))
	mux.HandleFunc("POST /stop", answer(func(*http.Request) (any, error) { return nil, c.stop() }))
	mux.HandleFunc("PUT /databases/{name}", answer(c.create))
	mux.HandleFunc("DELETE /databases/{name}", answer(c.drop))
	mux.HandleFunc("POST /databases/{name}/query", answer(c.query))
	mux.HandleFunc("POST /databases/{name}/script", answer(c.script))
	return mux
}

// answer writes what f returns as JSON, and an error as text.
func answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(v)
	}
}

func (c *cluster) start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pg != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	pg, err := pgdev.Start(ctx, pgdev.Options{Dir: c.dir, NoSync: true, Port: c.port})
	c.pg = pg
	return err
}

func (c *cluster) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pg == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := c.pg.Stop(ctx)
	c.pg = nil
	return err
}

var errStopped = errors.New("the cluster is stopped; POST /start first")

func (c *cluster) running() (*pgdev.Server, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pg == nil {
		return nil, errStopped
	}
	return c.pg, nil
}

// create: PUT /databases/{name}?template= — {"url", "port"} of a database like the
// template, to which nobody is connected; without one it is empty.
func (c *cluster) create(r *http.Request) (any, error) {
	pg, err := c.running()
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	template := cmp.Or(r.FormValue("template"), "template0")
	if err := pg.CreateDatabase(r.Context(), name, template); err != nil {
		return nil, err
	}
	return map[string]any{"url": pg.URL(name), "port": c.port}, nil
}

// drop: DELETE /databases/{name}
func (c *cluster) drop(r *http.Request) (any, error) {
	pg, err := c.running()
	if err != nil {
		return nil, err
	}
	return nil, pg.DropDatabase(r.Context(), r.PathValue("name"))
}

// connect connects to the database that a request names.
func (c *cluster) connect(r *http.Request) (*pgx.Conn, error) {
	pg, err := c.running()
	if err != nil {
		return nil, err
	}
	return pgx.Connect(r.Context(), pg.URL(r.PathValue("name")))
}

// query: POST /databases/{name}/query with {"sql", "args"} — the rows as objects.
func (c *cluster) query(r *http.Request) (any, error) {
	var q struct {
		SQL  string
		Args []any
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	conn, err := c.connect(r)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(r.Context()))
	rows, err := conn.Query(r.Context(), q.SQL, q.Args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToMap)
}

// script: POST /databases/{name}/script with {"sql"} — runs any number of statements.
func (c *cluster) script(r *http.Request) (any, error) {
	var q struct{ SQL string }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	conn, err := c.connect(r)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(r.Context()))
	_, err = conn.Exec(r.Context(), q.SQL)
	return nil, err
}
