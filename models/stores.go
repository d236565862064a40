package models

import (
	"context"
	"errors"

	"foyer/internal/stream"
	"foyer/xmppd"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn" // as above
)

// RosterMode says whom people know without asking (setting ROSTER).
type RosterMode string

// The roster modes.
const (
	RosterEveryone RosterMode = "everyone" // all members know each other
	RosterGroups   RosterMode = "groups"   // people of one's groups
	RosterNone     RosterMode = "none"     // contacts by request
)

// chatStore implements the chat server's stores.
type chatStore struct {
	*core
	accounts *Accounts
	domain   string
	mode     RosterMode
}

func (db *DB) chatStore(domain string, mode RosterMode) *chatStore {
	return &chatStore{db.core, db.Accounts, domain, mode}
}

// Stores returns what the chat server keeps in this database.
func (db *DB) Stores(domain string, mode RosterMode) xmppd.Stores {
	s := db.chatStore(domain, mode)
	return xmppd.Stores{SessionData: s, Accounts: s, Roster: s, Archive: s, Prefs: s, Offline: s, Blocks: s, VCards: s, Private: s, LastActivity: s}
}

// asXMPPError turns the database's "no rows" into the chat server's.
func asXMPPError(err error) error {
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, ErrNotFound) {
		return xmppd.ErrNotFound
	}
	return err
}

// sessionData is what a session that begins needs beside the roster.
const sessionData = `SELECT a.name, a.avatar_hash, ARRAY(SELECT jid FROM blocks WHERE username = $1),
		coalesce(p.fallback, 'always'), coalesce(p.always, '{}'), coalesce(p.never, '{}'), EXISTS (SELECT 1 FROM offline_messages WHERE username = $1)
	FROM accounts a LEFT JOIN archive_prefs p ON p.username = $1 WHERE a.username = $1 AND ` + isCurrent

// SessionData implements xmppd.SessionDataStore, in one journey to the database. An identity
// stands as SessionCurrent says.
func (s *chatStore) SessionData(ctx context.Context, id stream.Identity) (xmppd.SessionData, error) {
	if !IsID(id.Session) {
		return xmppd.SessionData{}, xmppd.ErrNotFound
	}
	a := xmppd.SessionData{Account: xmppd.Account{User: id.User}}
	ask := &pgx.Batch{}
	ask.Queue(sessionData, id.User, id.Session).QueryRow(func(row pgx.Row) error {
		return row.Scan(&a.Account.Name, &a.Account.AvatarHash, &a.Blocked, &a.Prefs.Default, &a.Prefs.Always, &a.Prefs.Never, &a.Waiting)
	})
	sources := s.askRoster(ask, id.User)
	if err := s.chat.SendBatch(ctx, ask).Close(); err != nil {
		return xmppd.SessionData{}, asXMPPError(err)
	}
	a.Contacts, a.Complete = sources.roster(), sources.complete
	return a, nil
}

// Account implements xmppd.AccountStore.
func (s *chatStore) Account(ctx context.Context, user string) (xmppd.Account, error) {
	a := xmppd.Account{User: user}
	err := s.chat.QueryRow(ctx, "SELECT name, avatar_hash FROM accounts WHERE username = $1 AND blocked_at IS NULL", user).
		Scan(&a.Name, &a.AvatarHash)
	return a, asXMPPError(err)
}

// The maximum of messages that wait for one account, and of their bytes.
const (
	maxOffline      = 1000
	maxOfflineBytes = 16 << 20
)

// addWaiting keeps a message for the account $1, within its bounds.
const addWaiting = `INSERT INTO offline_messages (username, id, stamp, stanza)
	SELECT $1, $2, $3, $4::bytea WHERE (SELECT count(*) < $5 AND coalesce(sum(octet_length(stanza)), 0) + octet_length($4::bytea) <= $6
		FROM offline_messages WHERE username = $1)
	ON CONFLICT DO NOTHING`

// AddOffline implements xmppd.OfflineStore. Messages for an account come one after the other, so that
// together they cannot pass the bounds: a statement counts what was there when it began.
func (s *chatStore) AddOffline(ctx context.Context, user string, m xmppd.OfflineMessage) error {
	added, err := s.inTurn(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 2))", user,
		addWaiting, user, m.ID, m.Stamp, m.Stanza, maxOffline, maxOfflineBytes)
	if err != nil || added > 0 {
		return err
	}
	var there bool
	err = s.chat.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM offline_messages WHERE username = $1 AND id = $2)", user, m.ID).Scan(&there)
	if err == nil && !there {
		err = xmppd.ErrFull
	}
	return err
}

// inTurn runs a statement after one that locks something of a user, in one transaction and one journey. It
// returns how many rows it changed.
func (s *chatStore) inTurn(ctx context.Context, lock, user, sql string, args ...any) (changed int64, err error) {
	var both pgx.Batch
	both.Queue(lock, user)
	both.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		changed = tag.RowsAffected()
		return nil
	})
	return changed, s.chat.SendBatch(ctx, &both).Close()
}

