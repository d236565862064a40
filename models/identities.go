package models

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Identities are who people are at the sources that sign them in (OpenID Connect,
// directories), and proofs that are pending.
type Identities struct{ *core }

// Identity is who somebody is at a source of people other than the site.
type Identity struct {
	ID        string // a UUID
	AccountID int64
	Source    string
	Issuer    string
	Subject   string
	Login     string // what the person is called there; the source said so last
	Name      string // and as people see it; only for new ones
	CreatedAt time.Time
	UsedAt    time.Time
}

// ClaimedIdentity is what a source says of somebody, each time it is asked. Names are
// prepared.
type ClaimedIdentity struct {
	Source  string   `json:"source"`
	Issuer  string   `json:"issuer"`
	Subject string   `json:"subject"`
	Login   string   `json:"login"`
	Name    string   `json:"name"`    // empty: says nothing
	Picture string   `json:"picture"` // URL; empty: says nothing
	Groups  []string `json:"groups"`  // nil: says nothing
	Admin   *bool    `json:"admin"`   // nil: says nothing
}

// Now is the database's clock, by which endings are dated.
func (db *DB) Now(ctx context.Context) (now time.Time, err error) {
	return now, db.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
}

const identityColumns = "i.id::text, i.account_id, i.source, i.issuer, i.subject, i.login, i.created_at, i.used_at"

func (i *Identity) fields() []any {
	return []any{&i.ID, &i.AccountID, &i.Source, &i.Issuer, &i.Subject, &i.Login, &i.CreatedAt, &i.UsedAt}
}

// IdentityBySubject returns an identity and the account it is linked to, blocked ones
// included: ErrNotFound.
func (db *Identities) IdentityBySubject(ctx context.Context, source, issuer, subject string) (Identity, Account, error) {
	var i Identity
	var username string
	err := db.pool.QueryRow(ctx, "SELECT "+identityColumns+", a.username FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.source = $1 AND i.issuer = $2 AND i.subject = $3", source, issuer, subject).
		Scan(append(i.fields(), &username)...)
	if err != nil {
		return i, Account{}, translate(err)
	}
	a, err := (&Accounts{db.core}).AccountByName(ctx, username)
	return i, a, err
}

// IdentityOwner returns the id of the account that an identity is linked to: ErrNotFound.
func (db *Identities) IdentityOwner(ctx context.Context, source, issuer, subject string) (accountID int64, err error) {
	err = db.pool.QueryRow(ctx, "SELECT account_id FROM identities WHERE source = $1 AND issuer = $2 AND subject = $3", source, issuer, subject).Scan(&accountID)
	return accountID, translate(err)
}

// IdentitySource returns the source that an identity is of: ErrNotFound.
func (db *Identities) IdentitySource(ctx context.Context, id string) (source string, err error) {
	err = db.pool.QueryRow(ctx, "SELECT source FROM identities WHERE id = $1", id).Scan(&source)
	return source, translate(err)
}

// Of returns an account's, the oldest first.
func (db *Identities) Of(ctx context.Context, accountID int64) ([]Identity, error) {
	rows, err := db.pool.Query(ctx, "SELECT "+identityColumns+" FROM identities i WHERE i.account_id = $1 ORDER BY i.created_at, i.id", accountID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanIdentity)
}

func scanIdentity(row pgx.CollectableRow) (i Identity, err error) { return i, row.Scan(i.fields()...) }

// IdentitiesInUse returns identities of a source on which a session, an app password or a passkey
// stands, those after the one of that id ("" begins), at most max.
func (db *Identities) IdentitiesInUse(ctx context.Context, source, after string, max int) ([]Identity, error) {
	rows, err := db.pool.Query(ctx, "SELECT "+identityColumns+` FROM identities i
		WHERE i.source = $1 AND ($2 = '' OR i.id > nullif($2, '')::uuid)
			AND (EXISTS (SELECT 1 FROM sessions s WHERE s.identity_id = i.id AND s.expires_at > now())
				OR EXISTS (SELECT 1 FROM app_passwords p WHERE p.identity_id = i.id)
				OR EXISTS (SELECT 1 FROM passkeys p WHERE p.identity_id = i.id))
		ORDER BY i.id LIMIT $3`, source, after, max)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanIdentity)
}

// CreateAccountOf creates an account without a password together with the identity that
// opens it, and sets the ids of both. ErrTaken: the name, or somebody has linked the
// identity to an account meanwhile.
func (db *Identities) CreateAccountOf(ctx context.Context, a *Account, i *Identity) error {
	i.ID = uuid.NewString()
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "INSERT INTO accounts (username, name, password_hash) VALUES ($1, $2, '') RETURNING id, created_at", a.Username, a.Name).Scan(&a.ID, &a.CreatedAt)
		if err != nil {
			return err
		}
		i.AccountID = a.ID
		return insertIdentity(ctx, tx, i)
	})
	return translate(err)
}

