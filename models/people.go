package models

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// People are the accounts as members see them: found, listed, around.
type People struct{ *core }

// Finding people. Every query here reads an index up to a bound, so that it costs
// the same whatever the number of accounts.

// personColumns are what pages show of an account a.
const personColumns = "a.id, a.username, a.name, a.admin, a.avatar_hash, a.created_at"

func scanPerson(row pgx.CollectableRow) (a Account, err error) {
	return a, row.Scan(&a.ID, &a.Username, &a.Name, &a.Admin, &a.AvatarHash, &a.CreatedAt)
}

func (db *People) persons(ctx context.Context, query string, args ...any) ([]Account, error) {
	rows, err := db.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPerson)
}

const (
	// peoplePage is the people after $1 by the name $2, whether there is such a one or not; '' begins with the first.
	peoplePage = `SELECT ` + personColumns + ` FROM accounts a WHERE a.blocked_at IS NULL
		AND ($1 = '' OR (folded(a.name) COLLATE "C", a.username COLLATE "C") > (folded($2) COLLATE "C", $1))
		ORDER BY folded(a.name) COLLATE "C", a.username COLLATE "C" LIMIT $3`

	// foundPeople has those whose name or user name begins with $1 ($2 is what comes
	// after all of that), and if that is not enough those who have the words $3.
	foundPeople = `WITH begins AS MATERIALIZED (
			(SELECT id, 0 AS rank FROM accounts WHERE blocked_at IS NULL AND folded(name) COLLATE "C" >= $1 AND folded(name) COLLATE "C" < $2
				ORDER BY folded(name) COLLATE "C", username COLLATE "C" LIMIT $4)
			UNION ALL
			(SELECT id, 1 FROM accounts WHERE blocked_at IS NULL AND folded(username) COLLATE "C" >= $1 AND folded(username) COLLATE "C" < $2
				ORDER BY folded(username) COLLATE "C" LIMIT $4)
		), hits AS (
			SELECT id, rank FROM begins
			UNION ALL
			(SELECT id, 2 FROM accounts WHERE blocked_at IS NULL AND (SELECT count(*) < $4 FROM begins)
				AND to_tsvector('simple', folded(name || ' ' || username)) @@ to_tsquery('simple', $3) LIMIT 4 * $4)
		)
		SELECT ` + personColumns + ` FROM (SELECT id, min(rank) AS rank FROM hits GROUP BY id) h
		CROSS JOIN LATERAL (SELECT * FROM accounts WHERE id = h.id LIMIT 1) a
		ORDER BY h.rank, folded(a.name) COLLATE "C", a.username COLLATE "C" LIMIT $4`

	newestPeople = `SELECT ` + personColumns + ` FROM accounts a WHERE a.blocked_at IS NULL ORDER BY a.created_at DESC, a.id LIMIT $1`

	partnersOf = `SELECT ` + personColumns + ` FROM (` + talkedWith + ` ORDER BY c.latest DESC LIMIT $3) t
		CROSS JOIN LATERAL (SELECT * FROM accounts WHERE id = t.id LIMIT 1) a ORDER BY t.at DESC`

	namedPeople = `SELECT ` + personColumns + ` FROM accounts a WHERE a.username = ANY($1) AND a.blocked_at IS NULL
		ORDER BY folded(a.name) COLLATE "C", a.username COLLATE "C"`
)

// After returns the accounts that may sign in, by name, at most max: those after
// the one of that user name and name, who may be gone by now, or from the first.
func (db *People) After(ctx context.Context, username, name string, max int) ([]Account, error) {
	return db.persons(ctx, peoplePage, username, name, max)
}

// FindPeople returns the accounts that may sign in of which a name begins with what
// was typed, or which have all its words, the nearest first.
func (db *People) FindPeople(ctx context.Context, typed string, max int) ([]Account, error) {
	t := fold(typed)
	if t == "" {
		return nil, nil
	}
	return db.persons(ctx, foundPeople, t, t+lastRune, wordQuery(t), max)
}

// Partners returns the members that somebody talks with, the latest first.
func (db *People) Partners(ctx context.Context, domain, user string, max int) ([]Account, error) {
	return db.persons(ctx, partnersOf, user, domain, max, maxTalks)
}

// PeopleNamed returns those of users who may sign in, by name.
func (db *People) PeopleNamed(ctx context.Context, users []string) ([]Account, error) {
	return db.persons(ctx, namedPeople, nonNil(users))
}

// HomePeople is whom somebody's home page may show.
type HomePeople struct {
	First    []Account // the first of all, by name
	Partners []Account // those one talks with, the latest first
	Around   []Account // those who were named, by name
	Newest   []Account
}

// HomePeople returns, in one round trip, the people of a home page, each list of at
// most max.
func (db *People) HomePeople(ctx context.Context, domain, user string, around []string, max int) (h HomePeople, err error) {
	var batch pgx.Batch
	into := func(list *[]Account, query string, args ...any) {
		batch.Queue(query, args...).Query(func(rows pgx.Rows) (err error) {
			*list, err = pgx.CollectRows(rows, scanPerson)
			return err
		})
	}
	into(&h.First, peoplePage, "", "", max)
	into(&h.Partners, partnersOf, user, domain, max, maxTalks)
	into(&h.Around, namedPeople, nonNil(around))
	into(&h.Newest, newestPeople, max)
	return h, db.pool.SendBatch(ctx, &batch).Close()
}

// lastRune is after every other letter.
const lastRune = "\U0010FFFF"

// MaxTyped is how much counts of what somebody types to find people and rooms, in
// characters.
const MaxTyped = 100

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// fold is Folded of what people type, as far as that counts.
func fold(s string) string { return Folded(firstRunes(s, MaxTyped)) }

// Folded is the database's folded(text), of one line: by it people and rooms are found, in
// any case and without accents.
func Folded(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 0x300 && r <= 0x36f, r == 0:
			return -1
		}
		return r
	}, norm.NFKD.String(strings.ToValidUTF8(s, "")))
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}

// wordQuery asks for all words of a folded text, each of which may go on. A single
// letter is too little to look words up by.
func wordQuery(folded string) string {
	if len([]rune(folded)) < 2 {
		return ""
	}
	words := strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	slices.Sort(words)
	words = slices.Compact(words)
	for i, w := range words {
		words[i] = "'" + w + "':*"
	}
	return strings.Join(words, " & ")
}
