// Package models is everything that is kept in Postgres: GORM models and their
// queries. It is the only package that knows the site's tables.
package models

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"foyer/internal/netaddr"
	"foyer/internal/socket"
	"foyer/migrations"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Errors of the queries. Every other error means that the database could not be
// asked.
var (
	ErrNotFound = errors.New("models: not found")
	ErrTaken    = errors.New("models: taken")
	ErrLocked   = errors.New("models: locked by another instance")

	// ErrStale: what was checked before is not so any more, and nothing was
	// written.
	ErrStale = errors.New("models: it has changed meanwhile")
)

// Options configure Open. Zero numbers take the documented default.
type Options struct {
	URL         string // a Postgres URL or key-value string
	SiteConns   int    // connections for the pages; default 10
	ChatConns   int    // connections for the chat; default 10
	SearchConns int    // connections for searches in archives; default 4
	RosterMax   int    // members up to which ROSTER=everyone puts all of them on every roster, and otherwise at most so many; default 200
	Logger      *slog.Logger
}

// DefaultRosterMax is Options.RosterMax where nothing else is said.
const DefaultRosterMax = 200

// core is what all that is kept here is asked through: a pool for the pages, one for the
// chat and one for searches, so that none waits for another.
type core struct {
	site     *gorm.DB
	pool     *pgxpool.Pool // the pages'
	chat     *pgxpool.Pool
	searches *pgxpool.Pool
	sql      *sql.DB // the pages' pool, for gorm and goose
	log      *slog.Logger

	index     *archiveIndex
	instance  string // who this is among those that share the database
	rosterMax int

	lostLocks *lostLocks
}

// DB is the database: it opens, migrates, listens and closes, and hands out what is kept
// there, a type for each part of the program that asks. What the chat server keeps is
// behind its own interfaces (Stores, RoomStore, PubsubStore). All are safe for concurrent
// use.
type DB struct {
	*core

	Accounts      *Accounts
	People        *People
	Sessions      *Sessions
	Tokens        *Tokens
	Identities    *Identities
	Passkeys      *Passkeys
	Throttle      *Throttle
	Notifications *Notifications
	Uploads       *Uploads
	Previews      *Previews
	Conversations *Conversations
	Index         *Index
	Retention     *Retention
	GroupRooms    *GroupRooms
	SiteRooms     *SiteRooms
	Personal      *PersonalData
	External      *External
}

// newDB hands the core to all that is kept.
func newDB(c *core) *DB {
	return &DB{
		core:          c,
		Accounts:      &Accounts{c},
		People:        &People{c},
		Sessions:      &Sessions{c},
		Tokens:        &Tokens{c},
		Identities:    &Identities{c},
		Passkeys:      &Passkeys{c},
		Throttle:      &Throttle{c},
		Notifications: &Notifications{c},
		Uploads:       &Uploads{c},
		Previews:      &Previews{c},
		Conversations: &Conversations{c},
		Index:         &Index{c},
		Retention:     &Retention{c},
		GroupRooms:    &GroupRooms{c},
		SiteRooms:     &SiteRooms{c},
		Personal:      &PersonalData{c},
		External:      &External{c},
	}
}