func insertIdentity(ctx context.Context, tx pgx.Tx, i *Identity) error {
	return tx.QueryRow(ctx, `INSERT INTO identities (id, account_id, source, issuer, subject, login, name) VALUES ($1, $2, $3, $4, $5, $6, $7)
		RETURNING created_at, used_at`, i.ID, i.AccountID, i.Source, i.Issuer, i.Subject, i.Login, i.Name).Scan(&i.CreatedAt, &i.UsedAt)
}

// MaxIdentities is how many an account may have.
const MaxIdentities = 20

// LinkIdentity links an identity to an account, on the word of somebody who is signed in:
// while the session stands, if there is one. It sets the identity's ID. Errors: ErrTaken,
// it is linked to an account already; ErrStale; ErrTooMany.
func (db *Identities) LinkIdentity(ctx context.Context, i *Identity, session string) error {
	i.ID = uuid.NewString()
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// One at a time for each account: what ends all of it waits, and so does the last one.
		var n int
		err := tx.QueryRow(ctx, "SELECT 1 FROM accounts WHERE id = $1 AND blocked_at IS NULL FOR UPDATE", i.AccountID).Scan(&n)
		if err == nil {
			err = tx.QueryRow(ctx, "SELECT count(*) FROM identities WHERE account_id = $1", i.AccountID).Scan(&n)
		}
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrStale
		case err == nil && n >= MaxIdentities:
			return ErrTooMany
		}
		if err == nil && session != "" {
			err = lockSession(ctx, tx, i.AccountID, session)
		}
		if err != nil {
			return err
		}
		return insertIdentity(ctx, tx, i)
	})
	return translate(err)
}

// ErrLastSignInMethod: without it nobody could sign in to the account.
var ErrLastSignInMethod = errors.New("models: that is the last way to sign in to the account")

// SignInMethods are how somebody may sign in to an account now.
type SignInMethods struct {
	Password bool     // by its own password, if it has one
	Sources  []string // by an identity at one of these
}

// otherMethods: the account $1 has an identity besides $2 that opens it, at one of the sources $3; or
// one at all, if $2 opens nothing.
const otherMethods = `SELECT EXISTS (SELECT 1 FROM identities o WHERE o.account_id = $1 AND o.id <> $2
	AND (o.source = ANY($3) OR NOT EXISTS (SELECT 1 FROM identities i WHERE i.id = $2 AND i.source = ANY($3))))`

// UnlinkIdentity takes an identity from its account, and with it what stands on it: sessions
// but keep, app passwords, passkeys, groups and role. It returns the ids that ended. Errors: ErrNotFound;
// ErrLastSignInMethod.
func (db *Identities) UnlinkIdentity(ctx context.Context, accountID int64, id, keep string, methods SignInMethods) (ended []string, err error) {
	if !IsID(id) {
		return nil, ErrNotFound
	}
	err = db.ending(ctx, func(tx pgx.Tx) error {
		// Locked first, and counted by a statement of its own: of two that go at once, one is
		// the last.
		var own, others bool
		err := tx.QueryRow(ctx, "SELECT password_hash <> '' FROM accounts WHERE id = $1 FOR UPDATE", accountID).Scan(&own)
		if err == nil {
			err = tx.QueryRow(ctx, otherMethods, accountID, id, nonNil(methods.Sources)).Scan(&others)
		}
		if err != nil {
			return err
		}
		if !others && !(own && methods.Password) {
			return ErrLastSignInMethod
		}
		if keep != "" { // one that stands on another identity goes on ending with that
			if _, err := tx.Exec(ctx, `UPDATE sessions SET identity_id = NULL, provider_session = '', sign_out_hint = NULL
				WHERE id::text = $1 AND account_id = $2 AND identity_id = $3`, keep, accountID, id); err != nil {
				return err
			}
		}
		list, err := endIdentities(ctx, tx, []string{id})
		ended = nil
		for _, e := range list {
			ended = append(ended, e.Session)
		}
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "DELETE FROM identities WHERE id = $1 AND account_id = $2", id, accountID)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, settleAdmins+" AND a.id = $1", accountID)
		return err
	})
	return ended, translate(err)
}

// settleAdmins makes admins of accounts what the operator and the sources say together.
const settleAdmins = `UPDATE accounts a SET admin = NOT a.admin
	WHERE a.admin <> (a.own_admin OR EXISTS (SELECT 1 FROM identities i WHERE i.account_id = a.id AND i.admin))`