// lockAccount locks the row of the account $1, for what is bounded for each account.
const lockAccount = "SELECT 1 FROM accounts WHERE username = $1 FOR NO KEY UPDATE"

// Offline implements xmppd.OfflineStore.
func (s *chatStore) Offline(ctx context.Context, user string) ([]xmppd.OfflineMessage, error) {
	rows, err := s.chat.Query(ctx, "SELECT id, stamp, stanza FROM offline_messages WHERE username = $1 ORDER BY id", user)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m xmppd.OfflineMessage, err error) {
		return m, row.Scan(&m.ID, &m.Stamp, &m.Stanza)
	})
}

// RemoveOffline implements xmppd.OfflineStore.
func (s *chatStore) RemoveOffline(ctx context.Context, user string, ids []uuid.UUID) error {
	_, err := s.chat.Exec(ctx, "DELETE FROM offline_messages WHERE username = $1 AND id = ANY($2)", user, ids)
	return err
}

// Blocked implements xmppd.BlockStore.
func (s *chatStore) Blocked(ctx context.Context, user string) ([]string, error) {
	rows, err := s.chat.Query(ctx, "SELECT jid FROM blocks WHERE username = $1", user)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Block implements xmppd.BlockStore. The account is locked, so that its clients cannot pass the
// bounds together.
func (s *chatStore) Block(ctx context.Context, user string, jids []string) error {
	return pgx.BeginFunc(ctx, s.chat, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockAccount, user); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO blocks (username, jid) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING", user, jids); err != nil {
			return err
		}
		var entries, size int
		err := tx.QueryRow(ctx, "SELECT count(*), coalesce(sum(octet_length(jid)), 0) FROM blocks WHERE username = $1", user).Scan(&entries, &size)
		if err == nil && (entries > xmppd.MaxBlocked || size > xmppd.MaxBlockedBytes) {
			err = xmppd.ErrFull
		}
		return err
	})
}

// Unblock implements xmppd.BlockStore.
func (s *chatStore) Unblock(ctx context.Context, user string, jids []string) error {
	_, err := s.chat.Exec(ctx, "DELETE FROM blocks WHERE username = $1 AND (jid = ANY($2) OR cardinality($2::text[]) = 0)", user, nonNil(jids))
	return err
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Private implements xmppd.PrivateStore.
func (s *chatStore) Private(ctx context.Context, user string, name stream.Name) ([]byte, error) {
	var raw []byte
	err := s.chat.QueryRow(ctx, "SELECT raw FROM private_xml WHERE username = $1 AND space = $2 AND local = $3", user, name.Space, name.Local).Scan(&raw)
	return raw, asXMPPError(err)
}

// maxPrivate is the maximum number of pieces of private XML of one account.
const maxPrivate = 100

const setPrivate = `INSERT INTO private_xml (username, space, local, raw)
	SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM private_xml WHERE username = $1) < $5
		OR EXISTS (SELECT 1 FROM private_xml WHERE username = $1 AND space = $2 AND local = $3)
	ON CONFLICT (username, space, local) DO UPDATE SET raw = excluded.raw`

// SetPrivate implements xmppd.PrivateStore. The account is locked, so that its clients cannot pass the
// bound together.
func (s *chatStore) SetPrivate(ctx context.Context, user string, name stream.Name, raw []byte) error {
	set, err := s.inTurn(ctx, lockAccount, user, setPrivate, user, name.Space, name.Local, raw, maxPrivate)
	if err == nil && set == 0 {
		err = xmppd.ErrFull
	}
	return err
}

// VCard implements xmppd.VCardStore.
func (s *chatStore) VCard(ctx context.Context, user string) (xmppd.VCard, error) {
	var v xmppd.VCard
	err := s.chat.QueryRow(ctx, `SELECT a.name, a.vcard_extra, a.avatar_hash, coalesce(p.media_type, ''), p.data
		FROM accounts a LEFT JOIN avatars p ON p.hash = a.avatar_hash
		WHERE a.username = $1 AND a.blocked_at IS NULL`, user).
		Scan(&v.Name, &v.Extra, &v.PhotoHash, &v.PhotoType, &v.Photo)
	return v, asXMPPError(err)
}

// SetVCard implements xmppd.VCardStore. A card without a name leaves the name
// as it is; one without a photo removes the picture.
func (s *chatStore) SetVCard(ctx context.Context, user string, v xmppd.VCard) error {
	return asXMPPError(s.accounts.setProfile(ctx, user, v.Name, v.Extra, v.Photo, v.PhotoType))
}

// SetPhoto implements xmppd.VCardStore.
func (s *chatStore) SetPhoto(ctx context.Context, user, before string, photo []byte, photoType string) (hash string, err error) {
	hash, err = s.accounts.replaceAvatar(ctx, user, before, photo, photoType)
	if errors.Is(err, ErrStale) {
		err = xmppd.ErrStale
	}
	return hash, asXMPPError(err)
}

// isViolation reports whether err breaks the named kind of rule.
func isViolation(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