// Open connects to the database. It fails if the database cannot be asked.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.SiteConns = cmp.Or(o.SiteConns, 10)
	o.ChatConns = cmp.Or(o.ChatConns, 10)
	o.SearchConns = cmp.Or(o.SearchConns, 4)
	o.RosterMax = cmp.Or(o.RosterMax, DefaultRosterMax)
	site, err := newPool(ctx, o.URL, o.SiteConns)
	if err != nil {
		return nil, err
	}
	chat, err := newPool(ctx, o.URL, o.ChatConns)
	if err != nil {
		site.Close()
		return nil, err
	}
	searches, err := newSearchPool(ctx, o.URL, o.SearchConns)
	if err != nil {
		site.Close()
		chat.Close()
		return nil, err
	}
	db := newDB(&core{pool: site, chat: chat, searches: searches, sql: stdlib.OpenDBFromPool(site), log: o.Logger, index: newArchiveIndex(), instance: rand.Text(), rosterMax: o.RosterMax, lostLocks: newLostLocks()})
	db.site, err = gorm.Open(postgres.New(postgres.Config{Conn: db.sql}), &gorm.Config{
		Logger:                 logger.Discard, // errors are returned, not logged twice
		TranslateError:         true,
		SkipDefaultTransaction: true,
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// newPool makes a pool and connects it.
func newPool(ctx context.Context, url string, conns int) (*pgxpool.Pool, error) {
	cfg, err := poolConfig(url, conns)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// newSearchPool makes a pool that connects when it is used. Its statements are
// planned each time, with their arguments, for indexes (archive_search.go); what
// takes long is given up.
func newSearchPool(ctx context.Context, url string, conns int) (*pgxpool.Pool, error) {
	cfg, err := poolConfig(url, conns)
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	for name, value := range map[string]string{"statement_timeout": "5s", "enable_seqscan": "off", "max_parallel_workers_per_gather": "0",
		"enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off", "work_mem": "16MB"} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// tcpUserTimeout is after how long a database is gone that acknowledges nothing, as after a power cut: it ends no
// statement itself, and who asks without a deadline would wait until the system gives up.
const tcpUserTimeout = 30 * time.Second

// poolConfig sees to it that no statement can hang for ever.
func poolConfig(url string, conns int) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, UnreadableURL(err)
	}
	if err := CheckSockets(&cfg.ConnConfig.Config); err != nil {
		return nil, err
	}
	cfg.MaxConns = int32(conns)
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	cfg.ConnConfig.RuntimeParams["application_name"] = "foyer"
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = "30s"
	cfg.MaxConnIdleTime = 5 * time.Minute
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			if raw, err := tcp.SyscallConn(); err == nil {
				socket.SetUserTimeout(raw, tcpUserTimeout)
			}
		}
		return socket.Conn{Conn: c}, nil // statements are short, and many
	}
	return cfg, nil
}

// CheckSockets refuses a URL that leads to a unix socket whose path the system cannot have.
func CheckSockets(c *pgconn.Config) error {
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, host := range hosts {
		network, path := pgconn.NetworkAddress(host, c.Port)
		if network != "unix" {
			continue
		}
		if err := netaddr.CheckUnixPath(path); err != nil {
			return fmt.Errorf("the socket in the directory %s %w", host, err)
		}
	}
	return nil
}

// UnreadableURL says what is wrong with the URL of a database that pgx could not parse, without the URL
// and its parts: nobody knows which of them is the password.
func UnreadableURL(err error) error {
	text := err.Error()
	why := strings.TrimPrefix(text[strings.LastIndex(text, "`: ")+1:], ": ")
	return fmt.Errorf("the database's URL cannot be read: %s; it is like postgres://foyer:PASSWORD@db.example/foyer", quoted.ReplaceAllString(why, "…"))
}

var quoted = regexp.MustCompile(`"[^"]*"`)

// Close closes all connections.
func (db *DB) Close() {
	db.sql.Close()
	db.pool.Close()
	db.chat.Close()
	db.searches.Close()
}

// Ping asks the database whether it is there.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

func (db *DB) migrator() (*goose.Provider, error) {
	// Those of a fork have the higher numbers, and are there when this program's next ones come.
	return goose.NewProvider(goose.DialectPostgres, db.sql, migrations.FS, goose.WithLogger(goose.NopLogger()), goose.WithAllowOutofOrder(true))
}

// migrateLock is the name of the lock of who migrates.
const migrateLock = "foyer-migrate"