// Ended is a session or app password that was ended, and whose it was.
type Ended struct{ Username, Session string }

// EndIdentities ends what stands on identities: sessions, app passwords that were made
// in them, and passkeys. What was proved before by one of them opens nothing any more.
func (db *Identities) EndIdentities(ctx context.Context, ids []string) (ended []Ended, err error) {
	err = db.ending(ctx, func(tx pgx.Tx) error {
		ended, err = endIdentities(ctx, tx, ids)
		return err
	})
	return ended, err
}

func endIdentities(ctx context.Context, tx pgx.Tx, ids []string) ([]Ended, error) {
	// The identities first: a session that begins locks its identity's row, or waits for it
	// and sees then that it is late (CreateSession). A new app password refers to the row only,
	// and does not wait: it holds its session, which waits for it below.
	_, err := tx.Exec(ctx, `UPDATE identities SET ended_at = clock_timestamp()
		WHERE id IN (SELECT id FROM identities WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)`, ids)
	if err != nil {
		return nil, err
	}
	// The sessions next: a new app password holds the one in which it is made.
	list, err := endedBy(ctx, tx, "DELETE FROM sessions t USING accounts a WHERE t.identity_id = ANY($1::uuid[]) AND a.id = t.account_id RETURNING a.username, t.id::text", ids)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM passkeys WHERE identity_id = ANY($1::uuid[])", ids); err != nil {
		return nil, err
	}
	apps, err := endedBy(ctx, tx, "DELETE FROM app_passwords t USING accounts a WHERE t.identity_id = ANY($1::uuid[]) AND a.id = t.account_id RETURNING a.username, t.id::text", ids)
	return append(list, apps...), err
}

func endedBy(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]Ended, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Ended])
}

// providerSessionLock is the transaction's lock of a source's session: $1 source, $2 issuer,
// $3 session. Those who begin on it share it, the one who ends it has it alone.
const (
	providerSessionKey        = `hashtextextended($1 || E'\n' || $2 || E'\n' || $3, 24)`
	lockProviderSession       = "SELECT pg_advisory_xact_lock(" + providerSessionKey + ")"
	lockProviderSessionShared = "SELECT pg_advisory_xact_lock_shared(" + providerSessionKey + ")"
)

// Refreshed is who was changed by what sources say: user names, each once.
type Refreshed struct {
	Changed  []string // another name or role
	Groups   []string // other groups
	Pictures []ClaimedPicture
}

// ClaimedPicture is a picture that a source has of somebody, and that is still to be fetched: it is
// another one than before, or was not to be had then. SetClaimedAvatar settles that, and SetAvatar, with one of their own.
type ClaimedPicture struct{ Username, URL string }

// RefreshIdentities writes down what sources say of those who have an account, however
// many they are: name, groups and role where they say something. A name that a person
// chose here stays until the source says another one than before.
func (db *Identities) RefreshIdentities(ctx context.Context, said []ClaimedIdentity) (r Refreshed, err error) {
	raw, err := json.Marshal(said)
	if err != nil {
		return r, err
	}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var nobody []string
		var steps pgx.Batch
		into := func(list *[]string, query string) {
			steps.Queue(query, string(raw)).Query(func(rows pgx.Rows) error {
				names, err := pgx.CollectRows(rows, pgx.RowTo[string])
				*list = append(*list, names...)
				return err
			})
		}
		into(&nobody, refreshLockAccounts)
		into(&nobody, refreshLock)
		into(&r.Changed, refreshNames)
		into(&nobody, refreshSaid)
		steps.Queue(refreshPictures, string(raw)).Query(func(rows pgx.Rows) (err error) {
			r.Pictures, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ClaimedPicture])
			return err
		})
		into(&r.Changed, refreshAdmins)
		into(&r.Groups, refreshGroupsGone)
		into(&r.Groups, refreshGroupsNew)
		return tx.SendBatch(ctx, &steps).Close()
	})
	r.Changed, r.Groups = unique(r.Changed), unique(r.Groups)
	return r, err
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// incomingClaims joins what is said ($1, JSON) with the identities it is about.
const incomingClaims = `jsonb_to_recordset($1::jsonb) AS said (source text, issuer text, subject text, login text, name text, picture text, groups jsonb, admin boolean)
	JOIN identities i ON i.source = said.source AND i.issuer = said.issuer AND i.subject = said.subject`

