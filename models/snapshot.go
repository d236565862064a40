package models

import (
	"context"
	"fmt"
	"time"

	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"
	"foyer/xmppd/muc"
	"foyer/xmppd/pep"

	"github.com/jackc/pgx/v5"
)

// Snapshot is everything that the chat keeps, as it was at one moment, for a copy
// elsewhere. It is for one goroutine, and holds one connection of its own, without a
// time limit for its statements.
type Snapshot struct {
	At time.Time // when it was taken

	conn  *pgx.Conn
	tx    pgx.Tx
	store *chatStore
}

// Snapshot begins to read the database as it is now: what is written later is not seen
// (REPEATABLE READ). Close must be called.
func (db *DB) Snapshot(ctx context.Context, domain string, mode RosterMode) (*Snapshot, error) {
	conn, err := db.connectPatient(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	s := &Snapshot{conn: conn, tx: tx, store: db.chatStore(domain, mode)}
	if err := tx.QueryRow(ctx, "SELECT now()").Scan(&s.At); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connectPatient makes a connection on which a statement may take as long as it likes, and so may who reads what it
// finds: an archive of millions is one statement, and where the copy goes may be slow.
func (db *DB) connectPatient(ctx context.Context) (*pgx.Conn, error) {
	cfg := db.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["statement_timeout"] = "0"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	// No startup parameter, as poolers refuse those that they do not know.
	if _, err := conn.Exec(ctx, "SET tcp_user_timeout = 0"); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// Close ends it.
func (s *Snapshot) Close() { _ = s.conn.Close(context.Background()) }

// PrivateXML is one piece of private XML (XEP-0049).
type PrivateXML struct {
	Name stream.Name
	Raw  []byte
}

// NodeItems is a node that an account publishes (XEP-0163), with its items, the oldest first.
type NodeItems struct {
	pep.Node
	Items []pep.Item
}

// AccountData are what the chat keeps for one account, its archive aside.
type AccountData struct {
	User     string    // localpart
	Since    time.Time // when the account was made
	Card     xmppd.VCard
	Contacts []xmppd.Contact // as the person sees them: what the site supplies is among them
	Blocked  []string
	Private  []PrivateXML
	Nodes    []NodeItems
	Offline  []xmppd.OfflineMessage
	Prefs    *archive.Prefs // nil: nothing was ever set
}

// People returns what the chat keeps for the next accounts after a name, at most max,
// by name; blocked ones are among them. One journey to the database, whatever max is,
// and one for all rosters.
func (s *Snapshot) People(ctx context.Context, after string, max int) ([]*AccountData, error) {
	rows, err := s.tx.Query(ctx, `SELECT a.username, a.created_at, a.name, a.vcard_extra, a.avatar_hash, coalesce(p.media_type, ''), p.data
		FROM accounts a LEFT JOIN avatars p ON p.hash = a.avatar_hash
		WHERE a.username COLLATE "C" > $1 ORDER BY a.username COLLATE "C" LIMIT $2`, after, max)
	if err != nil {
		return nil, err
	}
	people, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*AccountData, error) {
		b := &AccountData{}
		return b, row.Scan(&b.User, &b.Since, &b.Card.Name, &b.Card.Extra, &b.Card.PhotoHash, &b.Card.PhotoType, &b.Card.Photo)
	})
	if err != nil || len(people) == 0 {
		return nil, err
	}
	if err := s.fill(ctx, people); err != nil {
		return nil, err
	}
	return people, s.fillRosters(ctx, people)
}

// belongings are the statements of fill, each with the names as $1.
var belongings = []string{
	"SELECT username, jid FROM blocks WHERE username = ANY ($1) ORDER BY username, jid",
	"SELECT username, space, local, raw FROM private_xml WHERE username = ANY ($1) ORDER BY username, space, local",
	"SELECT username, node, config FROM pubsub_nodes WHERE username = ANY ($1) ORDER BY username, node",
	"SELECT username, node, id, published, payload FROM pubsub_items WHERE username = ANY ($1) ORDER BY username, node, seq",
	"SELECT username, id, stamp, stanza FROM offline_messages WHERE username = ANY ($1) ORDER BY username, id",
	"SELECT username, fallback, always, never FROM archive_prefs WHERE username = ANY ($1)",
}

// fill reads what accounts have, rosters aside.
func (s *Snapshot) fill(ctx context.Context, people []*AccountData) error {
	names, of := make([]string, len(people)), make(map[string]*AccountData, len(people))
	for i, b := range people {
		names[i], of[b.User] = b.User, b
	}
	batch := &pgx.Batch{}
	for i, read := range readersOf(of) {
		batch.Queue(belongings[i], names).Query(func(rows pgx.Rows) error {
			defer rows.Close()
			for rows.Next() {
				if err := read(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	}
	return s.tx.SendBatch(ctx, batch).Close()
}

// readersOf read a row each, in the order of belongings.
func readersOf(of map[string]*AccountData) []func(pgx.Rows) error {
	var user string
	nodes := make(map[[2]string]int)
	return []func(pgx.Rows) error{
		func(row pgx.Rows) error {
			var jid string
			err := row.Scan(&user, &jid)
			of[user].Blocked = append(of[user].Blocked, jid)
			return err
		},
		func(row pgx.Rows) error {
			var x PrivateXML
			err := row.Scan(&user, &x.Name.Space, &x.Name.Local, &x.Raw)
			of[user].Private = append(of[user].Private, x)
			return err
		},
		func(row pgx.Rows) error {
			var n NodeItems
			err := row.Scan(&user, &n.Name, &n.Config)
			nodes[[2]string{user, n.Name}] = len(of[user].Nodes)
			of[user].Nodes = append(of[user].Nodes, n)
			return err
		},
		func(row pgx.Rows) error {
			var node string
			var it pep.Item
			err := row.Scan(&user, &node, &it.ID, &it.Published, &it.Payload)
			n := &of[user].Nodes[nodes[[2]string{user, node}]]
			n.Items = append(n.Items, it)
			return err
		},
		func(row pgx.Rows) error {
			var m xmppd.OfflineMessage
			err := row.Scan(&user, &m.ID, &m.Stamp, &m.Stanza)
			of[user].Offline = append(of[user].Offline, m)
			return err
		},
		func(row pgx.Rows) error {
			var p archive.Prefs
			err := row.Scan(&user, &p.Default, &p.Always, &p.Never)
			of[user].Prefs = &p
			return err
		},
	}
}

// fillRosters lays rosters together as the server does.
func (s *Snapshot) fillRosters(ctx context.Context, people []*AccountData) error {
	batch := &pgx.Batch{}
	sources := make([]*rosterSources, len(people))
	for i, b := range people {
		sources[i] = s.store.askRoster(batch, b.User)
	}
	if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("rosters: %w", err)
	}
	for i, b := range people {
		b.Contacts = sources[i].roster()
	}
	return nil
}

// RoomRecord is what is kept of a room, its archive aside.
type RoomRecord struct {
	muc.Room
	People []muc.Affiliated
}

// Rooms returns the next rooms after a name, at most max, by name, those that end with
// their last occupant among them.
func (s *Snapshot) Rooms(ctx context.Context, after string, max int) ([]*RoomRecord, error) {
	rows, err := s.tx.Query(ctx, "SELECT "+roomColumns+", subject, subject_nick, subject_at, "+pinnedCount+` FROM rooms
		WHERE name COLLATE "C" > $1 ORDER BY name COLLATE "C" LIMIT $2`, after, max)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*RoomRecord, error) {
		room, err := scanRoom(row)
		return &RoomRecord{Room: room}, err
	})
	if err != nil {
		return nil, err
	}
	names, of := make([]string, len(list)), make(map[string]*RoomRecord, len(list))
	for i, r := range list {
		names[i], of[r.Name] = r.Name, r
	}
	rows, err = s.tx.Query(ctx, `SELECT a.room, a.username, a.affiliation, a.nick, a.reason FROM room_affiliations a
		WHERE a.room = ANY ($1) ORDER BY a.room, a.username COLLATE "C"`, names)
	if err != nil {
		return nil, err
	}
	var room string
	var a muc.Affiliated
	_, err = pgx.ForEachRow(rows, []any{&room, &a.User, &a.Affiliation, &a.Nick, &a.Reason}, func() error {
		of[room].People = append(of[room].People, a)
		return nil
	})
	return list, err
}

// Gone returns the next user names after one, at most max, of people who were copied to another server and have no
// account any more.
func (s *Snapshot) Gone(ctx context.Context, after string, max int) ([]string, error) {
	rows, err := s.tx.Query(ctx, `SELECT c.username FROM copied_people c WHERE c.username COLLATE "C" > $1
		AND NOT EXISTS (SELECT FROM accounts a WHERE a.username = c.username) ORDER BY c.username COLLATE "C" LIMIT $2`, after, max)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// GoneRooms returns the names of rooms that were copied to another server and have ended, or will with
// their last occupant; a room of the same name may have been made since.
func (s *Snapshot) GoneRooms(ctx context.Context) ([]string, error) {
	rows, err := s.tx.Query(ctx, `SELECT c.name FROM copied_rooms c
		WHERE NOT EXISTS (SELECT FROM rooms r WHERE r.name = c.name AND r.persistent AND r.created_at <= c.copied_at) ORDER BY c.name`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Messages returns how many messages there are in all archives.
func (s *Snapshot) Messages(ctx context.Context) (n int64, err error) {
	return n, s.tx.QueryRow(ctx, "SELECT count(*) FROM archive").Scan(&n)
}

// Archives calls f with every message of every archive: one archive after the other, and
// each from the oldest on. It holds as much in memory as f does; an error of f ends it. The
// entry's bytes are f's to keep.
func (s *Snapshot) Archives(ctx context.Context, f func(archive.Entry) error) error {
	rows, err := s.tx.Query(ctx, "SELECT owner, id, peer, resource, outgoing, stanza_id, body, stanza FROM archive ORDER BY owner, id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e archive.Entry
		if err := rows.Scan(&e.Owner, &e.ID, &e.With, &e.Resource, &e.Outgoing, &e.StanzaID, &e.Body, &e.Stanza); err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return rows.Err()
}