// Migrate brings the schema up to date. Instances that start at once wait for
// each other.
func (db *DB) Migrate(ctx context.Context) error {
	release, err := db.lockWait(ctx, migrateLock)
	if err != nil {
		return err
	}
	defer release()
	server, err := db.Postgres(ctx)
	if err == nil {
		err = server.CheckEncoding()
	}
	if err != nil {
		return err
	}
	p, err := db.migrator()
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Schema is how the database's schema stands to the one that this program needs. The numbers are those of the
// files in migrations.
type Schema struct {
	Have, Want int64   // the last one of each
	Pending    []int64 // what the program needs and the database has not seen
	Unknown    []int64 // what the database has seen and the program does not know
}

// Behind says what the schema lacks; empty: nothing.
func (s Schema) Behind() string {
	switch {
	case len(s.Pending) == 0:
		return ""
	case s.Have < s.Want:
		return fmt.Sprintf("the database's schema is at version %d, this program needs %d", s.Have, s.Want)
	}
	return fmt.Sprintf("the database's schema lacks %s, which this program needs", versions(s.Pending))
}

// Newer says what this program does not know of the schema; empty: it knows all of it.
func (s Schema) Newer() string {
	switch {
	case len(s.Unknown) == 0:
		return ""
	case s.Have > s.Want:
		return fmt.Sprintf("the database's schema is at version %d, and this program knows %d", s.Have, s.Want)
	}
	return fmt.Sprintf("the database's schema has %s, which this program does not know", versions(s.Unknown))
}

func versions(list []int64) string {
	text := "version " + strconv.FormatInt(list[0], 10)
	if len(list) > 1 {
		text += fmt.Sprintf(" and %d more", len(list)-1)
	}
	return text
}

// SchemaStatus compares the database's schema with the one this program needs.
func (db *DB) SchemaStatus(ctx context.Context) (Schema, error) {
	p, err := db.migrator()
	if err != nil {
		return Schema{}, err
	}
	var s Schema
	if s.Have, err = p.GetDBVersion(ctx); err != nil { // it makes goose's table, if need be
		return s, err
	}
	rows, err := db.pool.Query(ctx, "SELECT DISTINCT version_id FROM goose_db_version WHERE version_id > 0 ORDER BY version_id")
	if err != nil {
		return s, err
	}
	seen, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return s, err
	}
	var known []int64
	for _, source := range p.ListSources() {
		known = append(known, source.Version)
	}
	s.Want = slices.Max(known)
	s.Pending = slices.DeleteFunc(slices.Clone(known), func(v int64) bool { return slices.Contains(seen, v) })
	s.Unknown = slices.DeleteFunc(seen, func(v int64) bool { return slices.Contains(known, v) })
	return s, nil
}

// translate turns the database's errors into ours.
func translate(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, pgx.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, gorm.ErrDuplicatedKey), errors.As(err, &pg) && pg.Code == "23505":
		return ErrTaken
	}
	return err
}

// deadlocks is how often a transaction that ends something is begun again.
const deadlocks = 5

// ending runs a transaction that ends sessions, app passwords or tokens.
func (db *core) ending(ctx context.Context, end func(tx pgx.Tx) error) error {
	return insist(ctx, func() error { return pgx.BeginFunc(ctx, db.pool, end) })
}

// insist does something again that Postgres broke off because two transactions waited for
// each other (40P01): what is to end must end, whatever begins or ends at the same time. An
// attempt that failed has changed nothing.
func insist(ctx context.Context, do func() error) error {
	for i := 1; ; i++ {
		err := do()
		if !isViolation(err, "40P01") || i == deadlocks || ctx.Err() != nil {
			return err
		}
	}
}

// requireRows returns ErrNotFound when a statement changed no row.
func requireRows(r *gorm.DB) error {
	if r.Error == nil && r.RowsAffected == 0 {
		return ErrNotFound
	}
	return translate(r.Error)
}

// IsID reports whether somebody's word is the id of a record, letter for letter as it is written
// (RFC 9562 §4): Postgres does not read every form of it that Go does.
func IsID(said string) bool {
	id, err := uuid.Parse(said)
	return err == nil && id.String() == said
}