// The steps of RefreshIdentities. Each returns user names; that of pictures, their URLs too.
const (
	// The rows are locked in one order, accounts first.
	refreshLockAccounts = `SELECT '' FROM accounts a WHERE a.id IN (SELECT i.account_id FROM ` + incomingClaims + `) ORDER BY a.id FOR NO KEY UPDATE`
	refreshLock         = `SELECT '' FROM ` + incomingClaims + ` ORDER BY i.id FOR NO KEY UPDATE OF i`

	refreshNames = `UPDATE accounts a SET name = said.name FROM ` + incomingClaims + `
		WHERE a.id = i.account_id AND said.name <> '' AND said.name <> i.name AND said.name <> a.name RETURNING a.username`

	refreshSaid = `UPDATE identities t SET login = said.login, name = coalesce(nullif(said.name, ''), i.name), picture = coalesce(nullif(said.picture, ''), i.picture),
			picture_due = i.picture_due OR (said.picture <> '' AND said.picture <> i.picture), admin = coalesce(said.admin, i.admin)
		FROM ` + incomingClaims + ` WHERE t.id = i.id RETURNING ''`

	refreshPictures = `SELECT a.username, said.picture FROM ` + incomingClaims + ` JOIN accounts a ON a.id = i.account_id WHERE said.picture <> '' AND i.picture_due`

	refreshAdmins = settleAdmins + ` AND a.id IN (SELECT i.account_id FROM ` + incomingClaims + `) RETURNING a.username`

	refreshGroupsGone = `DELETE FROM account_groups g USING ` + incomingClaims + `, accounts a
		WHERE g.identity_id = i.id AND jsonb_typeof(said.groups) = 'array' AND NOT said.groups ? g.group_name AND a.id = i.account_id RETURNING a.username`

	refreshGroupsNew = `WITH added AS (INSERT INTO account_groups (account_id, group_name, identity_id)
			SELECT DISTINCT i.account_id, g.name, i.id FROM ` + incomingClaims + `
			CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(said.groups) WHEN 'array' THEN said.groups ELSE '[]' END) g (name)
			ON CONFLICT DO NOTHING RETURNING account_id)
		SELECT a.username FROM added JOIN accounts a ON a.id = added.account_id`
)

// UseIdentity notes that somebody signed in by an identity.
func (db *Identities) UseIdentity(ctx context.Context, id string) error {
	_, err := db.pool.Exec(ctx, "UPDATE identities SET used_at = now() WHERE id = $1", id)
	return err
}

// PendingIdentity is somebody whom a source has proved, and who has still to choose a user name or
// to say yes to a link. The table is called joinings, as both were once.
type PendingIdentity struct {
	SecretHash []byte
	Sealed     []byte
	ExpiresAt  time.Time
}

// StorePending keeps one.
func (db *Identities) StorePending(ctx context.Context, p PendingIdentity) error {
	_, err := db.pool.Exec(ctx, "INSERT INTO joinings (secret_hash, sealed, expires_at) VALUES ($1, $2, $3)", p.SecretHash, p.Sealed, p.ExpiresAt)
	return err
}

// SealedPending returns what is kept: ErrNotFound.
func (db *Identities) SealedPending(ctx context.Context, secretHash []byte) (sealed []byte, err error) {
	err = db.pool.QueryRow(ctx, "SELECT sealed FROM joinings WHERE secret_hash = $1 AND expires_at > now()", secretHash).Scan(&sealed)
	return sealed, translate(err)
}

// DropPending removes one; that it is not there is no error.
func (db *Identities) DropPending(ctx context.Context, secretHash []byte) error {
	_, err := db.pool.Exec(ctx, "DELETE FROM joinings WHERE secret_hash = $1", secretHash)
	return err
}

// StoredIdentity is an identity with what its source said last.
type StoredIdentity struct {
	Identity
	Username string   // of the account
	Name     string   // as the source said
	Groups   []string // likewise, sorted
	Admin    bool     // likewise
	InUse    bool     // a session, an app password or a passkey stands on it
}

// StoredIdentities returns all identities of a source, ordered by what the source calls them.
func (db *Identities) StoredIdentities(ctx context.Context, source string) ([]StoredIdentity, error) {
	rows, err := db.pool.Query(ctx, "SELECT "+identityColumns+`, a.username, i.name, i.admin,
			array(SELECT g.group_name FROM account_groups g WHERE g.identity_id = i.id ORDER BY g.group_name),
			EXISTS (SELECT 1 FROM sessions s WHERE s.identity_id = i.id AND s.expires_at > now()) OR EXISTS (SELECT 1 FROM app_passwords p WHERE p.identity_id = i.id)
				OR EXISTS (SELECT 1 FROM passkeys p WHERE p.identity_id = i.id)
		FROM identities i JOIN accounts a ON a.id = i.account_id WHERE i.source = $1 ORDER BY i.login, i.id`, source)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (k StoredIdentity, err error) {
		return k, row.Scan(append(k.fields(), &k.Username, &k.Name, &k.Admin, &k.Groups, &k.InUse)...)
	})
}
